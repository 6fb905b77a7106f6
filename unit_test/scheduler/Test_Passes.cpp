// Each pass of the planner: a program, the pass, the program that is expected, and a twin that must stay as it is.
#include <algorithm>
#include <string>
#include <vector>

#include "Networks.hpp"
#include "aidge/graph/Observer.hpp"
#include "catch.hpp"
#include "scheduler/Passes.hpp"

using namespace Aidge;
using namespace Aidge::plan;
using namespace Aidge::test;

namespace {

using Lines = std::vector<std::string>;

/// The graph of these nodes as a program, before any pass. `outputs`: names of the nodes whose outputs are the graph's; empty: as they dangle.
Program programOf(const std::vector<NodePtr>& nodes, const Dims& dims, const std::vector<NodePtr>& outputs = {}) {
  const auto graph = GraphView::create();
  graph->add(std::span<const NodePtr>(nodes));
  std::vector<GraphOutput> declared;
  for (const NodePtr& node : outputs) declared.push_back({node->name(), node, 0});
  if (!declared.empty()) graph->setOutputs(std::move(declared));
  Stage stage;
  return buildProgram(*graph, "cpu", {{dims, DataType::Float32, nullptr}}, {}, stage);
}

/// "#" for a constant; channels-last values end in "/last".
std::string nameOf(const Program& program, ValueId id) {
  if (id == kNoValue) return "-";
  const Value& value = program.values[id];
  if (value.constant) return "#";
  return value.name + (value.desc.layout == Layout::ChannelsLast ? "/last" : "");
}

std::string textOf(const Program& program, const Step& step) {
  const auto list = [&](const std::vector<ValueId>& ids) {
    std::string text;
    for (const ValueId id : ids) text += (text.empty() ? "" : ", ") + nameOf(program, id);
    return text;
  };
  std::string text = step.kind == StepKind::SignActivation ? "Signs and " : "";
  text += step.type + "(" + list(step.inputs) + ") -> " + list(step.outputs);
  for (const PostOp& postOp : step.postOps) text += postOp.kind == PostOp::Kind::Sum ? " + sum" : " + " + postOp.activation->type();
  return text;
}

Lines textOf(const Program& program) {
  Lines lines;
  for (const Step& step : program.steps) lines.push_back(textOf(program, step));
  return lines;
}

NodePtr node(const std::string& type, const std::string& name, AttributeMap attributes = {}) {
  return makeNode(type, std::move(attributes), name);
}

/// conv -> what follows it.
std::vector<NodePtr> convolutionAnd(const std::vector<NodePtr>& followers) {
  const NodePtr conv = convolution("conv", 3, 4, 3, 1);
  for (const NodePtr& follower : followers) conv->addChild(follower);
  std::vector<NodePtr> nodes{conv};
  nodes.insert(nodes.end(), followers.begin(), followers.end());
  return nodes;
}

const Dims kImages{2, 3, 6, 6};

struct ValueObserver final : Observer {};
struct SignObserver final : Observer {
  [[nodiscard]] Request request() const override { return Request::SignSummary; }
};

}  // namespace

TEST_CASE("simplify removes what renames, computes what is constant, and drops what nobody uses", "[scheduler][passes]") {
  const NodePtr a = node("ReLU", "a");
  const NodePtr same = node("Identity", "same");
  const NodePtr last = node("Mul", "last");
  const NodePtr unused = node("Tanh", "unused");
  const NodePtr sum = node("Add", "sum");
  Producer(Tensor::full({1}, 2.0), "two")->addChild(sum);
  Producer(Tensor::full({1}, 3.0), "three")->addChild(sum);
  chain({a, same, last});
  sum->addChild(last);
  a->addChild(unused);
  Program program = programOf({a, same, sum, last, unused}, {2, 3}, {last});
  simplify(program);
  CHECK(textOf(program) == Lines{"ReLU(input) -> a:0", "Mul(a:0, #) -> last:0"});
  CHECK(program.values[program.steps[1].inputs[1]].constant->toDoubles() == std::vector<double>{5.0});

  const NodePtr first = node("ReLU", "first");
  const NodePtr second = node("Tanh", "second");
  chain({first, second});
  Program twin = programOf({first, second}, {2, 3});
  const Lines before = textOf(twin);
  simplify(twin);
  CHECK(textOf(twin) == before);
}

TEST_CASE("fuseRearrangements makes one step of a channel shuffle, unless somebody sees what is between", "[scheduler][passes]") {
  const auto shuffle = [](bool shown) {
    const NodePtr split = node("Reshape", "split", {{"shape", ints({2, 2, 2, 3, 3})}});
    const NodePtr swap = node("Transpose", "swap", {{"output_dims_order", ints({0, 2, 1, 3, 4})}});
    const NodePtr join = node("Reshape", "join", {{"shape", ints({2, 4, 3, 3})}});
    chain({split, swap, join});
    return programOf({split, swap, join}, {2, 4, 3, 3}, shown ? std::vector{split, join} : std::vector{join});
  };
  Program program = shuffle(false);
  fuseRearrangements(program);
  CHECK(textOf(program) == Lines{"Rearrange(input) -> join:0"});

  Program twin = shuffle(true);
  const Lines before = textOf(twin);
  fuseRearrangements(twin);
  CHECK(textOf(twin) == before);
}

