#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aidge/backend/Kernel.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::plan {

using ValueId = std::size_t;
inline constexpr ValueId kNoValue = std::numeric_limits<ValueId>::max();

/// One tensor of a flattened graph.
struct Value {
  std::string name{};  ///< "conv1:0", for messages
  TensorDesc desc{};
  std::optional<Tensor> constant{};         ///< its value where that does not depend on the graph's inputs
  std::optional<std::size_t> graphInput{};  ///< position among the graph's inputs
  ValueId alias = kNoValue;                 ///< another value whose memory it shares (same bytes, other dims or tag)
  bool exported = false;                    ///< someone outside keeps it: memory of its own, row-major
  bool local = false;                       ///< lives within one segment only: memory for one part of the batch
};

/// What a step does.
enum class StepKind : std::uint8_t {
  Kernel,          ///< runs an operator (with what is fused into it), or moves data between layouts
  SignActivation,  ///< an activation and the sign summary of its input in one pass
  Observe,         ///< hands a value to observers
  BeforeHooks,     ///< materialises a node's inputs and calls its hooks
  AfterHooks       ///< the same for its outputs
};

/// One step of a program.
struct Step {
  StepKind kind = StepKind::Kernel;
  NodePtr node{};                        ///< main node (of reorders: the node that needs it)
  std::string type{};                    ///< operator type, or "Reorder"
  std::shared_ptr<const Operator> op{};  ///< nullptr for reorders
  std::vector<ValueId> inputs{};         ///< one an operator input (kNoValue: missing), then the post-ops' extra ones
  std::vector<ValueId> outputs{};
  std::vector<PostOp> postOps{};
  std::vector<std::shared_ptr<const Operator>> fusedOps{};  ///< keeps alive what postOps point to
  std::vector<NodePtr> fused{};                             ///< nodes that run inside this step, besides `node`
  std::vector<std::shared_ptr<Observer>> observers{};
  CountedActivation counted{};  ///< Kernel: the activation that comes last, before which the observers' signs are counted
  bool removed = false;
};

/// A value that the run leaves as a result of its node (and returns, if it is a graph output).
struct Export {
  ValueId value = kNoValue;
  NodePtr node{};
  IOIndex_t index = 0;  ///< output of `node`
  std::optional<std::size_t> graphOutput{};
};

/// Consecutive steps that run for one part of the batch after the other.
struct Segment {
  std::size_t first = 0;
  std::size_t end = 0;  ///< one past the last step
  DimSize_t parts = 1;  ///< into how many equal parts axis 0 is cut
};

/// A graph with fixed input dims as a list of steps over values.
struct Program {
  std::string backend;
  BackendOptions options;
  std::vector<Value> values;
  std::vector<Step> steps;
  std::vector<Export> exports;
  std::vector<Segment> segments;  ///< empty until assignSegments; then all steps, in order

  ValueId addValue(Value value);
  /// The value whose memory `id` uses.
  [[nodiscard]] ValueId root(ValueId id) const;
  /// How many steps' inputs and exports name each value.
  [[nodiscard]] std::vector<std::size_t> useCounts() const;
  /// Index of the step that writes each value, or kNoValue.
  [[nodiscard]] std::vector<std::size_t> producers() const;
  /// Replaces every use of `from` (steps and exports) by `to`.
  void replaceUses(ValueId from, ValueId to);
  /// Drops steps marked as removed.
  void sweep();
  /// The request for a step's kernel as things stand, for one of `parts` equal parts of the batch.
  [[nodiscard]] KernelRequest request(const Step& step, DimSize_t parts = 1) const;
  /// Description of a value as one part of the batch sees it: constants whole, all else cut along axis 0.
  [[nodiscard]] TensorDesc partOf(ValueId id, DimSize_t parts) const;
};

/// Whether all of the step's outputs are empty: its kernel is neither made nor run.
[[nodiscard]] bool writesNothing(const Program& program, const Step& step);
/// The factory of a step's kernel; nullptr if the backend has none.
[[nodiscard]] const KernelFactory* factoryOf(const Program& program, const Step& step);
/// What kind of operator a step runs; Role::Other for those that a pass made.
[[nodiscard]] Role roleOf(const Step& step);
/// Whether a pass made the step's operator ("Reorder", "Rearrange"): it moves values within each sample.
[[nodiscard]] bool isPlanners(const Step& step);
/// Runs a kernel on the request's constants, row-major.
[[nodiscard]] std::vector<Tensor> runOnce(Kernel& kernel, const KernelRequest& request);

/// What a run leaves of its nodes' outputs.
using Results = std::map<TensorRef, Tensor>;

/// What is planned at once: the whole graph, or the part of it that ends before a node whose outputs' dims only a run tells.
struct Stage {
  std::size_t first = 0;  ///< place in GraphView::orderedNodes() of the first node; all before it have run
  bool hasWaited =
      false;  ///< the first node is one that had to wait: its outputs are among `given`, or it is a native one and its inputs have values
  std::vector<TensorRef> given{};    ///< what they made that this stage needs; their tensors come after those of the graph's inputs
  std::size_t end = 0;               ///< place of the node that has to wait (the number of nodes: none has to)
  std::vector<TensorRef> results{};  ///< what the plan returns …
  std::vector<std::optional<std::size_t>> graphOutputs{};  ///< … and the graph outputs that these are
};

/// Flattens meta operators whatever their depth and infers every shape, without touching the graph's tensors, from stage.first to as far as the dims are known
/// before a run; sets the rest of `stage`. `inputs`: the graph's inputs, then stage.given; where one has a value, the stage may rely on it.
/// `keep`: nodes whose outputs the run leaves as results. Throws std::invalid_argument naming the node where shapes do not fit,
/// UnsupportedError listing every node that the backend cannot run; DataDependentError where not even the first node can be planned though all its inputs are there.
[[nodiscard]] Program buildProgram(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs,
                                   const std::vector<NodePtr>& keep, Stage& stage);

/// Reasons, one a node, why `backend` cannot run the graph, as far as that shows without shapes ("" never occurs).
[[nodiscard]] std::vector<std::string> unsupportedNodes(const GraphView& graph, const std::string& backend);

}  // namespace Aidge::plan
