#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "PyArrays.hpp"
#include "PyDataProvider.hpp"
#include "PyRef.hpp"
#include "aidge/compress/CalibrationData.hpp"
#include "aidge/compress/CollectInputs.hpp"
#include "aidge/compress/Compensate.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/statistics/RidgeRegression.hpp"
#include "aidge/statistics/UnitElimination.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using compress::CalibrationData;
using compress::CompensationMethod;
using compress::CompensationOptions;
using compress::CompensationReport;
using compress::LayerCompensation;
using PyLayerProgress = std::optional<py::typing::Callable<py::object(std::size_t, std::size_t, std::string)>>;

/// CalibrationData with the provider that it reads.
class PyCalibrationData {
 public:
  PyCalibrationData(const GraphViewPtr& graph, const py::object& provider, std::size_t memory) {
    if (!graph) throwExpected("compress::CalibrationData", "a GraphView", "None");
    mProvider = std::make_unique<PythonDataProvider>(provider, *graph);
    const py::gil_scoped_release release;
    mData = std::make_unique<CalibrationData>(*graph, *mProvider, memory);
    mData->setInterrupt(checkSignals);
  }
  [[nodiscard]] CalibrationData& data() { return *mData; }

 private:
  std::unique_ptr<PythonDataProvider> mProvider;
  std::unique_ptr<CalibrationData> mData;
};

