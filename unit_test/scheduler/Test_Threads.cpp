// Several schedulers of one graph at the same time. ThreadSanitizer must have nothing to say to these.
#include <omp.h>

#include <atomic>
#include <thread>
#include <vector>

#include "Networks.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr int kRuns = 500;

/// The kernels use one thread: OpenMP's own synchronisation is unknown to ThreadSanitizer.
struct OneKernelThread {
  OneKernelThread() { cpu::setNumThreads(1); }
  ~OneKernelThread() { cpu::setNumThreads(0); }
};

/// Calls `work(batch)` for the batches 1 and 2 in a thread each.
template <typename Work> void inTwoThreads(const Work& work) {
  std::thread one(work, DimSize_t{1});
  std::thread two(work, DimSize_t{2});
  one.join();
  two.join();
}

bool isFilled(const Tensor& tensor, double value) {
  const std::vector<double> values = tensor.toDoubles();
  return std::all_of(values.begin(), values.end(), [value](double v) { return v == value; });
}

std::vector<Tensor> feedOf(DimSize_t batch) { return {Tensor::full({batch, 8}, static_cast<double>(batch))}; }

struct Chain {
  NodePtr first = makeNode("ReLU", {}, "first");
  NodePtr last = makeNode("ReLU", {}, "last");
  GraphViewPtr graph;

  Chain() {
    first->addChild(last);
    graph = compiledGraph({first, last}, {{1, 8}});
  }
};

}  // namespace

TEST_CASE("Two schedulers of one graph run at the same time, each with results of its own", "[scheduler][threads]") {
  const OneKernelThread single;
  const Chain net;
  std::atomic<int> wrong{0};
  inTwoThreads([&](DimSize_t batch) {
    SequentialScheduler scheduler(net.graph);
    scheduler.keepOutputs({net.first});
    const std::vector<Tensor> feed = feedOf(batch);
    for (int run = 0; run < kRuns; ++run) {
      const Tensor result = scheduler.forward(feed).at(0);
      wrong += result.dims() == Dims{batch, 8} && isFilled(result, static_cast<double>(batch)) ? 0 : 1;
      for (const NodePtr& node : {net.first, net.last}) {
        const Tensor own = scheduler.output(node);
        wrong += own.dims() == Dims{batch, 8} && isFilled(own, static_cast<double>(batch)) ? 0 : 1;
        // What the operator shows is of either run, but whole.
        const auto shown = node->getOperator()->getOutput(0);
        wrong += isFilled(*shown, static_cast<double>(shown->dims().at(0))) ? 0 : 1;
      }
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("A hook sees the tensors of the run that calls it", "[scheduler][threads]") {
  const OneKernelThread single;
  const Chain net;
  thread_local DimSize_t tBatch = 0;
  std::atomic<int> wrong{0};
  std::atomic<int> calls{0};
  const auto check = [&](const Tensor& tensor) {
    ++calls;
    wrong += tensor.dims() == Dims{tBatch, 8} && isFilled(tensor, static_cast<double>(tBatch)) ? 0 : 1;
  };
  static_cast<void>(net.last->addBeforeForward([&](Node& node) { check(*node.getOperator()->getInput(0)); }));
  static_cast<void>(net.last->addAfterForward([&](Node& node) { check(*node.getOperator()->getOutput(0)); }));
  inTwoThreads([&](DimSize_t batch) {
    tBatch = batch;
    SequentialScheduler scheduler(net.graph);
    for (int run = 0; run < kRuns; ++run) static_cast<void>(scheduler.forward(feedOf(batch)));
  });
  CHECK(calls == 2 * 2 * kRuns);
  CHECK(wrong == 0);
}

TEST_CASE("A scheduler tells the outputs of its own last run, and no others", "[scheduler][threads]") {
  const Chain net;
  SequentialScheduler one(net.graph);
  SequentialScheduler two(net.graph);
  CHECK_THROWS_WITH(one.output(net.last), ContainsSubstring("after a forward"));
  static_cast<void>(one.forward(feedOf(1)));
  static_cast<void>(two.forward(feedOf(2)));
  CHECK(one.output(net.last).dims() == Dims{1, 8});
  CHECK(two.output(net.last).dims() == Dims{2, 8});
  CHECK(net.last->getOperator()->getOutput(0)->dims() == Dims{2, 8});
  CHECK_THROWS_WITH(one.output(net.first), ContainsSubstring("keepOutputs") && ContainsSubstring("first"));
  CHECK_THROWS_AS(one.output(net.last, 1), std::invalid_argument);
  CHECK_THROWS_AS(one.output(nullptr), std::invalid_argument);
}

TEST_CASE("A forward leaves the caller's number of OpenMP threads as it was", "[scheduler][threads]") {
  const OneKernelThread single;
  const Chain net;
  const int before = omp_get_max_threads();
  omp_set_num_threads(before + 2);
  SequentialScheduler scheduler(net.graph);
  static_cast<void>(scheduler.forward(feedOf(1)));
  CHECK(omp_get_max_threads() == before + 2);
  static_cast<void>(net.first->addBeforeForward([](Node&) { throw std::runtime_error("stop"); }));
  CHECK_THROWS_WITH(scheduler.forward(feedOf(1)), "stop");
  CHECK(omp_get_max_threads() == before + 2);
  omp_set_num_threads(before);
}
