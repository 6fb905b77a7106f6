#include "aidge/nodes/TopK.hpp"

#include "Infer.hpp"

using namespace Aidge;
using namespace test;

TEST_CASE("TopK checks what it is given", "[topk]") {
  const auto top = TopK(2, 0)->getOperator()->infer(infos({{5, 3}}));
  CHECK(top[0].dims == Dims{2, 3});
  CHECK(top[1].dtype == DataType::Int64);
  CHECK(refusal([] { static_cast<void>(TopK(6, 0)->getOperator()->infer(infos({{5, 3}}))); }).find("k with 1 entries in [0, 5]") !=
        std::string::npos);
}
