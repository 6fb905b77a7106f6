#include "Replay.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::compress {

namespace {

constexpr std::string_view kWhereReplay = "compress::replay";

std::size_t indexIn(const std::vector<TensorRef>& tensors, const TensorRef& tensor) {
  return static_cast<std::size_t>(std::find(tensors.begin(), tensors.end(), tensor) - tensors.begin());
}

/// What messages call a tensor of `graph`; another one than those that `ports` (inputs or outputs of a part) have already.
template <typename Port>
std::string portName(const GraphView& graph, const TensorRef& tensor, const std::vector<Port>& ports) {
  std::string name = tensor.node ? tensor.node->name() : graph.inputs().at(tensor.index).name;
  if (tensor.node && tensor.node->nbOutputs() > 1) name += ":" + std::to_string(tensor.index);
  const auto isTaken = [&] { return std::any_of(ports.begin(), ports.end(), [&](const Port& port) { return port.name == name; }); };
  while (isTaken()) name += "'";
  return name;
}

}  // namespace

std::optional<TensorRef> tensorAt(const GraphView& graph, const NodePtr& node, IOIndex_t input) {
  const TensorRef& source = node->input(input);
  if (source.node) return source;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const auto& targets = graph.inputs()[i].targets;
    if (std::find(targets.begin(), targets.end(), TensorRef{node, input}) != targets.end()) return TensorRef{nullptr, i};
  }
  return std::nullopt;
}

Replay::Replay(GraphViewPtr graph, CalibrationData& data, std::size_t memory)
    : mGraph(std::move(graph)),
      mData(&data),
      mMemory(memory),
      mOrder(mGraph->orderedNodes()),
      mShapes(mGraph->inferShapes(data.dims(), kernelInference())) {
  for (std::size_t i = 0; i < mOrder.size(); ++i) mPositions.emplace(mOrder[i].get(), i);
  for (std::size_t i = 0; i < mGraph->inputs().size(); ++i) mLive.push_back({nullptr, i});
}

Dims Replay::dimsOf(const TensorRef& tensor) const {
  return tensor.node ? mShapes.at(tensor.node.get()).at(tensor.index).dims : mData->dims().at(tensor.index);
}

DataType Replay::dtypeOf(const TensorRef& tensor) const {
  return tensor.node ? mShapes.at(tensor.node.get()).at(tensor.index).dtype : mGraph->inputs().at(tensor.index).dtype;
}

std::vector<TensorRef> Replay::liveBefore(std::size_t position) const {
  std::vector<TensorRef> live;
  for (std::size_t i = position; i < mOrder.size(); ++i) {
    for (IOIndex_t input = 0; input < mOrder[i]->nbInputs(); ++input) {
      const auto tensor = tensorAt(*mGraph, mOrder[i], input);
      if (!tensor || indexIn(live, *tensor) != live.size()) continue;
      const NodePtr& source = tensor->node;
      if (source && (source->getOperator()->isProducer() || mPositions.at(source.get()) >= position)) continue;
      live.push_back(*tensor);
    }
  }
  return live;
}

double Replay::bytesOf(const std::vector<TensorRef>& tensors) const {
  double total = 0.0;
  for (const TensorRef& tensor : tensors) total += static_cast<double>(elementCount(dimsOf(tensor))) * sizeof(float);
  return total / static_cast<double>(mData->dims().front().front()) * static_cast<double>(mData->samples());
}

std::vector<NodePtr> Replay::nodesOf(const std::vector<TensorRef>& outputs) const {
  std::set<const Node*> needed;
  std::vector<NodePtr> stack;
  const auto visit = [&](const TensorRef& tensor) {
    if (tensor.node && indexIn(mLive, tensor) == mLive.size() && needed.insert(tensor.node.get()).second) stack.push_back(tensor.node);
  };
  for (const TensorRef& tensor : outputs) visit(tensor);
  while (!stack.empty()) {
    const NodePtr node = stack.back();
    stack.pop_back();
    for (const TensorRef& edge : node->inputs()) visit(edge);
  }
  std::vector<NodePtr> nodes;
  std::copy_if(mOrder.begin(), mOrder.end(), std::back_inserter(nodes), [&](const NodePtr& node) { return needed.contains(node.get()); });
  return nodes;
}

