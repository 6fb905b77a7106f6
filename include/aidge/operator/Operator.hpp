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

#include "aidge/core/Types.hpp"
#include "aidge/data/Tensor.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/operator/Traits.hpp"

namespace Aidge {

using AttributeValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>, Tensor>;
using AttributeMap = std::map<std::string, AttributeValue, std::less<>>;

/// What shape inference knows of a tensor.
struct TensorInfo {
  Dims dims;
  DataType dtype = DataType::Float32;
  /// Its value where that is known before run time (a producer's output, what follows from dims and small constants), else nullptr.
  std::shared_ptr<const Tensor> value = nullptr;
  bool missing = false;  ///< an optional input to which nothing is connected
};

class Operator;

struct InputSpec {
  std::string name;
  InputCategory category = InputCategory::Data;
  TypeSet types{DataType::Float32};  ///< element types that every backend's kernel takes there; others are not imported as this operator
};

/// What an operator type is: inputs, outputs, attributes with defaults, and how shapes follow.
struct OperatorSchema {
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
  /// Throws std::invalid_argument where the attributes contradict each other. May be empty.
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

/// All operator types, filled by the files under operator/ when the library is loaded.
class OperatorRegistry {
 public:
  /// Throws std::logic_error if the type is there already.
  static bool add(OperatorSchema schema);
  /// nullptr where there is none.
  [[nodiscard]] static const OperatorSchema* find(std::string_view type);
  [[nodiscard]] static std::vector<std::string> types();

  /// Computes an operator's outputs from inputs whose values are all known; empty where it cannot.
  using Evaluator =
      std::function<std::vector<Tensor>(const Operator&, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs)>;
  /// Shape inference then follows values too (of few elements), such as shapes that are computed from shapes. Set by the layer that has kernels.
  static bool setEvaluator(Evaluator evaluator);
  [[nodiscard]] static const Evaluator& evaluator();

  /// Infers the outputs of generic operators; nullopt where it knows nothing of one. Throws DataDependentError where only a run tells the dims.
  using GenericInference = std::function<std::optional<std::vector<TensorInfo>>(const Operator&, std::span<const TensorInfo> inputs)>;
  /// Set by the layer that has kernels; empty: there is none.
  static void setGenericInference(GenericInference infer);
  [[nodiscard]] static const GenericInference& genericInference();
};

/// An operator: its type, attribute values, and the tensors at its inputs and outputs.
class Operator {
 public:
  /// A registered type; `attributes` override the schema's defaults (unknown names and wrong types are errors). `nbInputs` counts for variadic types and
  /// those with extra inputs.
  explicit Operator(std::string_view type, AttributeMap attributes = {}, IOIndex_t nbInputs = 0);
  /// A generic operator: any type, any attributes, the given counts; nothing can run it natively. Three attributes mean something:
  /// "output_dims" (rank, dims, rank, dims … of the outputs; a first dim of -1 is that of the first computed input), "output_types" (their names; by default "float32") and
  /// "optional_inputs" (indices that may stay unconnected).
  static std::shared_ptr<Operator> generic(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, AttributeMap attributes = {});
  /// A meta operator: its work is `graph`, whose inputs and outputs are its own.
  static std::shared_ptr<Operator> meta(std::string type, GraphViewPtr graph);
  /// A producer of a constant or a parameter. An external tensor is copied, so that later outside writes cannot change the network unseen.
  static std::shared_ptr<Operator> producer(Tensor value, bool constant = false);

  [[nodiscard]] const std::string& type() const noexcept { return mType; }
  /// nullptr for generic and meta operators.
  [[nodiscard]] const OperatorSchema* schema() const noexcept { return mSchema; }
  /// Those of the schema; of generic and meta operators: Role::Other, the whole batch, refused channels, not affine, no rectifier.
  [[nodiscard]] const OperatorTraits& traits() const noexcept;
  [[nodiscard]] Role role() const noexcept { return mSchema != nullptr ? mSchema->traits.role : Role::Other; }
  [[nodiscard]] bool isGeneric() const noexcept { return mSchema == nullptr && mMicroGraph == nullptr; }
  [[nodiscard]] bool isMeta() const noexcept { return mMicroGraph != nullptr; }
  [[nodiscard]] bool isProducer() const noexcept { return role() == Role::Constant; }
  /// The graph inside a meta operator, else nullptr.
  [[nodiscard]] const GraphViewPtr& microGraph() const noexcept { return mMicroGraph; }

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

  /// Tensor that arrives at an input / leaves at an output; dims are set by forwardDims, data where it is materialised. Never null for outputs.
  [[nodiscard]] const TensorPtr& getInput(IOIndex_t index) const;
  [[nodiscard]] const TensorPtr& getOutput(IOIndex_t index) const;
  void setInput(IOIndex_t index, TensorPtr tensor);
  /// Replaces the output tensor; on a producer this replaces its value (and bumps the revision).
  void setOutput(IOIndex_t index, Tensor tensor);

  /// Output infos for these input infos, with the values of small tensors that depend on small constants only. Throws std::invalid_argument;
  /// UnsupportedError for a generic operator of which nobody knows the output dims (no provider of generic kernels, no attribute
  /// "output_dims"); DataDependentError where only a run tells them.
  [[nodiscard]] std::vector<TensorInfo> infer(std::span<const TensorInfo> inputs) const;
  [[nodiscard]] double macs(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs) const;

  /// What reports count as parameters: the elements of a producer of a floating-point type; 0 for all other operators.
  [[nodiscard]] std::size_t parameters() const;

  /// Deep copy, producers' data and a meta operator's graph included.
  [[nodiscard]] std::shared_ptr<Operator> clone() const;
  /// Attributes and output tensors, to be put back by `restore` (a failed edit); tensors are shared, not copied.
  struct State {
    AttributeMap attributes;
    std::vector<TensorPtr> outputs;
  };
  [[nodiscard]] State state() const { return {mAttributes, mOutputs}; }
  void restore(State state);
  /// Grows with every change of an attribute, of a producer's value or of the graph inside.
  [[nodiscard]] std::uint64_t revision() const noexcept;

 private:
  Operator() = default;
  [[noreturn]] void throwWrongType(std::string_view name, const AttributeValue& value, const AttributeValue& wanted) const;

  std::string mType;
  const OperatorSchema* mSchema = nullptr;
  GraphViewPtr mMicroGraph;
  std::vector<InputSpec> mInputSpecs;
  AttributeMap mAttributes;
  std::vector<TensorPtr> mInputs;
  std::vector<TensorPtr> mOutputs;
  std::uint64_t mRevision = 0;
};

/// A node of a registered operator type.
[[nodiscard]] NodePtr makeNode(std::string_view type, AttributeMap attributes = {}, std::string name = "", IOIndex_t nbInputs = 0);
/// A producer node.
[[nodiscard]] NodePtr Producer(Tensor value, std::string name = "", bool constant = false);
[[nodiscard]] NodePtr GenericOperator(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, std::string name = "",
                                      AttributeMap attributes = {});
[[nodiscard]] NodePtr MetaOperator(std::string type, GraphViewPtr graph, std::string name = "");

}  // namespace Aidge
