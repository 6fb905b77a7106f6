#include "PyAttributes.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

#include "PyTensor.hpp"
#include "aidge/core/Errors.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

enum class Kind { Bool, Int, Float, String, Other };

/// Scalar kind of a Python or NumPy value.
Kind kindOf(py::handle value) {
  if (py::isinstance<py::bool_>(value)) return Kind::Bool;
  if (py::isinstance<py::str>(value) || py::isinstance<py::bytes>(value)) return Kind::String;
  if (py::isinstance<py::int_>(value)) return Kind::Int;
  if (py::isinstance<py::float_>(value)) return Kind::Float;
  if (py::hasattr(value, "dtype") && py::hasattr(value, "ndim") && value.attr("ndim").cast<int>() == 0) {
    const auto kind = value.attr("dtype").attr("kind").cast<std::string>();
    if (kind == "b") return Kind::Bool;
    if (kind == "i" || kind == "u") return Kind::Int;
    if (kind == "f") return Kind::Float;
  }
  return Kind::Other;
}

[[noreturn]] void throwType(std::string_view name, py::handle value) {
  throwExpected("operator::" + std::string(name), "bool, int, float, str, a list of int, float or str, or an array",
                std::string(py::repr(py::type::of(value).attr("__name__"))));
}

std::string textOf(py::handle value) {
  // ONNX keeps strings as bytes.
  return value.cast<std::string>();
}

AttributeValue listFromPython(std::string_view name, const py::sequence& values) {
  bool floats = false;
  bool strings = !values.empty();
  for (const auto& value : values) {
    const Kind kind = kindOf(value);
    if (kind == Kind::Other) throwType(name, value);
    floats = floats || kind == Kind::Float;
    strings = strings && kind == Kind::String;
    if (kind == Kind::String && !strings) throwType(name, values);
  }
  if (strings) {
    std::vector<std::string> list;
    for (const auto& value : values) list.push_back(textOf(value));
    return list;
  }
  if (floats) {
    std::vector<double> list;
    for (const auto& value : values) list.push_back(py::float_(value).cast<double>());
    return list;
  }
  std::vector<std::int64_t> list;
  for (const auto& value : values) {
    if (kindOf(value) == Kind::String) throwType(name, values);
    list.push_back(py::int_(value).cast<std::int64_t>());
  }
  return list;
}

}  // namespace

AttributeValue attributeFromPython(std::string_view name, py::handle value) {
  switch (kindOf(value)) {
    case Kind::Bool:
      return py::bool_(py::reinterpret_borrow<py::object>(value)).cast<bool>();
    case Kind::Int:
      return py::int_(py::reinterpret_borrow<py::object>(value)).cast<std::int64_t>();
    case Kind::Float:
      return py::float_(py::reinterpret_borrow<py::object>(value)).cast<double>();
    case Kind::String:
      return textOf(value);
    case Kind::Other:
      break;
  }
  if (py::isinstance<Tensor>(value) || py::isinstance<py::array>(value)) return tensorFromPython(value);
  if (py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value) || py::isinstance<py::sequence>(value)) {
    return listFromPython(name, py::reinterpret_borrow<py::sequence>(value));
  }
  throwType(name, value);
}

py::object attributeToPython(const AttributeValue& value) {
  return std::visit([](const auto& held) -> py::object { return py::cast(held); }, value);
}

AttributeMap attributesFromPython(const py::dict& values) {
  AttributeMap map;
  for (const auto& [key, value] : values) {
    auto name = key.cast<std::string>();
    auto attribute = attributeFromPython(name, value);
    map.emplace(std::move(name), std::move(attribute));
  }
  return map;
}

py::dict attributesToPython(const AttributeMap& values) {
  py::dict result;
  for (const auto& [name, value] : values) result[py::str(name)] = attributeToPython(value);
  return result;
}

}  // namespace Aidge::python
