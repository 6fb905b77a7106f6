#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "GraphTypes.hpp"
#include "PyTensor.hpp"
#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphShapes.hpp"
#include "aidge/scheduler/Inference.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using OptionalDims = std::optional<std::vector<std::optional<DimSize_t>>>;
using Edges = std::vector<TensorRef>;
using NodeOrName = std::variant<NodePtr, std::string>;
using NodeSet = py::typing::Set<Node>;

OptionalDims dimsToPython(const Dims& dims) {
  std::vector<std::optional<DimSize_t>> result;
  for (const DimSize_t dim : dims) result.push_back(dim == kDynamicDim ? std::nullopt : std::optional(dim));
  return result;
}

Dims dimsFromPython(const std::vector<std::optional<DimSize_t>>& dims) {
  Dims result;
  for (const auto& dim : dims) {
    if (dim && *dim < 0) throwExpected("graph::GraphInput", "dims >= 0, or None where free", std::to_string(*dim));
    result.push_back(dim.value_or(kDynamicDim));
  }
  return result;
}

GraphInput makeInput(std::string name, Edges targets, const OptionalDims& dims, DataTypeLike dtype) {
  GraphInput input;
  input.name = std::move(name);
  input.targets = std::move(targets);
  input.hasDims = dims.has_value();
  if (dims) input.dims = dimsFromPython(*dims);
  input.dtype = dtype.value;
  return input;
}

OptionalDims outputDims(const GraphOutput& output) {
  const Tensor tensor = *output.node->getOperator()->getOutput(output.index);
  return tensor.isUndefined() ? std::nullopt : dimsToPython(tensor.dims());
}

std::string repr(const char* what, const std::string& name, const OptionalDims& dims, DataType dtype) {
  return std::string(what) + "(name='" + name + "', dims=" + std::string(py::repr(py::cast(dims))) +
         ", dtype=" + std::string(toString(dtype)) + ")";
}

void bindBoundary(py::module_& m) {
  py::class_<GraphInput>(m, "GraphInput", "A named entry of a graph: what is fed goes to all `targets`.")
      .def(py::init(&makeInput), py::arg("name"), py::arg("targets"), py::arg("dims") = py::none(),
           py::arg_v("dtype", DataTypeLike{}, "dtype.float32"))
      .def_readonly("name", &GraphInput::name)
      .def_readonly("targets", &GraphInput::targets, "(node, input index) of everything that it feeds.")
      .def_property_readonly(
          "dims", [](const GraphInput& self) { return self.hasDims ? dimsToPython(self.dims) : std::nullopt; },
          "One int an axis, None where it is free; None where nothing is known.")
      .def_readonly("dtype", &GraphInput::dtype)
      .def("__repr__", [](const GraphInput& self) {
        return repr("GraphInput", self.name, self.hasDims ? dimsToPython(self.dims) : std::nullopt, self.dtype);
      });
  py::class_<GraphOutput>(m, "GraphOutput", "A named exit of a graph.")
      .def(py::init([](std::string name, NodePtr node, IOIndex_t index) { return GraphOutput{std::move(name), std::move(node), index}; }),
           py::arg("name"), py::arg("node"), py::arg("index") = 0)
      .def_readonly("name", &GraphOutput::name)
      .def_readonly("node", &GraphOutput::node)
      .def_readonly("index", &GraphOutput::index, "Index of the node's output.")
      .def_property_readonly("dims", &outputDims, "As the last forward_dims found them; None before.")
      .def_property_readonly("dtype", [](const GraphOutput& self) { return self.node->getOperator()->getOutput(self.index)->dataType(); })
      .def("__repr__", [](const GraphOutput& self) {
        return repr("GraphOutput", self.name, outputDims(self), self.node->getOperator()->getOutput(self.index)->dataType());
      });
}

NodeSet toSet(const std::vector<NodePtr>& nodes) {
  NodeSet result{py::set()};
  for (const NodePtr& node : nodes) result.add(node);
  return result;
}

NodeSet edgeNodes(const Edges& edges) {
  NodeSet result{py::set()};
  for (const auto& edge : edges) result.add(edge.node);
  return result;
}

/// The nodes of any iterable; those of a set in order of id, so that nothing depends on hashes.
std::vector<NodePtr> nodesOf(const py::iterable& nodes) {
  std::vector<NodePtr> result;
  for (const auto& node : nodes) result.push_back(node.cast<NodePtr>());
  if (py::isinstance<py::anyset>(nodes)) {
    std::sort(result.begin(), result.end(), [](const NodePtr& a, const NodePtr& b) { return a->id() < b->id(); });
  }
  return result;
}

