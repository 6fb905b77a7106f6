#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "GraphTypes.hpp"
#include "PyAttributes.hpp"
#include "PyHook.hpp"
#include "PyRef.hpp"
#include "aidge/core/Errors.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

/// node.attributes(): values attached from Python, and the names of the typed attributes that the library attached.
class NodeAttributes {
 public:
  explicit NodeAttributes(NodePtr node) : mNode(std::move(node)) {}

  [[nodiscard]] std::vector<std::string> names() const { return mNode->attributes().names(); }
  [[nodiscard]] bool has(const std::string& name) const {
    const auto* held = std::as_const(*mNode).tryGet<Annotations>();
    return held != nullptr && held->values.contains(name);
  }
  [[nodiscard]] py::object get(const std::string& name) const {
    if (!has(name)) throw py::key_error(missing(name));
    return attributeToPython(mNode->get<Annotations>().values.find(name)->second);
  }
  void set(const std::string& name, const py::object& value) {
    auto attribute = attributeFromPython(name, value);
    mNode->add<Annotations>().values.insert_or_assign(name, std::move(attribute));
  }
  void remove(const std::string& name) {
    if (!has(name)) throw py::key_error(missing(name));
    mNode->get<Annotations>().values.erase(name);
  }
  [[nodiscard]] py::dict asDict() const {
    const auto* held = std::as_const(*mNode).tryGet<Annotations>();
    return held != nullptr ? attributesToPython(held->values) : py::dict();
  }

 private:
  [[nodiscard]] std::string missing(const std::string& name) const {
    return "[graph::attributes] expected an annotation of " + mNode->describe() + ", got \"" + name + "\"";
  }

  NodePtr mNode;
};

void bindNodeAttributes(py::module_& m) {
  py::class_<NodeAttributes>(m, "NodeAttributes", "Free-form annotations of a node; they travel with its clones.")
      .def("add_attr", &NodeAttributes::set, py::arg("name"), py::arg("value"),
           "Attaches bool, int, float, str, a list of these, or an array.")
      .def("set_attr", &NodeAttributes::set, py::arg("name"), py::arg("value"))
      .def("get_attr", &NodeAttributes::get, py::arg("name"), "The value; KeyError where there is none of that name.")
      .def("has_attr", &NodeAttributes::has, py::arg("name"))
      .def("del_attr", &NodeAttributes::remove, py::arg("name"))
      .def("dict", &NodeAttributes::asDict, "All annotations.")
      .def("names", &NodeAttributes::names, "Names of the typed attributes that are attached, such as \"npr\".")
      .def("__contains__", &NodeAttributes::has, py::arg("name"))
      .def("__getitem__", &NodeAttributes::get, py::arg("name"))
      .def("__setitem__", &NodeAttributes::set, py::arg("name"), py::arg("value"))
      .def("__delitem__", &NodeAttributes::remove, py::arg("name"))
      .def("__len__", [](const NodeAttributes& self) { return self.asDict().size(); })
      .def("__iter__", [](const NodeAttributes& self) { return py::iter(self.asDict()); })
      .def("__repr__", [](const NodeAttributes& self) { return "NodeAttributes(" + std::string(py::repr(self.asDict())) + ")"; });
}

void bindHandle(py::module_& m) {
  py::class_<HookHandle>(m, "HookHandle",
                         "Takes a hook off again, by remove() or at the end of a with block. Dropping it leaves the hook in place.")
      .def("remove", &HookHandle::remove, "Takes the hook off; a second call does nothing.")
      .def_property_readonly("is_active", &HookHandle::isActive, "False once removed.")
      .def("__enter__", [](const HookHandle& self) { return self; })
      .def("__exit__", [](HookHandle& self, const py::args&) { self.remove(); });
}

using EdgeOrIndex = std::variant<IOIndex_t, std::pair<NodePtr, IOIndex_t>>;

void addChildGraph(const NodePtr& node, const GraphViewPtr& graph, IOIndex_t outIndex,
                   const std::optional<std::pair<NodePtr, IOIndex_t>>& entry) {
  if (entry) {
    node->addChild(entry->first, outIndex, entry->second);
    return;
  }
  if (graph->inputs().size() != 1) {
    throwExpected("graph::add_child", "a graph with one input, or other_in_id=(node, index)",
                  std::to_string(graph->inputs().size()) + " inputs");
  }
  const auto targets = graph->inputs().front().targets;
  for (const auto& [child, index] : targets) node->addChild(child, outIndex, index);
}

void bindIdentity(NodeClass& node) {
  node.def(py::init(&Node::create), py::arg("op"), py::arg("name") = "")
      .def("name", &Node::name, "Unique within a graph.")
      .def("set_name", &Node::setName, py::arg("name"), "ValueError if a graph of this node has another node of that name.")
      .def("type", &Node::type, "The operator's type, for example \"Conv2D\".")
      .def("id", &Node::id, "Unique in this process; grows in order of creation.")
      .def("get_operator", &Node::getOperator, "The operator.")
      .def(
          "attributes", [](const NodePtr& self) { return NodeAttributes(self); }, "Annotations, and the names of the typed attributes.")
      .def("clone", &Node::clone, "Copy of the operator (a producer's data too), the name and the attributes; no edges, no hooks.")
      .def_property_readonly("revision", &Node::revision, "Grows with every edit.")
      .def("__hash__", [](const Node& self) { return py::hash(py::int_(self.id())); })
      .def(
          "__eq__", [](const Node& a, const Node& b) { return &a == &b; }, py::is_operator())
      .def(
          "__ne__", [](const Node& a, const Node& b) { return &a != &b; }, py::is_operator())
      .def("__repr__", [](const Node& self) { return "Node(name='" + self.name() + "', optype='" + self.type() + "')"; });
}

