#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <vector>

#include "PyRef.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::python {

/// A batch source over any Python iterable of batches: an aidge_core.DataProvider, a torch DataLoader, a list, a generator …
/// aidge_core.data.as_batches brings each batch into the order of the graph's inputs. What Python raises passes through as it is,
/// with its traceback. May be used without the GIL, which every call takes for itself; checks for Ctrl-C before each batch.
class PythonDataProvider final : public DataProvider {
 public:
  /// With the GIL held. Throws std::invalid_argument (ValueError) where `provider` cannot be iterated.
  PythonDataProvider(const pybind11::object& provider, const GraphView& graph);
  ~PythonDataProvider() override;
  PythonDataProvider(const PythonDataProvider&) = delete;
  PythonDataProvider& operator=(const PythonDataProvider&) = delete;

  void reset() override;
  [[nodiscard]] std::optional<std::vector<Tensor>> next() override;
  [[nodiscard]] std::optional<std::size_t> batchCount() const override;

 private:
  void closeIterator();

  PyRef mBatches;
  std::optional<PyRef> mIterator;
};

/// Lets Python run its signal handlers; throws what they raise (KeyboardInterrupt). May be called without the GIL.
void checkSignals();

}  // namespace Aidge::python
