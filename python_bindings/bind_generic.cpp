#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "PyAttributes.hpp"
#include "PyRef.hpp"
#include "PyTensor.hpp"
#include "aidge/backend/GenericKernels.hpp"
#include "aidge/core/Errors.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

/// None for an input to which nothing is connected, else (dims, type, value or None).
py::list infosToPython(std::span<const TensorInfo> infos) {
  py::list list;
  for (const TensorInfo& info : infos) {
    const py::object value = info.value ? py::object(tensorToNumpy(readOnlyView(*info.value))) : py::none();
    list.append(py::make_tuple(info.dims, std::string(toString(info.dtype)), value));
  }
  return list;
}

/// Calls back into Python; the GIL is held for the call only.
/// What Python raises, in the terms of this library where it has them.
template <typename Function> auto translated(const Function& function) {
  try {
    return function();
  } catch (py::error_already_set& error) {
    const auto unsupported = py::module_::import("aidge_core._core").attr("UnsupportedError");
    const std::string text = py::str(error.value());
    if (error.matches(unsupported)) throw UnsupportedError(text);
    if (error.matches(PyExc_ValueError)) throw std::invalid_argument(text);
    throw;
  }
}

class PyGenericKernel final : public GenericKernel {
 public:
  explicit PyGenericKernel(py::object run) : mRun(std::move(run)) {}

  std::vector<Tensor> run(std::span<const Tensor> inputs) override {
    const py::gil_scoped_acquire gil;
    py::list arrays;
    for (const Tensor& input : inputs) arrays.append(input.hasData() ? py::object(tensorToNumpy(input)) : py::none());
    return translated([&] { return tensorsFromPython(mRun.object()(arrays)); });
  }

 private:
  PyRef mRun;
};

class PyGenericProvider final : public GenericProvider {
 public:
  explicit PyGenericProvider(py::object provider) : mProvider(std::move(provider)) {}

  std::string refusal(const Operator& op) override {
    const py::gil_scoped_acquire gil;
    return py::cast<std::string>(mProvider.object().attr("refusal")(op.type(), attributesToPython(op.attributes())));
  }

  std::optional<std::vector<TensorInfo>> infer(const Operator& op, std::span<const TensorInfo> inputs) override {
    const py::gil_scoped_acquire gil;
    const py::object result =
        translated([&] { return mProvider.object().attr("infer")(op.type(), attributesToPython(op.attributes()), infosToPython(inputs)); });
    if (result.is_none()) return std::nullopt;
    std::vector<TensorInfo> infos;
    for (const auto& entry : result.cast<std::vector<std::tuple<std::optional<Dims>, std::string>>>()) {
      const auto& [dims, type] = entry;
      if (!dims) throw DataDependentError("[operator::infer] expected dims that are known before a run, got those of " + op.type());
      infos.push_back({*dims, dataTypeFromPython(py::str(type)), nullptr});
    }
    return infos;
  }

  std::unique_ptr<GenericKernel> create(const Operator& op, std::span<const TensorInfo> inputs) override {
    const py::gil_scoped_acquire gil;
    return translated([&] {
      return std::make_unique<PyGenericKernel>(
          mProvider.object().attr("create")(op.type(), attributesToPython(op.attributes()), infosToPython(inputs)));
    });
  }

 private:
  PyRef mProvider;
};

}  // namespace

void bindGeneric(py::module_& m) {
  m.def(
      "set_generic_provider",
      [](const py::object& provider) { setGenericProvider(provider.is_none() ? nullptr : std::make_shared<PyGenericProvider>(provider)); },
      py::arg("provider"),
      "From now on `provider` runs generic operators (None: nobody does). It has three methods; `attributes` is a dict, `inputs` holds for "
      "each\n"
      "input (dims, name of the type, value where it is constant else None):\n"
      "  refusal(type, attributes) -> str: why the operator cannot run, \"\" where it can, as far as that shows without inputs;\n"
      "  infer(type, attributes, inputs) -> [(dims, name of the type), ...] | None: one an output; dims None where only a run tells them; "
      "None\n"
      "  where the provider knows nothing of the operator;\n"
      "  create(type, attributes, inputs) -> callable: called at every forward with a list of read-only arrays (None for what is missing "
      "or was\n"
      "  constant), it returns a list of arrays. The arrays are only valid during the call.");
}

}  // namespace Aidge::python
