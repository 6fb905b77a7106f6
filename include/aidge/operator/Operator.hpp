#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/data/Tensor.hpp"
#include "aidge/data/TensorSlot.hpp"
#include "aidge/operator/Traits.hpp"

namespace Aidge {

using AttributeValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>, Tensor>;
using AttributeMap = std::map<std::string, AttributeValue, std::less<>>;

/// What shape inference knows of a tensor.
struct AIDGE_EXPORT TensorInfo {
  Dims dims;
  DataType dtype = DataType::Float32;
  /// Its value where that is known before run time (a producer's output, what follows from dims and small constants), else nullptr.
  std::shared_ptr<const Tensor> value = nullptr;
  bool missing = false;  ///< an optional input to which nothing is connected
};

class Operator;

enum class InputCategory : std::uint8_t { Data, Param, OptionalData, OptionalParam };

struct InputSpec {
  std::string name;
  InputCategory category = InputCategory::Data;
  TypeSet types{DataType::Float32};  ///< element types that every backend's kernel takes there; others are not imported as this operator
};

/// What an operator type is: inputs, outputs, attributes with defaults, and how shapes follow.
struct AIDGE_EXPORT OperatorSchema {
  std::string type;
  std::string brief;  ///< one sentence for docstrings, with the formula
  std::vector<InputSpec> inputs;
  bool variadic = false;  ///< the last input may repeat
  /// Inputs in the place of attributes of the same names, for values that are computed (from dims, before run time): an operator has as many of them as it was
  /// asked for, and each may stay unconnected.
  std::vector<std::string> extraInputs;
  std::vector<std::string> outputs{"output"};
  AttributeMap attributes;  ///< names and defaults; the default's type is the attribute's type
  /// Number of outputs where the attributes decide it (fixed when the operator is made; the last name repeats). Empty: `outputs`.
  std::function<IOIndex_t(const Operator&)> outputCount;
  /// Throws std::invalid_argument if the attributes contradict each other. May be empty.
  std::function<void(const Operator&)> validate;
  /// Output dims and types; throws std::invalid_argument (the caller prefixes the node's name) where inputs do not fit.
  std::function<std::vector<TensorInfo>(const Operator&, std::span<const TensorInfo>)> infer;
  /// Multiply-accumulates for these inputs and outputs; empty: none counted.
  std::function<double(const Operator&, std::span<const TensorInfo>, std::span<const TensorInfo>)> macs;
  /// What the type is to those who plan and rewrite networks. Every trait has to be stated.
  OperatorTraits traits;

  /// Whether only the shape computation needs the input: it takes the place of an attribute, or only its dims are read.
  [[nodiscard]] bool isShapeInput(IOIndex_t index) const { return traits.role == Role::DimsQuery || (!variadic && index >= inputs.size()); }
};

/// All operator types, filled by the files under operator/ when the library is loaded. Thread-safe; what `find` returns stays as it is.
class AIDGE_EXPORT OperatorRegistry {
 public:
  /// Throws std::logic_error if the type is there already.
  static bool add(OperatorSchema schema);
  /// nullptr if there is none.
  [[nodiscard]] static const OperatorSchema* find(std::string_view type);
  [[nodiscard]] static std::vector<std::string> types();
};

/// What shape inference may ask of those who have kernels. By default nothing: dims follow from dims and constants only.
struct Inference {
  /// Computes an operator's outputs from inputs whose values are all known; empty if it cannot. Shape inference then follows the values of small tensors
  /// too, such as shapes that are computed from shapes.
  std::function<std::vector<Tensor>(const Operator&, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs)> evaluate;
  /// Infers the outputs of generic operators; nullopt if it does not know the operator. Throws DataDependentError if the dims depend on values.
  std::function<std::optional<std::vector<TensorInfo>>(const Operator&, std::span<const TensorInfo> inputs)> generic;
};

/// The work of a meta operator, as far as an operator needs to know it. Implemented by GraphView.
class AIDGE_EXPORT OperatorBody {
 public:
  virtual ~OperatorBody() = default;
  [[nodiscard]] virtual std::vector<std::string> inputNames() const = 0;
  [[nodiscard]] virtual IOIndex_t nbResults() const = 0;
  /// Output infos for these inputs. Throws as Operator::infer does.
  [[nodiscard]] virtual std::vector<TensorInfo> inferResults(std::span<const TensorInfo> inputs, const Inference& with) const = 0;
  [[nodiscard]] virtual std::shared_ptr<OperatorBody> cloneBody() const = 0;
  /// Grows with every edit.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
};

/// An operator: its type and attribute values. It also shows the tensors that the last run published at its inputs and outputs; a producer's output is
/// its value. Reading them is safe while schedulers run the graph in other threads, every other change is not.
class AIDGE_EXPORT Operator : public std::enable_shared_from_this<Operator> {
 public:
  /// A registered type; `attributes` override the schema's defaults (unknown names and wrong types are errors). `nbInputs` counts for variadic types and
  /// those with extra inputs.
  explicit Operator(std::string_view type, AttributeMap attributes = {}, IOIndex_t nbInputs = 0);
  /// A generic operator: any type, any attributes, the given counts; nothing can run it natively. Three attributes mean something:
  /// "output_dims" (rank, dims, rank, dims … of the outputs; a first dim of -1 is that of the first computed input), "output_types" (their names; by default "float32") and
  /// "optional_inputs" (indices that may stay unconnected).
  static std::shared_ptr<Operator> generic(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, AttributeMap attributes = {});
  /// A meta operator: its work is `body`, a graph whose inputs and outputs are its own.
  static std::shared_ptr<Operator> meta(std::string type, std::shared_ptr<OperatorBody> body);
  /// A producer of a constant or a parameter. An external tensor is copied, so that later outside writes cannot change the network unseen.
  static std::shared_ptr<Operator> producer(Tensor value, bool constant = false);

