#include <string>
#include <vector>

#include "EngineHelpers.hpp"
#include "aidge/operator/ShapeUtils.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

/// One convolution to try: everything by spatial axis.
struct Case {
  std::string name;
  DimSize_t batch;
  DimSize_t in;
  DimSize_t out;
  Dims extent;
  Dims kernel;
  Dims stride;
  Dims dilation;
  Dims padding;
  DimSize_t groups = 1;
  bool bias = true;
  std::string autoPad = "NOTSET";
};

DimSize_t volume(const Dims& dims) {
  DimSize_t product = 1;
  for (const DimSize_t dim : dims) product *= dim;
  return product;
}

/// Row-major coordinates of a flat index.
Dims unflatten(DimSize_t index, const Dims& dims) {
  Dims result(dims.size());
  for (std::size_t i = dims.size(); i-- > 0;) {
    result[i] = index % dims[i];
    index /= dims[i];
  }
  return result;
}

/// Flat index of the coordinates, or -1 outside.
DimSize_t flatten(const Dims& at, const Dims& dims) {
  DimSize_t index = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (at[i] < 0 || at[i] >= dims[i]) return -1;
    index = index * dims[i] + at[i];
  }
  return index;
}

/// The definition, tap by tap in double. `scatter`: transposed, where every input element is spread over the output.
Tensor bruteForce(const Tensor& data, const Tensor& weight, const Tensor& bias, const Dims& outDims, const SpatialWindow& window,
                  DimSize_t groups, bool scatter) {
  const std::vector<double> x = data.toDoubles();
  const std::vector<double> w = weight.toDoubles();
  const DimSize_t channels = outDims[1];
  const DimSize_t inChannels = data.dims()[1];
  const Dims inSpace(data.dims().begin() + 2, data.dims().end());
  const Dims outSpace(outDims.begin() + 2, outDims.end());
  std::vector<double> y(static_cast<std::size_t>(volume(outDims)), 0.0);
  const Dims& big = scatter ? outSpace : inSpace;
  const Dims& small = scatter ? inSpace : outSpace;
  for (DimSize_t n = 0; n < outDims[0]; ++n) {
    for (DimSize_t o = 0; o < channels; ++o) {
      const DimSize_t group = o / (channels / groups);
      for (DimSize_t c = 0; c < inChannels / groups; ++c) {
        const DimSize_t ic = group * (inChannels / groups) + c;
        const DimSize_t filter = scatter ? ic * (channels / groups) + o % (channels / groups) : o * (inChannels / groups) + c;
        for (DimSize_t p = 0; p < volume(small); ++p) {
          const Dims place = unflatten(p, small);
          for (DimSize_t k = 0; k < volume(window.kernel); ++k) {
            Dims at = unflatten(k, window.kernel);
            for (std::size_t i = 0; i < at.size(); ++i)
              at[i] = place[i] * window.stride[i] + at[i] * window.dilation[i] - window.padBegin[i];
            const DimSize_t other = flatten(at, big);
            if (other < 0) continue;
            const DimSize_t from = (n * inChannels + ic) * volume(inSpace) + (scatter ? p : other);
            const DimSize_t to = (n * channels + o) * volume(outSpace) + (scatter ? other : p);
            y[static_cast<std::size_t>(to)] +=
                x[static_cast<std::size_t>(from)] * w[static_cast<std::size_t>(filter * volume(window.kernel) + k)];
          }
        }
      }
    }
  }
  std::vector<float> values;
  const std::vector<double> b = bias.isUndefined() ? std::vector<double>(static_cast<std::size_t>(channels), 0.0) : bias.toDoubles();
  for (std::size_t i = 0; i < y.size(); ++i)
    values.push_back(static_cast<float>(y[i] + b[i / static_cast<std::size_t>(volume(outSpace)) % b.size()]));
  return Tensor::fromValues<float>(outDims, std::span<const float>(values));
}

AttributeMap attributesOf(const Case& c) {
  return {{"kernel_dims", c.kernel},   {"stride_dims", c.stride}, {"dilation_dims", c.dilation},
          {"padding_dims", c.padding}, {"groups", c.groups},      {"auto_pad", c.autoPad}};
}

