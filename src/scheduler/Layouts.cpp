#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "Passes.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::plan {

namespace {

/// Whether both memory orders are the same for these dims.
bool isAgnostic(const Dims& dims) {
  if (dims.size() < 3 || dims[1] == 1 || elementCount(dims) == 0) return true;
  return std::all_of(dims.begin() + 2, dims.end(), [](DimSize_t d) { return d == 1; });
}

class LayoutAssigner {
 public:
  explicit LayoutAssigner(Program& program) : mProgram(program), mUses(program.useCounts()) {}

  void run() {
    std::vector<Step> old = std::move(mProgram.steps);
    mProgram.steps.clear();
    for (Step& step : old) {
      if (place(step)) mProgram.steps.push_back(std::move(step));
    }
    for (Export& entry : mProgram.exports) {
      entry.value = version(entry.value, Layout::Plain, nullptr);
      mProgram.values[mProgram.root(entry.value)].exported = true;
    }
  }

 private:
  /// Chooses layouts around one step; false where the step has become a mere alias.
  bool place(Step& step) {
    switch (step.kind) {
      case StepKind::Kernel:
        return placeKernel(step);
      case StepKind::SignActivation:
        placeAlike(step);
        return true;
      case StepKind::Observe:
        return true;
      case StepKind::BeforeHooks:
      case StepKind::AfterHooks:
        for (ValueId& id : step.inputs) {
          if (id == kNoValue) continue;
          id = version(id, Layout::Plain, step.node);
          mProgram.values[mProgram.root(id)].exported = true;
        }
        return true;
    }
    return true;
  }

  bool placeKernel(Step& step) {
    if (roleOf(step) == Role::Reshaping) {
      const ValueId source = version(step.inputs[0], Layout::Plain, step.node);
      rename(mProgram.values[source], source, mProgram.values[step.outputs[0]]);
      return false;
    }
    if (const std::optional<Layout> layout = viewedLayout(step)) {
      const ValueId source = version(step.inputs[0], *layout == Layout::Plain ? Layout::ChannelsLast : Layout::Plain, step.node);
      mProgram.values[step.outputs[0]].desc.layout = *layout;
      rename(mProgram.values[source], source, mProgram.values[step.outputs[0]]);
      return false;
    }
    switch (factoryOf(mProgram, step)->layout) {
      case LayoutRule::PlainOnly:
        bringInputs(step, Layout::Plain);
        break;
      case LayoutRule::PreferChannelsLast:
        placeSpatial(step);
        break;
      case LayoutRule::AnyOrder:
        placeFreely(step);
        break;
      case LayoutRule::SameAsInput:
        placeAlike(step);
        break;
    }
    return true;
  }

  /// Order of a transposition's output where that is a view of its input: channels moved to axis 1 from the end of a row-major tensor, or to the end from
  /// axis 1 of a channels-last one.
  [[nodiscard]] std::optional<Layout> viewedLayout(const Step& step) const {
    if (roleOf(step) != Role::Transposition || rank(step.inputs[0]) < 3) return std::nullopt;
    const TensorDesc& input = mProgram.values[step.inputs[0]].desc;
    std::vector<DimIdx_t> axes(input.dims.size());
    std::iota(axes.begin(), axes.end(), DimIdx_t{0});
    const std::vector<DimIdx_t> order = resolvePermutation(*step.op, axes.size());
    const bool plain = input.layout == Layout::Plain;
    std::rotate(axes.begin() + 1, plain ? axes.end() - 1 : axes.begin() + 2, axes.end());
    if (order != axes) return std::nullopt;
    return plain ? Layout::ChannelsLast : Layout::Plain;
  }

  void placeFreely(Step& step) {
    const TensorDesc& input = mProgram.values[step.inputs[0]].desc;
    const Layout layout = input.layout;
    for (std::size_t i = 1; i < step.inputs.size(); ++i) {
      if (step.inputs[i] != kNoValue) step.inputs[i] = version(step.inputs[i], Layout::Plain, step.node);
    }
    const auto& keepsChannels = KernelRegistry::find(mProgram.backend, step.type)->keepsChannels;
    for (const ValueId id : step.outputs) {
      TensorDesc& output = mProgram.values[id].desc;
      const bool keeps = output.dims.size() == input.dims.size() && keepsChannels && keepsChannels(*step.op);
      output.layout = keeps ? layout : Layout::Plain;
    }
  }

