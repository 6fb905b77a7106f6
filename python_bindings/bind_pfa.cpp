#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "PyArrays.hpp"
#include "PyDataProvider.hpp"
#include "PyRef.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/pfa/Collect.hpp"
#include "aidge/pfa/Strategy.hpp"
#include "aidge/pfa/UnitSelection.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using pfa::SelectionOptions;
using pfa::TieRule;
using pfa::UnitStrategy;
using PyCollectProgress = std::optional<py::typing::Callable<py::object(std::size_t, std::size_t, std::optional<std::size_t>)>>;

void bindPfaEnums(py::module_& m) {
  py::native_enum<UnitStrategy>(m, "pfa_UnitStrategy", "enum.Enum", "Which unit of a layer goes next.")
      .value("ABS_MAX", UnitStrategy::AbsMax, "One of the pair of largest |correlation|.")
      .value("ABS_MIN", UnitStrategy::AbsMin, "One of the pair of smallest |correlation|.")
      .value("L1_MAX", UnitStrategy::L1Max, "The largest sum of |correlation| with the others.")
      .value("L1_MIN", UnitStrategy::L1Min, "The smallest sum.")
      .value("RANDOM", UnitStrategy::Random, "By a seed alone.")
      .finalize();
  py::native_enum<TieRule>(m, "pfa_TieRule", "enum.Enum", "What decides among equal sums.")
      .value("DNIKIT", TieRule::Dnikit, "The first unit that has the extreme correlation with a tied one.")
      .value("DOCUMENTED", TieRule::Documented, "The first tied unit that has it.")
      .finalize();
  py::native_enum<Pooling>(m, "pfa_Pooling", "enum.Enum", "One value of a channel's positions.")
      .value("MAX", Pooling::Max)
      .value("AVERAGE", Pooling::Average)
      .value("SUM", Pooling::Sum)
      .finalize();
}

std::vector<std::size_t> order(const DoubleArray& covariance, UnitStrategy strategy, TieRule tieRule, std::uint64_t seed, double epsilon) {
  const std::size_t n = requireSquare("pfa::removalOrder", covariance);
  const std::span<const double> values = spanOf(covariance);
  const py::gil_scoped_release release;
  return pfa::removalOrder(values, n, strategy, {tieRule, seed, epsilon});
}

std::vector<statistics::Covariance> collect(const GraphViewPtr& model, const py::object& provider, const std::vector<NodePtr>& layers,
                                            Pooling pooling, const PyCollectProgress& progress) {
  if (!model) throwExpected("pfa::collectResponses", "a GraphView", "None");
  PythonDataProvider batches(provider, *model);
  std::optional<PyRef> callback;
  if (progress) callback.emplace(*progress);
  const auto report = [&callback](const pfa::CollectProgress& state) {
    const py::gil_scoped_acquire gil;
    checkSignals();
    return !callback || !callback->object()(state.batch, state.samples, state.batches).is(py::bool_(false));
  };
  const py::gil_scoped_release release;
  return pfa::collectResponses(model, batches, layers, pooling, report);
}

void bindStrategies(py::module_& m) {
  m.def(
      "pfa_kl_divergence",
      [](const DoubleArray& eigenvalues) {
        const pfa::KlDivergence divergence = pfa::klDivergence(spanOf(eigenvalues));
        return std::pair(divergence.value, divergence.largest);
      },
      py::arg("eigenvalues"), "(KL divergence of the spectrum from the flat one, the largest possible one ln n), in nats.");
  m.def(
      "pfa_linear_ratio", [](double divergence, double largest) { return pfa::linearRatio({divergence, largest}); }, py::arg("divergence"),
      py::arg("largest"), "1 - divergence / largest; 1 for one unit.");
  m.def("pfa_count_of_ratio", &pfa::countOfRatio, py::arg("ratio"), py::arg("units"),
        "ceil(units * ratio) within [1, units]. ValueError unless ratio is in [0, 1].");
  m.def(
      "pfa_energy_count",
      [](const DoubleArray& eigenvalues, double threshold, std::size_t minKept) {
        const pfa::EnergyCount found = pfa::energyCount(spanOf(eigenvalues), threshold, minKept);
        return std::tuple(found.count, found.keptEnergy, found.thresholdEnergy);
      },
      py::arg("eigenvalues"), py::arg("threshold"), py::arg("min_kept") = 0,
      "(units to keep, share of the energy that they hold, energy up to the threshold). ValueError unless threshold is in [0, 1].");
  m.def(
      "pfa_size_threshold",
      [](const std::vector<std::vector<double>>& eigenvalues, double relativeSize, double epsilon) {
        return pfa::sizeThreshold(eigenvalues, relativeSize, epsilon);
      },
      py::arg("eigenvalues"), py::arg("relative_size"), py::arg("epsilon") = 1e-8,
      "The energy threshold that keeps about this share of all layers' units. `eigenvalues`: one list a layer.");
}

}  // namespace

void bindPfa(py::module_& m) {
  bindPfaEnums(m);
  bindStrategies(m);
  m.def(
      "pfa_inactive_units",
      [](const DoubleArray& covariance, double epsilon) {
        return pfa::inactiveUnits(spanOf(covariance), requireSquare("pfa::inactiveUnits", covariance), epsilon);
      },
      py::arg("covariance"), py::arg("epsilon") = 1e-8, "Units whose variance is below epsilon times the largest one, ascending.");
  m.def("pfa_removal_order", &order, py::arg("covariance"), py::arg("strategy"), py::kw_only(), py::arg("tie_rule") = TieRule::Dnikit,
        py::arg("seed") = 0, py::arg("epsilon_inactive") = 1e-8,
        "The order in which units go: inactive ones by index, then all active ones but the last. `covariance`: (n, n).");
  m.def("pfa_collect", &collect, py::arg("model"), py::arg("provider"), py::arg("layers"), py::arg("pooling") = Pooling::Max, py::kw_only(),
        py::arg("progress") = py::none(),
        "One Covariance a layer: of output 0 of these nodes, pooled over the axes behind the channels, over a fresh pass of `provider`.\n"
        "`progress(batch, samples, batches)` is called after every batch; `return False` stops. The GIL is released. ValueError: not\n"
        "compiled, an empty provider, NaN or infinity (naming layer and samples) …; the model is as before the call, whatever happens.");
}

}  // namespace Aidge::python
