// The memory planner against a simulation: random programs run on an arena that remembers who wrote each byte.
#include <algorithm>
#include <random>
#include <vector>

#include "aidge/operator/Operator.hpp"
#include "catch.hpp"
#include "scheduler/AlignedBuffer.hpp"
#include "scheduler/Memory.hpp"

using namespace Aidge;
using namespace Aidge::plan;

namespace {

constexpr DimSize_t kBatch = 4;

class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : mRandom(seed) {
    program.backend = "cpu";
    addValue().graphInput = 0;
    const std::size_t count = 3 + pick(12);
    for (std::size_t s = 0; s < count; ++s) addStep();
    cutIntoSegments();
    for (Value& value : program.values) value.exported = value.exported || (!value.graphInput && !value.local && pick(8) == 0);
    for (std::size_t s = 0; s < count; ++s) scratch.push_back(pick(3) == 0 ? pick(500) : 0);
  }

  Program program;
  std::vector<std::size_t> scratch;

 private:
  std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(mRandom); }

  Value& addValue(DimSize_t extent = 0) {
    Value value;
    value.desc.dims = {kBatch, extent > 0 ? extent : static_cast<DimSize_t>(1 + pick(60))};
    return program.values[program.addValue(std::move(value))];
  }

  /// A ReLU or an Add of values that are there, now and then through an alias.
  void addStep() {
    Step step;
    const ValueId input = pick(program.values.size());
    step.inputs.push_back(input);
    const DimSize_t extent = program.values[input].desc.dims[1];
    step.type = "ReLU";
    for (ValueId other = 0; other < program.values.size() && pick(2) == 0; ++other) {
      if (program.values[other].desc.dims[1] != extent) continue;
      step.inputs.push_back(other);
      step.type = "Add";
      break;
    }
    step.op = std::make_shared<Operator>(step.type);
    addValue(pick(2) == 0 ? extent : 0);
    step.outputs.push_back(program.values.size() - 1);
    program.steps.push_back(std::move(step));
    if (pick(4) != 0) return;
    const ValueId root = program.values.size() - 1;
    addValue(program.values[root].desc.dims[1]).alias = program.root(root);
  }

  void cutIntoSegments() {
    for (std::size_t first = 0; first < program.steps.size();) {
      const std::size_t end = std::min(program.steps.size(), first + 1 + pick(5));
      program.segments.push_back({first, end, DimSize_t{1} << pick(3)});
      if (program.segments.back().parts > 1) markLocal(program.segments.back());
      first = end;
    }
  }

  /// Values that only this segment uses, now and then left whole.
  void markLocal(const Segment& segment) {
    for (std::size_t s = segment.first; s < segment.end; ++s) {
      const ValueId id = program.steps[s].outputs[0];
      bool isLocal = pick(4) != 0;
      for (std::size_t other = segment.end; other < program.steps.size(); ++other) {
        for (const ValueId input : program.steps[other].inputs) isLocal = isLocal && program.root(input) != id;
      }
      program.values[id].local = isLocal;
    }
  }

  std::mt19937 mRandom;
};

/// Runs a program that only moves tags about.
class Simulation {
 public:
  Simulation(const Program& program, const MemoryPlan& plan, const std::vector<std::size_t>& scratch, int threads)
      : mProgram(program), mPlan(plan), mScratch(scratch), mThreads(threads), mOwner(plan.arenaBytes, 0) {}

  /// Parts of a segment that run at a time take their steps in turn (`inTurn`), or one part after the other.
  void run(bool inTurn) {
    for (std::size_t g = 0; g < mProgram.segments.size(); ++g) {
      const Segment& segment = mProgram.segments[g];
      const auto lanes = std::min<DimSize_t>(mThreads, segment.parts);
      for (DimSize_t part = 0; part < segment.parts; part += lanes) {
        const DimSize_t end = std::min(segment.parts, part + lanes);
        if (inTurn) {
          for (std::size_t s = segment.first; s < segment.end; ++s) {
            for (DimSize_t p = part; p < end; ++p) runStep(g, s, p, p - part);
          }
        } else {
          for (DimSize_t p = part; p < end; ++p) {
            for (std::size_t s = segment.first; s < segment.end; ++s) runStep(g, s, p, p - part);
          }
        }
      }
    }
  }

