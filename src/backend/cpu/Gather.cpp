// Gather, GatherElements, GatherND, ScatterElements, ScatterND and ReverseSequence. Indices are read and checked first, then elements are copied.
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "Indices.hpp"
#include "StridedCopy.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

std::string siteOf(const KernelRequest& request) { return "backend::" + request.op->type(); }

std::size_t axisOf(const KernelRequest& request) {
  return normaliseAxis(siteOf(request), request.op->attribute<std::int64_t>("axis"), request.inputs[0].dims.size());
}

std::size_t product(const Dims& dims, std::size_t begin, std::size_t end) {
  std::size_t result = 1;
  for (std::size_t i = begin; i < end; ++i) result *= static_cast<std::size_t>(dims[i]);
  return result;
}

/// Copies `runs` pieces of `bytes` bytes, piece i from in + offset(i).
template <typename Offset> void copyPieces(std::size_t runs, std::size_t bytes, const std::byte* in, std::byte* out, const Offset& offset) {
  if (bytes == 0) return;
  const auto copy = [&](auto size) {
    forBlocks(
        runs, std::max<std::size_t>(1, 4 * kBlock / bytes),
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) std::memcpy(out + i * size(), in + offset(i), size());
        },
        4 * kParallelFrom / bytes);
  };
  if (bytes == 4) return copy([] { return std::size_t{4}; });
  copy([bytes] { return bytes; });
}

std::unique_ptr<Kernel> createGather(const KernelRequest& request) {
  const TensorDesc& data = request.inputs[0];
  const std::size_t rank = data.dims.size();
  const std::size_t axis = storedAxis(axisOf(request), rank, data.layout);
  const Dims stored = storedDims(data);
  const std::size_t outer = product(stored, 0, axis);
  const std::size_t inner = product(stored, axis + 1, rank) * sizeOf(data.dtype);
  const DimSize_t extent = stored[axis];
  const std::size_t count = request.inputs[1].elements();
  return std::make_unique<FunctionKernel>(
      "loop_gather", [=, site = siteOf(request), type = request.inputs[1].dtype](auto inputs, auto outputs, std::byte*) {
        const std::vector<std::ptrdiff_t> indices = readIndices(site, inputs[1], type, count, extent);
        copyPieces(outer * count, inner, static_cast<const std::byte*>(inputs[0]), static_cast<std::byte*>(outputs[0]), [&](std::size_t i) {
          const std::size_t row = i / count * static_cast<std::size_t>(extent) + static_cast<std::size_t>(indices[i % count]);
          return row * inner;
        });
      });
}

/// Offsets in the data of all elements of `indices`, in the memory order of both.
class ElementOffsets {
 public:
  explicit ElementOffsets(const KernelRequest& request)
      : mSite(siteOf(request)), mType(request.inputs[1].dtype), mExtent(request.inputs[0].dims[axisOf(request)]) {
    const std::vector<std::ptrdiff_t> steps = elementSteps(request.inputs[0]);
    const std::size_t axis = axisOf(request);
    mStep = steps[axis];
    for (const std::size_t i : axesInMemory(steps.size(), request.inputs[0].layout)) {
      mExtents.push_back(request.inputs[1].dims[i]);
      mSteps.push_back(i == axis ? 0 : steps[i]);
    }
    mCount = request.inputs[1].elements();
  }

  [[nodiscard]] std::vector<std::ptrdiff_t> read(const void* indices) const {
    std::vector<std::ptrdiff_t> offsets = readIndices(mSite, indices, mType, mCount, mExtent);
    std::vector<DimSize_t> place(mExtents.size(), 0);
    std::ptrdiff_t base = 0;
    for (std::ptrdiff_t& offset : offsets) {
      offset = offset * mStep + base;
      for (std::size_t i = mExtents.size(); i-- > 0;) {
        base += mSteps[i];
        if (++place[i] < mExtents[i]) break;
        base -= mSteps[i] * mExtents[i];
        place[i] = 0;
      }
    }
    return offsets;
  }

 private:
  std::string mSite;
  DataType mType;
  DimSize_t mExtent;
  std::ptrdiff_t mStep = 1;
  Dims mExtents;  ///< of the indices, in memory order
  std::vector<std::ptrdiff_t> mSteps;
  std::size_t mCount = 0;
};

