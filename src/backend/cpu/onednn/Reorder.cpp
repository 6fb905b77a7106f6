// "Reorder": moves a tensor between row-major and channels-last order; the planner inserts it.
#include "../KernelSupport.hpp"
#include "Engine.hpp"

namespace Aidge::cpu::onednn {

namespace {

/// Other types than float32: (images, rows, columns) to (images, columns, rows) with elements of type T.
template <typename T> FunctionKernel::Function transposeFunction(std::size_t images, std::size_t rows, std::size_t columns) {
  return [images, rows, columns](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    const std::size_t image = rows * columns;
    forBlocks(images * image, kBlock, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t place = i % image;
        out[i] = in[i - place + place % rows * columns + place / rows];
      }
    });
  };
}

std::unique_ptr<Kernel> createTranspose(const KernelRequest& request) {
  const Dims& dims = request.inputs[0].dims;
  const auto images = static_cast<std::size_t>(dims[0]);
  const auto channels = static_cast<std::size_t>(dims[1]);
  const std::size_t places = elementCount(Dims(dims.begin() + 2, dims.end()));
  const bool toLast = request.outputs[0].layout == Layout::ChannelsLast;
  return std::make_unique<FunctionKernel>("loop_reorder", forElementSize(request.inputs[0].dtype, [&](auto element) {
                                            return transposeFunction<decltype(element)>(images, toLast ? channels : places,
                                                                                        toLast ? places : channels);
                                          }));
}

std::unique_ptr<Kernel> createReorder(const KernelRequest& request) {
  if (request.inputs[0].dtype != DataType::Float32) return createTranspose(request);
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

[[maybe_unused]] const bool kReorderRegistered = addReorder();

}  // namespace

}  // namespace Aidge::cpu::onednn
