#include "aidge/scheduler/Memory.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "aidge/scheduler/AlignedBuffer.hpp"

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
    const KernelFactory* factory = step.kind == StepKind::Kernel ? KernelRegistry::find(mProgram.backend, step.type) : nullptr;
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

}  // namespace

std::vector<ValueId> shareBuffers(Program& program) { return BufferSharer(program).run(); }

MemoryPlan planMemory(const Program& program, const std::vector<ValueId>& shared, const std::vector<std::size_t>& scratchBytes) {
  const std::vector<std::size_t> last = lastUses(program);
  const std::vector<const Segment*> segments = segmentsOfSteps(program);
  std::vector<Block> blocks;
  std::vector<std::size_t> blockOf(program.values.size(), kNoValue);
  for (std::size_t s = 0; s < program.steps.size(); ++s) {
    for (const ValueId id : program.steps[s].outputs) {
      if (!isInArena(program.values[id])) continue;
      const Value& value = program.values[id];
      if (shared[id] != kNoValue) {
        blockOf[id] = blockOf[shared[id]];
      } else {
        blockOf[id] = blocks.size();
        blocks.push_back({aligned(storedBytes(value, *segments[s])), firstStep(value, *segments[s], s), s});
      }
      const std::size_t lastUse = std::max(s, last[id]);
      Block& block = blocks[blockOf[id]];
      block.last = std::max(block.last, lastStep(value, *segments[lastUse], lastUse));
    }
  }
  const std::size_t scratchStart = blocks.size();
  for (std::size_t s = 0; s < scratchBytes.size(); ++s) blocks.push_back({aligned(scratchBytes[s]), s, s});
  placeBlocks(blocks);

  MemoryPlan plan;
  for (std::size_t id = 0; id < program.values.size(); ++id) {
    const std::size_t block = blockOf[program.root(id)];
    plan.valueOffsets.push_back(block == kNoValue ? kNoValue : blocks[block].offset);
  }
  for (std::size_t s = 0; s < scratchBytes.size(); ++s) plan.scratchOffsets.push_back(blocks[scratchStart + s].offset);
  for (const Block& block : blocks) plan.arenaBytes = std::max(plan.arenaBytes, block.offset + block.bytes);
  return plan;
}

}  // namespace Aidge::plan