void checkCase(const Case& c, bool transposed, const AttributeMap& extra = {}) {
  INFO(c.name);
  const std::string type = (transposed ? "ConvTranspose" : "Conv") + std::to_string(c.kernel.size()) + "D";
  AttributeMap attributes = attributesOf(c);
  attributes.insert(extra.begin(), extra.end());
  Dims dataDims{c.batch, c.in};
  dataDims.insert(dataDims.end(), c.extent.begin(), c.extent.end());
  Dims weightDims = transposed ? Dims{c.in, c.out / c.groups} : Dims{c.out, c.in / c.groups};
  weightDims.insert(weightDims.end(), c.kernel.begin(), c.kernel.end());
  const Tensor data = randomTensor(dataDims, 1);
  const Tensor weight = randomTensor(weightDims, 2);
  const Tensor bias = c.bias ? randomTensor({c.out}, 3) : Tensor();

  const NodePtr node = withParameters(makeNode(type, attributes, "conv"), {weight, bias});
  const Tensor result = runNode(node, {data});
  const SpatialWindow window = transposed ? resolveTransposedWindow(*node->getOperator(), dataDims, c.kernel)
                                          : resolveWindow(*node->getOperator(), dataDims, c.kernel);
  CHECK(difference(result, bruteForce(data, weight, bias, result.dims(), window, c.groups, transposed)) < kFloatTolerance);
}

}  // namespace

