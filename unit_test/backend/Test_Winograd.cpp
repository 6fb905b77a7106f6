#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "EngineHelpers.hpp"
#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "backend/cpu/WinogradTransforms.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

using cpu::ConvolutionAccuracy;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Restores the process-wide options.
struct Options {
  explicit Options(ConvolutionAccuracy accuracy, int threads = 0) {
    cpu::setConvolutionAccuracy(accuracy);
    cpu::setNumThreads(threads);
  }
  ~Options() {
    cpu::setConvolutionAccuracy(ConvolutionAccuracy::Default);
    cpu::setNumThreads(0);
  }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
};

std::vector<float> values(std::size_t count, unsigned seed) {
  const Tensor tensor = randomTensor({static_cast<DimSize_t>(count)}, seed);
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

/// One tile of a convolution by the transforms, filter [c][9] a channel (a depthwise product): m * m results a channel.
std::vector<float> filterTile(const cpu::WinogradTransforms& transforms, std::size_t m, std::size_t channels,
                              const std::vector<float>& tile, bool adds) {
  const std::size_t side = m + 2;
  std::vector<const float*> pixels;
  for (std::size_t e = 0; e < side * side; ++e) pixels.push_back(tile.data() + e * channels);
  std::vector<float> transformed(side * side * channels);
  (m == 2 ? transforms.input2 : transforms.input4)(pixels.data(), channels, transformed.data(), channels);
  // The transformed filter of a tap in the middle is G e1 e1^T G^T = g1 g1^T with G's middle column g1.
  const std::vector<float> middle =
      m == 2 ? std::vector<float>{0.0F, 0.5F, -0.5F, 0.0F} : std::vector<float>{0.0F, -1.0F / 6, 1.0F / 6, 1.0F / 12, -1.0F / 12, 0.0F};
  for (std::size_t e = 0; e < side * side; ++e) {
    for (std::size_t c = 0; c < channels; ++c) transformed[e * channels + c] *= middle[e / side] * middle[e % side];
  }
  std::vector<float> result(m * m * channels, 0.25F);
  std::vector<float*> targets;
  std::vector<const float*> addends;
  for (std::size_t p = 0; p < m * m; ++p) targets.push_back(result.data() + p * channels);
  addends.assign(targets.begin(), targets.end());
  const std::vector<float> bias(channels, 0.5F);
  (m == 2 ? transforms.output2 : transforms.output4)(
      transformed.data(), channels, {targets.data(), adds ? addends.data() : nullptr, bias.data(), channels, -1.0F, kInfinity});
  return result;
}

/// pre (1x1) -> conv (3x3) -> what follows: the first one brings the data into the order that the second one likes.
Tensor runNet(const Dims& dims, DimSize_t out, const Dims& padding, const std::vector<NodePtr>& tail, std::string& implementation) {
  const NodePtr pre =
      withParameters(makeNode("Conv2D", {{"kernel_dims", Dims{1, 1}}}, "pre"), {randomTensor({dims[1], dims[1], 1, 1}, 2, 0.2F)});
  const NodePtr conv = withParameters(makeNode("Conv2D", {{"kernel_dims", Dims{3, 3}}, {"padding_dims", padding}}, "conv"),
                                      {randomTensor({out, dims[1], 3, 3}, 3, 0.05F), randomTensor({out}, 4)});
  std::vector<NodePtr> nodes{pre, conv};
  nodes.insert(nodes.end(), tail.begin(), tail.end());
  chain(nodes);
  const GraphViewPtr graph = compiledGraph(nodes, {dims});
  SequentialScheduler scheduler(graph);
  Tensor result = scheduler.forward(std::vector{randomTensor(dims, 1)}).at(0);
  for (const StepReport& step : scheduler.report().steps) {
    if (step.node == "conv") implementation = step.implementation;
  }
  return result;
}

}  // namespace

TEST_CASE("Winograd's transforms of every instruction set filter like the definition, for any number of channels") {
  for (const InstructionSet set : {InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512}) {
    const cpu::WinogradTransforms* transforms = cpu::findWinogradTransforms(set);
    if (transforms == nullptr) continue;
    for (const std::size_t m : {2, 4}) {
      for (const std::size_t channels : {1, 7, 16, 37}) {
        for (const bool adds : {false, true}) {
          INFO("set " << static_cast<int>(set) << ", F(" << m << "), " << channels << " channels");
          const std::size_t side = m + 2;
          const std::vector<float> tile = values(side * side * channels, 1);
          const std::vector<float> result = filterTile(*transforms, m, channels, tile, adds);
          double worst = 0.0;
          for (std::size_t p = 0; p < m * m; ++p) {
            for (std::size_t c = 0; c < channels; ++c) {
              const float pixel = tile[((p / m + 1) * side + p % m + 1) * channels + c];  // the middle tap picks it
              const float expected = std::max(-1.0F, pixel + 0.5F + (adds ? 0.25F : 0.0F));
              worst = std::max(worst, static_cast<double>(std::abs(result[p * channels + c] - expected)));
            }
          }
          CHECK(worst < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("A Winograd convolution equals the direct one with every padding, size, fused operator and number of threads") {
  struct Net {
    Dims dims;
    DimSize_t out;
    Dims padding;
    std::vector<std::string> tail;
  };
  const std::vector<Net> nets{
      {{3, 32, 8, 8}, 32, {1, 1, 1, 1}, {}},
      {{2, 37, 13, 9}, 45, {1, 1, 1, 1}, {"ReLU"}},
      {{2, 33, 12, 11}, 40, {0, 0, 0, 0}, {"Sigmoid"}},
      {{1, 32, 9, 14}, 64, {0, 2, 1, 3}, {"GeLU"}},
      {{1, 48, 14, 14}, 32, {4, 0, 0, 4}, {"HardSwish", "ReLU"}},
      {{8, 64, 7, 7}, 64, {1, 1, 1, 1}, {"LeakyReLU"}},
  };
  for (const Net& net : nets) {
    const auto run = [&](ConvolutionAccuracy accuracy, int threads, std::string& implementation) {
      const Options options(accuracy, threads);
      std::vector<NodePtr> tail;
      for (const std::string& type : net.tail) tail.push_back(makeNode(type, {}, "tail" + std::to_string(tail.size())));
      return runNet(net.dims, net.out, net.padding, tail, implementation);
    };
    std::string implementation;
    const Tensor direct = run(ConvolutionAccuracy::Direct, 1, implementation);
    INFO("channels " << net.dims[1] << " to " << net.out);
    CHECK(implementation.find("winograd") == std::string::npos);
    for (const int threads : {1, 2, 3}) {
      CHECK(difference(run(ConvolutionAccuracy::Default, threads, implementation), direct) < 5e-6);
      CHECK(implementation.starts_with("winograd_f2:"));
      CHECK(difference(run(ConvolutionAccuracy::Fast, threads, implementation), direct) < 5e-5);
    }
  }
}

TEST_CASE("The accuracy of convolutions is an option with three words") {
  const Options options(ConvolutionAccuracy::Default);
  cpu::setConvolutionAccuracy(cpu::parseConvolutionAccuracy("test", "fast"));
  CHECK(cpu::convolutionAccuracy() == ConvolutionAccuracy::Fast);
  CHECK(cpu::toString(ConvolutionAccuracy::Direct) == "direct");
  CHECK_THROWS_WITH(cpu::parseConvolutionAccuracy("test", "quick"),
                    "[test] expected \"direct\", \"default\" or \"fast\" as convolution accuracy, got \"quick\"");
}
