#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "PyTensor.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/data/Tensor.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

void bindTypes(py::module_& m) {
  py::native_enum<DataType>(m, "dtype", "enum.Enum",
                            "Element type of a Tensor. A dtype argument also takes NumPy's dtypes and their names.")
      .value("float32", DataType::Float32)
      .value("float64", DataType::Float64)
      .value("float16", DataType::Float16)
      .value("bfloat16", DataType::BFloat16)
      .value("int8", DataType::Int8)
      .value("int16", DataType::Int16)
      .value("int32", DataType::Int32)
      .value("int64", DataType::Int64)
      .value("uint8", DataType::UInt8)
      .value("uint16", DataType::UInt16)
      .value("uint32", DataType::UInt32)
      .value("uint64", DataType::UInt64)
      .value("boolean", DataType::Bool)
      .finalize();
  // NumPy takes any object with a `dtype` where it wants one: np.empty(dims, aidge_core.dtype.float32) works.
  const auto property = py::module_::import("builtins").attr("property");
  const py::cpp_function getter([](DataType self) { return numpyDtype(self); }, py::is_method(m.attr("dtype")),
                                py::doc("The same type as numpy.dtype."));
  m.attr("dtype").attr("dtype") = property(getter);

  py::native_enum<DataFormat>(m, "dformat", "enum.Enum", "Meaning of the axes of a Tensor; the memory is always row-major over its dims.")
      .value("default", DataFormat::Default)
      .value("nchw", DataFormat::NCHW)
      .value("nhwc", DataFormat::NHWC)
      .value("ncdhw", DataFormat::NCDHW)
      .value("ndhwc", DataFormat::NDHWC)
      .finalize();
}

py::array asArray(const Tensor& self, const py::object& dtype, const std::optional<bool>& copy) {
  py::array array = tensorToNumpy(self);
  if (!dtype.is_none() && !array.dtype().equal(dtype)) {
    if (copy == false) throwExpected("data::Tensor.__array__", "copy=True or None for another dtype", "copy=False");
    return array.attr("astype")(dtype);
  }
  return copy == true ? py::array(array.attr("copy")()) : array;
}

py::buffer_info bufferOf(Tensor& self) {
  const py::array array = tensorToNumpy(self);
  const bool readOnly = !self.isWritable();
  const auto format = py::memoryview(array).attr("format").cast<std::string>();
  std::vector<py::ssize_t> shape(array.shape(), array.shape() + array.ndim());
  std::vector<py::ssize_t> strides(array.strides(), array.strides() + array.ndim());
  return {const_cast<void*>(self.rawData()), array.itemsize(), format, array.ndim(), std::move(shape), std::move(strides), readOnly};
}

bool equal(const Tensor& a, const Tensor& b) {
  if (a.dims() != b.dims() || a.dataType() != b.dataType() || a.isUndefined() != b.isUndefined()) return false;
  if (!a.hasData() || !b.hasData()) return a.hasData() == b.hasData();
  return py::module_::import("numpy").attr("array_equal")(tensorToNumpy(a), tensorToNumpy(b)).cast<bool>();
}

py::array writableView(Tensor& self) {
  if (!self.isWritable()) {
    throwExpected("data::Tensor", "a writable tensor",
                  "a read-only one (a producer's value: replace it with set_output; foreign memory: clone it)");
  }
  static_cast<void>(self.rawMutableData());  // counts as a write
  return tensorToNumpy(self);
}

void copyFrom(Tensor& self, const py::object& other) {
  static_cast<void>(writableView(self));
  self.copyFrom(tensorFromPython(other));
}

py::tuple getState(const Tensor& self) {
  py::object data = py::none();
  if (self.hasData()) data = py::bytes(static_cast<const char*>(self.rawData()), self.bytes());
  return py::make_tuple(self.isUndefined(), self.dims(), self.dataType(), self.dataFormat(), data);
}

