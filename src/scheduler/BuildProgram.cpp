#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "Program.hpp"
#include "aidge/backend/GenericKernels.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::plan {

namespace {

constexpr std::string_view kWhere = "scheduler::forward";

bool needsNoKernel(const Operator& op) {
  switch (op.role()) {
    case Role::Constant:
    case Role::Renaming:
    case Role::Reshaping:
    case Role::DimsQuery:
      return true;
    default:
      return op.isMeta();
  }
}

std::string reasonWithoutShapes(const Node& node, const std::string& backend) {
  const Operator& op = *node.getOperator();
  if (op.isGeneric()) {
    const std::string reason = genericRefusal(op);
    return reason.empty() ? "" : node.describe() + ": " + reason;
  }
  if (needsNoKernel(op) || KernelRegistry::find(backend, op.type())) return "";
  return node.describe() + ": no kernel in backend \"" + backend + "\"";
}

Value makeValue(std::string name, Dims dims, DataType dtype) {
  Value value;
  value.name = std::move(name);
  value.desc.dims = std::move(dims);
  value.desc.dtype = dtype;
  return value;
}

[[noreturn]] void throwUnsupported(const std::vector<std::string>& reasons) {
  std::string text =
      "[" + std::string(kWhere) + "] expected operators that the backend can run, got " + std::to_string(reasons.size()) + ":";
  for (const std::string& reason : reasons) text += "\n  " + reason;
  throw UnsupportedError(text);
}

class Flattener {
 public:
  Flattener(Program& program, const std::vector<NodePtr>& keep) : mProgram(program) {
    for (const NodePtr& node : keep) mKeep.insert(node.get());
  }

  /// Adds the graph's steps; returns its outputs.
  std::vector<ValueId> run(const GraphView& graph, const std::vector<ValueId>& inputs) {
    Scope scope = scopeOf(graph, inputs);
    for (const NodePtr& node : graph.orderedNodes()) addNode(node, scope);
    std::vector<ValueId> outputs;
    for (const GraphOutput& output : graph.outputs()) outputs.push_back(scope.made.at({output.node, output.index}));
    return outputs;
  }

  /// Adds the steps of one stage and says in it where it ends and what it gives.
  void runStage(const GraphView& graph, const std::vector<ValueId>& inputs, Stage& stage) {
    Scope scope = scopeOf(graph, inputs);
    const std::size_t own = graph.inputs().size();
    for (std::size_t i = 0; i < stage.given.size(); ++i) scope.made[stage.given[i]] = inputs[own + i];
    const std::vector<NodePtr> nodes = graph.orderedNodes();
    for (const NodePtr& node : nodes) {
      if (node->getOperator()->isProducer()) scope.made[{node, 0}] = addConstant(*node);
    }
    for (stage.end = stage.first; stage.end < nodes.size() && addIfKnown(nodes[stage.end], scope, stage); ++stage.end) {
    }
    addResults(graph, nodes, scope, stage);
  }

  /// What the backend refused now that shapes are known.
  [[nodiscard]] const std::vector<std::string>& offenders() const { return mOffenders; }

 private:
  struct Scope {
    std::map<TensorRef, ValueId> fed;   ///< graph inputs by target
    std::map<TensorRef, ValueId> made;  ///< node outputs
  };

  static Scope scopeOf(const GraphView& graph, const std::vector<ValueId>& inputs) {
    Scope scope;
    const auto& declared = graph.inputs();
    for (std::size_t i = 0; i < declared.size() && i < inputs.size(); ++i) {
      for (const TensorRef& target : declared[i].targets) scope.fed[target] = inputs[i];
    }
    return scope;
  }

  /// Adds a node; false, with nothing added, where only a run tells its outputs' dims.
  bool addIfKnown(const NodePtr& node, Scope& scope, const Stage& stage) {
    const std::size_t steps = mProgram.steps.size();
    const std::size_t exports = mProgram.exports.size();
    try {
      addNode(node, scope);
      return true;
    } catch (const DataDependentError&) {
      if (stage.end == stage.first && stage.hasWaited) throw;
      mProgram.steps.resize(steps);
      mProgram.exports.resize(exports);
      return false;
    }
  }

