// "Reorder": moves a tensor between row-major and channels-last order; the planner inserts it.
#include "../KernelSupport.hpp"
#include "Engine.hpp"

namespace Aidge::cpu::onednn {

namespace {

std::unique_ptr<Kernel> createReorder(const KernelRequest& request) {
  const dnnl::memory::desc from = toDesc(request.inputs[0]);
  const dnnl::memory::desc to = toDesc(request.outputs[0]);
  const dnnl::reorder::primitive_desc description(engine(), from, engine(), to);
  auto call = std::make_shared<Call>(dnnl::reorder(description));
  call->bind(DNNL_ARG_FROM, from);
  call->bind(DNNL_ARG_TO, to);
  return std::make_unique<FunctionKernel>(description.impl_info_str(), [call](auto inputs, auto outputs, std::byte*) {
    call->set(DNNL_ARG_FROM, inputs[0]);
    call->set(DNNL_ARG_TO, outputs[0]);
    call->execute();
  });
}

bool addReorder() {
  KernelFactory factory;
  factory.create = createReorder;
  return KernelRegistry::add("cpu", "Reorder", std::move(factory));
}

[[maybe_unused]] const bool kRegistered = addReorder();

}  // namespace

}  // namespace Aidge::cpu::onednn