Replay::Part Replay::part(const std::vector<TensorRef>& tensors) const {
  Part part;
  part.mReplay = this;
  const std::vector<NodePtr> nodes = nodesOf(tensors);
  std::unordered_map<const Node*, NodePtr> twins;
  std::vector<NodePtr> copies;
  for (const NodePtr& node : nodes) {
    copies.push_back(node->clone());
    twins.emplace(node.get(), copies.back());
  }
  std::vector<GraphInput> inputs;
  for (const NodePtr& node : nodes) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const TensorRef& source = node->input(i);
      const NodePtr& twin = twins.at(node.get());
      const auto tensor = tensorAt(*mGraph, node, i);
      if (!tensor) continue;
      const std::size_t live = indexIn(mLive, *tensor);
      if (live == mLive.size()) {
        twin->setInput(i, twins.at(source.node.get()), source.index);
        continue;
      }
      const auto known = std::find(part.mFeeds.begin(), part.mFeeds.end(), live);
      if (known == part.mFeeds.end()) {
        part.mFeeds.push_back(live);
        inputs.push_back({portName(*mGraph, *tensor, inputs), dimsOf(*tensor), true, dtypeOf(*tensor), {{twin, i}}});
      } else {
        inputs[static_cast<std::size_t>(known - part.mFeeds.begin())].targets.push_back({twin, i});
      }
    }
  }
  std::vector<GraphOutput> outputs;
  std::vector<TensorRef> computed;
  for (const TensorRef& tensor : tensors) {
    const std::size_t live = indexIn(mLive, tensor);
    if (live != mLive.size()) {
      part.mResults.emplace_back(true, live);
      continue;
    }
    if (!tensor.node) throwExpected(kWhereReplay, "tensors behind the cut", "a graph input before it");
    const std::size_t index = indexIn(computed, tensor);
    part.mResults.emplace_back(false, index);
    if (index != computed.size()) continue;
    computed.push_back(tensor);
    outputs.push_back({portName(*mGraph, tensor, outputs), twins.at(tensor.node.get()), tensor.index});
  }
  if (copies.empty()) return part;
  part.mGraph = GraphView::create();
  part.mGraph->add(std::span<const NodePtr>(copies), false);
  part.mGraph->setInputs(inputs);
  part.mGraph->setOutputs(outputs);
  std::vector<Dims> dims;
  for (const GraphInput& input : inputs) dims.push_back(input.dims);
  part.mGraph->compile(mGraph->backend(), mGraph->dataType(), dims);
  part.mScheduler = std::make_unique<SequentialScheduler>(part.mGraph);
  return part;
}

std::vector<Tensor> Replay::Part::run(const CalibrationData::Batch& batch) {
  const auto live = [&](std::size_t index) -> const Tensor& {
    return mReplay->mIsKept ? mReplay->mTensors.at(batch.index).at(index) : batch.inputs[mReplay->mLive[index].index];
  };
  std::vector<Tensor> computed;
  if (mScheduler) {
    std::vector<Tensor> feeds;
    for (const std::size_t index : mFeeds) feeds.push_back(live(index));
    computed = mScheduler->forward(feeds);
  }
  std::vector<Tensor> results;
  for (const auto& [isLive, index] : mResults) results.push_back(isLive ? live(index) : computed[index]);
  return results;
}

void Replay::advanceTo(const NodePtr& node) {
  const std::size_t position = mPositions.at(node.get());
  if (position <= mCut) return;
  const std::vector<TensorRef> live = liveBefore(position);
  // A tensor whose size only a run tells cannot be fed to a part that is planned before.
  const bool areKnown = std::all_of(live.begin(), live.end(),
                                    [this](const TensorRef& tensor) { return !tensor.node || mShapes.contains(tensor.node.get()); });
  if (!areKnown || bytesOf(live) > static_cast<double>(mMemory)) return;
  const bool isWhole = std::all_of(live.begin(), live.end(), [](const TensorRef& tensor) { return !tensor.node; });
  if (isWhole) return;  // nothing has been computed yet
  Part next = part(live);
  std::vector<std::vector<Tensor>> tensors(mData->batches());
  const auto take = [&](const CalibrationData::Batch& batch) {
    for (const Tensor& tensor : next.run(batch)) tensors[batch.index].push_back(tensor.clone());
    if (mIsKept) mTensors[batch.index].clear();
  };
  if (needsData()) {
    mData->forEach(take);
  } else {
    mData->forEachIndex(take);
  }
  mTensors = std::move(tensors);
  mLive = live;
  mIsKept = true;
  mCut = position;
}

void inLockStep(CalibrationData& data, std::span<Replay* const> replays, std::span<const std::vector<TensorRef>> tensors,
                const std::function<void(std::size_t firstSample, std::span<const std::vector<Tensor>>)>& use,
                const std::function<bool(std::size_t batch)>& isWanted) {
  std::vector<Replay::Part> parts;
  for (std::size_t i = 0; i < replays.size(); ++i) parts.push_back(replays[i]->part(tensors[i]));
  const auto step = [&](const CalibrationData::Batch& batch) {
    if (isWanted && !isWanted(batch.index)) return;
    std::vector<std::vector<Tensor>> results;
    for (Replay::Part& part : parts) results.push_back(part.run(batch));
    use(batch.firstSample, results);
  };
  const bool needsData = std::any_of(replays.begin(), replays.end(), [](const Replay* replay) { return replay->needsData(); });
  if (needsData) {
    data.forEach(step);
  } else {
    data.forEachIndex(step);
  }
}

}  // namespace Aidge::compress
