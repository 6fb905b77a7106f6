#include <limits>
#include <string>
#include <vector>

#include "EngineHelpers.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

struct Case {
  std::string name;
  Dims data;  ///< (batch, channels, spatial …)
  Dims kernel;
  Dims stride;
  Dims padding;
  Dims dilation;
  bool ceil = false;
};

/// ONNX's definition, written along one axis at a time: extents of the result.
Dims resultDims(const Case& c) {
  Dims dims{c.data[0], c.data[1]};
  const std::size_t axes = c.kernel.size();
  for (std::size_t i = 0; i < axes; ++i) {
    const DimSize_t room = c.data[i + 2] + c.padding[i] + c.padding[axes + i] - (c.kernel[i] - 1) * c.dilation[i] - 1;
    DimSize_t extent = room / c.stride[i] + 1;
    const bool reachable = (room / c.stride[i] + 1) * c.stride[i] < c.data[i + 2] + c.padding[i];
    if (c.ceil && room % c.stride[i] != 0 && reachable) ++extent;
    dims.push_back(extent);
  }
  return dims;
}

/// Calls visit(inside, padded, flat index within the plane) for every tap of one window.
template <typename Visit> void forTaps(const Case& c, const std::vector<DimSize_t>& place, const Visit& visit) {
  const std::size_t axes = c.kernel.size();
  std::vector<DimSize_t> tap(axes, 0);
  while (true) {
    bool inside = true;
    bool padded = true;
    DimSize_t index = 0;
    for (std::size_t i = 0; i < axes; ++i) {
      const DimSize_t x = place[i] * c.stride[i] + tap[i] * c.dilation[i] - c.padding[i];
      inside = inside && x >= 0 && x < c.data[i + 2];
      padded = padded && x < c.data[i + 2] + c.padding[axes + i];
      index = index * c.data[i + 2] + x;
    }
    visit(inside, padded, index);
    std::size_t axis = axes;
    while (axis > 0 && ++tap[axis - 1] == c.kernel[axis - 1]) tap[--axis] = 0;
    if (axis == 0) return;
  }
}

Tensor bruteForce(const Case& c, const Tensor& data, bool average, bool countPadding) {
  const Dims dims = resultDims(c);
  const std::vector<double> x = data.toDoubles();
  const std::size_t plane = x.size() / static_cast<std::size_t>(dims[0] * dims[1]);
  std::vector<float> y;
  for (std::size_t p = 0; p < static_cast<std::size_t>(dims[0] * dims[1]); ++p) {
    const std::size_t places = elementCount(Dims(dims.begin() + 2, dims.end()));
    for (std::size_t q = 0; q < places; ++q) {
      std::vector<DimSize_t> place(c.kernel.size());
      std::size_t rest = q;
      for (std::size_t i = place.size(); i-- > 0;) {
        place[i] = static_cast<DimSize_t>(rest) % dims[i + 2];
        rest /= static_cast<std::size_t>(dims[i + 2]);
      }
      double best = -std::numeric_limits<double>::infinity();
      double sum = 0.0;
      double count = 0.0;
      forTaps(c, place, [&](bool inside, bool padded, DimSize_t index) {
        if (inside || (countPadding && padded)) count += 1.0;
        if (!inside) return;
        const double value = x[p * plane + static_cast<std::size_t>(index)];
        best = std::max(best, value);
        sum += value;
      });
      y.push_back(static_cast<float>(average ? sum / count : best));
    }
  }
  return Tensor::fromValues<float>(dims, std::span<const float>(y));
}

