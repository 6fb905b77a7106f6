#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "GraphTypes.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/recipes/ChannelGroups.hpp"
#include "aidge/recipes/RemoveChannels.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

/// A node, or the name of one.
using NodeOrName = std::variant<NodePtr, std::string>;
using PyRequest = py::typing::Dict<NodeOrName, std::vector<std::int64_t>>;

RemovalReport remove(const GraphViewPtr& graph, const PyRequest& channels, std::int64_t multiple, const std::vector<Dims>& dims) {
  if (!graph) throwExpected("recipes::remove_channels", "a GraphView", "None");
  std::map<NodePtr, std::vector<std::int64_t>> request;
  for (const auto& [key, value] : channels) {
    const auto named = py::cast<NodeOrName>(key);
    const auto* name = std::get_if<std::string>(&named);
    auto& list = request[name ? graph->getNode(*name) : std::get<NodePtr>(named)];
    const auto more = py::cast<std::vector<std::int64_t>>(value);
    list.insert(list.end(), more.begin(), more.end());
  }
  const py::gil_scoped_release release;
  return removeChannels(graph, request, {multiple, dims});
}

py::typing::Dict<py::str, py::object> toDict(const RemovalReport& report) {
  py::typing::Dict<py::str, py::object> result{py::dict()};
  py::list removed;
  for (const auto& group : report.removed) {
    py::dict entry;
    for (const RemovedChannels& layer : group) entry[py::str(layer.node)] = py::cast(layer.channels);
    removed.append(entry);
  }
  py::list refused;
  for (const RefusedRemoval& refusal : report.refused) {
    py::dict entry;
    entry["nodes"] = refusal.nodes;
    entry["channels"] = refusal.channels;
    entry["reason"] = refusal.reason;
    refused.append(entry);
  }
  result["removed"] = removed;
  result["refused"] = refused;
  result["macs_before"] = py::cast(report.macsBefore);
  result["macs_after"] = py::cast(report.macsAfter);
  result["uncounted"] = py::cast(report.uncounted);
  result["parameters_before"] = py::cast(report.parametersBefore);
  result["parameters_after"] = py::cast(report.parametersAfter);
  return result;
}

void bindGroups(py::module_& m) {
  py::class_<ChannelSource>(m, "ChannelSource",
                            "A layer with weights (Conv, ConvTranspose, FC, Gemm, MatMul) that makes channels of a group.")
      .def_readonly("node", &ChannelSource::node)
      .def_readonly("channels", &ChannelSource::channels, "One entry an output channel: which channel of the group it is.")
      .def("__repr__", [](const ChannelSource& self) { return "ChannelSource(" + self.node->describe() + ")"; });
  py::class_<ChannelUse>(m, "ChannelUse", "A layer with weights that reads channels of a group.")
      .def_readonly("node", &ChannelUse::node)
      .def_readonly("input", &ChannelUse::input, "Where the data arrives.")
      .def_readonly("channels", &ChannelUse::channels,
                    "One entry an input channel (FC: input feature, in Flatten's order): which channel of the group, -1: none.")
      .def("__repr__", [](const ChannelUse& self) { return "ChannelUse(" + self.node->describe() + ")"; });
  py::class_<ChannelGroup>(
      m, "ChannelGroup",
      "Output channels of layers that can only be removed together. A channel of a group is one such set: one output channel of every\n"
      "layer that is added up, all its values after Flatten, the same place in every group of a grouped convolution.")
      .def_readonly("size", &ChannelGroup::size, "Channels.")
      .def_readonly("sources", &ChannelGroup::sources, "In topological order; never empty.")
      .def_readonly("uses", &ChannelGroup::uses, "In topological order.")
      .def_readonly(
          "products", &ChannelGroup::products,
          "Products of two tensors of data that sum over channels of the group, as that of queries and keys; `channels` has one entry\n"
          "for each index that is summed over.")
      .def_readonly("crossed", &ChannelGroup::crossed,
                    "What the channels pass on the way: BatchNorm, activations, pooling, Add, depthwise convolutions ...")
      .def_readonly("fixed", &ChannelGroup::fixed, "Channels that must stay; ascending.")
      .def_readonly("refusal", &ChannelGroup::refusal, "Why those in `fixed` must stay; \"\" where there are none.")
      .def("can_be_cut", &ChannelGroup::canBeCut, "Whether some of its channels can be removed.")
      .def("__repr__", [](const ChannelGroup& self) {
        std::string names;
        for (const ChannelSource& source : self.sources) names += (names.empty() ? "" : ", ") + source.node->name();
        const std::string fixed = self.refusal.empty() ? "" : ", " + std::to_string(self.fixed.size()) + " fixed: " + self.refusal;
        return "ChannelGroup(" + std::to_string(self.size) + " channels of " + names + fixed + ")";
      });
}

