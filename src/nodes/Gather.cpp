#include "aidge/nodes/Gather.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Gather(std::int64_t axis, const std::string& name) { return makeNode("Gather", {{"axis", axis}}, name); }

NodePtr GatherElements(std::int64_t axis, const std::string& name) { return makeNode("GatherElements", {{"axis", axis}}, name); }

NodePtr GatherND(std::int64_t batchDims, const std::string& name) { return makeNode("GatherND", {{"batch_dims", batchDims}}, name); }

NodePtr ScatterElements(std::int64_t axis, const std::string& reduction, const std::string& name) {
  return makeNode("ScatterElements", {{"axis", axis}, {"reduction", reduction}}, name);
}

NodePtr ScatterND(const std::string& reduction, const std::string& name) { return makeNode("ScatterND", {{"reduction", reduction}}, name); }

NodePtr ReverseSequence(std::int64_t batchAxis, std::int64_t timeAxis, const std::string& name) {
  return makeNode("ReverseSequence", {{"batch_axis", batchAxis}, {"time_axis", timeAxis}}, name);
}

}  // namespace Aidge
