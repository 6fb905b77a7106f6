#include "aidge/operator/Operator.hpp"

#include <algorithm>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

namespace {

std::string_view typeName(const AttributeValue& value) {
  static constexpr std::string_view kNames[] = {"bool",        "int",           "float",          "string",
                                                "list of int", "list of float", "list of string", "tensor"};
  return kNames[value.index()];
}

/// Converts where nothing is lost: int → float, ints → floats, bool → int and back (0, 1), an empty list to any list.
bool convertTo(AttributeValue& value, const AttributeValue& wanted) {
  if (value.index() == wanted.index()) return true;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (std::holds_alternative<double>(wanted)) {
      value = static_cast<double>(*integer);
      return true;
    }
    if (std::holds_alternative<bool>(wanted) && (*integer == 0 || *integer == 1)) {
      value = *integer == 1;
      return true;
    }
    return false;
  }
  if (const auto* flag = std::get_if<bool>(&value); flag && std::holds_alternative<std::int64_t>(wanted)) {
    value = static_cast<std::int64_t>(*flag);
    return true;
  }
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
    if (std::holds_alternative<std::vector<double>>(wanted)) {
      value = std::vector<double>(list->begin(), list->end());
      return true;
    }
    if (list->empty() && std::holds_alternative<std::vector<std::string>>(wanted)) {
      value = std::vector<std::string>{};
      return true;
    }
  }
  return false;
}

/// Where a generic operator keeps its outputs' dims if they are known: for each output its rank, then its dims.
constexpr std::string_view kOutputDims = "output_dims";
/// Their types' names; float32 where it is absent.
constexpr std::string_view kOutputTypes = "output_types";
/// Which inputs of a generic operator may stay unconnected.
constexpr std::string_view kOptionalInputs = "optional_inputs";

/// The batch as it arrives: the first dim of the first input that is computed.
DimSize_t batchOf(std::span<const TensorInfo> inputs) {
  for (const TensorInfo& input : inputs) {
    if (input.value == nullptr && !input.dims.empty()) return input.dims.front();
  }
  return kDynamicDim;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return "[" + text + "]";
}

DataType declaredType(const Operator& op, std::size_t index) {
  if (!op.hasAttribute(kOutputTypes)) return DataType::Float32;
  const auto& names = op.attribute<std::vector<std::string>>(kOutputTypes);
  const auto type = index < names.size() ? dataTypeOf(names[index]) : std::nullopt;
  if (!type) throwExpected("operator::infer", "\"output_types\" with a type's name an output", listed(names));
  return *type;
}

std::vector<TensorInfo> declaredInfos(const Operator& op, std::span<const TensorInfo> inputs) {
  if (!op.hasAttribute(kOutputDims)) {
    throw UnsupportedError("[operator::infer] expected an operator with known output dims, got the generic operator " + op.type());
  }
  const auto& packed = op.attribute<std::vector<std::int64_t>>(kOutputDims);
  std::vector<TensorInfo> infos;
  std::size_t at = 0;
  while (at < packed.size()) {
    const auto rank = static_cast<std::size_t>(std::max<std::int64_t>(packed[at], 0));
    if (rank > packed.size() - at - 1)
      throwExpected("operator::infer", "\"output_dims\" as rank, dims, rank, dims …", "a list that ends early");
    infos.push_back(
        {Dims(packed.begin() + static_cast<std::ptrdiff_t>(at) + 1, packed.begin() + static_cast<std::ptrdiff_t>(at + 1 + rank)),
         declaredType(op, infos.size()), nullptr});
    Dims& dims = infos.back().dims;
    if (!dims.empty() && dims.front() == kDynamicDim) dims.front() = batchOf(inputs);
    at += 1 + rank;
  }
  if (infos.size() != op.nbOutputs())
    throwExpected("operator::infer", "\"output_dims\" for " + std::to_string(op.nbOutputs()) + " outputs", std::to_string(infos.size()));
  return infos;
}

