#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "PyArrays.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/statistics/Covariance.hpp"
#include "aidge/statistics/Eigenvalues.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using statistics::Covariance;
using State = std::tuple<std::size_t, DoubleArray, DoubleArray>;

template <typename T> void addRows(Covariance& self, const py::array_t<T, py::array::c_style>& rows) {
  if (rows.ndim() != 2) {
    throwExpected("statistics::Covariance::add", "an array (samples, units)", std::to_string(rows.ndim()) + " dimensions");
  }
  const std::span<const T> values(rows.data(), static_cast<std::size_t>(rows.size()));
  const auto units = static_cast<std::size_t>(rows.shape(1));
  const py::gil_scoped_release release;
  self.add(values, units);
}

std::vector<double> eigenvaluesOf(const DoubleArray& matrix) {
  const std::size_t n = requireSquare("statistics::eigenvalues", matrix);
  std::vector<double> values(matrix.data(), matrix.data() + matrix.size());
  const py::gil_scoped_release release;
  return statistics::eigenvalues(std::move(values), n);
}

State stateOf(const Covariance& self) { return {self.samples(), toArray(self.mean()), toArray(self.scatter())}; }

Covariance fromState(std::size_t samples, const DoubleArray& mean, const DoubleArray& scatter) {
  return {samples, spanOf(mean), spanOf(scatter)};
}

}  // namespace

void bindCovariance(py::module_& m) {
  py::class_<Covariance>(
      m, "Covariance",
      "Streaming covariance of rows, in double and by the pairwise update; mergeable. How the rows are cut into calls of\n"
      "`add` does not change a bit of the result.")
      .def(py::init<>())
      .def(py::init(&fromState), py::arg("samples"), py::arg("mean"), py::arg("scatter"),
           "Puts back what the properties of those names gave.")
      .def("add", &addRows<float>, py::arg("rows").noconvert(),
           "Takes an array (samples, units) of any real type. ValueError where the units are not as many as before, or on NaN or infinity\n"
           "(naming the samples); nothing is taken then.")
      .def("add", &addRows<double>, py::arg("rows"))
      .def("merge", &Covariance::merge, py::arg("other"), py::call_guard<py::gil_scoped_release>(),
           "Adds what another accumulator has seen.")
      .def("flush", &Covariance::flush, py::call_guard<py::gil_scoped_release>(),
           "Works off the last rows, which wait to be taken together; the properties do the same on a copy.")
      .def_property_readonly("samples", &Covariance::samples, "Rows taken.")
      .def_property_readonly("units", &Covariance::units, "Values a row; 0 before the first.")
      .def_property_readonly(
          "mean", [](const Covariance& self) { return toArray(self.mean()); }, "(units,): mean of the rows.")
      .def_property_readonly(
          "scatter", [](const Covariance& self) { return toArray(self.scatter()); },
          "(units * (units + 1) / 2,): upper triangle, row by row, of the sum of (x - mean)(x - mean)^T.")
      .def(
          "matrix", [](const Covariance& self) { return toMatrix(self.matrix(), self.units()); },
          "(units, units): the unbiased covariance. ValueError below 2 samples, or where a square has overflowed.")
      .def("__copy__", [](const Covariance& self) { return self; })
      .def(
          "__deepcopy__", [](const Covariance& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__",
           [](const Covariance& self) { return py::str("Covariance({} samples of {} units)").format(self.samples(), self.units()); })
      .def(py::pickle(&stateOf, [](const State& state) { return fromState(std::get<0>(state), std::get<1>(state), std::get<2>(state)); }));
  m.def(
      "eigenvalues", [](const DoubleArray& matrix) { return toArray(eigenvaluesOf(matrix)); }, py::arg("matrix"),
      "Eigenvalues of a symmetric positive semi-definite matrix (n, n), descending, clipped at 0. ValueError where it is no such matrix.");
}

}  // namespace Aidge::python
