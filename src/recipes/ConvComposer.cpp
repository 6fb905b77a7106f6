#include "ConvComposer.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

/// A kernel of more values than this is refused, unless its layers have half as many: chains without padding grow without bounds.
constexpr double kMostParameters = 33554432.0;

double count(const Dims& dims) { return std::accumulate(dims.begin(), dims.end(), 1.0, std::multiplies<>()); }

bool areOnes(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](DimSize_t dim) { return dim == 1; });
}

/// A shape without axes as a pointwise one with so many.
ConvShape lifted(ConvShape shape, std::size_t axes) {
  for (Dims* dims : {&shape.kernel, &shape.stride, &shape.dilation}) dims->resize(axes, 1);
  for (Dims* dims : {&shape.padBegin, &shape.padEnd}) dims->resize(axes, 0);
  return shape;
}

bool isTooLarge(const ConvShape& shape, double parts) {
  const auto beyond = [](const Dims& dims) {
    return std::any_of(dims.begin(), dims.end(), [](DimSize_t dim) { return dim > kMaxWindowExtent; });
  };
  return beyond(shape.stride) || beyond(shape.padBegin) || beyond(shape.padEnd) || beyond(shape.kernel) ||
         shape.parameters() > std::max(kMostParameters, 2.0 * parts);
}

/// The map of x for the variable x - shift: only the bias changes.
void rebase(LoadedComposite& loaded, const std::vector<double>& shift) {
  const std::vector<double> response = responseTo(loaded.map, shift);
  loaded.map.bias.resize(response.size(), 0.0);
  for (std::size_t o = 0; o < response.size(); ++o) loaded.map.bias[o] += response[o];
  loaded.shift = shift;
}

/// sum += values; either may be empty.
void addTo(std::vector<double>& sum, const std::vector<double>& values) {
  if (sum.empty()) sum.resize(values.size(), 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) sum[i] += values[i];
}

/// Takes the bias of a pointwise map away by shifting its input.
void biasToShift(LoadedComposite& loaded) {
  ConvMap& map = loaded.map;
  if (map.bias.empty()) return;
  addTo(loaded.shift, inputShift(map).value_or(std::vector<double>(static_cast<std::size_t>(map.shape.in), 0.0)));
  map.bias.clear();
  map.shape.hasBias = false;
}

/// Moves the bias into the image, over all positions of these extents.
void biasToImage(LoadedComposite& loaded, const Dims& extents) {
  ConvMap& map = loaded.map;
  const auto positions = static_cast<std::size_t>(count(extents));
  std::vector<double> flat;
  for (const double value : map.bias) flat.insert(flat.end(), positions, value);
  addTo(loaded.image, flat);
  map.bias.clear();
  map.shape.hasBias = false;
}

bool hasPadding(const ConvShape& shape) {
  const auto isPositive = [](DimSize_t pad) { return pad > 0; };
  return std::any_of(shape.padBegin.begin(), shape.padBegin.end(), isPositive) ||
         std::any_of(shape.padEnd.begin(), shape.padEnd.end(), isPositive);
}

}  // namespace

BorderRule Composite::border() const {
  if (isApproximate) return BorderRule::Approximate;
  if (isImaged) return BorderRule::Image;
  return isShifted ? BorderRule::Shift : BorderRule::Refuse;
}

bool Composite::isWritable() const { return refusal.empty() && isCore && (isMatrix || (!isFlat && shape.axes() > 0)); }

std::string Composite::type() const { return isMatrix ? "FC" : "Conv" + std::to_string(shape.axes()) + "D"; }

double Composite::macs() const {
  const double batch = static_cast<double>(input[0]);
  const double inputElements = count(input);
  double total = isShifted ? inputElements : 0.0;
  if (isPooled) total += inputElements;
  const auto out = static_cast<double>(shape.out);
  if (isMatrix) return total + batch * out * (isPooled ? static_cast<double>(shape.in) : inputElements / batch);
  const double outputElements = batch * out * count(current);
  return total + shape.macs(outputElements) + (isImaged ? outputElements : 0.0);
}

double Composite::parameters() const {
  const double shift = isShifted ? static_cast<double>(shape.in) : 0.0;
  const double image = static_cast<double>(shape.out) * (count(current) - (shape.hasBias ? 1.0 : 0.0));
  if (!isMatrix) return shape.parameters() + shift + (isImaged ? image : 0.0);
  const double inputs = isPooled ? static_cast<double>(shape.in) : count(input) / static_cast<double>(input[0]);
  return static_cast<double>(shape.out) * (inputs + (shape.hasBias || isImaged ? 1.0 : 0.0)) + shift;
}