  /// The graph's outputs that this stage makes, and what later stages need of its nodes' outputs.
  void addResults(const GraphView& graph, const std::vector<NodePtr>& nodes, const Scope& scope, Stage& stage) {
    const bool last = stage.end == nodes.size();
    const std::set<NodePtr> own(nodes.begin() + static_cast<std::ptrdiff_t>(stage.first),
                                nodes.begin() + static_cast<std::ptrdiff_t>(stage.end));
    const auto give = [&](const NodePtr& node, IOIndex_t index, std::optional<std::size_t> graphOutput) {
      const std::size_t place = stage.results.size();
      mProgram.exports.push_back({.value = scope.made.at({node, index}), .node = node, .index = index, .graphOutput = place});
      stage.results.push_back({node, index});
      stage.graphOutputs.push_back(graphOutput);
    };
    for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
      const GraphOutput& output = graph.outputs()[i];
      if (output.node->getOperator()->isProducer() ? last : own.contains(output.node)) give(output.node, output.index, i);
    }
    std::set<TensorRef> given;
    for (std::size_t n = stage.end; n < nodes.size(); ++n) {
      for (IOIndex_t i = 0; i < nodes[n]->nbInputs(); ++i) {
        const auto& [parent, index] = nodes[n]->input(i);
        const bool needed = parent && own.contains(parent) && !parent->getOperator()->isProducer();
        if (needed && given.insert({parent, index}).second) give(parent, index, std::nullopt);
      }
    }
  }