std::vector<NodePtr> oneOrMore(const py::object& nodes) {
  if (py::isinstance<Node>(nodes)) return {nodes.cast<NodePtr>()};
  if (!py::isinstance<py::iterable>(nodes))
    throwExpected("graph::replace", "a node or a collection of nodes", std::string(py::repr(nodes)));
  return nodesOf(nodes);
}

void replaceNodes(GraphView& graph, const py::object& before, const py::object& after) {
  const std::vector<NodePtr> old = oneOrMore(before);
  const std::vector<NodePtr> chain = oneOrMore(after);
  if (old.size() == 1 && chain.size() == 1 && old.front() && chain.front() && old.front()->nbInputs() == chain.front()->nbInputs()) {
    graph.replace(old.front(), chain.front());
  } else {
    graph.replace(std::span<const NodePtr>(old), std::span<const NodePtr>(chain));
  }
}

NodePtr nodeOf(const GraphView& graph, const NodeOrName& node) {
  if (const auto* name = std::get_if<std::string>(&node)) return graph.getNode(*name);
  return std::get<NodePtr>(node);
}

void checkDevice(int device) {
  if (device != 0) throwExpected("graph::set_backend", "device 0", std::to_string(device));
}

void checkBackend(const std::string& backend) {
  if (KernelRegistry::hasBackend(backend)) return;
  std::string known;
  for (const std::string& name : KernelRegistry::backends()) known += (known.empty() ? "" : ", ") + name;
  throwExpected("graph::compile", "a registered backend (" + (known.empty() ? std::string("none is yet") : known) + ")",
                "\"" + backend + "\": `import aidge_backend_" + backend + "` registers it");
}

void compile(GraphView& graph, const std::string& backend, DataTypeLike dtype, int device, const std::vector<Dims>& dims,
             const py::kwargs& options) {
  checkDevice(device);
  checkBackend(backend);
  const auto named = options.cast<BackendOptions>();
  const py::gil_scoped_release release;
  graph.compile(backend, dtype.value, dims, named);
}

bool forwardDims(GraphView& graph, const std::vector<Dims>& dims, bool /*allowDataDependency*/) {
  const py::gil_scoped_release release;
  graph.forwardDims(dims, kernelInference());
  return true;
}

py::dict inferShapes(const GraphView& graph, const std::vector<Dims>& dims) {
  const GraphShapes shapes = graph.inferShapes(dims, kernelInference());
  py::dict result;
  for (const NodePtr& node : graph.orderedNodesDeep()) {
    const auto* infos = shapes.find(node.get());
    if (infos == nullptr) continue;
    py::list outputs;
    for (const TensorInfo& info : *infos) outputs.append(py::make_tuple(info.dims, info.dtype));
    result[py::cast(node)] = outputs;
  }
  return result;
}

std::optional<NodePtr> rootNode(const GraphView& graph) {
  if (!graph.inputs().empty()) return graph.inputs().front().targets.front().node;
  const auto nodes = graph.orderedNodes();
  return nodes.empty() ? std::nullopt : std::optional(nodes.front());
}

