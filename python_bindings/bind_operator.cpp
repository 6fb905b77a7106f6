#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>

#include "GraphTypes.hpp"
#include "PyAttributes.hpp"
#include "PyTensor.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/graph/Node.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

/// op.attr: the attributes of an operator by name, as Python attributes and as a mapping.
class OperatorAttributes {
 public:
  explicit OperatorAttributes(OperatorPtr op) : mOperator(std::move(op)) {}

  [[nodiscard]] bool has(const std::string& name) const { return mOperator->hasAttribute(name); }
  [[nodiscard]] py::object get(const std::string& name) const {
    if (!has(name)) throw py::key_error(missing(name));
    return attributeToPython(mOperator->attributeValue(name));
  }
  void set(const std::string& name, const py::object& value) {
    if (!has(name) && !mOperator->isGeneric()) throw py::key_error(missing(name));
    mOperator->setAttribute(name, attributeFromPython(name, value));
  }
  [[nodiscard]] py::object getMember(const std::string& name) const {
    if (!has(name)) throw py::attribute_error(missing(name));
    return get(name);
  }
  void setMember(const std::string& name, const py::object& value) {
    if (!has(name) && !mOperator->isGeneric()) throw py::attribute_error(missing(name));
    set(name, value);
  }
  [[nodiscard]] py::dict asDict() const { return attributesToPython(mOperator->attributes()); }
  [[nodiscard]] std::size_t size() const { return mOperator->attributes().size(); }

 private:
  [[nodiscard]] std::string missing(const std::string& name) const {
    std::string names;
    for (const auto& entry : mOperator->attributes()) names += (names.empty() ? "" : ", ") + entry.first;
    return "[operator::" + mOperator->type() + "] expected one of (" + names + "), got \"" + name + "\"";
  }

  OperatorPtr mOperator;
};

void bindAttributeSchema(py::module_& m) {
  py::class_<OperatorAttributes>(m, "OperatorAttributes",
                                 "The attributes of an operator: attr.kernel_dims, attr[\"kernel_dims\"]; setting validates.")
      .def("__getattr__", &OperatorAttributes::getMember, py::arg("name"))
      .def("__setattr__", &OperatorAttributes::setMember, py::arg("name"), py::arg("value"))
      .def("__getitem__", &OperatorAttributes::get, py::arg("name"))
      .def("__setitem__", &OperatorAttributes::set, py::arg("name"), py::arg("value"))
      .def("__contains__", &OperatorAttributes::has, py::arg("name"))
      .def("__len__", &OperatorAttributes::size)
      .def("__iter__", [](const OperatorAttributes& self) { return py::iter(self.asDict()); })
      .def("__dir__",
           [](const OperatorAttributes& self) {
             py::list names = py::module_::import("builtins").attr("object").attr("__dir__")(self);
             for (const auto& entry : self.asDict()) names.append(entry.first);
             return names;
           })
      .def("__repr__", [](const OperatorAttributes& self) { return "OperatorAttributes(" + std::string(py::repr(self.asDict())) + ")"; })
      .def("get_attr", &OperatorAttributes::get, py::arg("name"), "The value; KeyError where there is none of that name.")
      .def("set_attr", &OperatorAttributes::set, py::arg("name"), py::arg("value"),
           "Sets and validates; a generic operator also takes new names.")
      .def("has_attr", &OperatorAttributes::has, py::arg("name"))
      .def("dict", &OperatorAttributes::asDict, "All names and values.")
      .def("keys", [](const OperatorAttributes& self) { return py::list(self.asDict().attr("keys")()); })
      .def("values", [](const OperatorAttributes& self) { return py::list(self.asDict().attr("values")()); })
      .def("items", [](const OperatorAttributes& self) { return py::list(self.asDict().attr("items")()); });
}

/// A producer's value is not writable from outside: others (plans, clones) rely on it, set_output replaces it.
Tensor outputOf(const Operator& op, IOIndex_t index) {
  const auto tensor = op.getOutput(index);
  return op.isProducer() ? readOnlyView(*tensor) : *tensor;
}