DoubleArray toMatrix(const std::vector<double>& values, std::size_t rows, std::size_t columns) {
  DoubleArray array({rows, columns});
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

std::pair<std::vector<std::size_t>, DoubleArray> eliminate(const std::vector<std::tuple<DoubleArray, DoubleArray, double>>& uses,
                                                           double ridge) {
  std::vector<statistics::LinearUse> native;
  std::size_t n = 0;
  for (const auto& [covariance, gram, weight] : uses) {
    n = requireSquare("statistics::eliminateUnits", covariance);
    const auto from = spanOf(covariance);
    const auto used = spanOf(gram);
    native.push_back({{from.begin(), from.end()}, {used.begin(), used.end()}, weight});
  }
  statistics::Elimination result;
  {
    const py::gil_scoped_release release;
    result = statistics::eliminateUnits(native, n, ridge);
  }
  return {result.order, toArray(result.loss)};
}

std::vector<std::size_t> cholesky(const DoubleArray& covariance) {
  const std::size_t n = requireSquare("statistics::pivotedCholesky", covariance);
  const auto values = spanOf(covariance);
  const py::gil_scoped_release release;
  return statistics::pivotedCholesky(values, n);
}

std::tuple<std::vector<std::size_t>, DoubleArray, DoubleArray> predict(const DoubleArray& covariance, const DoubleArray& mean,
                                                                       const std::vector<std::size_t>& kept, double ridge) {
  const statistics::UnitPrediction result = statistics::predictUnits(spanOf(covariance), spanOf(mean), kept, ridge);
  return {result.removed, toMatrix(result.coefficients, result.removed.size(), kept.size()), toArray(result.offset)};
}

std::pair<DoubleArray, DoubleArray> regression(const statistics::Covariance& moments, std::size_t unknowns, double ridge) {
  const statistics::LinearPrediction found = statistics::ridgeRegression(moments, unknowns, ridge);
  return {toMatrix(found.coefficients, unknowns, moments.units() - unknowns), toArray(found.intercept)};
}

std::tuple<std::optional<double>, double, double, DoubleArray, DoubleArray> heldOut(const statistics::Covariance& fit,
                                                                                    const statistics::Covariance& held,
                                                                                    std::size_t unknowns,
                                                                                    const std::vector<double>& ridges) {
  const statistics::HeldOutRidge found = statistics::heldOutRidge(fit, held, unknowns, ridges);
  const std::size_t targets = found.prediction.intercept.size();
  return {found.ridge, found.errorBefore, found.errorAfter, toMatrix(found.prediction.coefficients, targets == 0 ? 0 : unknowns, targets),
          toArray(found.prediction.intercept)};
}

CompensationReport compensate(const GraphViewPtr& original, const GraphViewPtr& current, PyCalibrationData& data,
                              const std::map<std::string, std::vector<std::size_t>>& kept,
                              const std::map<std::string, std::string>& targets, const CompensationOptions& options,
                              const PyLayerProgress& progress) {
  std::optional<PyRef> callback;
  if (progress) callback.emplace(*progress);
  const auto report = [&callback](std::size_t done, std::size_t total, const std::string& layer) {
    const py::gil_scoped_acquire gil;
    checkSignals();
    return !callback || !callback->object()(done, total, layer).is(py::bool_(false));
  };
  const py::gil_scoped_release release;
  return compress::compensate(original, current, data.data(), kept, targets, options, report);
}

void bindMathematics(py::module_& m) {
  m.def("eliminate_units", &eliminate, py::arg("uses"), py::arg("ridge") = 1e-4,
        "(order in which units go, loss after each): backward elimination. `uses`: one (covariance (n, n) of the units, gram (n, n) = W^T "
        "W,\n"
        "weight) a layer that reads them; the loss is the sum of weight * lost share of a layer's output energy, the other units having\n"
        "taken over what they can.");
  m.def("pivoted_cholesky", &cholesky, py::arg("covariance"),
        "The units in the order in which they explain most of what is left of the covariance (n, n): keep the first.");
  m.def("predict_units", &predict, py::arg("covariance"), py::arg("mean"), py::arg("kept"), py::arg("ridge") = 1e-4,
        "(removed, B (removed, kept), offset): x_removed is about B x_kept + offset, by ridge regression.");
  m.def("ridge_regression", &regression, py::arg("moments"), py::arg("unknowns"), py::arg("ridge"),
        "(coefficients (unknowns, targets), intercept) from the Covariance of rows [features, targets]; ridge is relative to the mean of\n"
        "the features' variances. ValueError unless ridge > 0.");
  m.def(
      "held_out_ridge", &heldOut, py::arg("fit"), py::arg("held"), py::arg("unknowns"), py::arg("ridges"),
      "(ridge or None, error before, error after, coefficients, intercept): fits on `fit` with each strength, takes the one of the least\n"
      "mean squared error on `held` (None: predicting 0 is best), refits on both.");
}

void bindReports(py::module_& m) {
  py::native_enum<CompensationMethod>(m, "CompensationMethod", "enum.Enum", "How a layer makes up for what went before it.")
      .value("LEAST_SQUARES", CompensationMethod::LeastSquares, "New weights and bias, by ridge regression on its patches.")
      .value("MEAN_VARIANCE", CompensationMethod::MeanVariance, "Each output gets the mean and the variance that it has in the original.")
      .finalize();
  py::class_<LayerCompensation>(m, "LayerCompensation", "What compensation did to one layer.")
      .def_readonly("layer", &LayerCompensation::layer)
      .def_readonly("target", &LayerCompensation::target, "Node of the original whose output was aimed at.")
      .def_readonly("is_changed", &LayerCompensation::isChanged, "False: the layer stays as it was.")
      .def_readonly("ridge", &LayerCompensation::ridge, "None: not changed by least squares.")
      .def_readonly("error_before", &LayerCompensation::errorBefore,
                    "On held-out samples: mean square of original - current, relative to the original's variance.")
      .def_readonly("error_after", &LayerCompensation::errorAfter, "The same with the chosen change.")
      .def_readonly("note", &LayerCompensation::note, "Why nothing was done, if nothing was.")
      .def("__repr__", [](const LayerCompensation& self) {
        return py::str("LayerCompensation({}, {:.3g} -> {:.3g}{})")
            .format(self.layer, self.errorBefore, self.errorAfter, self.note.empty() ? "" : ": " + self.note);
      });
  py::class_<CompensationReport>(m, "CompensationReport", "What compensate_layers did.")
      .def_readonly("layers", &CompensationReport::layers, "In order of execution.")
      .def_readonly("passes", &CompensationReport::passes, "Over the provider.")
      .def("__len__", [](const CompensationReport& self) { return self.layers.size(); });
}

}  // namespace

