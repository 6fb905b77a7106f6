#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

namespace Aidge::python {

/// Drops a reference from any thread, with or without the GIL; after the interpreter has gone the object is left alone.
struct DropReference {
  void operator()(PyObject* object) const noexcept {
    if (object == nullptr || Py_IsInitialized() == 0) return;
    if (PyGILState_Check() != 0) {
      Py_DECREF(object);
      return;
    }
#if PY_VERSION_HEX >= 0x030D0000
    if (Py_IsFinalizing() != 0) return;
#else
    if (_Py_IsFinalizing() != 0) return;
#endif
    const pybind11::gil_scoped_acquire gil;
    Py_DECREF(object);
  }
};

/// A Python object that C++ code may hold, copy and drop on any thread. Call `object()` with the GIL held.
class PyRef {
 public:
  explicit PyRef(pybind11::object object) : mObject(object.release().ptr(), DropReference{}) {}
  [[nodiscard]] pybind11::object object() const { return pybind11::reinterpret_borrow<pybind11::object>(mObject.get()); }
  /// The same reference as an opaque owner of foreign memory.
  [[nodiscard]] std::shared_ptr<const void> owner() const { return mObject; }

 private:
  std::shared_ptr<PyObject> mObject;
};

}  // namespace Aidge::python
