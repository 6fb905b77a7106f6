#include "PyDataProvider.hpp"

#include <pybind11/stl.h>

#include "PyTensor.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

PyRef normalised(const py::object& provider, const GraphView& graph) {
  const auto asBatches = py::module_::import("aidge_core.data").attr("as_batches");
  return PyRef(asBatches(provider, py::cast(graph.inputs())));
}

}  // namespace

PythonDataProvider::PythonDataProvider(const py::object& provider, const GraphView& graph) : mBatches(normalised(provider, graph)) {}

PythonDataProvider::~PythonDataProvider() {
  if (!mIterator || Py_IsInitialized() == 0) return;
  const py::gil_scoped_acquire gil;
  try {
    closeIterator();
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("aidge_core: closing a data provider");
  }
}

void PythonDataProvider::closeIterator() {
  if (!mIterator) return;
  const py::object iterator = mIterator->object();
  mIterator.reset();
  iterator.attr("close")();
}

void PythonDataProvider::reset() {
  const py::gil_scoped_acquire gil;
  closeIterator();
  mIterator.emplace(mBatches.object().attr("__iter__")());
}

std::optional<std::vector<Tensor>> PythonDataProvider::next() {
  if (!mIterator) reset();
  const py::gil_scoped_acquire gil;
  checkSignals();
  const auto batch = py::reinterpret_steal<py::object>(PyIter_Next(mIterator->object().ptr()));
  if (batch) return batch.cast<std::vector<Tensor>>();
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  return std::nullopt;
}

std::optional<std::size_t> PythonDataProvider::batchCount() const {
  const py::gil_scoped_acquire gil;
  const py::object count = mBatches.object().attr("batch_count")();
  return count.is_none() ? std::nullopt : std::optional(count.cast<std::size_t>());
}

void checkSignals() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

}  // namespace Aidge::python
