#include "aidge/scheduler/Compile.hpp"

#include "Program.hpp"
#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphShapes.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge {

namespace {

/// What the kernels' own checks refuse, now that types and shapes are known.
std::vector<std::string> refusals(const GraphView& graph, const std::string& backend, const GraphShapes& shapes) {
  std::vector<std::string> reasons;
  for (const NodePtr& node : graph.orderedNodesDeep()) {
    const Operator& op = *node->getOperator();
    const KernelFactory* factory = op.isMeta() ? nullptr : KernelRegistry::find(backend, op.type());
    const std::vector<TensorInfo>* inputs = shapes.inputsOf(node.get());
    if (factory == nullptr || inputs == nullptr) continue;
    if (std::string reason = KernelRegistry::refusal(*factory, op, *inputs); !reason.empty())
      reasons.push_back(node->describe() + ": " + reason);
  }
  return reasons;
}

void checkOptions(const std::string& backend, const BackendOptions& options) {
  const auto& check = KernelRegistry::services(backend).checkOption;
  for (const auto& [name, value] : options) {
    if (!check) throwExpected("graph::compile", "no options: backend \"" + backend + "\" has none", name);
    check(name, value);
  }
}

void throwIfAny(const std::vector<std::string>& reasons, const std::string& backend) {
  if (reasons.empty()) return;
  std::string text =
      "[graph::compile] expected operators that backend \"" + backend + "\" can run, got " + std::to_string(reasons.size()) + " others:";
  for (const std::string& reason : reasons) text.append("\n  ").append(reason);
  throw UnsupportedError(text);
}

}  // namespace

void compileGraph(GraphView& graph, const std::string& backend, DataType dtype, const std::vector<Dims>& inputDims,
                  const BackendOptions& options) {
  if (!KernelRegistry::hasBackend(backend)) {
    std::string known;
    for (const std::string& name : KernelRegistry::backends()) known += (known.empty() ? "\"" : ", \"") + name + "\"";
    const std::string cure = backend == "cpu" ? "; a C++ program calls Aidge::registerCpuBackend() first" : "";
    throwExpected("graph::compile", "a backend that is loaded (" + (known.empty() ? "none is" : known) + cure + ")", "\"" + backend + "\"");
  }
  if (dtype != DataType::Float32) throwExpected("graph::compile", "datatype float32", std::string(toString(dtype)));
  checkOptions(backend, options);
  throwIfAny(plan::unsupportedNodes(graph, backend), backend);
  throwIfAny(refusals(graph, backend, graph.inferShapes(inputDims, kernelInference())), backend);
  graph.forwardDims(inputDims, kernelInference());
  graph.setBackend(backend);
  graph.setDataType(dtype);
  std::vector<Dims> dims;
  for (const TensorInfo& info : inputInfos(graph, inputDims)) dims.push_back(info.dims);
  graph.setCompiled(std::move(dims), options);
}

void GraphView::compile(const std::string& backend, DataType dtype, const std::vector<Dims>& inputDims, const BackendOptions& options) {
  compileGraph(*this, backend, dtype, inputDims, options);
}

}  // namespace Aidge