Tensor setState(const py::tuple& state) {
  if (state.size() != 5) throwExpected("data::Tensor", "a pickle of 5 fields", std::to_string(state.size()));
  if (state[0].cast<bool>()) return Tensor();
  Tensor tensor(state[1].cast<Dims>(), state[2].cast<DataType>(), state[3].cast<DataFormat>());
  if (state[4].is_none()) return tensor;
  const auto data = state[4].cast<std::string_view>();
  if (data.size() != tensor.bytes()) throwExpected("data::Tensor", std::to_string(tensor.bytes()) + " bytes", std::to_string(data.size()));
  tensor.allocate();
  if (!data.empty()) std::memcpy(tensor.rawMutableData(), data.data(), data.size());
  return tensor;
}

/// Consumers such as torch do not heed DLPack's read-only flag, so read-only memory leaves as a copy.
py::object toDlpack(const Tensor& self, py::kwargs options) {
  py::array array = tensorToNumpy(self);
  if (!self.isWritable()) {
    if (options.contains("copy") && options["copy"].cast<py::object>().is(py::bool_(false))) {
      throw py::buffer_error("[data::Tensor.__dlpack__] expected copy=True or None for a read-only tensor, got copy=False");
    }
    if (options.contains("copy")) PyDict_DelItemString(options.ptr(), "copy");
    array = array.attr("copy")();
  }
  return array.attr("__dlpack__")(**options);
}

using TensorClass = py::class_<Tensor, TensorPtr>;

void bindConstruction(TensorClass& tensor) {
  tensor.def(py::init<>(), "An empty tensor: no dims, no data.")
      .def(py::init([](Dims dims, DataTypeLike dtype, DataFormat dformat) { return Tensor(std::move(dims), dtype.value, dformat); }),
           py::kw_only(), py::arg("dims"), py::arg_v("dtype", DataTypeLike{}, "dtype.float32"),
           py::arg_v("dformat", DataFormat::Default, "dformat.default"), "Dims and type without data.")
      .def(py::init([](const py::object& data, const std::optional<DataTypeLike>& dtype) {
             auto made = tensorFromPython(data);
             return dtype ? made.cast(dtype->value) : made;
           }),
           py::arg("data"), py::arg("dtype") = py::none(),
           "A tensor over an array. Shares the memory of C-contiguous arrays of native byte order (NumPy, and torch by DLPack), and\n"
           "keeps it alive; other arrays and Python lists are copied. Python floats become float32; arrays keep their type.")
      .def_static(
          "from_dlpack",
          [](const py::object& array) {
            if (!py::hasattr(array, "__dlpack__")) {
              throwExpected("data::Tensor.from_dlpack", "an array with __dlpack__",
                            std::string(py::str(py::type::of(array).attr("__name__"))));
            }
            return tensorFromPython(array);
          },
          py::arg("array"),
          "A tensor over the memory of any array in host memory that has __dlpack__; copied only where it is not C-contiguous.")
      .def_static(
          "full", [](const Dims& dims, double value, DataTypeLike dtype) { return Tensor::full(dims, value, dtype.value); },
          py::arg("dims"), py::arg("value"), py::arg_v("dtype", DataTypeLike{}, "dtype.float32"),
          "A tensor of those dims with all elements set to `value`.");
  tensor.def(py::pickle(&getState, &setState));
}

void bindProperties(TensorClass& tensor) {
  tensor.def_property_readonly("dims", &Tensor::dims, "Extent of every axis, outermost first.")
      .def_property_readonly("dtype", &Tensor::dataType, "Element type.")
      .def_property_readonly("dformat", &Tensor::dataFormat, "Meaning of the axes.")
      .def("set_data_format", &Tensor::setDataFormat, py::arg("data_format"), "Changes what the axes mean; moves no data.")
      .def_property_readonly("size", &Tensor::size, "Number of elements.")
      .def_property_readonly("ndim", &Tensor::nbDims, "Number of axes.")
      .def_property_readonly(
          "shape", [](const Tensor& self) { return py::tuple(py::cast(self.dims())); }, "The dims as a tuple, as NumPy has them.")
      .def_property_readonly("nbytes", &Tensor::bytes, "Bytes of all elements.")
      .def_property_readonly(
          "backend", [](const Tensor&) { return "cpu"; }, "Where the memory lies: always the host.")
      .def_property_readonly("is_writable", &Tensor::isWritable,
                             "False for a producer's value, arrays that NumPy calls read-only, and tensors without data.")
      .def("is_undefined", &Tensor::isUndefined, "True for an empty tensor.")
      .def("has_data", &Tensor::hasData, "False between forward_dims and forward.");
}

