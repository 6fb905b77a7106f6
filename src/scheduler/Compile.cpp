// GraphView::compile lives here, because only this layer knows both graphs and kernels.
#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

/// One line for every node that the backend cannot run.
void collectOffenders(const GraphView& graph, const std::string& backend, const GraphView::ShapeMap& shapes, std::string& offenders) {
  for (const NodePtr& node : graph.orderedNodes()) {
    const Operator& op = *node->getOperator();
    if (op.isProducer()) continue;
    if (op.isMeta()) {
      collectOffenders(*op.microGraph(), backend, shapes, offenders);
      continue;
    }
    const KernelFactory* factory = op.isGeneric() ? nullptr : KernelRegistry::find(backend, op.type());
    std::string reason = factory == nullptr ? "no kernel" : "";
    if (factory != nullptr && factory->unsupported && shapes.count(node.get()) != 0) {
      std::vector<TensorInfo> inputs;
      for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
        const auto& [parent, index] = node->input(i);
        const auto known = parent ? shapes.find(parent.get()) : shapes.end();
        inputs.push_back(known == shapes.end() ? TensorInfo{} : known->second[index]);
        if (known == shapes.end() && op.getInput(i)) inputs.back() = {op.getInput(i)->dims(), op.getInput(i)->dataType(), nullptr};
      }
      reason = factory->unsupported(op, inputs);
    }
    if (!reason.empty()) offenders += "\n  " + node->describe() + ": " + reason;
  }
}

}  // namespace

void GraphView::compile(const std::string& backend, DataType dtype, const std::vector<Dims>& inputDims) {
  if (!KernelRegistry::hasBackend(backend)) {
    std::string known;
    for (const std::string& name : KernelRegistry::backends()) known += (known.empty() ? "\"" : ", \"") + name + "\"";
    throwExpected("graph::compile", "a backend that is loaded (" + (known.empty() ? "none is: import aidge_backend_cpu first" : known) + ")", "\"" + backend + "\"");
  }
  if (dtype != DataType::Float32) throwExpected("graph::compile", "datatype float32", std::string(toString(dtype)));
  ShapeMap shapes;
  std::string offenders;
  try {
    shapes = inferShapes(inputDims);
  } catch (const UnsupportedError&) {
    collectOffenders(*this, backend, shapes, offenders);
    if (offenders.empty()) throw;
  }
  if (offenders.empty()) {
    forwardDims(inputDims);
    collectOffenders(*this, backend, shapes, offenders);
  }
  if (!offenders.empty()) throw UnsupportedError("[graph::compile] expected operators that backend \"" + backend + "\" can run, got" + offenders);
  setBackend(backend);
  setDataType(dtype);
  mCompiled = true;
  mCompiledDims.clear();
  for (const GraphInput& input : mInputs) mCompiledDims.push_back(input.targets.front().first->getOperator()->getInput(input.targets.front().second)->dims());
}

}  // namespace Aidge