  void placeSpatial(Step& step) {
    const bool spatial = rank(step.outputs[0]) >= 3;
    const Layout layout = spatial ? Layout::ChannelsLast : Layout::Plain;
    ValueId& data = step.inputs[0];
    if (rank(data) >= 3 && !takesPlain(step)) data = version(data, Layout::ChannelsLast, step.node);
    for (const PostOp& postOp : step.postOps) {
      if (postOp.kind == PostOp::Kind::Sum) step.inputs[postOp.input] = version(step.inputs[postOp.input], layout, step.node);
    }
    for (const ValueId id : step.outputs) mProgram.values[id].desc.layout = layout;
  }

  /// A row-major first input that nobody else wants in another order, or a picture.
  [[nodiscard]] bool takesPlain(const Step& step) const {
    const Value& data = mProgram.values[step.inputs[0]];
    if (data.desc.layout != Layout::Plain || isAgnostic(data.desc.dims)) return false;
    const DimSize_t few = factoryOf(mProgram, step)->plainChannels;
    return few > 0 && (mUses[step.inputs[0]] == 1 || (data.graphInput && data.desc.dims[1] <= few));
  }

  void placeAlike(Step& step) {
    const std::size_t outputRank = rank(step.outputs[0]);
    Layout layout = Layout::Plain;
    if (outputRank >= 3 && rank(step.inputs[0]) <= outputRank) layout = preferred(step, outputRank);
    for (ValueId& id : step.inputs) {
      if (id != kNoValue) id = version(id, rank(id) == outputRank ? layout : Layout::Plain, step.node);
    }
    for (const ValueId id : step.outputs) mProgram.values[id].desc.layout = layout;
  }

  /// The order that most elements have already; channels-last where it is undecided and something has that tag.
  [[nodiscard]] Layout preferred(const Step& step, std::size_t outputRank) const {
    double last = 0.0;
    double plain = 0.0;
    bool tagged = false;
    for (const ValueId id : step.inputs) {
      if (id == kNoValue || rank(id) != outputRank) continue;
      const Value& value = mProgram.values[id];
      const bool isLast = value.desc.layout == Layout::ChannelsLast;
      tagged = tagged || isLast;
      if (value.constant || isAgnostic(value.desc.dims)) continue;
      (isLast ? last : plain) += static_cast<double>(value.desc.elements());
    }
    if (last == plain) return tagged ? Layout::ChannelsLast : Layout::Plain;
    return last > plain ? Layout::ChannelsLast : Layout::Plain;
  }

  void bringInputs(Step& step, Layout layout) {
    for (ValueId& id : step.inputs) {
      if (id != kNoValue) id = version(id, layout, step.node);
    }
  }

  [[nodiscard]] std::size_t rank(ValueId id) const { return mProgram.values[id].desc.dims.size(); }

  /// Makes `other` the same elements under dims of its own: a constant stays one, so that every pass sees it as such.
  static void rename(const Value& source, ValueId id, Value& other) {
    if (source.constant) {
      other.constant = source.constant->reshaped(other.desc.dims);
    } else {
      other.alias = id;
    }
  }

  /// The value in the wanted order: itself, an alias, a reordered constant or the result of a new step.
  ValueId version(ValueId id, Layout layout, const NodePtr& node) {
    if (rank(id) < 3) layout = Layout::Plain;
    if (mProgram.values[id].desc.layout == layout) return id;
    if (const auto known = mVersions.find({id, layout}); known != mVersions.end()) return known->second;
    const Value source = mProgram.values[id];
    Value changed;
    changed.name = source.name;
    changed.desc = source.desc;
    changed.desc.layout = layout;
    if (isAgnostic(source.desc.dims)) {
      rename(source, id, changed);
    } else if (source.constant) {
      changed.constant = reorderConstant(mProgram, *source.constant, source.desc.layout, layout);
    }
    const bool needsStep = changed.alias == kNoValue && !changed.constant;
    const ValueId result = mProgram.addValue(std::move(changed));
    if (needsStep) {
      Step reorder;
      reorder.node = node;
      reorder.type = "Reorder";
      reorder.inputs = {id};
      reorder.outputs = {result};
      mProgram.steps.push_back(std::move(reorder));
    }
    mVersions[{id, layout}] = result;
    return result;
  }

  Program& mProgram;
  std::vector<std::size_t> mUses;
  std::map<std::pair<ValueId, Layout>, ValueId> mVersions;
};

}  // namespace

void assignLayouts(Program& program) { LayoutAssigner(program).run(); }

}  // namespace Aidge::plan
