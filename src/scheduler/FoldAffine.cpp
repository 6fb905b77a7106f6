#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "Passes.hpp"

namespace Aidge::plan {

namespace {

/// y_c = scale_c x_c + shift_c for every channel c.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

bool isConvolution(std::string_view type) { return type == "Conv1D" || type == "Conv2D" || type == "Conv3D"; }
bool isTransposed(std::string_view type) { return type == "ConvTranspose1D" || type == "ConvTranspose2D" || type == "ConvTranspose3D"; }
bool isBatchNorm(std::string_view type) { return type == "BatchNorm1D" || type == "BatchNorm2D" || type == "BatchNorm3D"; }

const Tensor* constantOf(const Program& program, ValueId id) {
  return id != kNoValue && program.values[id].constant ? &*program.values[id].constant : nullptr;
}

/// Whether the step's weight (input 1) and bias (input 2, or missing) are constants that can be scaled.
bool hasScalableWeight(const Program& program, const Step& step) {
  if (step.kind != StepKind::Kernel || !step.postOps.empty()) return false;
  if (!isConvolution(step.type) && !isTransposed(step.type) && step.type != "FC") return false;
  const Tensor* weight = constantOf(program, step.inputs[1]);
  if (!weight || weight->dataType() != DataType::Float32) return false;
  return step.inputs.size() < 3 || step.inputs[2] == kNoValue || constantOf(program, step.inputs[2]);
}

std::optional<Affine> affineOfBatchNorm(const Program& program, const Step& step) {
  std::vector<std::vector<double>> parameters;
  for (std::size_t i = 1; i < 5; ++i) {
    const Tensor* constant = constantOf(program, step.inputs[i]);
    if (!constant) return std::nullopt;
    parameters.push_back(constant->toDoubles());
  }
  const double epsilon = step.op->attribute<double>("epsilon");
  Affine affine;
  for (std::size_t c = 0; c < parameters[0].size(); ++c) {
    const double scale = parameters[0][c] / std::sqrt(parameters[3][c] + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(parameters[1][c] - parameters[2][c] * scale);
  }
  return affine;
}

/// One value a channel where the constant has one entry, or entries only along axis 1 of `dims`.
std::optional<std::vector<double>> perChannel(const Tensor& constant, const Dims& dims) {
  const Dims& own = constant.dims();
  if (own.size() > dims.size() || dims.size() < 2) return std::nullopt;
  const std::vector<double> values = constant.toDoubles();
  const auto channels = static_cast<std::size_t>(dims[1]);
  if (values.size() == 1) return std::vector<double>(channels, values[0]);
  const std::size_t channelAxis = own.size() - (dims.size() - 1);
  if (own.size() + 1 < dims.size() || values.size() != channels || own[channelAxis] != dims[1]) return std::nullopt;
  return values;
}

std::optional<Affine> affineOfElementwise(const Program& program, const Step& step, ValueId data) {
  if (step.type != "Add" && step.type != "Sub" && step.type != "Mul" && step.type != "Div") return std::nullopt;
  const bool first = step.inputs[0] == data;
  const Tensor* constant = constantOf(program, step.inputs[first ? 1 : 0]);
  const Dims& dims = program.values[data].desc.dims;
  if (!constant || program.values[step.outputs[0]].desc.dims != dims) return std::nullopt;
  const auto values = perChannel(*constant, dims);
  if (!values) return std::nullopt;
  const std::vector<double> zeros(values->size(), 0.0);
  const std::vector<double> ones(values->size(), 1.0);
  if (step.type == "Add") return Affine{ones, *values};
  if (step.type == "Mul") return Affine{*values, zeros};
  std::vector<double> changed = *values;
  if (step.type == "Sub") {
    if (!first) return Affine{std::vector<double>(values->size(), -1.0), *values};
    std::transform(changed.begin(), changed.end(), changed.begin(), [](double v) { return -v; });
    return Affine{ones, changed};
  }
  if (step.type == "Div" && first && std::none_of(values->begin(), values->end(), [](double v) { return v == 0.0; })) {
    std::transform(changed.begin(), changed.end(), changed.begin(), [](double v) { return 1.0 / v; });
    return Affine{changed, zeros};
  }
  return std::nullopt;
}

std::optional<Affine> affineOf(const Program& program, const Step& step, ValueId data) {
  if (step.kind != StepKind::Kernel || !step.postOps.empty()) return std::nullopt;
  if (isBatchNorm(step.type)) return step.inputs[0] == data ? affineOfBatchNorm(program, step) : std::nullopt;
  const bool arithmetic = step.type == "Add" || step.type == "Sub" || step.type == "Mul" || step.type == "Div";
  return arithmetic ? affineOfElementwise(program, step, data) : std::nullopt;
}

/// Output channel of row `row` of a transposed convolution's weight (in, out / groups, …) and column `column`.
std::size_t transposedChannel(std::size_t row, std::size_t column, std::size_t rows, std::size_t columns, std::size_t groups) {
  return row / (rows / groups) * columns + column;
}

Tensor scaleWeight(const Tensor& weight, const Step& step, const std::vector<double>& scale) {
  Tensor scaled = weight.clone();
  const std::span<float> values = scaled.mutableData<float>();
  const auto rows = static_cast<std::size_t>(weight.dims()[0]);
  const auto columns = static_cast<std::size_t>(weight.dims()[1]);
  const std::size_t taps = values.size() / std::max<std::size_t>(rows * columns, 1);
  const bool transposed = isTransposed(step.type);
  const std::size_t groups = transposed ? static_cast<std::size_t>(step.op->attribute<std::int64_t>("groups")) : 1;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const double factor = scale[transposed ? transposedChannel(r, c, rows, columns, groups) : r];
      float* tap = values.data() + (r * columns + c) * taps;
      std::transform(tap, tap + taps, tap, [factor](float v) { return static_cast<float>(factor * static_cast<double>(v)); });
    }
  }
  return scaled;
}

Tensor shiftBias(const Tensor* bias, const Affine& affine) {
  const std::vector<double> old = bias ? bias->toDoubles() : std::vector<double>(affine.scale.size(), 0.0);
  std::vector<float> values;
  for (std::size_t c = 0; c < affine.scale.size(); ++c) values.push_back(static_cast<float>(affine.scale[c] * old[c] + affine.shift[c]));
  return Tensor::fromValues<float>({static_cast<DimSize_t>(values.size())}, std::span<const float>(values));
}

ValueId addConstant(Program& program, const std::string& name, Tensor tensor) {
  Value value;
  value.name = name;
  value.desc = {tensor.dims(), tensor.dataType()};
  value.constant = std::move(tensor);
  return program.addValue(std::move(value));
}

void fold(Program& program, Step& step, Step& affineStep, const Affine& affine) {
  if (std::any_of(affine.scale.begin(), affine.scale.end(), [](double v) { return v != 1.0; })) {
    Tensor scaled = scaleWeight(*program.values[step.inputs[1]].constant, step, affine.scale);
    step.inputs[1] = addConstant(program, step.node->name() + ":folded_weight", std::move(scaled));
  }
  step.inputs.resize(3, kNoValue);
  Tensor shifted = shiftBias(constantOf(program, step.inputs[2]), affine);
  step.inputs[2] = addConstant(program, step.node->name() + ":folded_bias", std::move(shifted));
  step.outputs = affineStep.outputs;
  step.fused.push_back(affineStep.node);
  affineStep.removed = true;
}

/// The only step that uses `id` (with nothing else seeing it), or nullptr.
Step* onlyConsumer(Program& program, const std::vector<std::size_t>& uses, ValueId id) {
  if (uses[id] != 1) return nullptr;
  for (Step& step : program.steps) {
    if (!step.removed && std::find(step.inputs.begin(), step.inputs.end(), id) != step.inputs.end()) return &step;
  }
  return nullptr;
}

}  // namespace

void foldAffine(Program& program) {
  std::vector<std::size_t> uses = program.useCounts();
  for (Step& step : program.steps) {
    if (step.removed || !hasScalableWeight(program, step)) continue;
    while (true) {
      Step* next = onlyConsumer(program, uses, step.outputs[0]);
      if (!next) break;
      const auto affine = affineOf(program, *next, step.outputs[0]);
      if (!affine) break;
      fold(program, step, *next, *affine);
      uses.resize(program.values.size(), 1);
    }
  }
  program.sweep();
}

}  // namespace Aidge::plan