std::unique_ptr<Kernel> createGatherElements(const KernelRequest& request) {
  const std::size_t bytes = sizeOf(request.inputs[0].dtype);
  return std::make_unique<FunctionKernel>("loop_gather", [bytes, offsets = ElementOffsets(request)](auto inputs, auto outputs, std::byte*) {
    const std::vector<std::ptrdiff_t> places = offsets.read(inputs[1]);
    copyPieces(places.size(), bytes, static_cast<const std::byte*>(inputs[0]), static_cast<std::byte*>(outputs[0]),
               [&](std::size_t i) { return static_cast<std::size_t>(places[i]) * bytes; });
  });
}

/// Tuples of indices into a row-major tensor, as GatherND and ScatterND have them.
struct Tuples {
  std::string site;
  DataType type;
  Dims extents;
  std::vector<std::ptrdiff_t> steps;
  std::size_t batches = 1;
  std::size_t count = 0;      ///< in each batch
  std::size_t batchSize = 1;  ///< elements of the data in each batch
  std::size_t pieceSize = 1;  ///< elements that a tuple stands for

  Tuples(const KernelRequest& request, std::size_t shared) : site(siteOf(request)), type(request.inputs[1].dtype) {
    const Dims& data = request.inputs[0].dims;
    const Dims& indices = request.inputs[1].dims;
    const std::size_t end = shared + static_cast<std::size_t>(indices.back());
    const std::vector<std::ptrdiff_t> all = elementSteps({data, request.inputs[0].dtype});
    extents.assign(data.begin() + static_cast<std::ptrdiff_t>(shared), data.begin() + static_cast<std::ptrdiff_t>(end));
    steps.assign(all.begin() + static_cast<std::ptrdiff_t>(shared), all.begin() + static_cast<std::ptrdiff_t>(end));
    batches = product(indices, 0, shared);
    count = product(indices, shared, indices.size() - 1);
    batchSize = product(data, shared, data.size());
    pieceSize = product(data, end, data.size());
  }

  /// Offsets of all batches' tuples in the data, in elements.
  [[nodiscard]] std::vector<std::ptrdiff_t> read(const void* indices) const {
    std::vector<std::ptrdiff_t> offsets = readTuples(site, indices, type, batches * count, extents, steps);
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] += static_cast<std::ptrdiff_t>(i / count * batchSize);
    return offsets;
  }
};

std::unique_ptr<Kernel> createGatherND(const KernelRequest& request) {
  const std::size_t bytes = sizeOf(request.inputs[0].dtype);
  const Tuples tuples(request, static_cast<std::size_t>(request.op->attribute<std::int64_t>("batch_dims")));
  return std::make_unique<FunctionKernel>("loop_gather", [bytes, tuples](auto inputs, auto outputs, std::byte*) {
    const std::vector<std::ptrdiff_t> offsets = tuples.read(inputs[1]);
    copyPieces(offsets.size(), tuples.pieceSize * bytes, static_cast<const std::byte*>(inputs[0]), static_cast<std::byte*>(outputs[0]),
               [&](std::size_t i) { return static_cast<std::size_t>(offsets[i]) * bytes; });
  });
}

/// out[offsets[i] + j] = reduce(out[offsets[i] + j], updates[i * size + j]), in order, so that the last of several updates stays.
using Scatter = std::function<void(void* out, const void* updates, const std::vector<std::ptrdiff_t>& offsets, std::size_t size)>;

template <typename T, typename Reduce> Scatter scatterWith(Reduce reduce) {
  return [reduce](void* out, const void* updates, const std::vector<std::ptrdiff_t>& offsets, std::size_t size) {
    const T* source = static_cast<const T*>(updates);
    for (const std::ptrdiff_t offset : offsets) {
      T* target = static_cast<T*>(out) + offset;
      for (std::size_t j = 0; j < size; ++j) target[j] = reduce(target[j], *source++);
    }
  };
}

