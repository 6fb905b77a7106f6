// Shape inference over a whole graph, and cloning.
#include <algorithm>
#include <stdexcept>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

std::vector<TensorInfo> GraphView::inputInfos(const std::vector<Dims>& inputDims) const {
  if (!inputDims.empty() && inputDims.size() != mInputs.size()) {
    throwExpected("graph::forwardDims", "dims for " + std::to_string(mInputs.size()) + " graph inputs", std::to_string(inputDims.size()));
  }
  std::vector<TensorInfo> infos;
  for (std::size_t i = 0; i < mInputs.size(); ++i) {
    const GraphInput& input = mInputs[i];
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

std::vector<TensorInfo> GraphView::inferInto(ShapeMap& shapes, const std::vector<TensorInfo>& inputs) const {
  std::map<std::pair<const Node*, IOIndex_t>, const TensorInfo*> fed;
  for (std::size_t i = 0; i < mInputs.size(); ++i) {
    for (const auto& [node, index] : mInputs[i].targets) fed[{node.get(), index}] = &inputs[i];
  }
  std::string unsupported;
  for (const NodePtr& node : orderedNodes()) {
    std::vector<TensorInfo> infos;
    bool known = true;
    for (IOIndex_t i = 0; i < node->nbInputs() && known; ++i) {
      const auto& [parent, index] = node->input(i);
      if (const auto found = fed.find({node.get(), i}); found != fed.end()) {
        infos.push_back(*found->second);
      } else if (contains(parent)) {
        const auto shape = shapes.find(parent.get());
        known = shape != shapes.end();
        if (known) infos.push_back(shape->second[index]);
      } else {
        infos.push_back({.dims = {}, .missing = true});
      }
    }
    if (!known) continue;  // behind an unsupported operator that is reported below
    try {
      const auto& micro = node->getOperator()->microGraph();
      std::vector<TensorInfo> results = micro ? micro->inferInto(shapes, infos) : node->getOperator()->infer(infos);
      if (!results.empty()) shapes[node.get()] = std::move(results);
    } catch (const DataDependentError&) {
      continue;  // what is behind it follows when it runs
    } catch (const UnsupportedError&) {
      unsupported += (unsupported.empty() ? "" : ", ") + node->describe();
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(std::string(error.what()) + " at node " + node->describe());
    }
  }
  if (!unsupported.empty()) throw UnsupportedError("[graph::forwardDims] expected operators with known output dims, got " + unsupported);
  std::vector<TensorInfo> results;
  for (const GraphOutput& output : mOutputs) {
    const auto shape = shapes.find(output.node.get());
    if (shape == shapes.end()) return {};
    results.push_back(shape->second[output.index]);
  }
  return results;
}

GraphView::ShapeMap GraphView::inferShapes(const std::vector<Dims>& inputDims) const {
  ShapeMap shapes;
  inferInto(shapes, inputInfos(inputDims));
  return shapes;
}

GraphView::ShapeMap GraphView::inferAllShapes(std::string_view where, const std::vector<Dims>& inputDims) const {
  ShapeMap shapes = inferShapes(inputDims);
  std::string missing;
  for (const NodePtr& node : orderedNodes()) {
    if (shapes.contains(node.get()) || node->nbOutputs() == 0) continue;
    const auto parents = node->getParents();
    const bool isBehind = std::any_of(parents.begin(), parents.end(),
                                      [&](const NodePtr& parent) { return parent && contains(parent) && !shapes.contains(parent.get()); });
    if (!isBehind) missing += (missing.empty() ? "" : ", ") + node->describe();
  }
  if (!missing.empty())
    throw UnsupportedError("[" + std::string(where) + "] expected operators whose output dims are known before a run, got " + missing);
  return shapes;
}

void GraphView::applyShapes(const ShapeMap& shapes) {
  for (const NodePtr& node : mNodes) {
    const auto& op = node->getOperator();
    if (op->isProducer()) continue;
    const auto known = shapes.find(node.get());
    if (known == shapes.end()) {
      for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) op->setOutput(i, Tensor());
      continue;
    }
    const auto& infos = known->second;
    for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) {
      const TensorPtr& present = op->getOutput(i);
      if (present->isUndefined() || present->dims() != infos[i].dims || present->dataType() != infos[i].dtype)
        op->setOutput(i, Tensor(infos[i].dims, infos[i].dtype));
    }
    if (op->isMeta()) op->microGraph()->applyShapes(shapes);
  }
  for (const NodePtr& node : mNodes) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, index] = node->input(i);
      if (parent) node->getOperator()->setInput(i, parent->getOperator()->getOutput(index));
    }
  }
}

void GraphView::forwardDims(const std::vector<Dims>& inputDims) {
  const auto infos = inputInfos(inputDims);
  ShapeMap shapes;
  inferInto(shapes, infos);
  applyShapes(shapes);
  for (std::size_t i = 0; i < mInputs.size(); ++i) {
    const auto tensor = std::make_shared<Tensor>(infos[i].dims, infos[i].dtype);
    for (const auto& [node, index] : mInputs[i].targets) node->getOperator()->setInput(index, tensor);
  }
}

void GraphView::setBackend(std::string backend) {
  mBackend = std::move(backend);
  bump();
}

void GraphView::setDataType(DataType dtype) {
  mDataType = dtype;
  bump();
}

GraphViewPtr GraphView::clone() const {
  auto copy = std::make_shared<GraphView>(mName);
  std::unordered_map<const Node*, NodePtr> twins;
  std::vector<NodePtr> nodes;
  for (const NodePtr& node : mNodes) {
    nodes.push_back(node->clone());
    twins.emplace(node.get(), nodes.back());
  }
  for (const NodePtr& node : mNodes) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, index] = node->input(i);
      if (contains(parent)) twins.at(node.get())->setInput(i, twins.at(parent.get()), index);
    }
  }
  copy->add(std::span<const NodePtr>(nodes), false);
  copy->mInputs = mInputs;
  for (GraphInput& input : copy->mInputs) {
    for (Node::Edge& target : input.targets) target.first = twins.at(target.first.get());
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
  if (!mCompiledDims.empty()) {
    try {
      copy->forwardDims(mCompiledDims);
    } catch (const std::logic_error&) {  // edited since, and not ready to run
    } catch (const UnsupportedError&) {
    }
  }
  return copy;
}

}  // namespace Aidge