void bindCompress(py::module_& m) {
  bindMathematics(m);
  bindReports(m);
  py::class_<PyCalibrationData>(m, "CalibrationData",
                                "Calibration samples that are gone over many times: kept in memory while they fit, read again otherwise.")
      .def(py::init<const GraphViewPtr&, const py::object&, std::size_t>(), py::arg("graph_view"), py::arg("provider"), py::kw_only(),
           py::arg("memory") = CalibrationData::kDefaultMemory,
           "Reads `provider` (batches as for fibnlr_compute) once. ValueError where it is empty, or a value is NaN or infinite.")
      .def_property_readonly("samples", [](PyCalibrationData& self) { return self.data().samples(); })
      .def_property_readonly("batches", [](PyCalibrationData& self) { return self.data().batches(); })
      .def_property_readonly(
          "bytes", [](PyCalibrationData& self) { return self.data().bytes(); }, "Kept in memory.")
      .def_property_readonly(
          "dims", [](PyCalibrationData& self) { return self.data().dims(); }, "Of the inputs of the first batch.")
      .def_property_readonly("passes", [](PyCalibrationData& self) { return self.data().passes(); }, "Over the provider so far.");
  m.def(
      "collect_inputs",
      [](const GraphViewPtr& graph, PyCalibrationData& data,
         const std::vector<std::tuple<NodePtr, IOIndex_t, std::vector<std::int64_t>>>& inputs, std::size_t maxRows,
         const std::vector<DimIdx_t>& axes) {
        if (!axes.empty() && axes.size() != inputs.size())
          throwExpected("compress::collectInputs", "one axis for each of the " + std::to_string(inputs.size()) + " inputs",
                        std::to_string(axes.size()));
        std::vector<compress::InputUnits> wanted;
        for (const auto& [node, input, units] : inputs) wanted.push_back({node, input, units, axes.empty() ? 1 : axes[wanted.size()]});
        const py::gil_scoped_release release;
        return compress::collectInputs(graph, data.data(), wanted, maxRows);
      },
      py::arg("graph_view"), py::arg("data"), py::arg("inputs"), py::kw_only(), py::arg("max_rows") = 100'000,
      py::arg("axes") = std::vector<DimIdx_t>{},
      "One Covariance for each (node, input, units): over all positions, between the channels that arrive there, or between `units`: for "
      "each\n"
      "channel the number of its unit, -1 for none. The channels lie on axis 1, or on that of `axes`, one per input.");
  m.def(
      "compensate_layers",
      [](const GraphViewPtr& original, const GraphViewPtr& current, PyCalibrationData& data,
         const std::map<std::string, std::vector<std::size_t>>& kept, const std::map<std::string, std::string>& targets,
         CompensationMethod method, const std::vector<double>& ridges, double fitShare, std::size_t maxUnknowns, std::size_t rowsPerUnknown,
         std::size_t minRows, std::size_t memory, const PyLayerProgress& progress) {
        return compensate(original, current, data, kept, targets, {method, ridges, fitShare, maxUnknowns, rowsPerUnknown, minRows, memory},
                          progress);
      },
      py::arg("original"), py::arg("current"), py::arg("data"), py::arg("kept") = std::map<std::string, std::vector<std::size_t>>{},
      py::arg("targets") = std::map<std::string, std::string>{}, py::kw_only(), py::arg("method") = CompensationMethod::LeastSquares,
      py::arg("ridges") = CompensationOptions{}.ridges, py::arg("fit_share") = CompensationOptions{}.fitShare,
      py::arg("max_unknowns") = CompensationOptions{}.maxUnknowns, py::arg("rows_per_unknown") = CompensationOptions{}.rowsPerUnknown,
      py::arg("min_rows") = CompensationOptions{}.minRows, py::arg("memory") = CompensationOptions{}.memory,
      py::arg("progress") = py::none(),
      "Changes weights and biases of `current`, a smaller version of `original`, so that layer after layer its outputs come near the\n"
      "original's: ridge regression on the patches as `current` gives them, the strength chosen on held-out samples, with \"no change\"\n"
      "among the candidates; or, by MEAN_VARIANCE, its outputs get the original's means and variances. `kept`: for layers whose outputs "
      "were cut, which outputs of the original they still have.\n"
      "`targets`: for layers that have taken over an activation, the name of the activation in the original.");
}

}  // namespace Aidge::python
