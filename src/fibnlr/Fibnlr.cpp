#include "aidge/fibnlr/Fibnlr.hpp"

#include "Snapshot.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::fibnlr {

NodeSet fibnlr(const GraphViewPtr& model, DataProvider& provider, const Parameters& params, const ProgressCallback& progress) {
  if (!model) throwExpected("fibnlr::fibnlr", "a graph", "none");
  NodeSet removed;
  detail::allOrNothing(model, [&] {
    static_cast<void>(prepare(model, params));
    static_cast<void>(compute(model, provider, params, progress));
    removed = prune(model, params, &provider);
  });
  return removed;
}

}  // namespace Aidge::fibnlr
