#include "aidge/recipes/ConvMap.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "aidge/core/Errors.hpp"

namespace Aidge {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Offsets = std::vector<std::size_t>;

constexpr double kSolved = 1e-9;      ///< residual of A v = -bias, relative to the largest bias, that counts as a solution
constexpr double kAmplified = 100.0;  ///< largest sum |A v| / max |bias|: beyond it the difference of float32 values loses the 1e-5

std::size_t size(DimSize_t value) { return static_cast<std::size_t>(value); }

DimSize_t product(const Dims& dims) { return std::accumulate(dims.begin(), dims.end(), DimSize_t{1}, std::multiplies<>()); }

/// Flat place of every tap of a kernel in a larger one: tap t stands at first[axis] + t · step[axis].
Offsets placesOf(const Dims& kernel, const Dims& first, const Dims& step, const Dims& target) {
  Offsets places{0};
  for (std::size_t axis = 0; axis < kernel.size(); ++axis) {
    Offsets next;
    for (const std::size_t place : places) {
      for (DimSize_t t = 0; t < kernel[axis]; ++t) next.push_back(place * size(target[axis]) + size(first[axis] + t * step[axis]));
    }
    places = std::move(next);
  }
  return places;
}

/// (out, in / groups, taps) → (taps, out, in / groups), so that every tap is a matrix.
std::vector<double> tapMajor(const ConvMap& map) {
  const std::size_t taps = size(map.shape.taps());
  const std::size_t pairs = map.weight.size() / taps;
  std::vector<double> result(map.weight.size());
  for (std::size_t p = 0; p < pairs; ++p) {
    for (std::size_t t = 0; t < taps; ++t) result[t * pairs + p] = map.weight[p * taps + t];
  }
  return result;
}

std::vector<double> pairMajor(const std::vector<double>& weight, std::size_t taps) {
  const std::size_t pairs = weight.size() / taps;
  std::vector<double> result(weight.size());
  for (std::size_t t = 0; t < taps; ++t) {
    for (std::size_t p = 0; p < pairs; ++p) result[p * taps + t] = weight[t * pairs + p];
  }
  return result;
}

/// One tap of a grouped convolution: (out, in / groups), where row o takes the channels of its group.
struct Tap {
  const double* values;
  const ConvShape& shape;

  [[nodiscard]] DimSize_t inPerGroup() const { return shape.in / shape.groups; }
  [[nodiscard]] DimSize_t outPerGroup() const { return shape.out / shape.groups; }
  [[nodiscard]] Eigen::Map<const Matrix> all() const { return {values, shape.out, inPerGroup()}; }
};

/// target += b · a, block by block: a's group gives the channels [ga · outA, (ga + 1) · outA), b's takes [gb · inB, (gb + 1) · inB).
void accumulate(Eigen::Ref<Matrix> target, DimSize_t targetGroups, const Tap& b, const Tap& a) {
  const DimSize_t outA = a.outPerGroup();
  const DimSize_t inB = b.inPerGroup();
  const DimSize_t groupIn = a.shape.in / targetGroups;
  for (DimSize_t middle = 0; middle < a.shape.out;) {
    const DimSize_t ga = middle / outA;
    const DimSize_t gb = middle / inB;
    const DimSize_t end = std::min((ga + 1) * outA, (gb + 1) * inB);
    const DimSize_t row = gb * b.outPerGroup();
    const DimSize_t column = ga * a.inPerGroup() % groupIn;
    target.block(row, column, b.outPerGroup(), a.inPerGroup()).noalias() +=
        b.all().block(row, middle - gb * inB, b.outPerGroup(), end - middle) * a.all().middleRows(middle, end - middle);
    middle = end;
  }
}

/// Goes to the next index of an array, the last axis fastest.
void advance(Dims& at, const Dims& extents) {
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    if (++at[axis] < extents[axis]) return;
    at[axis] = 0;
  }
}

/// Flat place in the input under one tap of the window at `position`; nothing in the padding.
std::optional<DimSize_t> placeUnder(const ConvShape& shape, const Dims& position, const Dims& tap, const Dims& input) {
  DimSize_t place = 0;
  for (std::size_t axis = 0; axis < input.size(); ++axis) {
    const DimSize_t at = position[axis] * shape.stride[axis] - shape.padBegin[axis] + tap[axis] * shape.dilation[axis];
    if (at < 0 || at >= input[axis]) return std::nullopt;
    place = place * input[axis] + at;
  }
  return place;
}

/// Distance between neighbouring taps; 0 if there is one.
DimSize_t step(const ConvShape& shape, std::size_t axis) { return shape.kernel[axis] > 1 ? shape.dilation[axis] : 0; }

