#include "PyTensor.hpp"

#include <memory>
#include <string>
#include <utility>

#include "PyRef.hpp"
#include "aidge/core/Errors.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

[[noreturn]] void throwUnsupportedType(const char* where, const std::string& got) {
  throwExpected(where, "float16/32/64, bfloat16, int8…64, uint8…64 or bool", got);
}

std::string typeName(py::handle object) { return py::str(py::type::of(object).attr("__name__")); }

DataType dataTypeByName(const std::string& name) {
  if (const auto type = dataTypeOf(name)) return *type;
  throwUnsupportedType("data::dtype", "\"" + name + "\"");
}

/// Python has no arrays of its own: True where `value` brings a type with it (an array protocol), which is then kept.
bool isArrayLike(py::handle value) {
  return py::hasattr(value, "__array__") || py::hasattr(value, "__array_interface__") || PyObject_CheckBuffer(value.ptr()) != 0;
}

/// NumPy's view of an array in host memory. What the array itself has against it (BufferError: a gradient, another device) goes on.
py::array arrayFromDlpack(py::handle value) {
  try {
    return py::module_::import("numpy").attr("from_dlpack")(value);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_RuntimeError)) throw;  // what NumPy says of types that it has not
    throwUnsupportedType("data::Tensor", std::string(py::str(py::getattr(value, "dtype", py::none()))));
  }
}

Tensor tensorFromArray(py::array array) {
  const auto dtype = dataTypeFromPython(array.dtype());
  const bool swapped = !py::cast<bool>(array.dtype().attr("isnative"));
  const bool aligned = py::cast<bool>(array.attr("flags").attr("aligned"));
  Dims dims(array.shape(), array.shape() + array.ndim());
  if (swapped || !aligned || (array.flags() & py::array::c_style) == 0) {
    Tensor own(std::move(dims), dtype);
    own.allocate();
    tensorToNumpy(own)[py::ellipsis()] = array;
    return own;
  }
  // A Tensor never writes where NumPy would not.
  void* data = const_cast<void*>(array.data());
  const bool writable = array.writeable();
  return Tensor::fromExternal(data, std::move(dims), dtype, PyRef(std::move(array)).owner(), writable);
}

}  // namespace

DataType dataTypeFromPython(py::handle object) {
  if (py::isinstance<DataType>(object)) return object.cast<DataType>();
  if (py::isinstance<py::str>(object) && object.cast<std::string>() == "bfloat16") return DataType::BFloat16;
  const std::string text = py::str(object);
  if (text.starts_with("torch.")) return dataTypeByName(text.substr(6));
  py::object dtype;
  try {
    dtype = py::module_::import("numpy").attr("dtype")(object);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_ValueError)) throw;
    throwUnsupportedType("data::dtype", py::repr(object));
  }
  return dataTypeByName(py::str(dtype.attr("name")));
}

py::dtype numpyDtype(DataType type) {
  if (type == DataType::BFloat16) {
    return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
  }
  return py::dtype(std::string(toString(type)));
}

Tensor tensorFromPython(py::handle value) {
  if (py::isinstance<Tensor>(value)) return value.cast<const Tensor&>();
  if (py::isinstance<py::array>(value)) return tensorFromArray(py::reinterpret_borrow<py::array>(value));
  if (value.is_none() || py::isinstance<py::str>(value) || py::isinstance<py::dict>(value)) {
    throwExpected("data::Tensor", "an array", "a value of type " + typeName(value));
  }
  if (py::hasattr(value, "__dlpack__")) return tensorFromArray(arrayFromDlpack(value));
  const bool arrayLike = isArrayLike(value);
  auto array = py::reinterpret_borrow<py::array>(py::module_::import("numpy").attr("asarray")(value));
  if (array.dtype().kind() == 'O') {
    throwExpected("data::Tensor", "an array of numbers", "a value of type " + typeName(value));
  }
  auto tensor = tensorFromArray(std::move(array));
  const bool ownFloats = !arrayLike && tensor.dataType() == DataType::Float64;
  return ownFloats ? tensor.cast(DataType::Float32) : tensor;
}

std::vector<Tensor> tensorsFromPython(const py::sequence& values) {
  std::vector<Tensor> tensors;
  tensors.reserve(values.size());
  for (const auto& value : values) tensors.push_back(tensorFromPython(value));
  return tensors;
}

py::array tensorToNumpy(const Tensor& tensor) {
  if (!tensor.hasData()) {
    throwExpected("data::Tensor", "a tensor with data",
                  tensor.isUndefined() ? "an empty tensor" : "dims " + toString(tensor.dims()) + " without data");
  }
  // The base is a Tensor of its own, so that the view outlives the Python object that it came from.
  auto keep = std::make_unique<Tensor>(tensor);
  const void* data = keep->rawData();
  const bool writable = keep->isWritable();
  const py::capsule base(keep.release(), [](void* held) { delete static_cast<Tensor*>(held); });
  py::array array(numpyDtype(tensor.dataType()), std::vector<py::ssize_t>(tensor.dims().begin(), tensor.dims().end()), data, base);
  if (!writable) array.attr("setflags")(py::arg("write") = false);
  return array;
}

Tensor readOnlyView(const Tensor& tensor) {
  if (!tensor.hasData()) return tensor;
  auto keep = std::make_shared<Tensor>(tensor);
  auto view = Tensor::fromExternal(const_cast<void*>(keep->rawData()), tensor.dims(), tensor.dataType(), keep, false);
  view.setDataFormat(tensor.dataFormat());
  return view;
}

}  // namespace Aidge::python
