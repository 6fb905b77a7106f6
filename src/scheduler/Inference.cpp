#include "aidge/scheduler/Inference.hpp"

#include "Program.hpp"
#include "aidge/backend/GenericKernels.hpp"

namespace Aidge {

namespace {

std::vector<Tensor> evaluateKnown(const Operator& op, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs) {
  if (op.role() == Role::Renaming) return {*inputs[0].value};
  if (op.role() == Role::Reshaping) return {inputs[0].value->reshaped(outputs[0].dims)};
  const KernelFactory* factory = nullptr;
  for (const std::string& backend : KernelRegistry::backends()) {
    if (factory == nullptr) factory = KernelRegistry::find(backend, op.type());
  }
  if (factory == nullptr || (factory->unsupported && !factory->unsupported(op, inputs).empty())) return {};
  KernelRequest request;
  request.op = &op;
  for (const TensorInfo& input : inputs) {
    request.inputs.push_back({input.dims, input.dtype});
    request.present.push_back(input.value != nullptr);
    request.constants.push_back(input.value.get());
  }
  for (const TensorInfo& output : outputs) request.outputs.push_back({output.dims, output.dtype});
  return plan::runOnce(*factory->create(request), request);
}

}  // namespace

const Inference& kernelInference() {
  static const Inference inference{evaluateKnown, inferGeneric};
  return inference;
}

}  // namespace Aidge
