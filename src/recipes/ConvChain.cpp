#include "ConvChain.hpp"

#include <algorithm>
#include <unordered_set>

namespace Aidge::detail {

void Element::collect(std::vector<NodePtr>& nodes) const {
  for (const Chain& branch : branches) {
    for (const Element& element : branch) element.collect(nodes);
  }
  nodes.push_back(node);
}

TensorRef ChainFinder::sourceAt(const NodePtr& node, IOIndex_t index) const {
  const auto& [parent, output] = node->input(index);
  if (parent && mGraph.contains(parent)) return {parent, output};
  TensorRef fed;
  for (const GraphInput& input : mGraph.inputs()) {
    if (std::find(input.targets.begin(), input.targets.end(), TensorRef{node, index}) != input.targets.end()) return fed;
    ++fed.index;
  }
  return fed;
}

const std::optional<LinearLayer>& ChainFinder::layerOf(const NodePtr& node) const {
  const auto found = mLayers.find(node.get());
  if (found != mLayers.end()) return found->second;
  return mLayers.emplace(node.get(), readLayer(mGraph, node, mDims)).first->second;
}

std::string ChainFinder::whyKept(const TensorRef& wire, const std::vector<TensorRef>& heads) const {
  const auto isHead = [&](const TensorRef& edge) { return std::find(heads.begin(), heads.end(), edge) != heads.end(); };
  if (!wire.node) return "the graph's user feeds the tensor between them";
  for (const GraphOutput& output : mGraph.outputs()) {
    if (output.node == wire.node && output.index == wire.index)
      return "the tensor between them is the graph output \"" + output.name + "\"";
  }
  for (const TensorRef& edge : wire.node->output(wire.index)) {
    if (!isHead(edge)) return edge.node->describe() + " uses the tensor between them too";
  }
  return {};
}

std::optional<Element> ChainFinder::elementAt(const NodePtr& node) const {
  if (!node) return std::nullopt;
  const auto& layer = layerOf(node);
  if (!layer) return std::nullopt;
  if (!layer->isUsable()) return node->getOperator()->role() == Role::Sum ? blockAt(node) : std::nullopt;
  Element element;
  element.node = node;
  element.layer = *layer;
  element.heads = {{node, layer->data}};
  element.source = sourceAt(node, layer->data);
  element.input = mDims.input(node, layer->data);
  element.output = mDims.output(node);
  element.macs = mDims.workOf(node);
  return element;
}

ChainFinder::Path ChainFinder::pathTo(const TensorRef& end, const std::vector<TensorRef>& heads) const {
  Path path;
  path.wires.push_back(end);
  const std::vector<TensorRef>* consumers = &heads;
  while (path.wires.back().node && whyKept(path.wires.back(), *consumers).empty()) {
    auto element = elementAt(path.wires.back().node);
    if (!element) break;
    path.wires.push_back(element->source);
    path.reversed.push_back(std::move(*element));
    consumers = &path.reversed.back().heads;
  }
  return path;
}

std::optional<Element> ChainFinder::blockAt(const NodePtr& sum) const {
  if (sum->hasHooks() || sum->hasObservers() || !mDims.knows(sum)) return std::nullopt;
  const std::array<TensorRef, 2> ends{sourceAt(sum, 0), sourceAt(sum, 1)};
  for (const TensorRef& end : ends) {
    if (end.node && end.node->getOperator()->isProducer()) return std::nullopt;
  }
  std::array<Path, 2> paths;
  for (IOIndex_t i = 0; i < 2; ++i) paths[i] = pathTo(ends[i], {{sum, i}});
  for (std::size_t i = 0; i < paths[0].wires.size(); ++i) {
    const auto& others = paths[1].wires;
    const auto found = std::find(others.begin(), others.end(), paths[0].wires[i]);
    if (found == others.end()) continue;
    Element block;
    block.node = sum;
    block.isBlock = true;
    block.source = *found;
    block.output = mDims.output(sum);
    block.macs = mDims.workOf(sum);
    const std::array<std::size_t, 2> lengths{i, static_cast<std::size_t>(found - others.begin())};
    for (IOIndex_t k = 0; k < 2; ++k) {
      auto& reversed = paths[k].reversed;
      block.branches[k].assign(std::make_move_iterator(reversed.begin()),
                               std::make_move_iterator(reversed.begin() + static_cast<std::ptrdiff_t>(lengths[k])));
      std::reverse(block.branches[k].begin(), block.branches[k].end());
      const auto& branch = block.branches[k];
      for (const Element& inner : branch) block.macs += inner.macs;
      const auto& heads = branch.empty() ? std::vector<TensorRef>{{sum, k}} : branch.front().heads;
      block.heads.insert(block.heads.end(), heads.begin(), heads.end());
      block.input = branch.empty() ? mDims.input(sum, k) : branch.front().input;
    }
    const bool broadcasts = mDims.input(sum, 0) != block.output || mDims.input(sum, 1) != block.output;
    return broadcasts ? std::nullopt : std::optional(std::move(block));
  }
  return std::nullopt;
}

std::vector<Chain> ChainFinder::chains() const {
  std::vector<Chain> result;
  std::unordered_set<const Node*> placed;
  auto order = mGraph.orderedNodes();
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    if (placed.count(node->get()) != 0) continue;
    auto last = elementAt(*node);
    if (!last) continue;
    Path path = pathTo(last->source, last->heads);
    Chain chain(std::make_move_iterator(path.reversed.rbegin()), std::make_move_iterator(path.reversed.rend()));
    chain.push_back(std::move(*last));
    std::vector<NodePtr> nodes;
    for (const Element& element : chain) element.collect(nodes);
    for (const NodePtr& member : nodes) placed.insert(member.get());
    result.push_back(std::move(chain));
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace Aidge::detail