/// Whether a window of a reaches data when it stands at `q`, outside of a's output.
bool seesData(const ConvShape& a, std::size_t axis, DimSize_t q, DimSize_t input) {
  for (DimSize_t t = 0; t < a.kernel[axis]; ++t) {
    const DimSize_t at = q * a.stride[axis] - a.padBegin[axis] + t * a.dilation[axis];
    if (at >= 0 && at < input) return true;
  }
  return false;
}

/// One axis, for one extent of the input: what the windows of b find in b's padding.
BorderCase axisCase(const ConvShape& a, const ConvShape& b, std::size_t axis, DimSize_t input) {
  const auto extentOf = [axis](const ConvShape& s, DimSize_t from) {
    return (from + s.padBegin[axis] + s.padEnd[axis] - s.extent(axis)) / s.stride[axis] + 1;
  };
  const DimSize_t middle = extentOf(a, input);
  const DimSize_t output = extentOf(b, middle);
  BorderCase worst = BorderCase::Exact;
  for (DimSize_t window = 0; window < output; ++window) {
    for (DimSize_t t = 0; t < b.kernel[axis]; ++t) {
      const DimSize_t q = window * b.stride[axis] - b.padBegin[axis] + t * b.dilation[axis];
      if (q >= 0 && q < middle) continue;
      if (seesData(a, axis, q, input)) return BorderCase::DataLeaks;
      if (a.hasBias) worst = BorderCase::BiasLeaks;
    }
  }
  return worst;
}

void requireComposable(const ConvShape& a, const ConvShape& b) {
  if (a.out != b.in) {
    throwExpected("recipes::compose", "as many channels out of the first as into the second",
                  std::to_string(a.out) + " and " + std::to_string(b.in));
  }
  if (a.axes() != b.axes())
    throwExpected("recipes::compose", "as many axes", std::to_string(a.axes()) + " and " + std::to_string(b.axes()));
}

/// Adds the taps of `map`, whose groups are a multiple of the target's, to a weight of the geometry `shape`.
void embed(const ConvMap& map, const Offsets& places, const ConvShape& shape, std::vector<double>& weight) {
  const DimSize_t inPer = map.shape.in / map.shape.groups;
  const DimSize_t outPer = map.shape.out / map.shape.groups;
  const DimSize_t targetIn = shape.in / shape.groups;
  const std::size_t taps = size(shape.taps());
  for (DimSize_t o = 0; o < map.shape.out; ++o) {
    for (DimSize_t i = 0; i < inPer; ++i) {
      const DimSize_t column = (o / outPer * inPer + i) % targetIn;
      const double* from = map.weight.data() + size(o * inPer + i) * places.size();
      double* to = weight.data() + size(o * targetIn + column) * taps;
      for (std::size_t t = 0; t < places.size(); ++t) to[places[t]] += from[t];
    }
  }
}

std::size_t weightSize(const ConvShape& shape) { return size(shape.out * (shape.in / shape.groups) * shape.taps()); }

bool isZero(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value == 0.0; });
}

ConvMap embedded(const ConvMap& map, ConvShape shape, const Dims& first, const Dims& steps) {
  ConvMap result{std::move(shape), {}, map.bias};
  result.weight.assign(weightSize(result.shape), 0.0);
  embed(map, placesOf(map.shape.kernel, first, steps, result.shape.kernel), result.shape, result.weight);
  return result;
}

}  // namespace

BorderCase borderCase(const ConvShape& a, const ConvShape& b, const Dims& input) {
  requireComposable(a, b);
  BorderCase worst = BorderCase::Exact;
  for (std::size_t axis = 0; axis < a.axes(); ++axis) {
    if (input[axis] != kDynamicDim) {
      worst = std::max(worst, axisCase(a, b, axis, input[axis]));
      continue;
    }
    // Beyond the extent of both windows only the remainder by the common stride matters.
    const DimSize_t least = a.extent(axis) + a.stride[axis] * (b.extent(axis) + b.padEnd[axis] + b.padBegin[axis]);
    for (DimSize_t rest = 0; rest < a.stride[axis] * b.stride[axis]; ++rest) worst = std::max(worst, axisCase(a, b, axis, least + rest));
  }
  return worst;
}