void bindReport(py::module_& m) {
  py::class_<RemovedChannels>(m, "RemovedChannels", "What one layer of a group lost.")
      .def_readonly("node", &RemovedChannels::node, "Its name.")
      .def_readonly("before", &RemovedChannels::before, "Its output channels.")
      .def_readonly("channels", &RemovedChannels::channels, "Which of them went; ascending.")
      .def("__repr__", [](const RemovedChannels& self) {
        return "RemovedChannels(" + self.node + ", " + std::to_string(self.channels.size()) + " of " + std::to_string(self.before) + ")";
      });
  py::class_<RefusedRemoval>(m, "RefusedRemoval", "A request that was not, or not wholly, followed.")
      .def_readonly("nodes", &RefusedRemoval::nodes, "Names of the group's sources.")
      .def_readonly("channels", &RefusedRemoval::channels, "Channels of the group that stay though they were named.")
      .def_readonly("reason", &RefusedRemoval::reason)
      .def("__repr__", [](const RefusedRemoval& self) {
        return "RefusedRemoval(" + (self.nodes.empty() ? std::string() : self.nodes.front()) + ": " + self.reason + ")";
      });
  py::class_<RemovalReport>(m, "RemovalReport", "What remove_channels did; `print(report)` shows a table.")
      .def_readonly("removed", &RemovalReport::removed, "One list of RemovedChannels a group that was cut, in topological order.")
      .def_readonly(
          "passed", &RemovalReport::passed,
          "Layers with weights that lost outputs with the channels that pass them (depthwise convolutions), in topological order.")
      .def_readonly("refused", &RemovalReport::refused)
      .def_readonly("macs_before", &RemovalReport::macsBefore, "Of the whole network, as its operators count them.")
      .def_readonly("macs_after", &RemovalReport::macsAfter)
      .def_readonly("uncounted", &RemovalReport::uncounted, "How many operators the MACs leave out: their sizes are known only in a run.")
      .def_readonly("parameters_before", &RemovalReport::parametersBefore, "Values of all constants of floating-point type.")
      .def_readonly("parameters_after", &RemovalReport::parametersAfter)
      .def(
          "to_dict", [](const RemovalReport& self) { return toDict(self); }, "For JSON.")
      .def("__str__", [](const RemovalReport& self) { return toString(self); })
      .def("__repr__", [](const RemovalReport& self) {
        return "RemovalReport(" + std::to_string(self.removed.size()) + " groups cut, " + std::to_string(self.refused.size()) + " refused)";
      });
}

}  // namespace

void bindChannels(py::module_& m) {
  bindGroups(m);
  bindReport(m);
  m.def(
      "channel_groups",
      [](const GraphViewPtr& graph, const std::vector<Dims>& dims) {
        const py::gil_scoped_release release;
        return channelGroups(graph, dims);
      },
      py::arg("graph_view"), py::kw_only(), py::arg("dims") = std::vector<Dims>{},
      "The output channels that can only be removed together, as a list of ChannelGroup in topological order. Channels are followed index "
      "by\n"
      "index through elementwise operators with broadcasting, normalisation with fixed statistics, pooling, depthwise and grouped\n"
      "convolutions, Concat, Split, Slice, Flatten, Reshape, Transpose. Graph outputs, softmax or normalisation across channels, and\n"
      "operators that are not known fix the channels that reach them. `dims` of the graph inputs, one list each; by default as compiled\n"
      "or declared. Changes nothing. ValueError where dims are open or do not fit.");
  m.def(
      "remove_channels", &remove, py::arg("graph_view"), py::arg("channels"), py::kw_only(), py::arg("multiple") = 1,
      py::arg("dims") = std::vector<Dims>{},
      "Takes output channels of layers out of the network, with all that hangs on them (see channel_groups): filters and biases, the\n"
      "parameters of normalisation, PReLU and elementwise constants, depthwise filters, and the weights that read them. What is left\n"
      "computes what the original would if the layers that read a removed channel had zero weights for it.\n"
      "`channels`: {node or its name: output channels}, of layers or of any node that a group passes; where several nodes of a group are\n"
      "named, the union goes. A group that cannot be cut, or of which nothing would be left, is refused with the reason, and the others\n"
      "go on. `multiple`: every layer keeps a multiple of so many channels, or all of them: the ones named last are put back until it "
      "does.\n"
      "`dims` of the graph inputs; by default as compiled or declared. Nodes stay, with hooks, observers and attributes. Where the call\n"
      "fails the graph is as it was. ValueError where a node is not in the graph, a channel does not exist, multiple < 1, or dims are "
      "open.");
}

}  // namespace Aidge::python