/// Values of more elements than this are left to the run: shapes are short.
constexpr std::size_t kMaxFollowed = 1024;

bool isFollowed(const TensorInfo& info) { return elementCount(info.dims) <= kMaxFollowed; }

/// Computes the outputs' values where all inputs' values are known.
void followValues(const Operator& op, std::span<const TensorInfo> inputs, std::vector<TensorInfo>& outputs) {
  const auto& evaluate = OperatorRegistry::evaluator();
  const auto known = [](const TensorInfo& info) { return info.value != nullptr; };
  if (!evaluate || std::all_of(outputs.begin(), outputs.end(), known) || !std::all_of(outputs.begin(), outputs.end(), isFollowed)) return;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].missing && (!known(inputs[i]) || !isFollowed(inputs[i]))) return;
  }
  std::vector<Tensor> values = evaluate(op, inputs, outputs);
  for (std::size_t i = 0; i < values.size(); ++i) outputs[i].value = std::make_shared<const Tensor>(std::move(values[i]));
}

}  // namespace

Operator::Operator(std::string_view type, AttributeMap attributes, IOIndex_t nbInputs)
    : mType(type), mSchema(OperatorRegistry::find(type)) {
  if (mSchema == nullptr) throwExpected("operator::Operator", "a registered operator type", "\"" + mType + "\"");
  mInputSpecs = mSchema->inputs;
  if (nbInputs != 0 && nbInputs != mInputSpecs.size()) {
    const std::size_t own = mInputSpecs.size();
    const bool fits = mSchema->variadic || (nbInputs > own && nbInputs <= own + mSchema->extraInputs.size());
    if (!fits) throwExpected("operator::" + mType, std::to_string(own) + " inputs", std::to_string(nbInputs));
    const InputSpec last = mInputSpecs.empty() ? InputSpec{} : mInputSpecs.back();
    for (IOIndex_t i = own; i < nbInputs; ++i) {
      mInputSpecs.push_back(mSchema->variadic ? last
                                              : InputSpec{mSchema->extraInputs[i - own], InputCategory::OptionalData, kNumericTypes});
    }
  }
  mAttributes = mSchema->attributes;
  for (auto& [name, value] : attributes) {
    const auto found = mAttributes.find(name);
    if (found == mAttributes.end()) throwExpected("operator::" + mType, "an attribute of this operator", "\"" + name + "\"");
    if (!convertTo(value, found->second)) throwWrongType(name, value, found->second);
    found->second = std::move(value);
  }
  mInputs.resize(mInputSpecs.size());
  if (mSchema->validate) mSchema->validate(*this);
  const IOIndex_t count = mSchema->outputCount ? mSchema->outputCount(*this) : mSchema->outputs.size();
  for (IOIndex_t i = 0; i < count; ++i) mOutputs.push_back(std::make_shared<Tensor>());
}

std::shared_ptr<Operator> Operator::generic(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, AttributeMap attributes) {
  const std::shared_ptr<Operator> op(new Operator());
  op->mType = std::move(type);
  op->mAttributes = std::move(attributes);
  std::vector<std::int64_t> optional;
  if (op->hasAttribute(kOptionalInputs)) optional = op->attribute<std::vector<std::int64_t>>(kOptionalInputs);
  for (IOIndex_t i = 0; i < nbInputs; ++i) {
    const bool mayMiss = std::find(optional.begin(), optional.end(), static_cast<std::int64_t>(i)) != optional.end();
    op->mInputSpecs.push_back({"input" + std::to_string(i), mayMiss ? InputCategory::OptionalData : InputCategory::Data, kAllTypes});
  }
  op->mInputs.resize(nbInputs);
  for (IOIndex_t i = 0; i < nbOutputs; ++i) op->mOutputs.push_back(std::make_shared<Tensor>());
  return op;
}