ConvShape compose(const ConvShape& a, const ConvShape& b) {
  requireComposable(a, b);
  ConvShape shape;
  shape.in = a.in;
  shape.out = b.out;
  shape.groups = std::gcd(a.groups, b.groups);
  shape.hasBias = a.hasBias || b.hasBias;
  for (std::size_t axis = 0; axis < a.axes(); ++axis) {
    const DimSize_t reach = a.extent(axis) - 1 + (b.extent(axis) - 1) * a.stride[axis];
    const DimSize_t grid = std::gcd(step(a, axis), step(b, axis) * a.stride[axis]);
    shape.dilation.push_back(std::max<DimSize_t>(grid, 1));
    shape.kernel.push_back(reach / shape.dilation[axis] + 1);
    shape.stride.push_back(a.stride[axis] * b.stride[axis]);
    shape.padBegin.push_back(a.padBegin[axis] + a.stride[axis] * b.padBegin[axis]);
    shape.padEnd.push_back(a.padEnd[axis] + a.stride[axis] * b.padEnd[axis]);
  }
  return shape;
}

ConvMap compose(const ConvMap& a, const ConvMap& b) {
  ConvMap result;
  result.shape = compose(a.shape, b.shape);
  const ConvShape& shape = result.shape;
  Dims stepA;
  Dims stepB;
  for (std::size_t axis = 0; axis < shape.axes(); ++axis) {
    stepA.push_back(a.shape.dilation[axis] / shape.dilation[axis]);
    stepB.push_back(b.shape.dilation[axis] * a.shape.stride[axis] / shape.dilation[axis]);
  }
  const Dims origin(shape.axes(), 0);
  const Offsets placesA = placesOf(a.shape.kernel, origin, stepA, shape.kernel);
  const Offsets placesB = placesOf(b.shape.kernel, origin, stepB, shape.kernel);
  const std::vector<double> first = tapMajor(a);
  const std::vector<double> second = tapMajor(b);
  const std::size_t sizeA = first.size() / placesA.size();
  const std::size_t sizeB = second.size() / placesB.size();
  std::vector<double> weight(weightSize(shape), 0.0);
  const DimSize_t columns = shape.in / shape.groups;
  for (std::size_t v = 0; v < placesB.size(); ++v) {
    for (std::size_t u = 0; u < placesA.size(); ++u) {
      Eigen::Map<Matrix> target(weight.data() + (placesA[u] + placesB[v]) * size(shape.out * columns), shape.out, columns);
      accumulate(target, shape.groups, {second.data() + v * sizeB, b.shape}, {first.data() + u * sizeA, a.shape});
    }
  }
  result.weight = pairMajor(weight, size(shape.taps()));
  result.bias = b.bias;
  if (!a.bias.empty()) {
    const std::vector<double> response = responseTo(b, a.bias);
    result.bias.resize(response.size(), 0.0);
    for (std::size_t o = 0; o < response.size(); ++o) result.bias[o] += response[o];
  }
  result.shape.hasBias = !isZero(result.bias);
  return result;
}

std::optional<ConvShape> sumShape(const ConvShape& f, const ConvShape& g, const Dims& input) {
  if (f.in != g.in || f.out != g.out || f.stride != g.stride || f.axes() != g.axes()) return std::nullopt;
  ConvShape shape{{}, f.stride, {}, {}, {}, f.in, f.out, std::gcd(f.groups, g.groups), f.hasBias || g.hasBias};
  for (std::size_t axis = 0; axis < f.axes(); ++axis) {
    const auto room = [axis](const ConvShape& s) { return s.padBegin[axis] + s.padEnd[axis] - s.extent(axis); };
    const auto last = [axis](const ConvShape& s) { return s.extent(axis) - 1 - s.padBegin[axis]; };
    const bool same = room(f) == room(g) ||
                      (input[axis] != kDynamicDim && (input[axis] + room(f)) / f.stride[axis] == (input[axis] + room(g)) / g.stride[axis]);
    if (!same) return std::nullopt;
    const DimSize_t begin = std::max(f.padBegin[axis], g.padBegin[axis]);
    const DimSize_t end = std::max(last(f), last(g));
    const DimSize_t grid = std::gcd(std::gcd(step(f, axis), step(g, axis)), f.padBegin[axis] - g.padBegin[axis]);
    shape.dilation.push_back(std::max<DimSize_t>(grid, 1));
    shape.kernel.push_back((begin + end) / shape.dilation[axis] + 1);
    shape.padBegin.push_back(begin);
    shape.padEnd.push_back(std::max(room(f), room(g)) + end + 1);
  }
  return shape;
}

ConvMap sum(const ConvMap& f, const ConvMap& g, const ConvShape& shape) {
  ConvMap result{shape, std::vector<double>(weightSize(shape), 0.0), {}};
  for (const ConvMap* map : {&f, &g}) {
    Dims first;
    Dims steps;
    for (std::size_t axis = 0; axis < shape.axes(); ++axis) {
      first.push_back((shape.padBegin[axis] - map->shape.padBegin[axis]) / shape.dilation[axis]);
      steps.push_back(map->shape.dilation[axis] / shape.dilation[axis]);
    }
    embed(*map, placesOf(map->shape.kernel, first, steps, shape.kernel), shape, result.weight);
    if (map->bias.empty()) continue;
    result.bias.resize(size(shape.out), 0.0);
    for (std::size_t o = 0; o < map->bias.size(); ++o) result.bias[o] += map->bias[o];
  }
  result.shape.hasBias = !isZero(result.bias);
  return result;
}