Composite ConvComposer::before(const Element& first) const {
  Composite composite;
  composite.input = first.input;
  composite.shape = identityMap(first.input[1], first.input.size() - 2).shape;
  composite.spatial = mDims.spatial(first.input);
  composite.current.assign(first.input.begin() + 2, first.input.end());
  return composite;
}

Composite ConvComposer::extended(Composite composite, const Element& next) const {
  if (!composite.refusal.empty()) return composite;
  composite.isCore = composite.isCore || next.layer.isCore;
  if (next.isBlock) {
    addBlock(composite, next);
    return composite;
  }
  switch (next.layer.kind) {
    case LayerKind::Pass:
      break;
    case LayerKind::Flatten:
      composite.isFlat = true;
      break;
    case LayerKind::GlobalMean:
      addGlobalMean(composite, next);
      break;
    case LayerKind::FullyConnected:
      addMatrix(composite, next);
      break;
    case LayerKind::Map:
      addMap(composite, {&next, next.layer.shape, false, false, {}});
      break;
  }
  return composite;
}

Composite ConvComposer::composed(const Chain& chain) const {
  Composite composite = before(chain.front());
  for (const Element& element : chain) composite = extended(std::move(composite), element);
  return composite;
}

void ConvComposer::addGlobalMean(Composite& composite, const Element& element) const {
  composite.isFlat = composite.isFlat || element.layer.flattens;
  if (areOnes(composite.current) && (composite.isPooled || composite.isMatrix)) return;
  if (!composite.shape.isPointwise() || !areOnes(composite.shape.stride)) {
    composite.refusal = "only a pointwise layer of stride 1 can change places with a global mean";
    return;
  }
  composite.isPooled = true;
  composite.current.assign(composite.current.size(), 1);
}

void ConvComposer::addMatrix(Composite& composite, const Element& element) const {
  const bool isOnePosition = areOnes(composite.current) && composite.shape.isPointwise();
  if (!mDims.isFixed() && !composite.steps.empty() && !composite.isMatrix && !isOnePosition) {
    composite.refusal = "the FC takes all positions of an image whose size is not fixed";
    return;
  }
  Composite::Step step{&element, lifted(element.layer.shape, composite.current.size()), false, false, {}};
  step.shape.kernel = composite.current;
  step.shape.in = static_cast<DimSize_t>(static_cast<double>(step.shape.in) / count(composite.current));
  composite.isMatrix = composite.isFlat = true;
  addMap(composite, std::move(step));
}

void ConvComposer::addBlock(Composite& composite, const Element& element) const {
  Composite::Step step{&element, {}, false, false, {}};
  std::array<ConvShape, 2> shapes;
  for (std::size_t k = 0; k < 2; ++k) {
    auto branch = before(element);
    for (const Element& inner : element.branches[k]) branch = extended(std::move(branch), inner);
    if (branch.refusal.empty() && (branch.isPooled || branch.isFlat)) branch.refusal = "a branch of the sum drops the spatial axes";
    composite.isCore = composite.isCore || branch.isCore;
    composite.isApproximate = composite.isApproximate || branch.isApproximate;
    composite.isImaged = composite.isImaged || branch.isImaged;
    composite.refusal = composite.refusal.empty() ? branch.refusal : composite.refusal;
    shapes[k] = branch.shape;
    step.branches[k] = std::make_shared<const Composite>(std::move(branch));
  }
  if (!composite.refusal.empty()) return;
  const std::array<bool, 2> shifted{step.branches[0]->isShifted, step.branches[1]->isShifted};
  if ((shifted[0] && (shifted[1] || hasPadding(shapes[1]))) || (shifted[1] && hasPadding(shapes[0]))) {
    composite.refusal = "the branches of the sum would need inputs that are shifted differently";
    return;
  }
  const auto sum = sumShape(shapes[0], shapes[1], mDims.spatial(element.input));
  if (!sum) {
    composite.refusal = "the branches of the sum have different strides, or windows that do not align";
    return;
  }
  step.shape = *sum;
  if (shifted[0] || shifted[1]) {
    if (!composite.steps.empty()) {
      composite.refusal = "the sum needs an input that is shifted";
      return;
    }
    step.shape.hasBias = composite.isShifted = true;
  }
  addMap(composite, std::move(step));
}