const std::vector<Case> kCases{
    {"1D", {2, 5, 17}, {3}, {2}, {1, 1}, {1}},
    {"1D ceil", {2, 5, 16}, {3}, {2}, {0, 0}, {1}, true},
    {"2D", {2, 8, 9, 9}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"2D stem", {2, 64, 28, 28}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}},
    {"2D odd channels", {3, 7, 8, 11}, {3, 2}, {1, 2}, {1, 0, 1, 1}, {1, 1}},
    {"2D ceil", {2, 16, 8, 8}, {3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}, true},
    {"2D ceil padded", {1, 4, 7, 8}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, true},
    {"2D ceil last window begins in the padding", {1, 3, 5, 5}, {2, 2}, {3, 3}, {1, 1, 1, 1}, {1, 1}, true},
    {"2D dilated", {1, 6, 12, 12}, {3, 3}, {1, 1}, {1, 1, 1, 1}, {2, 2}},
    {"2D whole plane", {2, 10, 7, 7}, {7, 7}, {1, 1}, {0, 0, 0, 0}, {1, 1}},
    {"3D", {1, 4, 6, 5, 7}, {2, 3, 2}, {2, 1, 2}, {0, 1, 0, 0, 1, 1}, {1, 1, 1}},
};

AttributeMap attributesOf(const Case& c) {
  return {{"kernel_dims", c.kernel},
          {"stride_dims", c.stride},
          {"padding_dims", c.padding},
          {"dilation_dims", c.dilation},
          {"ceil_mode", c.ceil}};
}

}  // namespace

TEST_CASE("Maximum pooling equals its definition for every window, padding, dilation and rounding") {
  for (const Case& c : kCases) {
    INFO(c.name);
    const Tensor data = randomTensor(c.data, 5);
    const std::string type = "MaxPooling" + std::to_string(c.kernel.size()) + "D";
    CHECK(difference(runNode(makeNode(type, attributesOf(c), "pool"), {data}), bruteForce(c, data, false, false)) == 0.0);
  }
}

TEST_CASE("Average pooling equals its definition, whether padding counts or not") {
  for (const Case& c : kCases) {
    for (const bool countPadding : {false, true}) {
      INFO(c.name << (countPadding ? " counting padding" : ""));
      const Tensor data = randomTensor(c.data, 6);
      AttributeMap attributes = attributesOf(c);
      attributes.emplace("count_include_pad", countPadding);
      const std::string type = "AvgPooling" + std::to_string(c.kernel.size()) + "D";
      CHECK(difference(runNode(makeNode(type, attributes, "pool"), {data}), bruteForce(c, data, true, countPadding)) < kFloatTolerance);
    }
  }
}

TEST_CASE("Maximum pooling of values that are all negative does not take the padding for them") {
  const Tensor data = Tensor::fromValues<float>({1, 1, 2, 2}, {-5.0F, -8.0F, -7.0F, -6.0F});
  const Case c{"", {1, 1, 2, 2}, {2, 2}, {1, 1}, {1, 1, 1, 1}, {1, 1}};
  const Tensor result = runNode(makeNode("MaxPooling2D", attributesOf(c), "pool"), {data});
  CHECK(result.toDoubles() == std::vector<double>{-5.0, -5.0, -8.0, -5.0, -5.0, -6.0, -7.0, -6.0, -6.0});
}

TEST_CASE("Global average pooling is the mean over all positions and keeps the rank") {
  for (const Dims& dims : {Dims{2, 5, 9}, Dims{3, 33, 7, 7}, Dims{2, 4, 3, 4, 5}, Dims{1, 6, 1, 1}}) {
    const Tensor data = randomTensor(dims, 8);
    const std::vector<double> x = data.toDoubles();
    Dims expectedDims = dims;
    std::fill(expectedDims.begin() + 2, expectedDims.end(), 1);
    const std::size_t planes = elementCount(expectedDims);
    const std::size_t plane = x.size() / planes;
    std::vector<float> means;
    for (std::size_t p = 0; p < planes; ++p) {
      double sum = 0.0;
      for (std::size_t i = 0; i < plane; ++i) sum += x[p * plane + i];
      means.push_back(static_cast<float>(sum / static_cast<double>(plane)));
    }
    const Tensor expected = Tensor::fromValues<float>(expectedDims, std::span<const float>(means));
    CHECK(difference(runNode(makeNode("GlobalAveragePooling", {}, "gap"), {data}), expected) < kFloatTolerance);
  }
}