Scatter makeScatter(const KernelRequest& request) {
  const auto& reduction = request.op->attribute<std::string>("reduction");
  const DataType type = request.inputs[0].dtype;
  if (reduction == "none") {
    return forElementSize(type, [](auto element) {
      using T = decltype(element);
      return scatterWith<T>([](T, T update) { return update; });
    });
  }
  return forNumber(type, [&](auto element) {
    using T = decltype(element);
    if (reduction == "add") return scatterWith<T>([](T a, T b) { return static_cast<T>(a + b); });
    if (reduction == "mul") return scatterWith<T>([](T a, T b) { return static_cast<T>(a * b); });
    if (reduction == "max") return scatterWith<T>([](T a, T b) { return a < b ? b : a; });
    return scatterWith<T>([](T a, T b) { return b < a ? b : a; });
  });
}

template <typename Offsets> std::unique_ptr<Kernel> createScatter(const KernelRequest& request, Offsets offsets, std::size_t size) {
  return std::make_unique<FunctionKernel>("loop_scatter", [offsets = std::move(offsets), size, scatter = makeScatter(request),
                                                           bytes = request.inputs[0].bytes()](auto inputs, auto outputs, std::byte*) {
    const std::vector<std::ptrdiff_t> places = offsets.read(inputs[1]);
    if (outputs[0] != inputs[0]) std::memcpy(outputs[0], inputs[0], bytes);
    scatter(outputs[0], inputs[2], places, size);
  });
}

std::unique_ptr<Kernel> createReverse(const KernelRequest& request) {
  const TensorDesc& data = request.inputs[0];
  const auto axis = [&](const char* name) {
    return normaliseAxis(siteOf(request), request.op->attribute<std::int64_t>(name), data.dims.size());
  };
  const std::vector<std::ptrdiff_t> steps = elementSteps(data);
  const std::size_t batch = axis("batch_axis");
  const std::size_t time = axis("time_axis");
  const std::size_t inner = product(data.dims, std::max(batch, time) + 1, data.dims.size());
  const std::size_t bytes = sizeOf(data.dtype);
  return std::make_unique<FunctionKernel>("loop_reverse", [=, site = siteOf(request), dims = data.dims, count = data.elements()](
                                                              auto inputs, auto outputs, std::byte*) {
    const auto* lengths = static_cast<const std::int64_t*>(inputs[1]);
    for (DimSize_t i = 0; i < dims[batch]; ++i) {
      if (lengths[i] >= 0 && lengths[i] <= dims[time]) continue;
      throwExpected(site, "lengths in [0, " + std::to_string(dims[time]) + "]", std::to_string(lengths[i]));
    }
    const auto place = [&](std::size_t element, std::size_t along) { return static_cast<DimSize_t>(element) / steps[along] % dims[along]; };
    const auto* in = static_cast<const std::byte*>(inputs[0]);
    copyPieces(count / std::max<std::size_t>(inner, 1), inner * bytes, in, static_cast<std::byte*>(outputs[0]), [&](std::size_t i) {
      const std::size_t element = i * inner;
      const DimSize_t t = place(element, time);
      const DimSize_t length = lengths[place(element, batch)];
      const std::ptrdiff_t moved = t < length ? length - 1 - 2 * t : 0;
      return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(element) + moved * steps[time]) * bytes;
    });
  });
}

bool addGatherKernels() {
  const auto add = [](const std::string& type, LayoutRule layout, bool inPlace, auto create) {
    KernelFactory factory;
    factory.layout = layout;
    factory.inPlace = inPlace;
    factory.create = create;
    KernelRegistry::add("cpu", type, std::move(factory));
  };
  add("Gather", LayoutRule::SameAsInput, false, createGather);
  add("GatherElements", LayoutRule::SameAsInput, false, createGatherElements);
  add("GatherND", LayoutRule::PlainOnly, false, createGatherND);
  add("ScatterElements", LayoutRule::PlainOnly, true,
      [](const KernelRequest& request) { return createScatter(request, ElementOffsets(request), 1); });
  add("ScatterND", LayoutRule::PlainOnly, true, [](const KernelRequest& request) {
    const Tuples tuples(request, 0);
    return createScatter(request, tuples, tuples.pieceSize);
  });
  add("ReverseSequence", LayoutRule::PlainOnly, false, createReverse);
  return true;
}

[[maybe_unused]] const bool kGatherRegistered = addGatherKernels();

}  // namespace

}  // namespace Aidge::cpu