ConvMap identityMap(DimSize_t channels, std::size_t axes) {
  const Dims ones(axes, 1);
  const Dims none(axes, 0);
  return {{ones, ones, ones, none, none, channels, channels, channels, false}, std::vector<double>(size(channels), 1.0), {}};
}

ConvMap withoutDilation(const ConvMap& map) {
  ConvShape shape = map.shape;
  for (std::size_t axis = 0; axis < shape.axes(); ++axis) {
    shape.kernel[axis] = shape.extent(axis);
    shape.dilation[axis] = 1;
  }
  return embedded(map, std::move(shape), Dims(map.shape.axes(), 0), map.shape.dilation);
}

ConvMap withGroups(const ConvMap& map, DimSize_t groups) {
  if (groups < 1 || map.shape.groups % groups != 0)
    throwExpected("recipes::withGroups", "a divisor of " + std::to_string(map.shape.groups) + " groups", std::to_string(groups));
  ConvShape shape = map.shape;
  shape.groups = groups;
  return embedded(map, std::move(shape), Dims(map.shape.axes(), 0), Dims(map.shape.axes(), 1));
}

std::vector<double> responseTo(const ConvMap& map, const std::vector<double>& values) {
  const std::size_t inPer = size(map.shape.in / map.shape.groups);
  const std::size_t outPer = size(map.shape.out / map.shape.groups);
  const std::size_t taps = size(map.shape.taps());
  std::vector<double> result(size(map.shape.out), 0.0);
  for (std::size_t o = 0; o < result.size(); ++o) {
    for (std::size_t i = 0; i < inPer; ++i) {
      const double* weight = map.weight.data() + (o * inPer + i) * taps;
      result[o] += std::accumulate(weight, weight + taps, 0.0) * values[o / outPer * inPer + i];
    }
  }
  return result;
}

std::vector<double> responseTo(const ConvMap& map, const std::vector<double>& image, const Dims& input) {
  const ConvShape& shape = map.shape;
  const Dims output = shape.output(input);
  const DimSize_t positions = product(output);
  const std::vector<double> weight = tapMajor(map);
  const Eigen::Map<const Matrix> source(image.data(), shape.in, product(input));
  Matrix result = Matrix::Zero(shape.out, positions);
  Matrix seen(shape.in, positions);
  Dims tap(shape.axes(), 0);
  for (DimSize_t t = 0; t < shape.taps(); ++t) {
    Dims at(shape.axes(), 0);
    for (DimSize_t position = 0; position < positions; ++position) {
      const auto place = placeUnder(shape, at, tap, input);
      if (place) seen.col(position) = source.col(*place);
      if (!place) seen.col(position).setZero();
      advance(at, output);
    }
    const Tap values{weight.data() + static_cast<std::size_t>(t) * (weight.size() / size(shape.taps())), shape};
    for (DimSize_t g = 0; g < shape.groups; ++g) {
      result.middleRows(g * values.outPerGroup(), values.outPerGroup()).noalias() +=
          values.all().middleRows(g * values.outPerGroup(), values.outPerGroup()) *
          seen.middleRows(g * values.inPerGroup(), values.inPerGroup());
    }
    advance(tap, shape.kernel);
  }
  return {result.data(), result.data() + result.size()};
}

std::optional<std::vector<double>> inputShift(const ConvMap& map) {
  const DimSize_t inPer = map.shape.in / map.shape.groups;
  const DimSize_t outPer = map.shape.out / map.shape.groups;
  std::vector<double> shift;
  for (DimSize_t group = 0; group < map.shape.groups; ++group) {
    const Eigen::Map<const Matrix> matrix(map.weight.data() + group * outPer * inPer, outPer, inPer);
    const Eigen::Map<const Eigen::VectorXd> bias(map.bias.data() + group * outPer, outPer);
    const Eigen::VectorXd part = matrix.completeOrthogonalDecomposition().solve(-bias);
    const double largest = bias.lpNorm<Eigen::Infinity>();
    const bool solved = (matrix * part + bias).lpNorm<Eigen::Infinity>() <= kSolved * largest;
    if (!solved || (matrix.cwiseAbs() * part.cwiseAbs()).maxCoeff() > kAmplified * largest) return std::nullopt;
    shift.insert(shift.end(), part.begin(), part.end());
  }
  return shift;
}

}  // namespace Aidge
