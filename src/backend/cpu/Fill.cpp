// ConstantOfShape, Range, EyeLike, OneHot and Trilu.
#include <cmath>
#include <cstring>
#include <utility>

#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

template <typename T> void fill(void* out, std::size_t count, T value) {
  auto* target = static_cast<T*>(out);
  forBlocks(count, kBlock, [&](std::size_t begin, std::size_t end) { std::fill(target + begin, target + end, value); });
}

/// An element of a type as its bytes.
template <typename T> T bytesOf(const Tensor& value) {
  T element{};
  std::memcpy(&element, value.rawData(), sizeof element);
  return element;
}

std::unique_ptr<Kernel> createConstant(const KernelRequest& request) {
  const Tensor value = request.op->attribute<Tensor>("value");
  return std::make_unique<FunctionKernel>("loop_fill", [value, count = request.outputs[0].elements()](auto, auto outputs, std::byte*) {
    forElementSize(value.dataType(), [&](auto element) { fill(outputs[0], count, bytesOf<decltype(element)>(value)); });
  });
}

template <typename T> FunctionKernel::Function rangeFunction(std::size_t count) {
  return [count](auto inputs, auto outputs, std::byte*) {
    const T start = *static_cast<const T*>(inputs[0]);
    const T delta = *static_cast<const T*>(inputs[2]);
    auto* out = static_cast<T*>(outputs[0]);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(start + static_cast<ComputeType<T>>(i) * delta);
  };
}

std::unique_ptr<Kernel> createRange(const KernelRequest& request) {
  const std::size_t count = request.outputs[0].elements();
  return std::make_unique<FunctionKernel>(
      "loop_range", forNumber(request.inputs[0].dtype, [&](auto element) { return rangeFunction<decltype(element)>(count); }));
}

std::unique_ptr<Kernel> createEye(const KernelRequest& request) {
  const TensorDesc& desc = request.outputs[0];
  const Tensor one = Tensor::full({1}, 1.0, desc.dtype);
  const std::int64_t k = request.op->attribute<std::int64_t>("k");
  return std::make_unique<FunctionKernel>("loop_fill", [one, k, desc](auto, auto outputs, std::byte*) {
    std::memset(outputs[0], 0, desc.bytes());
    const std::size_t size = sizeOf(desc.dtype);
    for (DimSize_t row = 0; row < desc.dims[0]; ++row) {
      if (k < -row || k >= desc.dims[1] - row) continue;
      std::memcpy(static_cast<std::byte*>(outputs[0]) + static_cast<std::size_t>(row * desc.dims[1] + row + k) * size, one.rawData(), size);
    }
  });
}

/// Index i as an integer; values that are none are nowhere.
template <typename T> std::int64_t hotIndex(const void* data, std::size_t i, DimSize_t depth) {
  const T value = static_cast<const T*>(data)[i];
  if (!(static_cast<double>(value) >= -static_cast<double>(depth) && static_cast<double>(value) < static_cast<double>(depth))) return -1;
  const auto index = static_cast<std::int64_t>(value);
  return index < 0 ? index + depth : index;
}

std::unique_ptr<Kernel> createOneHot(const KernelRequest& request) {
  const Dims& dims = request.outputs[0].dims;
  const std::size_t axis = normaliseAxis("backend::OneHot", request.op->attribute<std::int64_t>("axis"), dims.size());
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= static_cast<std::size_t>(dims[i]);
  const std::size_t count = request.inputs[0].elements();
  const DimSize_t depth = dims[axis];
  const DataType valueType = request.inputs[2].dtype;
  return std::make_unique<FunctionKernel>("loop_one_hot", [=, type = request.inputs[0].dtype](auto inputs, auto outputs, std::byte*) {
    forElementSize(valueType, [&](auto element) {
      using T = decltype(element);
      const auto* values = static_cast<const T*>(inputs[2]);
      fill(outputs[0], count * static_cast<std::size_t>(depth), values[0]);
      forNumber(type, [&](auto kind) {
        for (std::size_t i = 0; i < count; ++i) {
          const std::int64_t index = hotIndex<decltype(kind)>(inputs[0], i, depth);
          if (index < 0) continue;
          const std::size_t row = i / inner * static_cast<std::size_t>(depth) + static_cast<std::size_t>(index);
          static_cast<T*>(outputs[0])[row * inner + i % inner] = values[1];
        }
      });
    });
  });
}

std::unique_ptr<Kernel> createTrilu(const KernelRequest& request) {
  const TensorDesc& desc = request.inputs[0];
  const DimSize_t height = desc.dims[desc.dims.size() - 2];
  const DimSize_t width = desc.dims.back();
  const bool upper = request.op->attribute<bool>("upper");
  const std::int64_t k = std::clamp(request.op->attribute<std::int64_t>("k"), -height - 1, width + 1);
  const std::size_t rows = width == 0 ? 0 : desc.elements() / static_cast<std::size_t>(width);
  return std::make_unique<FunctionKernel>("loop_trilu", [=, size = sizeOf(desc.dtype)](auto inputs, auto outputs, std::byte*) {
    for (std::size_t row = 0; row < rows; ++row) {
      // The first element on the upper side of the border.
      const DimSize_t diagonal = static_cast<DimSize_t>(row) % height + k + (upper ? 0 : 1);
      const auto border = static_cast<std::size_t>(std::clamp<DimSize_t>(diagonal, 0, width)) * size;
      const std::size_t bytes = static_cast<std::size_t>(width) * size;
      const auto* in = static_cast<const std::byte*>(inputs[0]) + row * bytes;
      auto* out = static_cast<std::byte*>(outputs[0]) + row * bytes;
      std::memset(upper ? out : out + border, 0, upper ? border : bytes - border);
      if (in == out) continue;
      std::memcpy(upper ? out + border : out, upper ? in + border : in, upper ? bytes - border : border);
    }
  });
}

bool addFillKernels() {
  const auto add = [](const std::string& type, bool inPlace, auto create) {
    KernelFactory factory;
    factory.inPlace = inPlace;
    factory.create = create;
    KernelRegistry::add("cpu", type, std::move(factory));
  };
  add("ConstantOfShape", false, createConstant);
  add("Range", false, createRange);
  add("EyeLike", false, createEye);
  add("OneHot", false, createOneHot);
  add("Trilu", true, createTrilu);
  return true;
}

[[maybe_unused]] const bool kFillRegistered = addFillKernels();

}  // namespace

}  // namespace Aidge::cpu