void bindAccess(TensorClass& tensor) {
  tensor
      .def("numpy", &tensorToNumpy,
           "A NumPy view of the memory, which it keeps alive; read-only where the tensor is. ValueError where there is no data.")
      .def("__array__", &asArray, py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def_buffer(&bufferOf)
      .def("__dlpack__", &toDlpack,
           "A DLPack capsule over the memory; of a read-only tensor over a copy. Options as in the array API (stream, max_version, "
           "dl_device, copy).")
      .def(
          "__dlpack_device__", [](const Tensor&) { return std::pair<int, int>(1, 0); }, "(kDLCPU, 0).")
      .def(
          "__len__",
          [](const Tensor& self) {
            if (self.nbDims() == 0) throw py::type_error("[data::Tensor] expected at least one axis, got a scalar");
            return self.dims().front();
          },
          "Extent of the first axis, as NumPy has it.")
      .def(
          "__getitem__", [](const Tensor& self, const py::object& index) -> py::object { return tensorToNumpy(self)[index]; },
          py::arg("index"), "What NumPy's indexing gives: a scalar or a view.")
      .def(
          "__setitem__", [](Tensor& self, const py::object& index, const py::object& value) { writableView(self)[index] = value; },
          py::arg("index"), py::arg("value"), "NumPy's assignment.")
      .def("__bool__", [](const Tensor& self) { return tensorToNumpy(self).attr("__bool__")().cast<bool>(); })
      .def("__float__", [](const Tensor& self) { return tensorToNumpy(self).attr("item")().attr("__float__")().cast<double>(); })
      .def("__int__", [](const Tensor& self) { return py::int_(tensorToNumpy(self).attr("item")()); })
      .def(
          "tolist", [](const Tensor& self) -> py::object { return tensorToNumpy(self).attr("tolist")(); },
          "Nested lists of Python scalars.")
      .def(
          "item", [](const Tensor& self) -> py::object { return tensorToNumpy(self).attr("item")(); },
          "The only element, as a Python scalar.");
}

void bindWholeTensor(TensorClass& tensor) {
  tensor.def("clone", &Tensor::clone, py::call_guard<py::gil_scoped_release>(), "A copy with writable memory of its own.")
      .def("copy_from", &copyFrom, py::arg("other"), "Copies the values of an array of the same dims and type into this memory.")
      .def("reshape", &Tensor::reshaped, py::arg("dims"), "The same data under other dims of the same product.")
      .def(
          "cast", [](const Tensor& self, DataTypeLike dtype) { return self.cast(dtype.value); }, py::arg("dtype"),
          "A converted copy; shares the data where the type is already right.")
      .def("__copy__", [](const Tensor& self) { return Tensor(self); })
      .def(
          "__deepcopy__", [](const Tensor& self, const py::object&) { return self.hasData() ? self.clone() : Tensor(self); },
          py::arg("memo"))
      .def(
          "__eq__", [](const Tensor& a, const Tensor& b) { return equal(a, b); }, py::is_operator(),
          "True where dims, types and all elements are equal.")
      .def(
          "__ne__", [](const Tensor& a, const Tensor& b) { return !equal(a, b); }, py::is_operator())
      .def("__repr__", &Tensor::toString);
}

}  // namespace

void bindData(py::module_& m) {
  bindTypes(m);
  TensorClass tensor(m, "Tensor", py::buffer_protocol(),
                     "Dense row-major array in host memory. np.asarray, memoryview and DLPack see the same memory without a copy.");
  bindConstruction(tensor);
  bindProperties(tensor);
  bindAccess(tensor);
  bindWholeTensor(tensor);
}

}  // namespace Aidge::python
