#include "Infer.hpp"
#include "aidge/nodes/Activation.hpp"
#include "aidge/nodes/Identity.hpp"
#include "aidge/nodes/LRN.hpp"
#include "aidge/nodes/Softmax.hpp"

using namespace Aidge;
using namespace test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Activations keep dims and type of any rank", "[activation]") {
  for (const std::string type :
       {"ReLU", "Sigmoid", "Tanh", "HardSwish", "LeakyReLU", "GeLU", "Clip", "HardSigmoid", "Identity", "Dropout"}) {
    for (const Dims& dims : {Dims{}, Dims{0}, Dims{2, 3, 4, 5, 6}}) {
      const auto outputs = Operator(type).infer(infos({dims}, DataType::Float64));
      CAPTURE(type);
      CHECK(outputs[0].dims == dims);
      CHECK(outputs[0].dtype == DataType::Float64);
    }
  }
}

TEST_CASE("Activations that need reals refuse integers", "[activation]") {
  for (const std::string type : {"Sigmoid", "Tanh", "HardSwish", "LeakyReLU", "GeLU", "HardSigmoid", "Softmax"}) {
    CHECK(refusal([&] { static_cast<void>(Operator(type).infer(infos({{2, 3}}, DataType::Int32))); }) ==
          "[operator::" + type + "] expected data of a floating point type, got int32");
  }
  CHECK(Operator("ReLU").infer(infos({{2, 3}}, DataType::Int32))[0].dtype == DataType::Int32);
  CHECK(refusal([] { static_cast<void>(Operator("ReLU").infer(infos({{2}}, DataType::Bool))); }) ==
        "[operator::ReLU] expected data of a numeric type, got bool");
}

TEST_CASE("PReLU's slope is broadcast to the data, never the other way round", "[activation]") {
  CHECK(inferred("PReLU", {}, {{2, 3, 4, 4}, {3, 1, 1}}) == Dims{2, 3, 4, 4});
  CHECK(inferred("PReLU", {}, {{2, 3, 4, 4}, {1}}) == Dims{2, 3, 4, 4});
  CHECK(refusal("PReLU", {}, {{1, 3}, {2, 3}}) == "[operator::PReLU] expected a slope that can be broadcast to data [1, 3], got [2, 3]");
}

TEST_CASE("The PReLU factory lines its slopes up with the channels", "[activation]") {
  const auto slope = [](const NodePtr& node) { return *node->getParent(1)->getOperator()->getOutput(0); };
  CHECK(slope(PReLU(8, "p")).dims() == Dims{8, 1, 1});
  CHECK(slope(PReLU(8, "p", 0)).dims() == Dims{8});
  CHECK(slope(PReLU(1, "p")).dims() == Dims{1});
  CHECK(slope(PReLU(1, "p")).toDoubles() == std::vector<double>{0.25});
  CHECK(PReLU(1, "p")->getParent(1)->name() == "p_slope");
  CHECK(refusal([] { static_cast<void>(PReLU(0)); }) == "[operator::PReLU] expected nb_channels of at least 1, got 0");
  CHECK(refusal([] { static_cast<void>(PReLU(1, "", 4)); }) == "[operator::PReLU] expected spatial_dims of at most 3, got 4");
}

TEST_CASE("Activation factories set type, name and attributes", "[activation]") {
  CHECK(ReLU("r")->name() == "r");
  CHECK(LeakyReLU(0.1)->getOperator()->attribute<double>("negative_slope") == 0.1);
  CHECK(GeLU("tanh")->getOperator()->attribute<std::string>("approximate") == "tanh");
  CHECK(Clip("c", 0.0, 6.0)->getOperator()->attribute<double>("max") == 6.0);
  CHECK(HardSigmoid()->getOperator()->attribute<double>("alpha") == 0.2);
  CHECK(Sigmoid()->type() == "Sigmoid");
  CHECK(Tanh()->type() == "Tanh");
  CHECK(HardSwish()->type() == "HardSwish");
}

TEST_CASE("Attribute values without meaning are refused", "[activation]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(refusal("GeLU", {{"approximate", std::string("erf")}}) ==
        "[operator::GeLU] expected approximate to be one of \"none\", \"tanh\", got \"erf\"");
  CHECK(refusal("Clip", {{"min", nan}}) == "[operator::Clip] expected min to be a number, got nan");
  CHECK_THAT(refusal("LeakyReLU", {{"negative_slope", infinity}}), ContainsSubstring("expected a finite negative_slope"));
  CHECK_THAT(refusal("HardSigmoid", {{"alpha", nan}}), ContainsSubstring("expected a finite alpha"));
  CHECK_THAT(refusal("Dropout", {{"ratio", 1.5}}), ContainsSubstring("expected ratio in [0, 1]"));
  CHECK_THAT(refusal("Dropout", {{"ratio", nan}}), ContainsSubstring("expected ratio in [0, 1]"));
  CHECK_THAT(refusal("LRN", {{"size", std::int64_t{0}}}), ContainsSubstring("expected size in [1, "));
  CHECK_THAT(refusal("LRN", {{"beta", nan}}), ContainsSubstring("expected a finite beta"));
}

TEST_CASE("Softmax takes any axis that the data has", "[activation]") {
  CHECK(inferred(*Softmax(1)->getOperator(), {{2, 3, 4}}) == Dims{2, 3, 4});
  CHECK(inferred(*Softmax(-3)->getOperator(), {{2, 3, 4}}) == Dims{2, 3, 4});
  CHECK(refusal("Softmax", {{"axis", std::int64_t{2}}}, {{2, 3}}) == "[operator::Softmax] expected an axis in [-2, 2), got 2");
  CHECK_THROWS_AS(inferred("Softmax", {}, {{}}), std::invalid_argument);
}

TEST_CASE("Local response normalisation needs a channel axis", "[activation]") {
  CHECK(inferred(*LRN(5)->getOperator(), {{1, 8, 3, 3}}) == Dims{1, 8, 3, 3});
  CHECK(refusal("LRN", {}, {{8}}) == "[operator::LRN] expected data of rank 2 or more, got [8]");
}

TEST_CASE("Too many or too few inputs are refused", "[activation]") {
  CHECK_THROWS_AS(Operator("ReLU").infer(infos({})), std::invalid_argument);
  CHECK_THROWS_AS(Operator("ReLU").infer(infos({{1}, {1}})), std::invalid_argument);
}