  [[nodiscard]] const std::string& type() const noexcept { return mType; }
  /// nullptr for generic and meta operators.
  [[nodiscard]] const OperatorSchema* schema() const noexcept { return mSchema; }
  /// Those of the schema; of generic and meta operators: Role::Other, the whole batch, refused channels, not affine, no rectifier.
  [[nodiscard]] const OperatorTraits& traits() const noexcept;
  [[nodiscard]] Role role() const noexcept { return mSchema != nullptr ? mSchema->traits.role : Role::Other; }
  [[nodiscard]] bool isGeneric() const noexcept { return mSchema == nullptr && mBody == nullptr; }
  [[nodiscard]] bool isMeta() const noexcept { return mBody != nullptr; }
  [[nodiscard]] bool isProducer() const noexcept { return role() == Role::Constant; }
  /// The work of a meta operator, else nullptr. `microGraph(op)` (aidge/graph/GraphView.hpp) gives it as a graph.
  [[nodiscard]] const std::shared_ptr<OperatorBody>& body() const noexcept { return mBody; }

  [[nodiscard]] IOIndex_t nbInputs() const noexcept { return mInputSpecs.size(); }
  [[nodiscard]] IOIndex_t nbOutputs() const noexcept { return mOutputs.size(); }
  [[nodiscard]] const InputSpec& inputSpec(IOIndex_t index) const;
  [[nodiscard]] std::string outputName(IOIndex_t index) const;

  [[nodiscard]] const AttributeMap& attributes() const noexcept { return mAttributes; }
  [[nodiscard]] bool hasAttribute(std::string_view name) const { return mAttributes.find(name) != mAttributes.end(); }
  /// Throws std::invalid_argument naming operator, attribute and both types.
  template <typename T> [[nodiscard]] const T& attribute(std::string_view name) const {
    const AttributeValue& value = attributeValue(name);
    if (const T* held = std::get_if<T>(&value)) return *held;
    throwWrongType(name, value, AttributeValue(T{}));
  }
  [[nodiscard]] const AttributeValue& attributeValue(std::string_view name) const;
  /// Validates; leaves everything as it was if it throws. An int is accepted for a double.
  void setAttribute(std::string_view name, AttributeValue value);

  /// The tensor published at an input, nullptr if there is none: its dims since the graph's last forwardDims, its data if a run or `setInput` left it there.
  [[nodiscard]] std::shared_ptr<const Tensor> getInput(IOIndex_t index) const;
  /// The tensor published at an output, or a producer's value. Never null.
  [[nodiscard]] std::shared_ptr<const Tensor> getOutput(IOIndex_t index) const { return outputSlot(index)->get(); }
  /// Puts a tensor at an input, apart from what the parent's output shows.
  void setInput(IOIndex_t index, Tensor tensor);
  /// Replaces the tensor at an output; on a producer this replaces its value (and bumps the revision).
  void setOutput(IOIndex_t index, Tensor tensor);
  /// Where tensors are published. An input that a parent feeds shares the slot of the parent's output.
  [[nodiscard]] const std::shared_ptr<TensorSlot>& inputSlot(IOIndex_t index) const;
  [[nodiscard]] const std::shared_ptr<TensorSlot>& outputSlot(IOIndex_t index) const;
  void shareInput(IOIndex_t index, std::shared_ptr<TensorSlot> slot);

  /// Output infos for these input infos, with the values of small tensors that depend on small constants only. Throws std::invalid_argument;
  /// UnsupportedError for a generic operator whose output dims are not known (neither `with.generic` nor an attribute
  /// "output_dims" tells them); DataDependentError if they depend on values.
  [[nodiscard]] std::vector<TensorInfo> infer(std::span<const TensorInfo> inputs, const Inference& with = {}) const;
  [[nodiscard]] double macs(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs) const;

  /// What reports count as parameters: the elements of a producer of a floating-point type; 0 for all other operators.
  [[nodiscard]] std::size_t parameters() const;

  /// Deep copy, producers' data and a meta operator's graph included.
  [[nodiscard]] std::shared_ptr<Operator> clone() const;
  /// Grows with every change of an attribute, of a producer's value or of the graph inside.
  [[nodiscard]] std::uint64_t revision() const noexcept;

 private:
  Operator() = default;
  void makeSlots(IOIndex_t nbOutputs);
  [[noreturn]] void throwWrongType(std::string_view name, const AttributeValue& value, const AttributeValue& wanted) const;

  std::string mType;
  const OperatorSchema* mSchema = nullptr;
  std::shared_ptr<OperatorBody> mBody;
  std::vector<InputSpec> mInputSpecs;
  AttributeMap mAttributes;
  std::vector<std::shared_ptr<TensorSlot>> mInputs;
  std::vector<std::shared_ptr<TensorSlot>> mOutputs;
  std::uint64_t mRevision = 0;
};

}  // namespace Aidge