void bindEdges(NodeClass& node) {
  node.def("get_nb_inputs", &Node::nbInputs)
      .def("get_nb_outputs", &Node::nbOutputs)
      .def("input_category", &Node::inputCategory, py::arg("idx"))
      .def(
          "input", [](const Node& self, IOIndex_t index) { return optional(self.input(index)); }, py::arg("in_id"),
          "(parent, its output index); (None, 0) where nothing is connected.")
      .def(
          "inputs",
          [](const Node& self) {
            std::vector<OptionalEdge> edges;
            for (const TensorRef& edge : self.inputs()) edges.push_back(optional(edge));
            return edges;
          },
          "One (parent, its output index) an input.")
      .def("output", &Node::output, py::arg("out_id"), "Consumers of one output as (child, its input index).")
      .def("outputs", &Node::outputs, "Consumers of every output.")
      .def(
          "get_parent", [](const Node& self, IOIndex_t index) { return optional(self.getParent(index)); }, py::arg("in_id"),
          "None where nothing is connected.")
      .def(
          "get_parents",
          [](const Node& self) {
            std::vector<std::optional<NodePtr>> parents;
            for (NodePtr& parent : self.getParents()) parents.push_back(optional(std::move(parent)));
            return parents;
          },
          "One entry an input, None where nothing is connected.")
      .def(
          "get_children",
          [](const Node& self) {
            py::typing::Set<Node> children{py::set()};
            for (const NodePtr& child : self.getChildren()) children.add(child);
            return children;
          },
          "All consumers.")
      .def(
          "get_ordered_children",
          [](const Node& self) {
            std::vector<std::vector<NodePtr>> children(self.nbOutputs());
            for (IOIndex_t i = 0; i < self.nbOutputs(); ++i) children[i] = self.getChildren(i);
            return children;
          },
          "The consumers of every output, in order of creation.")
      .def(
          "add_child",
          [](const NodePtr& self, const NodePtr& other, IOIndex_t outIndex, std::optional<IOIndex_t> inIndex) {
            if (!other) throwExpected("graph::add_child", "a node or a graph", "None");
            self->addChild(other, outIndex, inIndex.value_or(Node::kFirstFree));
          },
          py::arg("other_node"), py::arg("out_id") = 0, py::arg("other_in_id") = py::none(),
          "Connects an output to an input of another node, by default its first free data input.")
      .def("add_child", &addChildGraph, py::arg("other_graph"), py::arg("out_id") = 0, py::arg("other_in_id") = py::none(),
           "Connects an output to the only input of a graph, or to other_in_id=(node, index).")
      .def(
          "set_input",
          [](Node& self, IOIndex_t index, const NodePtr& parent, IOIndex_t outIndex) { self.setInput(index, parent, outIndex); },
          py::arg("in_id"), py::arg("parent"), py::arg("out_id") = 0,
          "Connects an input to a parent's output, in place of what was there. ValueError on a cycle.")
      .def("reset_input", &Node::resetInput, py::arg("in_id"), "Disconnects an input.");
}

void bindHooks(NodeClass& node) {
  node.def(
          "add_before_forward", [](Node& self, const py::function& hook) { return self.addBeforeForward(hookFromPython(hook)); },
          py::arg("hook"),
          "Calls `hook(node)` (or `hook()`) before each run of this node; its inputs can be read from the operator. The node keeps the "
          "callable\n"
          "until the handle's remove(): one that refers to the node or its graph keeps both alive until then.")
      .def(
          "add_after_forward", [](Node& self, const py::function& hook) { return self.addAfterForward(hookFromPython(hook)); },
          py::arg("hook"), "The same after each run; the outputs can be read from the operator.")
      .def("has_hooks", &Node::hasHooks)
      .def("has_observers", &Node::hasObservers);
}

}  // namespace

Node::Hook hookFromPython(const py::function& callable) {
  bool takesNode = true;
  try {
    const auto signature = py::module_::import("inspect").attr("signature")(callable);
    try {
      signature.attr("bind")(py::none());
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_TypeError)) throw;
      takesNode = false;
      signature.attr("bind")();  // a callable that fits neither way is a TypeError here and not at the first forward
    }
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_ValueError)) throw;  // built-in functions without a signature
  }
  return [held = PyRef(callable), takesNode](Node& node) {
    const py::gil_scoped_acquire gil;
    if (takesNode) {
      held.object()(node.shared_from_this());
    } else {
      held.object()();
    }
  };
}

void declareGraphTypes(py::module_& m) {
  py::native_enum<InputCategory>(m, "InputCategory", "enum.Enum", "What an operator's input is for.")
      .value("Data", InputCategory::Data)
      .value("Param", InputCategory::Param)
      .value("OptionalData", InputCategory::OptionalData)
      .value("OptionalParam", InputCategory::OptionalParam)
      .finalize();
  OperatorClass(m, "Operator", "An operator: its type, its attributes, and the tensors at its inputs and outputs.");
  NodeClass(m, "Node", "One operator in a graph, with a name, edges, annotations and hooks. Equal only to itself.");
  GraphViewClass(m, "GraphView",
                 "A set of nodes with ordered, named inputs and outputs. Every edit bumps `version`; one that fails changes nothing.");
}

void bindNode(py::module_& m) {
  bindNodeAttributes(m);
  bindHandle(m);
  auto node = declared<NodeClass>(m, "Node");
  bindIdentity(node);
  bindEdges(node);
  bindHooks(node);
}

}  // namespace Aidge::python