TEST_CASE("fuseObservers joins an activation and the signs of its input, but not values to be shown", "[scheduler][passes]") {
  const auto observed = [](std::shared_ptr<Observer> observer) {
    const NodePtr relu = node("ReLU", "relu");
    static_cast<void>(relu->addInputObserver(0, std::move(observer)));
    return programOf({relu}, {2, 3});
  };
  Program program = observed(std::make_shared<SignObserver>());
  CHECK(textOf(program) == Lines{"Observe(input) -> ", "ReLU(input) -> relu:0"});
  fuseObservers(program);
  CHECK(textOf(program) == Lines{"Signs and ReLU(input) -> relu:0"});

  Program twin = observed(std::make_shared<ValueObserver>());
  fuseObservers(twin);
  CHECK(textOf(twin) == Lines{"Observe(input) -> ", "ReLU(input) -> relu:0"});
}

TEST_CASE("foldAffine puts a BatchNorm into the convolution before it, unless that one's result is seen", "[scheduler][passes]") {
  const auto normalised = [](bool shown) {
    const NodePtr norm = normalization("norm", 4, 7);
    const std::vector<NodePtr> nodes = convolutionAnd({norm});
    return programOf(nodes, kImages, shown ? nodes : std::vector{norm});
  };
  Program program = normalised(false);
  const Tensor weight = *program.values[program.steps[0].inputs[1]].constant;
  const NodePtr norm = program.steps[1].node;
  foldAffine(program);
  CHECK(textOf(program) == Lines{"Conv2D(input, #, #) -> norm:0"});
  const auto parameter = [&](IOIndex_t index) { return norm->getParent(index)->getOperator()->getOutput(0)->toDoubles(); };
  const double factor = parameter(1)[0] / std::sqrt(parameter(4)[0] + norm->getOperator()->attribute<double>("epsilon"));
  const Tensor folded = *program.values[program.steps[0].inputs[1]].constant;
  CHECK(folded.toDoubles()[5] == Catch::Approx(factor * weight.toDoubles()[5]).epsilon(kFloatTolerance));

  Program twin = normalised(true);
  const Lines before = textOf(twin);
  foldAffine(twin);
  CHECK(textOf(twin) == before);
}

TEST_CASE("fusePostOps moves an activation and an addition into a convolution, unless its result is used twice", "[scheduler][passes]") {
  const NodePtr relu = node("ReLU", "relu");
  Program program = programOf(convolutionAnd({relu}), kImages);
  fusePostOps(program);
  CHECK(textOf(program) == Lines{"Conv2D(input, #, #) -> relu:0 + ReLU"});

  const NodePtr before = node("Tanh", "before");
  const NodePtr conv = convolution("conv", 3, 3, 3, 1);
  const NodePtr sum = node("Add", "sum");
  before->addChild(conv);
  conv->addChild(sum);
  before->addChild(sum);
  Program residual = programOf({before, conv, sum}, kImages);
  fusePostOps(residual);
  CHECK(textOf(residual) == Lines{"Tanh(input) -> before:0", "Conv2D(before:0, #, #, before:0) -> sum:0 + sum"});

  Program twin = programOf(convolutionAnd({node("ReLU", "relu"), node("Tanh", "tanh")}), kImages);
  const Lines unfused = textOf(twin);
  fusePostOps(twin);
  CHECK(textOf(twin) == unfused);
}

TEST_CASE("assignLayouts runs convolutions channels-last, hands results out row-major, and leaves rank 2 alone", "[scheduler][passes]") {
  const NodePtr relu = node("ReLU", "relu");
  Program program = programOf(convolutionAnd({relu}), kImages);
  assignLayouts(program);
  CHECK(textOf(program) ==
        Lines{"Conv2D(input, #, #) -> conv:0/last", "ReLU(conv:0/last) -> relu:0/last", "Reorder(relu:0/last) -> relu:0"});

  const NodePtr fc = withParameters(node("FC", "fc"), {randomTensor({5, 3}, 1), randomTensor({5}, 2)});
  Program twin = programOf({fc}, {2, 3});
  const Lines before = textOf(twin);
  assignLayouts(twin);
  CHECK(textOf(twin) == before);
}

TEST_CASE("assignSegments cuts the batch where steps allow it, and nowhere else", "[scheduler][passes]") {
  const auto segmented = [](std::int64_t axis) {
    const NodePtr first = node("ReLU", "first");
    const NodePtr soft = node("Softmax", "soft", {{"axis", axis}});
    const NodePtr last = node("ReLU", "last");
    chain({first, soft, last});
    Program program = programOf({first, soft, last}, {16, 1 << 18});  // 16 MiB a tensor: more than caches hold
    assignLayouts(program);
    assignSegments(program, 2);
    return program;
  };
  const auto segmentOf = [](const Program& program, std::size_t step) {
    return *std::find_if(program.segments.begin(), program.segments.end(),
                         [&](const Segment& segment) { return segment.first <= step && step < segment.end; });
  };
  const Program along = segmented(1);  // each row by itself
  CHECK(segmentOf(along, 1).parts > 1);
  CHECK(along.values[along.steps[0].outputs[0]].local);
  const Program across = segmented(0);  // all samples together
  CHECK(segmentOf(across, 1).parts == 1);
  CHECK_FALSE(across.values[across.steps[0].outputs[0]].local);
  for (const Program* program : {&along, &across}) {
    std::size_t next = 0;
    for (const Segment& segment : program->segments) {
      CHECK(segment.first == next);
      next = segment.end;
    }
    CHECK(next == program->steps.size());
  }
}