/// A value that nobody else can write to. The operator copies foreign memory. A tensor of ours is cloned here; an array that had to be copied
/// to become contiguous is a new tensor already.
Tensor exclusive(const py::object& value) {
  auto tensor = tensorFromPython(value);
  const bool cloned = py::isinstance<Tensor>(value) && !tensor.isExternal() && tensor.hasData();
  return cloned ? tensor.clone() : tensor;
}

void setOutput(Operator& op, IOIndex_t index, const py::object& value) {
  op.setOutput(index, op.isProducer() ? exclusive(value) : tensorFromPython(value));
}

std::vector<TensorInfo> infosOf(IOIndex_t count, const std::function<std::shared_ptr<const Tensor>(IOIndex_t)>& tensorAt) {
  std::vector<TensorInfo> infos(count);
  for (IOIndex_t i = 0; i < count; ++i) {
    if (const auto tensor = tensorAt(i)) infos[i] = {tensor->dims(), tensor->dataType(), nullptr};
  }
  return infos;
}

/// Whether dims of everything that has to be there are known.
bool hasDims(const Operator& op) {
  for (IOIndex_t i = 0; i < op.nbInputs(); ++i) {
    const InputCategory category = op.inputSpec(i).category;
    const bool required = category == InputCategory::Data || category == InputCategory::Param;
    const auto tensor = op.getInput(i);
    if (tensor ? tensor->isUndefined() : required) return false;
  }
  for (IOIndex_t i = 0; i < op.nbOutputs(); ++i) {
    if (op.getOutput(i)->isUndefined()) return false;
  }
  return true;
}

double macsOf(const Operator& op) {
  if (op.schema() == nullptr || !op.schema()->macs) return 0.0;
  if (!hasDims(op))
    throwExpected("operator::macs", "dims of " + op.type() + " that are known (call forward_dims or compile first)", "none");
  const auto inputs = infosOf(op.nbInputs(), [&](IOIndex_t i) { return op.getInput(i); });
  const auto outputs = infosOf(op.nbOutputs(), [&](IOIndex_t i) { return op.getOutput(i); });
  return op.macs(inputs, outputs);
}

std::string describe(const Operator& op) {
  return "Operator(type='" + op.type() + "', nb_inputs=" + std::to_string(op.nbInputs()) +
         ", nb_outputs=" + std::to_string(op.nbOutputs()) + ")";
}

void bindOperatorClass(OperatorClass op) {
  op.def(py::init([](const std::string& type, const py::dict& attributes, IOIndex_t nbInputs) {
           return std::make_shared<Operator>(type, attributesFromPython(attributes), nbInputs);
         }),
         py::arg("type"), py::arg("attributes") = py::dict(), py::arg("nb_inputs") = 0,
         "An operator of a registered type; `nb_inputs` counts for types with any number of inputs.")
      .def("type", &Operator::type, "The type, for example \"Conv2D\".")
      .def_property_readonly(
          "attr", [](const OperatorPtr& self) { return OperatorAttributes(self); }, "The attributes.")
      .def("nb_inputs", &Operator::nbInputs)
      .def("nb_outputs", &Operator::nbOutputs)
      .def(
          "input_name", [](const Operator& self, IOIndex_t index) { return self.inputSpec(index).name; }, py::arg("input_idx"))
      .def("output_name", &Operator::outputName, py::arg("output_idx"))
      .def(
          "input_category", [](const Operator& self, IOIndex_t index) { return self.inputSpec(index).category; }, py::arg("input_idx"))
      .def(
          "get_input",
          [](const Operator& self, IOIndex_t index) -> std::optional<Tensor> {
            const auto tensor = self.getInput(index);
            return tensor ? std::optional<Tensor>(*tensor) : std::nullopt;
          },
          py::arg("input_idx"), "The tensor that arrives there, as it is now; None where nothing is known.")
      .def("get_output", &outputOf, py::arg("output_idx"),
           "The tensor that the last finished run left there (whichever scheduler ran it), as it is now; a producer's value is read-only.")
      .def(
          "set_input", [](Operator& self, IOIndex_t index, const py::object& data) { self.setInput(index, tensorFromPython(data)); },
          py::arg("input_idx"), py::arg("data"))
      .def("set_output", &setOutput, py::arg("output_idx"), py::arg("data"),
           "Replaces the output tensor; on a producer its value, which is copied.")
      .def("is_generic", &Operator::isGeneric, "True for a type that this library does not know; kept and exported, refused at compile.")
      .def("is_meta", &Operator::isMeta, "True where the work is a graph of its own.")
      .def("is_producer", &Operator::isProducer)
      .def(
          "get_micro_graph",
          [](const Operator& self) {
            if (!self.isMeta()) throwExpected("operator::get_micro_graph", "a meta operator", self.type());
            return microGraph(self);
          },
          "The graph inside a meta operator; ValueError for any other (ask is_meta).")
      .def("macs", &macsOf,
           "Multiply-accumulates for the dims of the last forward_dims. ValueError before that, and if only a run tells the dims.")
      .def("parameters", &Operator::parameters,
           "Elements of a producer of a floating-point type, which is what reports count as parameters; 0 for all other operators.")
      .def("clone", &Operator::clone)
      .def("__repr__", &describe);
}

