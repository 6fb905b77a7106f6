#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aidge/backend/Kernel.hpp"
#include "aidge/operator/Operator.hpp"

/// Runs one kernel of the backend "cpu" by itself, in either memory order, and computes expected results element by element.
namespace Aidge::test {

using Index = std::vector<DimSize_t>;

/// Calls visit(index) for every index below dims, in row-major order.
inline void forIndices(const Dims& dims, const std::function<void(const Index&)>& visit) {
  Index index(dims.size(), 0);
  for (std::size_t count = elementCount(dims); count > 0; --count) {
    visit(index);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      if (++index[axis] < dims[axis]) break;
      index[axis] = 0;
    }
  }
}

/// Position of an index in a row-major array.
inline std::size_t flat(const Dims& dims, const Index& index) {
  DimSize_t position = 0;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) position = position * dims[axis] + index[axis];
  return static_cast<std::size_t>(position);
}

/// A float32 tensor with value(index) everywhere.
inline Tensor makeTensor(const Dims& dims, const std::function<double(const Index&)>& value) {
  std::vector<float> values;
  forIndices(dims, [&](const Index& index) { values.push_back(static_cast<float>(value(index))); });
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// The tensor with its axis 1 moved to the end or back (as plain memory; dims stay those of the argument).
inline Tensor reordered(const Tensor& tensor, bool toChannelsLast) {
  const Dims& dims = tensor.dims();
  Tensor result(dims, tensor.dataType());
  result.allocate();
  Dims stored = dims;
  stored.push_back(stored[1]);
  stored.erase(stored.begin() + 1);
  const std::size_t size = sizeOf(tensor.dataType());
  const auto* in = static_cast<const std::byte*>(tensor.rawData());
  auto* out = static_cast<std::byte*>(result.rawMutableData());
  forIndices(dims, [&](const Index& index) {
    Index moved = index;
    moved.push_back(moved[1]);
    moved.erase(moved.begin() + 1);
    const std::size_t plain = flat(dims, index) * size;
    const std::size_t last = flat(stored, moved) * size;
    std::memcpy(out + (toChannelsLast ? last : plain), in + (toChannelsLast ? plain : last), size);
  });
  return result;
}

/// The kernel's result for row-major inputs, computed with tensors of the output's rank in `layout` (others row-major).
inline Tensor runKernel(const Operator& op, const std::vector<Tensor>& inputs, Layout layout = Layout::Plain,
                        const std::vector<PostOp>& postOps = {}, bool inPlace = false) {
  std::vector<TensorInfo> infos;
  for (const Tensor& input : inputs) infos.push_back({input.dims(), input.dataType(), std::make_shared<const Tensor>(input)});
  const TensorInfo info = op.infer(infos).at(0);
  const KernelFactory& factory = *KernelRegistry::find("cpu", op.type());

  KernelRequest request;
  request.op = &op;
  request.postOps = postOps;
  std::vector<Tensor> stored;
  for (const Tensor& input : inputs) {
    const bool moved = layout == Layout::ChannelsLast && info.dims.size() >= 3 && input.nbDims() == info.dims.size();
    stored.push_back(moved ? reordered(input, true) : input.clone());
    request.inputs.push_back({input.dims(), input.dataType(), moved ? layout : Layout::Plain});
    request.present.push_back(true);
    request.constants.push_back(nullptr);
  }
  const bool movedOutput = layout == Layout::ChannelsLast && info.dims.size() >= 3;
  request.outputs.push_back({info.dims, info.dtype, movedOutput ? layout : Layout::Plain});
  const auto kernel = factory.create(request);

  Tensor output(info.dims, info.dtype);
  output.allocate();
  std::vector<const void*> sources;
  for (const Tensor& tensor : stored) sources.push_back(tensor.rawData());
  std::vector<void*> targets{inPlace ? stored[0].rawMutableData() : output.rawMutableData()};
  std::vector<std::byte> scratch(kernel->scratchBytes() + 64);
  kernel->run(sources, targets, scratch.data());
  if (inPlace) output = stored[0];
  return movedOutput ? reordered(output, false) : output;
}

}  // namespace Aidge::test
