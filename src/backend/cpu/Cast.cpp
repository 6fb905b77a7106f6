// Cast: element by element.
#include "KernelSupport.hpp"
#include "aidge/data/Convert.hpp"

namespace Aidge::cpu {

namespace {

std::unique_ptr<Kernel> createCast(const KernelRequest& request) {
  const DataType from = request.inputs[0].dtype;
  const DataType to = request.outputs[0].dtype;
  const std::size_t total = request.outputs[0].elements();
  return std::make_unique<FunctionKernel>("loop_cast", [from, to, total](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const std::byte*>(inputs[0]);
    auto* out = static_cast<std::byte*>(outputs[0]);
    forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) {
      convertElements(in + begin * sizeOf(from), from, out + begin * sizeOf(to), to, end - begin);
    });
  });
}

bool addCast() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.create = createCast;
  return KernelRegistry::add("cpu", "Cast", std::move(factory));
}

[[maybe_unused]] const bool kCastRegistered = addCast();

}  // namespace

}  // namespace Aidge::cpu