std::shared_ptr<Operator> Operator::meta(std::string type, GraphViewPtr graph) {
  if (!graph) throwExpected("operator::meta", "a graph", "none");
  const std::shared_ptr<Operator> op(new Operator());
  op->mType = std::move(type);
  for (const GraphInput& input : graph->inputs()) op->mInputSpecs.push_back({input.name, InputCategory::Data, kAllTypes});
  op->mInputs.resize(op->mInputSpecs.size());
  for (std::size_t i = 0; i < graph->outputs().size(); ++i) op->mOutputs.push_back(std::make_shared<Tensor>());
  op->mMicroGraph = std::move(graph);
  return op;
}

std::shared_ptr<Operator> Operator::producer(Tensor value, bool constant) {
  auto op = std::make_shared<Operator>("Producer", AttributeMap{{"constant", constant}});
  op->setOutput(0, std::move(value));
  return op;
}

const InputSpec& Operator::inputSpec(IOIndex_t index) const {
  if (index >= mInputSpecs.size())
    throwExpected("operator::" + mType, "an input index below " + std::to_string(mInputSpecs.size()), std::to_string(index));
  return mInputSpecs[index];
}

std::string Operator::outputName(IOIndex_t index) const {
  if (mSchema != nullptr && index < mSchema->outputs.size() && !mSchema->outputCount) return mSchema->outputs[index];
  return "output" + std::to_string(index);
}

const AttributeValue& Operator::attributeValue(std::string_view name) const {
  const auto found = mAttributes.find(name);
  if (found == mAttributes.end()) throwExpected("operator::" + mType, "an attribute of this operator", "\"" + std::string(name) + "\"");
  return found->second;
}

void Operator::setAttribute(std::string_view name, AttributeValue value) {
  const auto found = mAttributes.find(name);
  if (found == mAttributes.end()) {
    if (mSchema != nullptr) throwExpected("operator::" + mType, "an attribute of this operator", "\"" + std::string(name) + "\"");
    mAttributes.emplace(std::string(name), std::move(value));
    ++mRevision;
    return;
  }
  if (mSchema != nullptr && !convertTo(value, found->second)) throwWrongType(name, value, found->second);
  std::swap(found->second, value);
  try {
    if (mSchema != nullptr && mSchema->validate) mSchema->validate(*this);
    if (mSchema != nullptr && mSchema->outputCount && mSchema->outputCount(*this) != nbOutputs())
      throwExpected("operator::" + mType, "as many outputs as before (" + std::to_string(nbOutputs()) + ")",
                    std::to_string(mSchema->outputCount(*this)));
  } catch (...) {
    std::swap(found->second, value);
    throw;
  }
  ++mRevision;
}

const TensorPtr& Operator::getInput(IOIndex_t index) const {
  static_cast<void>(inputSpec(index));
  return mInputs[index];
}

const TensorPtr& Operator::getOutput(IOIndex_t index) const {
  if (index >= mOutputs.size())
    throwExpected("operator::" + mType, "an output index below " + std::to_string(mOutputs.size()), std::to_string(index));
  return mOutputs[index];
}

void Operator::setInput(IOIndex_t index, TensorPtr tensor) {
  static_cast<void>(inputSpec(index));
  mInputs[index] = std::move(tensor);
}

void Operator::setOutput(IOIndex_t index, Tensor tensor) {
  const TensorPtr& present = getOutput(index);
  if (!isProducer()) {
    mOutputs[index] = std::make_shared<Tensor>(std::move(tensor));
    return;
  }
  const std::uint64_t old = present->revision();
  mOutputs[index] = std::make_shared<Tensor>(tensor.isExternal() ? tensor.clone() : std::move(tensor));
  mRevision += old + 1;
}

