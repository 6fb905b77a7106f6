#include <pybind11/numpy.h>
#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "aidge/statistics/ChannelActivity.hpp"
#include "aidge/statistics/SignBalance.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using statistics::ChannelActivity;
using statistics::SignBalance;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename T> using Array = py::array_t<T, py::array::c_style>;

template <typename T> void addArray(SignBalance& self, const Array<T>& values, double upper) {
  const std::span<const T> view(values.data(), static_cast<std::size_t>(values.size()));
  const py::gil_scoped_release release;
  self.add(view, upper);
}

void bindSignBalance(py::module_& m) {
  py::class_<SignBalance, std::shared_ptr<SignBalance>>(m, "SignBalance", "Sums of magnitudes on either side of zero; mergeable.")
      .def(py::init([](double neg, double pos) { return SignBalance{neg, pos}; }), py::arg("neg") = 0.0, py::arg("pos") = 0.0)
      .def("add", py::overload_cast<double, double>(&SignBalance::add), py::arg("value"), py::arg("upper") = kInfinity,
           "Takes one value: v < 0 adds |v| to neg, else v to pos; v > upper also adds v - upper to neg.")
      .def("add_array", &addArray<float>, py::arg("values").noconvert(), py::arg("upper") = kInfinity,
           "Takes all values of an array of any shape.")
      .def("add_array", &addArray<double>, py::arg("values"), py::arg("upper") = kInfinity)
      .def("merge", &SignBalance::merge, py::arg("other"), "Adds what another accumulator has seen.")
      .def("value", &SignBalance::value, "(neg + eps) / (pos + eps), eps = 2.2e-16; 1.0 where nothing was seen.")
      .def("is_finite", &SignBalance::isFinite, "False once a NaN or an infinity has been added.")
      .def_readwrite("neg", &SignBalance::neg, "Sum of |v| over v < 0.")
      .def_readwrite("pos", &SignBalance::pos, "Sum of v over v >= 0.")
      .def(py::self == py::self)
      .def("__copy__", [](const SignBalance& self) { return self; })
      .def(
          "__deepcopy__", [](const SignBalance& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__", [](const SignBalance& self) { return py::str("SignBalance(neg={}, pos={})").format(self.neg, self.pos); })
      .def(py::pickle([](const SignBalance& self) { return std::pair(self.neg, self.pos); },
                      [](const std::pair<double, double>& state) { return SignBalance{state.first, state.second}; }));
}

void bindChannelActivity(py::module_& m) {
  py::class_<ChannelActivity, std::shared_ptr<ChannelActivity>>(m, "ChannelActivity", "Which channels were never > 0; mergeable.")
      .def(py::init([](std::vector<bool> neurons) {
             ChannelActivity activity;
             activity.neurons = std::move(neurons);
             return activity;
           }),
           py::arg("neurons") = std::vector<bool>{})
      .def("add", py::overload_cast<std::size_t, double>(&ChannelActivity::add), py::arg("index"), py::arg("value"),
           "Takes one value of channel `index`; the list grows (dead) up to that index where it is shorter.")
      .def("merge", &ChannelActivity::merge, py::arg("other"), "A channel is dead where both say so.")
      .def("is_dead", &ChannelActivity::isDead, py::arg("index"), "ValueError unless index < len(neurons).")
      .def("count_dead_neurons", &ChannelActivity::countDeadNeurons)
      .def_readwrite("neurons", &ChannelActivity::neurons, "One bool a channel, True = dead. Reading gives a copy.")
      .def(py::self == py::self)
      .def("__len__", [](const ChannelActivity& self) { return self.neurons.size(); })
      .def("__copy__", [](const ChannelActivity& self) { return self; })
      .def(
          "__deepcopy__", [](const ChannelActivity& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__",
           [](const ChannelActivity& self) {
             return py::str("ChannelActivity({} of {} channels dead)").format(self.countDeadNeurons(), self.neurons.size());
           })
      .def(py::pickle([](const ChannelActivity& self) { return py::make_tuple(self.neurons); },
                      [](const py::tuple& state) {
                        ChannelActivity activity;
                        activity.neurons = state[0].cast<std::vector<bool>>();
                        return activity;
                      }));
}

}  // namespace

void bindStatistics(py::module_& m) {
  bindSignBalance(m);
  bindChannelActivity(m);
}

}  // namespace Aidge::python
