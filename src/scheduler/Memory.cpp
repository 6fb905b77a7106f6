#include "Memory.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "AlignedBuffer.hpp"

namespace Aidge::plan {

namespace {

std::size_t aligned(std::size_t bytes) {
  return (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
}

bool isInArena(const Value& value) { return !value.graphInput && !value.constant && !value.exported; }

/// Segment of every step.
std::vector<const Segment*> segmentsOfSteps(const Program& program) {
  std::vector<const Segment*> result;
  for (const Segment& segment : program.segments) result.resize(segment.end, &segment);
  return result;
}

/// Bytes of a value that step-wise lives in `segment`: of one part of the batch, if nobody else sees it.
std::size_t storedBytes(const Value& value, const Segment& segment) {
  return value.local ? value.desc.bytes() / static_cast<std::size_t>(segment.parts) : value.desc.bytes();
}

/// What is whole while a segment goes through several parts is needed from its first step to its last.
bool needsWholeSegment(const Value& value, const Segment& segment) { return segment.parts > 1 && !value.local; }
std::size_t firstStep(const Value& value, const Segment& segment, std::size_t step) {
  return needsWholeSegment(value, segment) ? segment.first : step;
}
std::size_t lastStep(const Value& value, const Segment& segment, std::size_t step) {
  return needsWholeSegment(value, segment) ? segment.end - 1 : step;
}

/// Index of the last step that reads each value's memory (0 if none does).
std::vector<std::size_t> lastUses(const Program& program) {
  std::vector<std::size_t> last(program.values.size(), 0);
  for (std::size_t s = 0; s < program.steps.size(); ++s) {
    for (const ValueId id : program.steps[s].inputs) {
      if (id != kNoValue) last[program.root(id)] = s;
    }
  }
  return last;
}

class BufferSharer {
 public:
  explicit BufferSharer(Program& program) : mProgram(program), mLast(lastUses(program)), mShared(program.values.size(), kNoValue) {}

  std::vector<ValueId> run() {
    for (std::size_t s = 0; s < mProgram.steps.size(); ++s) shareOutput(s);
    return std::move(mShared);
  }

 private:
  void shareOutput(std::size_t s) {
    Step& step = mProgram.steps[s];
    if (step.outputs.size() != 1 || !isInArena(mProgram.values[step.outputs[0]])) return;
    for (PostOp& postOp : step.postOps) {
      if (postOp.kind == PostOp::Kind::Sum && take(s, postOp.input)) {
        postOp.inPlace = true;
        return;
      }
    }
    const KernelFactory* factory = step.kind == StepKind::Kernel ? factoryOf(mProgram, step) : nullptr;
    if (step.kind == StepKind::SignActivation || (factory && factory->inPlace)) take(s, 0);
  }

  /// Gives the step's output the buffer of its input `index`, if that may be overwritten.
  bool take(std::size_t s, std::size_t index) {
    const Step& step = mProgram.steps[s];
    if (step.inputs[index] == kNoValue) return false;
    const ValueId input = mProgram.root(step.inputs[index]);
    const ValueId output = step.outputs[0];
    const Value& from = mProgram.values[input];
    const Value& to = mProgram.values[output];
    const TensorDesc& asSeen = mProgram.values[step.inputs[index]].desc;
    if (!isInArena(from) || from.local != to.local || mLast[input] != s || asSeen.dims != to.desc.dims || asSeen.layout != to.desc.layout ||
        from.desc.bytes() != to.desc.bytes()) {
      return false;
    }
    const auto readers =
        std::count_if(step.inputs.begin(), step.inputs.end(), [&](ValueId id) { return id != kNoValue && mProgram.root(id) == input; });
    if (readers != 1) return false;
    mShared[output] = input;
    return true;
  }

  Program& mProgram;
  std::vector<std::size_t> mLast;
  std::vector<ValueId> mShared;
};

/// Something that needs bytes from one step to another, both included.
struct Block {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t offset = 0;
};

void placeBlocks(std::vector<Block>& blocks) {
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::vector<const Block*> placed;  // in order of offset
  for (const std::size_t index : order) {
    Block& block = blocks[index];
    if (block.bytes == 0) continue;
    for (const Block* other : placed) {
      if (other->last < block.first || block.last < other->first) continue;
      if (block.offset + block.bytes <= other->offset) break;
      block.offset = std::max(block.offset, other->offset + other->bytes);
    }
    const auto place =
        std::upper_bound(placed.begin(), placed.end(), &block, [](const Block* a, const Block* b) { return a->offset < b->offset; });
    placed.insert(place, &block);
  }
}

/// Blocks of one memory space, with the values that they are for.
class Space {
 public:
  void addValue(ValueId id, const Block& block) { mBlockOf[id] = addOther(block); }
  /// Puts a value into the block of another one.
  void join(ValueId id, ValueId other, const Block& block) {
    const std::size_t index = mBlockOf.at(other);
    mBlockOf[id] = index;
    mBlocks[index].last = std::max(mBlocks[index].last, block.last);
  }
  std::size_t addOther(const Block& block) {
    mBlocks.push_back(block);
    return mBlocks.size() - 1;
  }
  /// Places everything; returns the size of the space.
  std::size_t place() {
    placeBlocks(mBlocks);
    std::size_t bytes = 0;
    for (const Block& block : mBlocks) bytes = std::max(bytes, block.offset + block.bytes);
    return bytes;
  }
  [[nodiscard]] const std::map<ValueId, std::size_t>& values() const { return mBlockOf; }
  [[nodiscard]] std::size_t offset(std::size_t block) const { return mBlocks[block].offset; }

 private:
  std::vector<Block> mBlocks;
  std::map<ValueId, std::size_t> mBlockOf;
};

/// Plans the arena: a space for every segment of several parts (once a thread), each of which is one block in the space of all.
class MemoryPlanner {
 public:
  MemoryPlanner(const Program& program, const std::vector<ValueId>& shared, const std::vector<std::size_t>& scratchBytes)
      : mProgram(program), mShared(shared), mScratchBytes(scratchBytes), mLast(lastUses(program)), mSegments(segmentsOfSteps(program)) {}

  MemoryPlan run(int threads) {
    mPlan.valueOffsets.assign(mProgram.values.size(), kNoValue);
    mPlan.scratchOffsets.assign(mProgram.steps.size(), 0);
    std::vector<Space> spaces(mProgram.segments.size());
    std::vector<std::size_t> blocks;
    for (std::size_t g = 0; g < spaces.size(); ++g) {
      const Segment& segment = mProgram.segments[g];
      addSegment(segment, spaces[g]);
      const std::size_t bytes = spaces[g].place();
      mPlan.laneBytes.push_back(bytes);
      const auto lanes = static_cast<std::size_t>(std::min<DimSize_t>(threads, segment.parts));
      blocks.push_back(mWhole.addOther({bytes * lanes, segment.first, segment.end - 1}));
    }
    mPlan.arenaBytes = mWhole.place();
    take(mWhole, mWholeScratch, 0);
    for (std::size_t g = 0; g < spaces.size(); ++g) take(spaces[g], mLaneScratch[g], mWhole.offset(blocks[g]));
    for (std::size_t id = 0; id < mProgram.values.size(); ++id) mPlan.valueOffsets[id] = mPlan.valueOffsets[mProgram.root(id)];
    return std::move(mPlan);
  }

 private:
  using ScratchBlocks = std::vector<std::pair<std::size_t, std::size_t>>;  ///< (step, block)

  void addSegment(const Segment& segment, Space& own) {
    ScratchBlocks& laneScratch = mLaneScratch.emplace_back();
    for (std::size_t s = segment.first; s < segment.end; ++s) {
      for (const ValueId id : mProgram.steps[s].outputs) addOutput(id, s, segment, own);
      const Block scratch{aligned(mScratchBytes[s]), s, s};
      if (segment.parts > 1) {
        laneScratch.emplace_back(s, own.addOther(scratch));
      } else {
        mWholeScratch.emplace_back(s, mWhole.addOther(scratch));
      }
    }
  }

  void addOutput(ValueId id, std::size_t s, const Segment& segment, Space& own) {
    const Value& value = mProgram.values[id];
    if (!isInArena(value)) return;
    const std::size_t lastUse = std::max(s, mLast[id]);
    const Block block{aligned(storedBytes(value, segment)), firstStep(value, segment, s), lastStep(value, *mSegments[lastUse], lastUse)};
    Space& space = value.local ? own : mWhole;
    if (mShared[id] == kNoValue) {
      space.addValue(id, block);
    } else {
      space.join(id, mShared[id], block);
    }
  }

  void take(const Space& space, const ScratchBlocks& scratch, std::size_t base) {
    for (const auto& [id, block] : space.values()) mPlan.valueOffsets[id] = base + space.offset(block);
    for (const auto& [step, block] : scratch) mPlan.scratchOffsets[step] = base + space.offset(block);
  }

  const Program& mProgram;
  const std::vector<ValueId>& mShared;
  const std::vector<std::size_t>& mScratchBytes;
  std::vector<std::size_t> mLast;
  std::vector<const Segment*> mSegments;
  Space mWhole;
  ScratchBlocks mWholeScratch;
  std::vector<ScratchBlocks> mLaneScratch;  ///< one a segment
  MemoryPlan mPlan;
};

}  // namespace

std::vector<ValueId> shareBuffers(Program& program) { return BufferSharer(program).run(); }

MemoryPlan planMemory(const Program& program, const std::vector<ValueId>& shared, const std::vector<std::size_t>& scratchBytes,
                      int threads) {
  return MemoryPlanner(program, shared, scratchBytes).run(threads);
}

}  // namespace Aidge::plan