std::vector<TensorInfo> Operator::infer(std::span<const TensorInfo> inputs) const {
  if (inputs.size() != nbInputs())
    throwExpected("operator::" + mType, std::to_string(nbInputs()) + " inputs", std::to_string(inputs.size()));
  if (isProducer()) return {{mOutputs[0]->dims(), mOutputs[0]->dataType(), mOutputs[0]->hasData() ? mOutputs[0] : nullptr}};
  if (mMicroGraph) {
    std::vector<Dims> dims;
    for (const TensorInfo& input : inputs) dims.push_back(input.dims);
    const auto shapes = mMicroGraph->inferShapes(dims);
    std::vector<TensorInfo> infos;
    for (const GraphOutput& output : mMicroGraph->outputs()) {
      const auto known = shapes.find(output.node.get());
      if (known == shapes.end())
        throw DataDependentError("[operator::infer] expected dims that are known before a run, got those of " + mType);
      infos.push_back(known->second[output.index]);
    }
    return infos;
  }
  if (mSchema == nullptr) {
    const auto& inferGeneric = OperatorRegistry::genericInference();
    auto infos = inferGeneric ? inferGeneric(*this, inputs) : std::nullopt;
    return infos ? std::move(*infos) : declaredInfos(*this, inputs);
  }
  std::vector<TensorInfo> infos = mSchema->infer(*this, inputs);
  followValues(*this, inputs, infos);
  return infos;
}

double Operator::macs(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs) const {
  return mSchema != nullptr && mSchema->macs ? mSchema->macs(*this, inputs, outputs) : 0.0;
}

std::size_t Operator::parameters() const { return isProducer() && kFloatTypes.contains(mOutputs[0]->dataType()) ? mOutputs[0]->size() : 0; }

std::shared_ptr<Operator> Operator::clone() const {
  const std::shared_ptr<Operator> copy(new Operator());
  copy->mType = mType;
  copy->mSchema = mSchema;
  if (mMicroGraph) copy->mMicroGraph = mMicroGraph->clone();
  copy->mInputSpecs = mInputSpecs;
  copy->mAttributes = mAttributes;
  copy->mInputs.resize(mInputs.size());
  for (const TensorPtr& output : mOutputs) {
    if (isProducer()) {
      copy->mOutputs.push_back(std::make_shared<Tensor>(output->clone()));
    } else {
      auto empty = std::make_shared<Tensor>(*output);
      empty->release();
      copy->mOutputs.push_back(std::move(empty));
    }
  }
  return copy;
}

void Operator::restore(State state) {
  for (const TensorPtr& output : mOutputs) mRevision += output->revision();
  mAttributes = std::move(state.attributes);
  mOutputs = std::move(state.outputs);
  ++mRevision;
}

std::uint64_t Operator::revision() const noexcept {
  std::uint64_t total = mRevision;
  if (isProducer()) total += mOutputs[0]->revision();
  if (mMicroGraph) total += mMicroGraph->version();
  return total;
}

void Operator::throwWrongType(std::string_view name, const AttributeValue& value, const AttributeValue& wanted) const {
  throwExpected("operator::" + mType, "attribute \"" + std::string(name) + "\" of type " + std::string(typeName(wanted)),
                std::string(typeName(value)));
}

NodePtr makeNode(std::string_view type, AttributeMap attributes, std::string name, IOIndex_t nbInputs) {
  return std::make_shared<Node>(std::make_shared<Operator>(type, std::move(attributes), nbInputs), std::move(name));
}

NodePtr Producer(Tensor value, std::string name, bool constant) {
  return std::make_shared<Node>(Operator::producer(std::move(value), constant), std::move(name));
}

NodePtr GenericOperator(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, std::string name, AttributeMap attributes) {
  return std::make_shared<Node>(Operator::generic(std::move(type), nbInputs, nbOutputs, std::move(attributes)), std::move(name));
}

NodePtr MetaOperator(std::string type, GraphViewPtr graph, std::string name) {
  return std::make_shared<Node>(Operator::meta(std::move(type), std::move(graph)), std::move(name));
}

}  // namespace Aidge