void ConvComposer::addMap(Composite& composite, Composite::Step step) const {
  if (composite.isFlat && !composite.isMatrix && !areOnes(composite.current)) {
    composite.refusal = "the channels are flattened before it";
    return;
  }
  if (step.shape.axes() != composite.shape.axes()) step.shape = lifted(step.shape, composite.shape.axes());
  if (composite.isPooled && step.shape.taps() == 1 && !hasPadding(step.shape)) step.shape.stride.assign(step.shape.axes(), 1);
  if (composite.isPooled && !(step.shape.isPointwise())) {
    composite.refusal = "after a global mean only a pointwise layer can merge";
    return;
  }
  if (!composite.isPooled) checkBorder(composite, step);
  if (!composite.refusal.empty()) return;
  const Dims output = step.shape.output(composite.current);
  composite.shape = compose(composite.shape, step.shape);
  composite.current = output;
  composite.steps.push_back(std::move(step));
  double parts = 0.0;
  for (const Composite::Step& part : composite.steps) parts += part.shape.parameters();
  if (isTooLarge(composite.shape, parts)) composite.refusal = "the merged kernel would be too large";
}

void ConvComposer::checkBorder(Composite& composite, Composite::Step& step) const {
  const BorderCase found = borderCase(composite.shape, step.shape, composite.spatial);
  if (found == BorderCase::Exact) return;
  if (found == BorderCase::BiasLeaks && mBorder == BorderRule::Shift && composite.shape.isPointwise()) {
    const LoadedComposite loaded = load(composite);
    if (loaded.map.bias.empty() || inputShift(loaded.map)) {
      step.shifted = composite.isShifted = true;
      composite.shape.hasBias = false;
      return;
    }
    composite.refusal =
        "no shift of the input stands for the first one's bias (A·v = -bias has no solution, or none that float32 can hold)";
    return;
  }
  if (found == BorderCase::BiasLeaks && mBorder == BorderRule::Image) {
    if (!mDims.isFixed()) {
      composite.refusal = "what the first one's bias comes to behind the padding depends on the image size, which is not fixed";
      return;
    }
    step.imaged = composite.isImaged = true;
    composite.shape.hasBias = false;
    return;
  }
  if (mBorder == BorderRule::Approximate) {
    composite.isApproximate = true;
    return;
  }
  composite.refusal = found == BorderCase::BiasLeaks ? "the second one pads with zeros where the first one's bias would stand"
                                                     : "the second one pads with zeros where the first one would see the data's edge";
}

LoadedComposite ConvComposer::loadStep(const Composite::Step& step) const {
  const Element& element = *step.element;
  if (!element.isBlock) {
    LoadedComposite loaded{loadLayer(mGraph, element.node, element.layer, element.input), {}, {}};
    loaded.map.shape = step.shape;
    return loaded;
  }
  std::array<LoadedComposite, 2> parts{load(*step.branches[0]), load(*step.branches[1])};
  for (std::size_t k = 0; k < 2; ++k) {
    const auto& other = parts[1 - k].shift;
    if (parts[k].shift.empty() && !other.empty()) rebase(parts[k], other);
  }
  for (LoadedComposite& part : parts) {  // branches of fully connected layers have no axes
    if (part.map.shape.axes() != step.shape.axes()) part.map.shape = lifted(part.map.shape, step.shape.axes());
  }
  addTo(parts[0].image, parts[1].image);
  return {sum(parts[0].map, parts[1].map, step.shape), parts[0].shift, parts[0].image};
}

LoadedComposite ConvComposer::load(const Composite& composite) const {
  LoadedComposite loaded{identityMap(composite.input[1], composite.input.size() - 2), {}, {}};
  Dims extents(composite.input.begin() + 2, composite.input.end());
  for (const Composite::Step& step : composite.steps) {
    LoadedComposite next = loadStep(step);
    if (!next.shift.empty()) loaded.shift = next.shift;  // only a first one has it
    if (step.shifted) biasToShift(loaded);
    if (step.imaged) biasToImage(loaded, extents);
    if (composite.isPooled) extents.assign(extents.size(), 1);
    if (!loaded.image.empty()) loaded.image = responseTo(next.map, loaded.image, extents);
    addTo(loaded.image, next.image);
    extents = step.shape.output(extents);
    loaded.map = compose(loaded.map, next.map);
  }
  if (!loaded.image.empty()) biasToImage(loaded, extents);
  return loaded;
}

}  // namespace Aidge::detail
