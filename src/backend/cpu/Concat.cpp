// Concat along any axis, in either layout.
#include <cstring>

#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

/// Every output row is one piece of each input, one after the other.
struct ConcatPlan {
  std::vector<std::size_t> pieces;  ///< bytes, one an input
  std::size_t rowBytes = 0;
  std::size_t rows = 1;

  explicit ConcatPlan(const KernelRequest& request) {
    const std::size_t rank = request.outputs[0].dims.size();
    const DimIdx_t logical = normaliseAxis(errorSite(*request.op), request.op->attribute<std::int64_t>("axis"), rank);
    const std::size_t axis = storedAxis(logical, rank, request.outputs[0].layout);
    const Dims output = storedDims(request.outputs[0]);
    for (std::size_t i = 0; i < axis; ++i) rows *= static_cast<std::size_t>(output[i]);
    for (const TensorDesc& input : request.inputs) {
      std::size_t bytes = sizeOf(input.dtype);
      const Dims dims = storedDims(input);
      for (std::size_t i = axis; i < dims.size(); ++i) bytes *= static_cast<std::size_t>(dims[i]);
      pieces.push_back(bytes);
      rowBytes += bytes;
    }
  }
};

void concatenate(const ConcatPlan& plan, FunctionKernel::Inputs inputs, std::byte* out) {
  constexpr std::size_t kBytes = kBlock * sizeof(float);
  if (plan.rowBytes == 0) return;
  if (plan.rows == 1) {
    for (std::size_t i = 0; i < plan.pieces.size(); ++i) {
      const auto* in = static_cast<const std::byte*>(inputs[i]);
      forBlocks(plan.pieces[i], kBytes, [&](std::size_t begin, std::size_t end) { std::memcpy(out + begin, in + begin, end - begin); });
      out += plan.pieces[i];
    }
    return;
  }
  const auto copyRows = [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      std::byte* to = out + row * plan.rowBytes;
      for (std::size_t i = 0; i < plan.pieces.size(); ++i) {
        std::memcpy(to, static_cast<const std::byte*>(inputs[i]) + row * plan.pieces[i], plan.pieces[i]);
        to += plan.pieces[i];
      }
    }
  };
  forBlocks(plan.rows, std::max<std::size_t>(1, kBytes / plan.rowBytes), copyRows, kBytes * 4 / plan.rowBytes);
}

bool addConcat() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = [](const KernelRequest& request) {
    return std::make_unique<FunctionKernel>("loop_concat", [plan = ConcatPlan(request)](auto inputs, auto outputs, std::byte*) {
      concatenate(plan, inputs, static_cast<std::byte*>(outputs[0]));
    });
  };
  return KernelRegistry::add("cpu", "Concat", std::move(factory));
}

[[maybe_unused]] const bool kConcatRegistered = addConcat();

}  // namespace

}  // namespace Aidge::cpu