NodePtr makeGeneric(const std::string& type, IOIndex_t nbData, IOIndex_t nbParam, IOIndex_t nbOut, const std::string& name,
                    const py::dict& attributes, const py::kwargs& more) {
  py::dict all = attributes.attr("copy")();
  all.attr("update")(more);
  return GenericOperator(type, nbData + nbParam, nbOut, name, attributesFromPython(all));
}

std::vector<std::vector<std::string>> inputTypes(const std::string& type) {
  const OperatorSchema* schema = OperatorRegistry::find(type);
  if (schema == nullptr) throwExpected("operator::operator_input_types", "a registered operator type", "\"" + type + "\"");
  std::vector<std::vector<std::string>> result;
  for (const InputSpec& spec : schema->inputs) {
    auto& names = result.emplace_back();
    for (const DataType dtype : spec.types.types()) names.emplace_back(toString(dtype));
  }
  for (std::size_t i = 0; i < schema->extraInputs.size(); ++i) {
    auto& names = result.emplace_back();
    for (const DataType dtype : kNumericTypes.types()) names.emplace_back(toString(dtype));
  }
  return result;
}

void bindFactories(py::module_& m) {
  m.def(
      "make_node",
      [](const std::string& type, const py::dict& attributes, const std::string& name, IOIndex_t nbInputs) {
        return makeNode(type, attributesFromPython(attributes), name, nbInputs);
      },
      py::arg("type"), py::arg("attributes") = py::dict(), py::arg("name") = "", py::arg("nb_inputs") = 0,
      "A node of any registered type; attributes that are not given keep their defaults.");
  m.def(
      "Producer",
      [](const py::object& tensor, const std::string& name, bool constant) { return Producer(exclusive(tensor), name, constant); },
      py::arg("tensor"), py::arg("name") = "", py::arg("constant") = false, "A node that holds a value: a copy of the array.");
  m.def(
      "Producer",
      [](Dims dims, const std::string& name, bool constant) { return Producer(Tensor::full(std::move(dims), 0.0), name, constant); },
      py::kw_only(), py::arg("dims"), py::arg("name") = "", py::arg("constant") = false, "A node that holds zeros, float32.");
  m.def("GenericOperator", &makeGeneric, py::arg("type"), py::arg("nb_data"), py::arg("nb_param") = 0, py::arg("nb_out") = 1,
        py::arg("name") = "", py::arg("attributes") = py::dict(),
        "A node of any type, with any attributes (`attributes` and keywords), that nothing can run natively. The attribute\n"
        "\"output_dims\" (for each output its rank, then its dims) tells shape inference what comes out.");
  m.def("meta_operator", &MetaOperator, py::arg("type"), py::arg("graph"), py::arg("name") = "", "A node whose work is `graph`.");
  m.def("operator_input_types", &inputTypes, py::arg("type"),
        "For each declared input of an operator type (the last one may repeat; those that stand for attributes come last) the element "
        "types that it runs with, by name.\n"
        "Raises ValueError for a type that is not registered.");
  m.def("operator_types", &OperatorRegistry::types, "All registered operator types, sorted.");
}

}  // namespace

void bindOperator(py::module_& m) {
  bindAttributeSchema(m);
  bindOperatorClass(declared<OperatorClass>(m, "Operator"));
  bindFactories(m);
}

}  // namespace Aidge::python
