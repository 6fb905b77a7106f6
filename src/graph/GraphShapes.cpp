#include "aidge/graph/GraphShapes.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "aidge/core/Errors.hpp"

namespace Aidge {

// --- the walk -------------------------------------------------------------------------------------------------------

GraphShapes::GraphShapes(const GraphView& graph, const std::vector<TensorInfo>& inputs, const Inference& with) {
  walk(graph, inputs, with);
}

const std::vector<TensorInfo>* GraphShapes::find(const Node* node) const {
  const auto found = mTensors.find(node);
  return found != mTensors.end() && found->second.isKnown ? &found->second.outputs : nullptr;
}

const std::vector<TensorInfo>& GraphShapes::at(const Node* node) const {
  if (const auto* outputs = find(node)) return *outputs;
  throw std::out_of_range("[graph::GraphShapes] expected a node whose dims are known, got " + (node ? node->describe() : "none"));
}

const std::vector<TensorInfo>* GraphShapes::inputsOf(const Node* node) const {
  const auto found = mTensors.find(node);
  return found == mTensors.end() ? nullptr : &found->second.inputs;
}

void GraphShapes::walk(const GraphView& graph, const std::vector<TensorInfo>& inputs, const Inference& with) {
  if (inputs.size() != graph.inputs().size())
    throwExpected("graph::GraphShapes", std::to_string(graph.inputs().size()) + " graph inputs", std::to_string(inputs.size()));
  std::map<TensorRef, const TensorInfo*> fed;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    for (const TensorRef& target : graph.inputs()[i].targets) fed[target] = &inputs[i];
  }
  for (const NodePtr& node : graph.orderedNodes()) {
    std::vector<TensorInfo> infos;
    bool isKnown = true;
    for (IOIndex_t i = 0; i < node->nbInputs() && isKnown; ++i) {
      const auto& [parent, index] = node->input(i);
      if (const auto found = fed.find({node, i}); found != fed.end()) {
        infos.push_back(*found->second);
      } else if (graph.contains(parent)) {
        const auto* outputs = find(parent.get());
        isKnown = outputs != nullptr;
        if (isKnown) infos.push_back((*outputs)[index]);
      } else {
        infos.push_back({.dims = {}, .missing = true});
      }
    }
    if (isKnown) add(node, std::move(infos), with);
  }
}

void GraphShapes::add(const NodePtr& node, std::vector<TensorInfo> inputs, const Inference& with) {
  Tensors tensors{std::move(inputs), {}};
  try {
    if (const GraphViewPtr inner = microGraph(*node->getOperator())) {
      walk(*inner, tensors.inputs, with);
      tensors.outputs = results(*inner);
    } else {
      tensors.outputs = node->getOperator()->infer(tensors.inputs, with);
    }
    tensors.isKnown = !tensors.outputs.empty();
  } catch (const DataDependentError&) {  // what comes after it follows when it runs
  } catch (const UnsupportedError&) {
    mUnsupported += (mUnsupported.empty() ? "" : ", ") + node->describe();
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string(error.what()) + " at node " + node->describe());
  }
  mTensors[node.get()] = std::move(tensors);
}

std::vector<TensorInfo> GraphShapes::results(const GraphView& graph) const {
  std::vector<TensorInfo> infos;
  for (const GraphOutput& output : graph.outputs()) {
    const auto* outputs = find(output.node.get());
    if (outputs == nullptr) return {};
    infos.push_back((*outputs)[output.index]);
  }
  return infos;
}

std::vector<TensorInfo> inputInfos(const GraphView& graph, const std::vector<Dims>& inputDims) {
  const auto& inputs = graph.inputs();
  if (!inputDims.empty() && inputDims.size() != inputs.size()) {
    throwExpected("graph::forwardDims", "dims for " + std::to_string(inputs.size()) + " graph inputs", std::to_string(inputDims.size()));
  }
  std::vector<TensorInfo> infos;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const GraphInput& input = inputs[i];
    Dims dims = inputDims.empty() ? input.dims : inputDims[i];
    if (inputDims.empty()) {
      if (!input.hasDims) throwExpected("graph::forwardDims", "dims of the graph input \"" + input.name + "\"", "none (give dims)");
      for (DimSize_t& dim : dims) dim = dim == kDynamicDim ? 1 : dim;
    } else if (input.hasDims) {
      bool fits = dims.size() == input.dims.size();
      for (std::size_t d = 0; fits && d < dims.size(); ++d) fits = input.dims[d] == kDynamicDim || input.dims[d] == dims[d];
      if (!fits) throwExpected("graph::forwardDims", toString(input.dims) + " for the graph input \"" + input.name + "\"", toString(dims));
    }
    static_cast<void>(elementCount(dims));
    infos.push_back({std::move(dims), input.dtype, nullptr});
  }
  return infos;
}

std::vector<Dims> fixedInputDims(std::string_view where, const GraphView& graph, std::vector<Dims> given) {
  const auto& inputs = graph.inputs();
  std::vector<Dims> result = given.empty() && graph.isCompiled() ? graph.compiledDims() : std::move(given);
  const bool isDeclared = result.empty();
  if (!isDeclared && result.size() != inputs.size())
    throwExpected(where, "dims for " + std::to_string(inputs.size()) + " graph inputs", std::to_string(result.size()));
  for (std::size_t i = 0; isDeclared && i < inputs.size(); ++i) {
    Dims dims = inputs[i].dims;
    if (!dims.empty() && dims[0] == kDynamicDim) dims[0] = 1;
    if (!inputs[i].hasDims || std::find(dims.begin(), dims.end(), kDynamicDim) != dims.end()) {
      throwExpected(where, "dims for the graph input \"" + inputs[i].name + "\", which leaves axes open (compile, or `dims`)", "none");
    }
    result.push_back(std::move(dims));
  }
  for (const Dims& dims : result) static_cast<void>(elementCount(dims));
  return result;
}

