#include "aidge/fibnlr/Affine.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/recipes/FuseBatchNorm.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::fibnlr {

namespace {

constexpr std::string_view kWhereAffine = "fibnlr::affine";

/// Takes one batch: x and f are (samples, channels, …), row-major.
void take(std::optional<statistics::ChannelRegression>& fit, const Tensor& x, const Tensor& f, const Node& node) {
  if (x.dims() != f.dims() || x.nbDims() < 2 || x.dataType() != DataType::Float32) {
    throwExpected(kWhereAffine, "float32 tensors (samples, channels, …) of one shape at " + node.describe(),
                  Aidge::toString(x.dims()) + " and " + Aidge::toString(f.dims()));
  }
  const auto samples = static_cast<std::size_t>(x.dims()[0]);
  const auto channels = static_cast<std::size_t>(x.dims()[1]);
  if (samples == 0 || channels == 0) return;
  if (!fit) fit.emplace(channels);
  const std::size_t area = x.size() / samples / channels;
  const auto now = x.data<float>();
  const auto wanted = f.data<float>();
  std::vector<float> xs(samples * area);
  std::vector<float> fs(samples * area);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t n = 0; n < samples; ++n) {
      const std::size_t from = (n * channels + c) * area;
      std::copy_n(now.data() + from, area, xs.data() + n * area);
      std::copy_n(wanted.data() + from, area, fs.data() + n * area);
    }
    fit->add(c, xs, fs);
  }
}

/// Copies of what arrives at the activations and what leaves them, while both graphs run.
class Capture {
 public:
  Capture(const GraphViewPtr& original, const GraphViewPtr& model, const std::vector<ActivationPair>& activations)
      : mFits(activations.size()) {
    for (std::size_t i = 0; i < activations.size(); ++i) {
      const NodePtr node = activations[i].node;
      mHandles.push_back(
          activations[i].original->addAfterForward([this](Node& at) { mOutputs[&at] = at.getOperator()->getOutput(0)->clone(); }));
      mHandles.push_back(node->addBeforeForward([this](Node& at) { mInputs[&at] = at.getOperator()->getInput(0)->clone(); }));
    }
    mSchedulers.emplace_back(original);
    if (model != original) mSchedulers.emplace_back(model);
  }
  ~Capture() {
    for (HookHandle& handle : mHandles) handle.remove();
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  void run(std::span<const Tensor> batch, const std::vector<ActivationPair>& activations) {
    for (SequentialScheduler& scheduler : mSchedulers) static_cast<void>(scheduler.forward(batch));
    for (std::size_t i = 0; i < activations.size(); ++i) {
      take(mFits[i], mInputs.at(activations[i].node.get()), mOutputs.at(activations[i].original.get()), *activations[i].node);
    }
  }
  std::vector<statistics::ChannelRegression> results() {
    std::vector<statistics::ChannelRegression> fits;
    for (auto& fit : mFits) {
      if (!fit) throwExpected(kWhereAffine, "samples", "none");
      fits.push_back(std::move(*fit));
    }
    return fits;
  }

 private:
  std::vector<HookHandle> mHandles;
  std::vector<SequentialScheduler> mSchedulers;
  std::map<const Node*, Tensor> mInputs;
  std::map<const Node*, Tensor> mOutputs;
  std::vector<std::optional<statistics::ChannelRegression>> mFits;
};

/// a·x + b as a node: a BatchNorm.
NodePtr affineNode(const GraphViewPtr& owner, const NodePtr& node, const statistics::ChannelRegression& fit, std::size_t rank) {
  const std::string type = "BatchNorm" + std::to_string(std::clamp<std::size_t>(rank, 3, 5) - 2) + "D";
  NodePtr affine = makeNode(type, {{"epsilon", 0.0}}, owner->uniqueName(node->name()));
  const auto channels = static_cast<DimSize_t>(fit.channels());
  const auto values = [&](const std::vector<double>& from) {
    return Tensor::fromValues<double>({channels}, std::span<const double>(from)).cast(DataType::Float32);
  };
  const std::vector<std::pair<std::string, Tensor>> parameters{{"_scale", values(fit.slope())},
                                                               {"_shift", values(fit.offset())},
                                                               {"_mean", Tensor::full({channels}, 0.0)},
                                                               {"_var", Tensor::full({channels}, 1.0)}};
  IOIndex_t index = 1;
  for (const auto& [suffix, value] : parameters) {
    const NodePtr producer = Producer(value, owner->uniqueName(node->name() + suffix));
    owner->add(producer);
    affine->setInput(index++, producer);
  }
  return affine;
}

}  // namespace

std::vector<statistics::ChannelRegression> fitAffine(const GraphViewPtr& original, const GraphViewPtr& model,
                                                     const std::vector<ActivationPair>& activations, DataProvider& provider) {
  for (const GraphViewPtr& graph : {original, model}) {
    if (!graph || graph->backend().empty())
      throwExpected(kWhereAffine, "graphs that have been compiled", graph ? "one without a backend" : "none");
  }
  for (const ActivationPair& pair : activations) {
    if (!model->ownerOf(pair.node) || !original->ownerOf(pair.original))
      throwExpected(kWhereAffine, "activations of both graphs", "others");
  }
  if (activations.empty()) return {};
  Capture capture(original, model, activations);
  bool isEmpty = true;
  provider.reset();
  while (const auto batch = provider.next()) {
    isEmpty = false;
    capture.run(*batch, activations);
  }
  if (isEmpty) throwExpected(kWhereAffine, "a provider with at least one batch", "an empty one");
  return capture.results();
}

std::vector<AffineReplacement> replaceByAffine(const GraphViewPtr& original, const GraphViewPtr& model,
                                               const std::vector<ActivationPair>& activations, DataProvider& provider,
                                               const std::function<void(std::size_t, std::size_t)>& progress) {
  std::vector<AffineReplacement> replacements;
  if (!model) throwExpected(kWhereAffine, "a graph", "none");
  model->transaction([&] {
    for (std::size_t i = 0; i < activations.size(); ++i) {
      if (progress) progress(i, activations.size());
      const NodePtr& node = activations[i].node;
      const auto fit = fitAffine(original, model, {activations[i]}, provider).front();
      const GraphViewPtr owner = model->ownerOf(node);
      const NodePtr parent = node->getParent(0);
      const NodePtr affine = affineNode(owner, node, fit, node->getOperator()->getOutput(0)->nbDims());
      owner->insertAfter(node, 0, affine);
      owner->bypass(node);
      affine->setName(node->name());
      const bool isFolded = foldBatchNorm(owner, affine);
      replacements.push_back({node->name(), isFolded ? parent->name() : "", fit.residual()});
    }
  });
  return replacements;
}

}  // namespace Aidge::fibnlr
