#include "aidge/fibnlr/Compute.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "InputObserver.hpp"
#include "Snapshot.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/data/Finite.hpp"
#include "aidge/fibnlr/Groups.hpp"
#include "aidge/fibnlr/Nnpr.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::fibnlr {

namespace {

constexpr std::string_view kWhereCompute = "fibnlr::compute";

[[noreturn]] void throwNotFinite(const std::string& place, std::size_t batch) {
  throwExpected(kWhereCompute, "finite values", "NaN or infinity at " + place + " in batch " + std::to_string(batch) + " (from 0)");
}

double squaredDistance(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/// One pass over the data.
class Run {
 public:
  Run(const GraphViewPtr& model, std::span<const NodePtr> nodes, DataProvider& provider, const Parameters& params)
      : mModel(model), mNodes(nodes), mProvider(provider), mParams(params), mScheduler(model) {}

  Convergence untilEnd(const ProgressCallback& progress) {
    mProvider.reset();
    for (bool stop = false; !stop;) {
      const auto batch = mProvider.next();
      if (!batch) {
        mResult.reason = StopReason::OutOfData;
        break;
      }
      forward(*batch);
      const std::optional<double> convergence = measure();
      stop = isOver(convergence);
      const bool goOn = !progress || progress({mResult.iterations, convergence, mResult.samples, mProvider.batchCount()});
      if (!goOn && !stop) {
        mResult.reason = StopReason::Stopped;
        break;
      }
    }
    if (mResult.iterations == 0) throwExpected(kWhereCompute, "a provider with at least one batch", "an empty one");
    return std::move(mResult);
  }

 private:
  void forward(std::span<const Tensor> batch) {
    const auto& inputs = mModel->inputs();
    for (std::size_t i = 0; i < std::min(inputs.size(), batch.size()); ++i) {
      if (!allFinite(batch[i])) {
        throwNotFinite("the graph input \"" + inputs[i].name + "\" of node " + inputs[i].targets.front().node->describe(),
                       mResult.iterations);
      }
    }
    static_cast<void>(mScheduler.forward(batch));
    for (const NodePtr& node : mNodes) {
      if (!get<NPR>(node).isFinite()) throwNotFinite("the input of node " + node->describe(), mResult.iterations);
    }
    ++mResult.iterations;
    if (!batch.empty() && batch[0].nbDims() > 0) mResult.samples += static_cast<std::size_t>(batch[0].dims()[0]);
  }

  /// The convergence value of this iteration; nothing after the first one.
  std::optional<double> measure() {
    std::vector<double> current;
    for (const NodePtr& node : mNodes) current.push_back(get<NPR>(node).value());
    std::swap(current, mRatios);
    if (mResult.iterations < 2) return std::nullopt;
    mResult.values.push_back(squaredDistance(mRatios, current));
    return mResult.values.back();
  }

  bool isOver(const std::optional<double>& convergence) {
    mResult.converged = convergence && *convergence < mParams.convergenceThreshold;
    const bool atLimit = mParams.maxIteration != 0 && mResult.iterations >= mParams.maxIteration;
    if (mResult.converged) {
      mResult.reason = StopReason::Converged;
    } else if (atLimit) {
      mResult.reason = StopReason::MaxIteration;
    }
    return mResult.converged || atLimit;
  }

  const GraphViewPtr mModel;
  const std::span<const NodePtr> mNodes;
  DataProvider& mProvider;
  const Parameters& mParams;
  SequentialScheduler mScheduler;
  std::vector<double> mRatios;
  Convergence mResult;
};

}  // namespace

std::string_view toString(StopReason reason) {
  switch (reason) {
    case StopReason::Converged:
      return "converged";
    case StopReason::MaxIteration:
      return "max_iteration";
    case StopReason::OutOfData:
      return "out_of_data";
    case StopReason::Stopped:
      return "stopped";
  }
  return "";
}

Convergence compute(const GraphViewPtr& model, DataProvider& provider, const Parameters& params, const ProgressCallback& progress) {
  params.validate();
  const std::vector<NodePtr> nodes = prunableNodes(model, params);
  for (const NodePtr& node : nodes) {
    if (!has<NPR>(node)) throwInvalid(kWhereCompute, "no NPR on " + node->describe() + ": prepare must run first");
  }
  if (model->backend().empty()) throwExpected(kWhereCompute, "a graph that has been compiled", "one without a backend");
  Convergence result;
  if (nodes.empty()) {
    result.converged = true;
    result.reason = StopReason::Converged;
    return result;
  }
  detail::allOrNothing(model, [&] {
    for (const NodePtr& node : nodes) {
      add<ActivityTracker>(node);
      detail::attachObserver(node);
    }
    result = Run(model, nodes, provider, params).untilEnd(progress);
    computeNNPR(model, params);
  });
  return result;
}

std::pair<bool, double> computeConvergence(const NodeMap<double>& previous, const NodeMap<double>& current, double threshold) {
  const bool comparable =
      !previous.empty() && previous.size() == current.size() &&
      std::equal(previous.begin(), previous.end(), current.begin(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (!comparable) return {false, 0.0};
  std::vector<double> before;
  std::vector<double> after;
  for (const auto& [node, value] : previous) before.push_back(value);
  for (const auto& [node, value] : current) after.push_back(value);
  const double value = squaredDistance(before, after);
  return {value < threshold, value};
}

}  // namespace Aidge::fibnlr
