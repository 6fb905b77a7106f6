#include "aidge/operator/Operator.hpp"

#include <algorithm>

#include "aidge/core/Errors.hpp"
#include "core/EditLog.hpp"

namespace Aidge {

namespace {

std::string_view attributeTypeName(const AttributeValue& value) {
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
void followValues(const Operator& op, std::span<const TensorInfo> inputs, std::vector<TensorInfo>& outputs, const Inference& with) {
  const auto known = [](const TensorInfo& info) { return info.value != nullptr; };
  if (!with.evaluate || std::all_of(outputs.begin(), outputs.end(), known) || !std::all_of(outputs.begin(), outputs.end(), isFollowed))
    return;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].missing && (!known(inputs[i]) || !isFollowed(inputs[i]))) return;
  }
  std::vector<Tensor> values = with.evaluate(op, inputs, outputs);
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
  if (mSchema->validate) mSchema->validate(*this);
  makeSlots(mSchema->outputCount ? mSchema->outputCount(*this) : mSchema->outputs.size());
}

void Operator::makeSlots(IOIndex_t nbOutputs) {
  for (std::size_t i = 0; i < mInputSpecs.size(); ++i) mInputs.push_back(std::make_shared<TensorSlot>());
  for (IOIndex_t i = 0; i < nbOutputs; ++i) mOutputs.push_back(std::make_shared<TensorSlot>(Tensor()));
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
  op->makeSlots(nbOutputs);
  return op;
}

std::shared_ptr<Operator> Operator::meta(std::string type, std::shared_ptr<OperatorBody> body) {
  if (!body) throwExpected("operator::meta", "a graph", "none");
  const std::shared_ptr<Operator> op(new Operator());
  op->mType = std::move(type);
  for (std::string& name : body->inputNames()) op->mInputSpecs.push_back({std::move(name), InputCategory::Data, kAllTypes});
  op->makeSlots(body->nbResults());
  op->mBody = std::move(body);
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
    detail::EditLog::record([weak = weak_from_this(), key = std::string(name)] {
      const auto op = weak.lock();
      if (!op) return;
      op->mAttributes.erase(key);
      ++op->mRevision;
    });
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
  detail::EditLog::record([weak = weak_from_this(), key = std::string(name), old = std::move(value)] {
    const auto op = weak.lock();
    if (!op) return;
    op->mAttributes.find(key)->second = old;
    ++op->mRevision;
  });
}

const std::shared_ptr<TensorSlot>& Operator::inputSlot(IOIndex_t index) const {
  static_cast<void>(inputSpec(index));
  return mInputs[index];
}

const std::shared_ptr<TensorSlot>& Operator::outputSlot(IOIndex_t index) const {
  if (index >= mOutputs.size())
    throwExpected("operator::" + mType, "an output index below " + std::to_string(mOutputs.size()), std::to_string(index));
  return mOutputs[index];
}

std::shared_ptr<const Tensor> Operator::getInput(IOIndex_t index) const { return inputSlot(index)->get(); }

void Operator::setInput(IOIndex_t index, Tensor tensor) { shareInput(index, std::make_shared<TensorSlot>(std::move(tensor))); }

void Operator::shareInput(IOIndex_t index, std::shared_ptr<TensorSlot> slot) {
  static_cast<void>(inputSpec(index));
  mInputs[index] = std::move(slot);
}

void Operator::setOutput(IOIndex_t index, Tensor tensor) {
  const auto before = getOutput(index);
  if (isProducer()) mRevision += before->revision() + 1;
  mOutputs[index]->set(isProducer() && tensor.isExternal() ? tensor.clone() : std::move(tensor));
  detail::EditLog::record([weak = weak_from_this(), index, before] {
    const auto op = weak.lock();
    if (!op) return;
    op->mRevision += op->getOutput(index)->revision() + 1;
    op->mOutputs[index]->set(before);
  });
}

std::vector<TensorInfo> Operator::infer(std::span<const TensorInfo> inputs, const Inference& with) const {
  if (inputs.size() != nbInputs())
    throwExpected("operator::" + mType, std::to_string(nbInputs()) + " inputs", std::to_string(inputs.size()));
  if (isProducer()) {
    const auto value = getOutput(0);
    return {{value->dims(), value->dataType(), value->hasData() ? value : nullptr}};
  }
  if (mBody) {
    std::vector<TensorInfo> infos = mBody->inferResults(inputs, with);
    if (infos.size() != nbOutputs())
      throw DataDependentError("[operator::infer] expected dims that are known before a run, got those of " + mType);
    return infos;
  }
  if (mSchema == nullptr) {
    auto infos = with.generic ? with.generic(*this, inputs) : std::nullopt;
    return infos ? std::move(*infos) : declaredInfos(*this, inputs);
  }
  std::vector<TensorInfo> infos = mSchema->infer(*this, inputs);
  followValues(*this, inputs, infos, with);
  return infos;
}

double Operator::macs(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs) const {
  return mSchema != nullptr && mSchema->macs ? mSchema->macs(*this, inputs, outputs) : 0.0;
}

std::size_t Operator::parameters() const {
  return isProducer() && kFloatTypes.contains(getOutput(0)->dataType()) ? getOutput(0)->size() : 0;
}

std::shared_ptr<Operator> Operator::clone() const {
  const std::shared_ptr<Operator> copy(new Operator());
  copy->mType = mType;
  copy->mSchema = mSchema;
  if (mBody) copy->mBody = mBody->cloneBody();
  copy->mInputSpecs = mInputSpecs;
  copy->mAttributes = mAttributes;
  copy->makeSlots(nbOutputs());
  for (IOIndex_t i = 0; i < nbOutputs(); ++i) {
    Tensor output = *getOutput(i);
    if (isProducer()) {
      output = output.clone();
    } else {
      output.release();
    }
    copy->mOutputs[i]->set(std::move(output));
  }
  return copy;
}

std::uint64_t Operator::revision() const noexcept {
  std::uint64_t total = mRevision;
  if (isProducer()) total += getOutput(0)->revision();
  if (mBody) total += mBody->version();
  return total;
}

void Operator::throwWrongType(std::string_view name, const AttributeValue& value, const AttributeValue& wanted) const {
  throwExpected("operator::" + mType, "attribute \"" + std::string(name) + "\" of type " + std::string(attributeTypeName(wanted)),
                std::string(attributeTypeName(value)));
}

}  // namespace Aidge