TEST_CASE("A convolution of any dimension, stride, dilation, padding and grouping equals its definition") {
  const std::vector<Case> cases{
      {"1D", 2, 3, 5, {17}, {3}, {1}, {1}, {1, 1}},
      {"1D strided dilated uneven padding", 2, 8, 16, {31}, {5}, {2}, {3}, {4, 1}},
      {"1D depthwise", 1, 12, 12, {20}, {3}, {1}, {1}, {1, 1}, 12},
      {"2D picture", 2, 3, 16, {13, 11}, {7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}},
      {"2D one channel", 3, 1, 8, {9, 10}, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {"2D 3x3", 2, 16, 32, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {"2D 3x3 many channels", 2, 64, 64, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {"2D 3x3 odd sizes", 3, 35, 67, {13, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {"2D 3x3 uneven padding", 1, 64, 64, {15, 10}, {3, 3}, {1, 1}, {1, 1}, {0, 1, 2, 0}, 1, false},
      {"2D 1x1", 2, 19, 23, {7, 5}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {"2D 1x1 strided", 2, 16, 24, {7, 8}, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, false},
      {"2D 5x1 uneven padding", 1, 6, 4, {9, 6}, {5, 1}, {1, 1}, {1, 1}, {0, 1, 3, 0}},
      {"2D dilated", 1, 8, 8, {15, 15}, {3, 3}, {1, 1}, {2, 3}, {2, 3, 2, 3}},
      {"2D grouped", 2, 12, 18, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 3},
      {"2D grouped odd", 2, 10, 15, {6, 7}, {3, 3}, {2, 1}, {1, 1}, {1, 1, 1, 1}, 5},
      {"2D depthwise", 2, 32, 32, {9, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 32},
      {"2D depthwise strided odd", 2, 19, 19, {9, 8}, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}, 19, false},
      {"2D depthwise multiplier", 2, 6, 12, {9, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 6},
      {"2D stride leaves rows over", 1, 4, 4, {10, 10}, {3, 3}, {4, 3}, {1, 1}, {0, 0, 0, 0}},
      {"2D SAME_UPPER", 1, 4, 6, {10, 7}, {4, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, true, "SAME_UPPER"},
      {"2D SAME_LOWER", 1, 4, 6, {10, 7}, {4, 3}, {3, 2}, {1, 1}, {0, 0, 0, 0}, 1, true, "SAME_LOWER"},
      {"2D VALID", 1, 4, 6, {10, 7}, {4, 3}, {1, 2}, {1, 1}, {0, 0, 0, 0}, 1, true, "VALID"},
      {"2D one pixel", 1, 32, 16, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {"2D kernel bigger than the input", 1, 5, 7, {2, 2}, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}},
      {"3D", 1, 3, 6, {5, 6, 7}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1, 1, 1, 1}},
      {"3D strided", 2, 8, 8, {6, 5, 7}, {2, 3, 1}, {2, 1, 2}, {1, 1, 1}, {0, 1, 0, 0, 1, 0}},
      {"3D grouped", 1, 8, 8, {5, 5, 5}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1, 1, 1, 1}, 4},
  };
  for (const Case& c : cases) checkCase(c, false);
}

TEST_CASE("A transposed convolution of any dimension, stride, dilation, padding and grouping equals its definition") {
  const std::vector<Case> cases{
      {"1D", 2, 3, 5, {9}, {3}, {2}, {1}, {1, 1}},
      {"2D", 2, 6, 4, {5, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
      {"2D stride 1", 1, 16, 16, {5, 6}, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false},
      {"2D uneven padding", 2, 8, 4, {5, 6}, {4, 3}, {2, 3}, {1, 1}, {1, 0, 2, 1}},
      {"2D dilated", 1, 4, 4, {5, 5}, {3, 3}, {2, 2}, {2, 2}, {1, 1, 1, 1}},
      {"2D grouped", 2, 6, 9, {5, 4}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 3},
      {"2D depthwise", 1, 8, 8, {5, 4}, {4, 4}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 8},
      {"3D", 1, 3, 2, {3, 4, 3}, {3, 2, 3}, {2, 1, 2}, {1, 1, 1}, {1, 0, 1, 1, 0, 1}},
  };
  for (const Case& c : cases) checkCase(c, true);
  checkCase({"output padding", 1, 4, 5, {5, 5}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, true,
            {{"output_padding", std::vector<std::int64_t>{1, 1}}});
}

TEST_CASE("A convolution whose weight is computed or fed at run time equals its definition") {
  const Tensor data = randomTensor({2, 4, 6, 6}, 1);
  const Tensor weight = randomTensor({5, 4, 3, 3}, 2);
  const NodePtr node = makeNode(
      "Conv2D", {{"kernel_dims", std::vector<std::int64_t>{3, 3}}, {"padding_dims", std::vector<std::int64_t>{1, 1, 1, 1}}}, "conv");
  const NodePtr scale = makeNode("ReLU", {}, "weight_relu");
  scale->addChild(node, 0, 1);
  auto graph = GraphView::create("dynamic weight");
  graph->add(scale);
  graph->add(node);
  const bool weightFirst = graph->inputs().front().targets.front().node == scale;
  const std::vector<Tensor> feed = weightFirst ? std::vector{weight, data} : std::vector{data, weight};
  graph->compile("cpu", DataType::Float32, {feed[0].dims(), feed[1].dims()});
  SequentialScheduler scheduler(graph);
  const Tensor result = scheduler.forward(feed).at(0);
  Tensor positive = weight.clone();
  for (float& value : positive.mutableData<float>()) value = std::max(value, 0.0F);
  const SpatialWindow window = resolveWindow(*node->getOperator(), data.dims(), Dims{3, 3});
  CHECK(difference(result, bruteForce(data, positive, Tensor(), result.dims(), window, 1, false)) < kFloatTolerance);
}

TEST_CASE("Convolutions of ordinary networks run on fast code: no implementation is oneDNN's reference") {
  const std::vector<Case> cases{
      {"stem", 2, 3, 64, {56, 56}, {7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}},
      {"small stem", 2, 3, 16, {32, 32}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {"grey stem", 2, 1, 16, {28, 28}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {"3x3", 2, 64, 64, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
      {"3x3 odd", 2, 37, 61, {14, 14}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
      {"1x1", 2, 64, 256, {14, 14}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
      {"1x1 strided", 2, 64, 128, {14, 14}, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
      {"depthwise", 2, 96, 96, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 96},
      {"depthwise strided odd", 2, 50, 50, {15, 15}, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}, 50},
      {"grouped", 2, 64, 64, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 4},
      {"dilated", 2, 32, 32, {14, 14}, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}},
      {"1D", 2, 16, 32, {100}, {5}, {1}, {1}, {2, 2}},
      {"3D", 1, 16, 16, {8, 8, 8}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1, 1, 1, 1}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    Dims dims{c.batch, c.in};
    dims.insert(dims.end(), c.extent.begin(), c.extent.end());
    Dims weightDims{c.out, c.in / c.groups};
    weightDims.insert(weightDims.end(), c.kernel.begin(), c.kernel.end());
    const NodePtr node = withParameters(makeNode("Conv" + std::to_string(c.kernel.size()) + "D", attributesOf(c), "conv"),
                                        {randomTensor(weightDims, 1), randomTensor({c.out}, 2)});
    SequentialScheduler scheduler(compiledGraph({node}, {dims}));
    static_cast<void>(scheduler.forward(std::vector{randomTensor(dims, 3)}));
    for (const StepReport& step : scheduler.report().steps) {
      CAPTURE(step.type, step.implementation);
      CHECK_FALSE(step.implementation.starts_with("ref"));
    }
  }
}
