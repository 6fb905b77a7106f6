#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "aidge/core/Errors.hpp"
#include "aidge/scheduler/Program.hpp"

namespace Aidge::plan {

namespace {

constexpr std::string_view kWhere = "scheduler::forward";

std::string reasonWithoutShapes(const Node& node, const std::string& backend) {
  const Operator& op = *node.getOperator();
  if (op.isGeneric()) return node.describe() + ": a generic operator without a kernel";
  const bool needsNone = op.isProducer() || op.isMeta() || isRenaming(op.type()) || isReshaping(op.type()) || isKnownFromDims(op.type());
  if (needsNone || KernelRegistry::find(backend, op.type())) return "";
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
    Scope scope;
    const auto& declared = graph.inputs();
    for (std::size_t i = 0; i < declared.size() && i < inputs.size(); ++i) {
      for (const Node::Edge& target : declared[i].targets) scope.fed[{target.first.get(), target.second}] = inputs[i];
    }
    for (const NodePtr& node : graph.orderedNodes()) addNode(node, scope);
    std::vector<ValueId> outputs;
    for (const GraphOutput& output : graph.outputs()) outputs.push_back(scope.made.at({output.node.get(), output.index}));
    return outputs;
  }

  /// What the backend refused now that shapes are known.
  [[nodiscard]] const std::vector<std::string>& offenders() const { return mOffenders; }

 private:
  using Slot = std::pair<const Node*, IOIndex_t>;
  struct Scope {
    std::map<Slot, ValueId> fed;   ///< graph inputs by target
    std::map<Slot, ValueId> made;  ///< node outputs
  };

  std::vector<ValueId> inputsOf(const Node& node, const Scope& scope) const {
    std::vector<ValueId> result;
    for (IOIndex_t i = 0; i < node.nbInputs(); ++i) {
      const Node::Edge& edge = node.input(i);
      const auto made = edge.first ? scope.made.find({edge.first.get(), edge.second}) : scope.made.end();
      const auto fed = scope.fed.find({&node, i});
      if (made != scope.made.end()) {
        result.push_back(made->second);
      } else if (fed != scope.fed.end()) {
        result.push_back(fed->second);
      } else {
        const InputCategory category = node.inputCategory(i);
        if (category == InputCategory::Data || category == InputCategory::Param) {
          throwExpected(
              kWhere,
              "input " + std::to_string(i) + " (" + node.getOperator()->inputSpec(i).name + ") of " + node.describe() + " to be connected",
              "nothing");
        }
        result.push_back(kNoValue);
      }
    }
    return result;
  }

  void addNode(const NodePtr& node, Scope& scope) {
    const std::vector<ValueId> inputs = inputsOf(*node, scope);
    addBefore(node, inputs);
    std::vector<ValueId> outputs;
    if (node->getOperator()->isProducer()) {
      outputs.push_back(addConstant(*node));
    } else if (node->getOperator()->isMeta()) {
      outputs = run(*node->getOperator()->microGraph(), inputs);
    } else {
      outputs = addOperator(node, inputs);
    }
    for (IOIndex_t i = 0; i < outputs.size(); ++i) scope.made[{node.get(), i}] = outputs[i];
    addAfter(node, outputs);
  }

  ValueId addConstant(const Node& node) {
    const Tensor& tensor = *node.getOperator()->getOutput(0);
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
      return node.getOperator()->infer(infos);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(node.describe() + ": " + error.what());
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

Program buildProgram(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs,
                     const std::vector<NodePtr>& keep) {
  if (const std::vector<std::string> reasons = unsupportedNodes(graph, backend); !reasons.empty()) throwUnsupported(reasons);
  Program program;
  program.backend = backend;
  program.options = graph.backendOptions();
  std::vector<ValueId> fed;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Value value = makeValue(graph.inputs()[i].name, inputs[i].dims, inputs[i].dtype);
    value.graphInput = i;
    fed.push_back(program.addValue(std::move(value)));
  }
  Flattener flattener(program, keep);
  const std::vector<ValueId> outputs = flattener.run(graph, fed);
  if (!flattener.offenders().empty()) throwUnsupported(flattener.offenders());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const GraphOutput& output = graph.outputs()[i];
    program.exports.push_back({.value = outputs[i], .node = output.node, .index = output.index, .graphOutput = i});
  }
  return program;
}

}  // namespace Aidge::plan