  std::size_t damaged = 0;  ///< bytes that were read and had been written by another since
  std::size_t outside = 0;  ///< bytes that lie beyond the arena

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t bytes = 0;
    long tag = 0;
  };

  /// Where a part of a value lies; no bytes where that is not in the arena.
  Range rangeOf(std::size_t g, ValueId id, DimSize_t part, DimSize_t lane) const {
    const ValueId root = mProgram.root(id);
    const Value& value = mProgram.values[root];
    if (mPlan.valueOffsets[id] == kNoValue) return {};
    const auto parts = static_cast<std::size_t>(mProgram.segments[g].parts);
    const std::size_t bytes = value.desc.bytes() / parts;
    const std::size_t own = static_cast<std::size_t>(part) * bytes;
    const std::size_t shift = value.local ? static_cast<std::size_t>(lane) * mPlan.laneBytes[g] : own;
    return {mPlan.valueOffsets[id] + shift, bytes, static_cast<long>(root) + 1};
  }

  void runStep(std::size_t g, std::size_t s, DimSize_t part, DimSize_t lane) {
    const Step& step = mProgram.steps[s];
    const std::size_t shift = mProgram.segments[g].parts > 1 ? static_cast<std::size_t>(lane) * mPlan.laneBytes[g] : 0;
    write({mPlan.scratchOffsets[s] + shift, mScratch[s], -1 - static_cast<long>(s)});
    for (const ValueId id : step.inputs) read(rangeOf(g, id, part, lane));
    for (const ValueId id : step.outputs) write(rangeOf(g, id, part, lane));
  }

  void write(const Range& range) {
    for (std::size_t i = range.begin; i < range.begin + range.bytes; ++i) {
      if (i < mOwner.size()) {
        mOwner[i] = range.tag;
      } else {
        ++outside;
      }
    }
  }

  void read(const Range& range) {
    for (std::size_t i = range.begin; i < range.begin + range.bytes; ++i) {
      if (i >= mOwner.size()) {
        ++outside;
      } else if (mOwner[i] != range.tag) {
        ++damaged;
      }
    }
  }

  const Program& mProgram;
  const MemoryPlan& mPlan;
  const std::vector<std::size_t>& mScratch;
  DimSize_t mThreads;
  std::vector<long> mOwner;
};

}  // namespace

TEST_CASE("No buffer is overwritten while somebody still reads it", "[scheduler][memory]") {
  std::size_t shared = 0;
  std::size_t cut = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    RandomProgram random(seed);
    const std::vector<ValueId> sharing = shareBuffers(random.program);
    const int threads = 1 + static_cast<int>(seed % 3);
    const MemoryPlan plan = planMemory(random.program, sharing, random.scratch, threads);
    shared += static_cast<std::size_t>(std::count_if(sharing.begin(), sharing.end(), [](ValueId id) { return id != kNoValue; }));
    for (const Segment& segment : random.program.segments) cut += segment.parts > 1 ? 1 : 0;
    for (const bool inTurn : {false, true}) {
      Simulation simulation(random.program, plan, random.scratch, threads);
      simulation.run(inTurn);
      REQUIRE(simulation.damaged == 0);
      REQUIRE(simulation.outside == 0);
    }
    for (const std::size_t offset : plan.valueOffsets) REQUIRE((offset == kNoValue || offset % AlignedBuffer::kAlignment == 0));
  }
  CHECK(shared > 100);  // the random programs do what they are for
  CHECK(cut > 1000);
}

TEST_CASE("A chain needs the memory of two values, and one if the kernels work in place", "[scheduler][memory]") {
  Program program;
  program.backend = "cpu";
  for (int i = 0; i < 6; ++i) {
    Value value;
    value.desc.dims = {4, 64};
    if (i == 0) value.graphInput = 0;
    value.exported = i == 5;
    program.addValue(std::move(value));
  }
  for (ValueId i = 0; i < 5; ++i) {
    program.steps.push_back({.type = "ReLU", .op = std::make_shared<Operator>("ReLU"), .inputs = {i}, .outputs = {i + 1}});
  }
  program.segments = {{0, 5, 1}};
  const std::vector<std::size_t> scratch(5, 0);
  CHECK(planMemory(program, std::vector<ValueId>(6, kNoValue), scratch, 1).arenaBytes == 2 * 1024);
  CHECK(planMemory(program, shareBuffers(program), scratch, 1).arenaBytes == 1024);
}