  std::vector<ValueId> inputsOf(const NodePtr& node, const Scope& scope) const {
    std::vector<ValueId> result;
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const TensorRef& edge = node->input(i);
      const auto made = edge.node ? scope.made.find(edge) : scope.made.end();
      const auto fed = scope.fed.find({node, i});
      if (made != scope.made.end()) {
        result.push_back(made->second);
      } else if (fed != scope.fed.end()) {
        result.push_back(fed->second);
      } else {
        const InputCategory category = node->inputCategory(i);
        if (category == InputCategory::Data || category == InputCategory::Param) {
          throwExpected(kWhere,
                        "input " + std::to_string(i) + " (" + node->getOperator()->inputSpec(i).name + ") of " + node->describe() +
                            " to be connected",
                        "nothing");
        }
        result.push_back(kNoValue);
      }
    }
    return result;
  }

  void addNode(const NodePtr& node, Scope& scope) {
    const std::vector<ValueId> inputs = inputsOf(node, scope);
    addBefore(node, inputs);
    std::vector<ValueId> outputs;
    if (const auto known = scope.made.find({node, 0}); known != scope.made.end()) {
      for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) outputs.push_back(scope.made.at({node, i}));
    } else if (node->getOperator()->isProducer()) {
      outputs.push_back(addConstant(*node));
    } else if (node->getOperator()->isMeta()) {
      outputs = run(*microGraph(*node->getOperator()), inputs);
    } else {
      outputs = addOperator(node, inputs);
    }
    for (IOIndex_t i = 0; i < outputs.size(); ++i) scope.made[{node, i}] = outputs[i];
    addAfter(node, outputs);
  }

  ValueId addConstant(const Node& node) {
    const Tensor tensor = *node.getOperator()->getOutput(0);
    if (!tensor.hasData()) throwExpected(kWhere, "a value in " + node.describe(), "a tensor without data");
    Value value = makeValue(node.name() + ":0", tensor.dims(), tensor.dataType());
    value.constant = tensor;
    return mProgram.addValue(std::move(value));
  }

  [[nodiscard]] std::vector<TensorInfo> infosOf(const std::vector<ValueId>& ids) const {
    std::vector<TensorInfo> infos;
    for (const ValueId id : ids) {
      TensorInfo& info = infos.emplace_back();
      info.missing = id == kNoValue;
      if (info.missing) continue;
      const Value& value = mProgram.values[id];
      info = {value.desc.dims, value.desc.dtype, value.constant ? std::make_shared<const Tensor>(*value.constant) : nullptr};
    }
    return infos;
  }

  std::vector<ValueId> addOperator(const NodePtr& node, const std::vector<ValueId>& inputs) {
    const std::vector<TensorInfo> infos = infosOf(inputs);
    const std::vector<TensorInfo> results = inferNamed(*node, infos);
    if (const KernelFactory* factory = KernelRegistry::find(mProgram.backend, node->type())) {
      const std::string reason = KernelRegistry::refusal(*factory, *node->getOperator(), infos);
      if (!reason.empty()) mOffenders.push_back(node->describe() + ": " + reason);
    }
    Step step{.node = node, .type = node->type(), .op = node->getOperator(), .inputs = inputs};
    for (std::size_t i = 0; i < results.size(); ++i) {
      Value value = makeValue(node->name() + ":" + std::to_string(i), results[i].dims, results[i].dtype);
      if (results[i].value) value.constant = *results[i].value;
      step.outputs.push_back(mProgram.addValue(std::move(value)));
    }
    std::vector<ValueId> outputs = step.outputs;
    // What is known already, such as dims and what is computed from them, needs no step.
    const bool known = std::all_of(results.begin(), results.end(), [](const TensorInfo& info) { return info.value != nullptr; });
    if (!known) mProgram.steps.push_back(std::move(step));
    return outputs;
  }

  static std::vector<TensorInfo> inferNamed(const Node& node, const std::vector<TensorInfo>& infos) {
    try {
      return node.getOperator()->infer(infos, kernelInference());
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(node.describe() + ": " + error.what());
    } catch (const DataDependentError& error) {
      throw DataDependentError(node.describe() + ": " + error.what());
    } catch (const UnsupportedError& error) {
      throw UnsupportedError(node.describe() + ": " + error.what());
    }
  }

  void addBefore(const NodePtr& node, const std::vector<ValueId>& inputs) {
    if (!node->beforeForwardHooks().empty())
      mProgram.steps.push_back({.kind = StepKind::BeforeHooks, .node = node, .type = node->type(), .inputs = inputs});
    for (IOIndex_t i = 0; i < inputs.size(); ++i) observe(node, inputs[i], node->inputObservers(i));
  }

  void observe(const NodePtr& node, ValueId value, std::vector<std::shared_ptr<Observer>> observers) {
    if (observers.empty() || value == kNoValue) return;
    mProgram.steps.push_back(
        {.kind = StepKind::Observe, .node = node, .type = "Observe", .inputs = {value}, .observers = std::move(observers)});
  }

  void addAfter(const NodePtr& node, const std::vector<ValueId>& outputs) {
    if (mKeep.contains(node.get()) && !node->getOperator()->isProducer()) {
      for (IOIndex_t i = 0; i < outputs.size(); ++i) {
        mProgram.exports.push_back({.value = outputs[i], .node = node, .index = i});
      }
    }
    for (IOIndex_t i = 0; i < outputs.size(); ++i) observe(node, outputs[i], node->outputObservers(i));
    if (!node->afterForwardHooks().empty())
      mProgram.steps.push_back({.kind = StepKind::AfterHooks, .node = node, .type = node->type(), .inputs = outputs});
  }

  Program& mProgram;
  std::set<const Node*> mKeep;
  std::vector<std::string> mOffenders;
};

}  // namespace

std::vector<std::string> unsupportedNodes(const GraphView& graph, const std::string& backend) {
  std::vector<std::string> reasons;
  for (const NodePtr& node : graph.orderedNodesDeep()) {
    if (std::string reason = reasonWithoutShapes(*node, backend); !reason.empty()) reasons.push_back(std::move(reason));
  }
  return reasons;
}

Program buildProgram(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs, const std::vector<NodePtr>& keep,
                     Stage& stage) {
  if (const std::vector<std::string> reasons = unsupportedNodes(graph, backend); !reasons.empty()) throwUnsupported(reasons);
  Program program;
  program.backend = backend;
  program.options = graph.backendOptions();
  std::vector<ValueId> fed;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::size_t own = graph.inputs().size();
    Value value = makeValue(i < own ? graph.inputs()[i].name : stage.given[i - own].node->name(), inputs[i].dims, inputs[i].dtype);
    if (inputs[i].value != nullptr) {
      value.constant = *inputs[i].value;
    } else {
      value.graphInput = i;
    }
    fed.push_back(program.addValue(std::move(value)));
  }
  Flattener flattener(program, keep);
  flattener.runStage(graph, fed, stage);
  if (!flattener.offenders().empty()) throwUnsupported(flattener.offenders());
  return program;
}

}  // namespace Aidge::plan