std::vector<NodePtr> orderedNodes(const GraphView& graph, bool reversed, bool deep) {
  auto nodes = deep ? graph.orderedNodesDeep() : graph.orderedNodes();
  if (reversed) std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

void bindNodes(GraphViewClass& graph) {
  graph.def(py::init(&GraphView::create), py::arg("name") = "")
      .def("name", &GraphView::name)
      .def("set_name", &GraphView::setName, py::arg("name"))
      .def(
          "get_nodes", [](const GraphView& self) { return toSet(self.nodes()); }, "All nodes.")
      .def("get_ordered_nodes", &orderedNodes, py::arg("reversed") = false, py::kw_only(), py::arg("deep") = false,
           "Deterministic topological order; with `deep`, meta operators are followed by the nodes inside them.")
      .def(
          "get_node", [](const GraphView& self, const std::string& name) { return self.getNode(name); }, py::arg("node_name"),
          "ValueError with the nearest names where there is none.")
      .def(
          "find_node", [](const GraphView& self, const std::string& name) { return optional(self.findNode(name)); }, py::arg("node_name"),
          "None where there is none.")
      .def(
          "in_view", [](const GraphView& self, const NodePtr& node) { return self.contains(node); }, py::arg("node"))
      .def(
          "in_view", [](const GraphView& self, const std::string& name) { return self.findNode(name) != nullptr; }, py::arg("node_name"))
      .def("root_node", &rootNode, "The node that the first input feeds; without inputs the first in order; None in an empty graph.")
      .def(
          "owner_of", [](GraphView& self, const NodePtr& node) { return optional(self.ownerOf(node)); }, py::arg("node"),
          "The graph that holds the node: this one or one inside a meta operator; else None.")
      .def("unique_name", &GraphView::uniqueName, py::arg("base"), "`base`, or base_1, base_2 …: a name that no node of this graph has.")
      .def(
          "__contains__", [](const GraphView& self, const NodePtr& node) { return self.contains(node); }, py::arg("node"))
      .def(
          "__contains__", [](const GraphView& self, const std::string& name) { return self.findNode(name) != nullptr; },
          py::arg("node_name"))
      .def("__len__", &GraphView::size)
      .def("__iter__", [](const GraphView& self) { return py::iter(py::cast(self.orderedNodes())); })
      .def("__repr__", [](const GraphView& self) {
        return "GraphView(name='" + self.name() + "', nodes: " + std::to_string(self.size()) +
               " (inputs: " + std::to_string(self.inputs().size()) + ", outputs: " + std::to_string(self.outputs().size()) + "))";
      });
}

void bindEdits(GraphViewClass& graph) {
  graph
      .def(
          "add", [](GraphView& self, const NodePtr& node, bool include) { self.add(node, include); }, py::arg("other_node").none(false),
          py::arg("include_learnable_parameters") = true, "Adds a node and the producers that feed it.")
      .def(
          "add", [](GraphView& self, const GraphViewPtr& other, bool) { self.add(*other); }, py::arg("other_graph").none(false),
          py::arg("include_learnable_parameters") = true,
          "Adds all nodes of another graph (shared, not copied), its inputs and outputs after ours.")
      .def(
          "add",
          [](GraphView& self, const py::iterable& nodes, bool include) { self.add(std::span<const NodePtr>(nodesOf(nodes)), include); },
          py::arg("other_nodes"), py::arg("include_learnable_parameters") = true)
      .def(
          "add_child",
          [](GraphView& self, const NodePtr& child, const std::optional<NodeOrName>& from, IOIndex_t outIndex,
             std::optional<IOIndex_t> inIndex) {
            self.addChild(child, from ? nodeOf(self, *from) : nullptr, outIndex, inIndex.value_or(Node::kFirstFree));
          },
          py::arg("to_other_node").none(false), py::arg("from_out_node") = py::none(), py::arg("from_tensor") = 0,
          py::arg("to_tensor") = py::none(), "Connects a node after the graph's only output, or after a node of the graph, and adds it.")
      .def("insert_child", &GraphView::insertAfter, py::arg("parent_node").none(false), py::arg("parent_output_tensor_idx"),
           py::arg("new_child_node").none(false),
           "Puts a node of one data input and one output between an output and all that consumed it.")
      .def(
          "remove", [](GraphView& self, const NodeOrName& node, bool include) { self.remove(nodeOf(self, node), include); },
          py::arg("node"), py::arg("include_learnable_parameters") = true, "Takes a node out, with the producers that feed nothing else.")
      .def("replace", &replaceNodes, py::arg("old_node"), py::arg("new_node"),
           "Puts a node (inputs and outputs of the same count) in the place of another; or a list of connected nodes in the place of a\n"
           "collection of nodes that takes one tensor from outside, producers aside, and gives one: the first new node's input 0 gets it, "
           "the\n"
           "last one's output 0 is read instead. ValueError if several tensors are taken or given.")
      .def(
          "bypass", [](GraphView& self, const NodeOrName& node) { self.bypass(nodeOf(self, node)); }, py::arg("node"),
          "Takes a node of one data input out and wires its parent to its consumers.")
      .def("transaction", &GraphView::transaction, py::arg("edit"),
           "Calls `edit()`; if it raises, the graph is put back as it was and the exception goes on.")
      .def("clone", &GraphView::clone, py::call_guard<py::gil_scoped_release>(),
           "Copies nodes, operators, data, annotations, inputs and outputs; hooks stay behind.");
}

void bindInputs(GraphViewClass& graph) {
  graph.def_property_readonly("input_specs", &GraphView::inputs, "The inputs in order: name, dims, dtype and what they feed.")
      .def_property_readonly("output_specs", &GraphView::outputs, "The outputs in order: name, node, index, dims and dtype.")
      .def("set_inputs", &GraphView::setInputs, py::arg("inputs"),
           "Declares the inputs; free data inputs that no entry lists become inputs of their own.")
      .def("set_outputs", &GraphView::setOutputs, py::arg("outputs"))
      .def("get_ordered_inputs", &GraphView::orderedInputs, "First (node, input index) of every input.")
      .def("get_ordered_outputs", &GraphView::orderedOutputs, "(node, output index) of every output.")
      .def(
          "set_ordered_inputs", [](GraphView& self, const Edges& order) { self.setOrderedInputs(order); }, py::arg("inputs"),
          "Puts these inputs first; the others follow in their old order.")
      .def(
          "set_ordered_outputs", [](GraphView& self, const Edges& order) { self.setOrderedOutputs(order); }, py::arg("outputs"))
      .def("set_mandatory_inputs_first", &GraphView::setMandatoryInputsFirst,
           "Puts inputs that feed a mandatory data input before the others; stable.")
      .def(
          "get_input_nodes",
          [](const GraphView& self) {
            Edges targets;
            for (const GraphInput& input : self.inputs()) targets.insert(targets.end(), input.targets.begin(), input.targets.end());
            return edgeNodes(targets);
          },
          "All nodes that an input feeds.")
      .def("get_output_nodes", [](const GraphView& self) { return edgeNodes(self.orderedOutputs()); });
}

void bindCompilation(GraphViewClass& graph) {
  graph
      .def("compile", &compile, py::arg("backend"), py::arg_v("datatype", DataTypeLike{}, "dtype.float32"), py::arg("device") = 0,
           py::arg("dims") = std::vector<Dims>{},
           "Fixes backend, type and shapes (`dims`: one list an input; by default the declared ones, free axes taken as 1).\n"
           "Further keywords are the backend's options for this graph: \"cpu\" knows convolution_accuracy=\"direct\", \"default\" or "
           "\"fast\"\n"
           "(see aidge_backend_cpu.set_convolution_accuracy, before which it goes), and convolution_choice=\"rule\", \"measure\" (runs\n"
           "every kernel that could do when a plan is made, takes the fastest and remembers it for the process) or \"winograd\"\n"
           "(wherever it is possible, for benchmarks).\n"
           "UnsupportedError lists every node that the backend cannot run; ValueError for an unknown option.")
      .def("forward_dims", &forwardDims, py::arg("dims") = std::vector<Dims>{}, py::arg("allow_data_dependency") = false,
           "Infers the dims of every tensor. ValueError names the node where shapes do not fit; True otherwise.")
      .def("infer_shapes", &inferShapes, py::arg("dims") = std::vector<Dims>{},
           "{node: [(dims, dtype) an output]} for these input dims, nodes inside meta operators included; changes nothing.")
      .def(
          "set_backend",
          [](GraphView& self, const std::string& backend, int device) {
            checkDevice(device);
            checkBackend(backend);
            self.setBackend(backend);
          },
          py::arg("backend"), py::arg("device") = 0)
      .def(
          "set_datatype", [](GraphView& self, DataTypeLike dtype) { self.setDataType(dtype.value); }, py::arg("datatype"))
      .def_property_readonly("backend", &GraphView::backend)
      .def_property_readonly("datatype", &GraphView::dataType)
      .def_property_readonly("is_compiled", &GraphView::isCompiled)
      .def_property_readonly("compiled_dims", &GraphView::compiledDims)
      .def_property_readonly("version", &GraphView::version, "Grows with every edit of the graph, its nodes, operators or weights.")
      .def_property(
          "metadata", [](const GraphView& self) { return py::module_::import("types").attr("MappingProxyType")(self.metadata()); },
          [](GraphView& self, std::map<std::string, std::string> values) { self.metadata() = std::move(values); },
          "Text annotations that travel with the graph, read-only; assign a dict to change them.");
}

std::vector<NodePtr> producers(const GraphView& graph, bool constant) {
  std::vector<NodePtr> result;
  for (NodePtr& node : graph.orderedNodes()) {
    const Operator& op = *node->getOperator();
    if (op.isProducer() && (!constant || op.attribute<bool>("constant"))) result.push_back(std::move(node));
  }
  return result;
}

using Parts = std::vector<std::variant<NodePtr, GraphViewPtr>>;

void bindBuilders(py::module_& m) {
  m.def(
      "sequential", [](const Parts& inputs, std::string name) { return sequential(inputs, std::move(name)); }, py::arg("inputs"),
      py::arg("name") = "", "A chain of nodes and graphs: each is fed by the one before it.");
  m.def(
      "parallel", [](const Parts& inputs, std::string name) { return parallel(inputs, std::move(name)); }, py::arg("inputs"),
      py::arg("name") = "", "Nodes and graphs side by side, each with inputs of its own.");
  m.def(
      "residual", [](const Parts& inputs, std::string name) { return residual(inputs, std::move(name)); }, py::arg("inputs"),
      py::arg("name") = "", "A chain where the first node's output also goes to the last node's free data input (an Add, say).");
  m.def("get_connected_graph_view", &getConnectedGraphView, py::arg("node"), "A graph of all nodes connected with this one.");
  m.def("producers", &producers, py::arg("graphview"), py::arg("constant") = false,
        "The producers of a graph in order; with `constant` only constants.");
}

}  // namespace

void bindGraph(py::module_& m) {
  bindBoundary(m);
  auto graph = declared<GraphViewClass>(m, "GraphView");
  bindNodes(graph);
  bindEdits(graph);
  bindInputs(graph);
  bindCompilation(graph);
  bindBuilders(m);
}

}  // namespace Aidge::python