// --- of a graph -----------------------------------------------------------------------------------------------------

GraphShapes GraphView::inferShapes(const std::vector<Dims>& inputDims, const Inference& with) const {
  GraphShapes shapes(*this, inputInfos(*this, inputDims), with);
  if (!shapes.unsupported().empty())
    throw UnsupportedError("[graph::forwardDims] expected operators with known output dims, got " + shapes.unsupported());
  return shapes;
}

GraphShapes GraphView::inferAllShapes(std::string_view where, const std::vector<Dims>& inputDims, const Inference& with) const {
  GraphShapes shapes = inferShapes(inputDims, with);
  std::string missing;
  for (const NodePtr& node : orderedNodes()) {
    if (shapes.contains(node.get()) || node->nbOutputs() == 0) continue;
    const bool isFirst = shapes.inputsOf(node.get()) != nullptr;
    if (isFirst) missing += (missing.empty() ? "" : ", ") + node->describe();
  }
  if (!missing.empty())
    throw UnsupportedError("[" + std::string(where) + "] expected operators whose output dims are known before a run, got " + missing);
  return shapes;
}

void GraphView::applyShapes(const GraphShapes& shapes) {
  for (const NodePtr& node : nodes()) {
    const auto& op = node->getOperator();
    if (op->isProducer()) continue;
    const auto* infos = shapes.find(node.get());
    for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) {
      const auto present = op->getOutput(i);
      if (infos == nullptr) {
        op->setOutput(i, Tensor());
      } else if (present->isUndefined() || present->dims() != (*infos)[i].dims || present->dataType() != (*infos)[i].dtype) {
        op->setOutput(i, Tensor((*infos)[i].dims, (*infos)[i].dtype));
      }
    }
    if (infos != nullptr && op->isMeta()) microGraph(*op)->applyShapes(shapes);
  }
  for (const NodePtr& node : nodes()) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, index] = node->input(i);
      if (parent) node->getOperator()->shareInput(i, parent->getOperator()->outputSlot(index));
    }
  }
}

void GraphView::forwardDims(const std::vector<Dims>& inputDims, const Inference& with) {
  const GraphShapes shapes = inferShapes(inputDims, with);
  applyShapes(shapes);
  const auto infos = inputInfos(*this, inputDims);
  for (std::size_t i = 0; i < mInputs.size(); ++i) {
    const auto slot = std::make_shared<TensorSlot>(Tensor(infos[i].dims, infos[i].dtype));
    for (const auto& [node, index] : mInputs[i].targets) node->getOperator()->shareInput(index, slot);
  }
}

std::vector<std::string> GraphView::inputNames() const {
  std::vector<std::string> names;
  for (const GraphInput& input : mInputs) names.push_back(input.name);
  return names;
}

std::vector<TensorInfo> GraphView::inferResults(std::span<const TensorInfo> inputs, const Inference& with) const {
  std::vector<Dims> dims;
  for (const TensorInfo& input : inputs) dims.push_back(input.dims);
  return inferShapes(dims, with).results(*this);
}

GraphViewPtr microGraph(const Operator& op) { return std::dynamic_pointer_cast<GraphView>(op.body()); }

// --- compilation and copies -----------------------------------------------------------------------------------------

void GraphView::setBackend(std::string backend) {
  mBackend = std::move(backend);
  bump();
}

void GraphView::setDataType(DataType dtype) {
  mDataType = dtype;
  bump();
}

void GraphView::setCompiled(std::vector<Dims> inputDims, BackendOptions options) {
  mBackendOptions = std::move(options);
  mCompiledDims = std::move(inputDims);
  mCompiled = true;
  bump();
}

namespace {

Tensor withoutData(Tensor tensor) {
  tensor.release();
  return tensor;
}

}  // namespace

GraphViewPtr GraphView::clone() const {
  auto copy = create(mName);
  std::unordered_map<const Node*, NodePtr> twins;
  std::vector<NodePtr> nodes;
  for (const NodePtr& node : this->nodes()) {
    nodes.push_back(node->clone());
    twins.emplace(node.get(), nodes.back());
  }
  for (const NodePtr& node : this->nodes()) {
    const NodePtr& twin = twins.at(node.get());
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, index] = node->input(i);
      if (!contains(parent)) continue;
      twin->setInput(i, twins.at(parent.get()), index);
      if (node->getOperator()->getInput(i)) twin->getOperator()->shareInput(i, twins.at(parent.get())->getOperator()->outputSlot(index));
    }
  }
  copy->add(std::span<const NodePtr>(nodes), false);
  copy->mInputs = mInputs;
  for (GraphInput& input : copy->mInputs) {
    const auto known = input.targets.front().node->getOperator()->getInput(input.targets.front().index);
    const auto slot = known ? std::make_shared<TensorSlot>(withoutData(*known)) : std::make_shared<TensorSlot>();
    for (TensorRef& target : input.targets) {
      target.node = twins.at(target.node.get());
      target.node->getOperator()->shareInput(target.index, slot);
    }
  }
  copy->mOutputs = mOutputs;
  for (GraphOutput& output : copy->mOutputs) output.node = twins.at(output.node.get());
  copy->mExplicitOutputs = mExplicitOutputs;
  copy->mBackend = mBackend;
  copy->mBackendOptions = mBackendOptions;
  copy->mDataType = mDataType;
  copy->mCompiled = mCompiled;
  copy->mCompiledDims = mCompiledDims;
  copy->mMetadata = mMetadata;
  return copy;
}

}  // namespace Aidge
