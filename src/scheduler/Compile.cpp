// GraphView::compile lives here, because only this layer knows both graphs and kernels.
#include <map>

#include "Program.hpp"
#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

/// What the kernels' own checks refuse, now that types and shapes are known.
void collectRefusals(const GraphView& graph, const std::string& backend, const GraphView::ShapeMap& shapes,
                     std::vector<std::string>& reasons) {
  std::map<std::pair<const Node*, IOIndex_t>, DataType> fed;
  for (const GraphInput& input : graph.inputs()) {
    for (const auto& [node, index] : input.targets) fed[{node.get(), index}] = input.dtype;
  }
  for (const NodePtr& node : graph.orderedNodesDeep()) {
    const Operator& op = *node->getOperator();
    const KernelFactory* factory = op.isMeta() ? nullptr : KernelRegistry::find(backend, op.type());
    if (factory == nullptr) continue;
    std::vector<TensorInfo> inputs;
    bool waits = false;  // behind a node of which only a run tells what comes out
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, index] = node->input(i);
      const auto known = parent ? shapes.find(parent.get()) : shapes.end();
      const auto outside = fed.find({node.get(), i});
      inputs.push_back(known != shapes.end() ? known->second[index] : TensorInfo{.dims = {}, .missing = outside == fed.end()});
      if (outside != fed.end()) inputs.back().dtype = outside->second;
      waits |= parent && known == shapes.end();
    }
    if (waits) continue;
    if (std::string reason = KernelRegistry::refusal(*factory, op, inputs); !reason.empty())
      reasons.push_back(node->describe() + ": " + reason);
  }
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

void GraphView::compile(const std::string& backend, DataType dtype, const std::vector<Dims>& inputDims, const BackendOptions& options) {
  if (!KernelRegistry::hasBackend(backend)) {
    std::string known;
    for (const std::string& name : KernelRegistry::backends()) known += (known.empty() ? "\"" : ", \"") + name + "\"";
    throwExpected("graph::compile",
                  "a backend that is loaded (" + (known.empty() ? "none is: import aidge_backend_cpu first" : known) + ")",
                  "\"" + backend + "\"");
  }
  if (dtype != DataType::Float32) throwExpected("graph::compile", "datatype float32", std::string(toString(dtype)));
  checkOptions(backend, options);
  throwIfAny(plan::unsupportedNodes(*this, backend), backend);
  std::vector<std::string> reasons;
  collectRefusals(*this, backend, inferShapes(inputDims), reasons);
  throwIfAny(reasons, backend);
  forwardDims(inputDims);
  setBackend(backend);
  mBackendOptions = options;
  setDataType(dtype);
  mCompiled = true;
  mCompiledDims.clear();
  for (const GraphInput& input : mInputs)
    mCompiledDims.push_back(input.targets.front().first->getOperator()->getInput(input.targets.front().second)->dims());
}

}  // namespace Aidge
