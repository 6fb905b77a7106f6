#pragma once

#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"

namespace Aidge {

class GraphView;

/// Fixes a graph's backend, type, shapes and options (GraphView::compile forwards to it). `inputDims`: one entry a graph input; empty: the declared dims, dynamic
/// ones taken as 1. Throws UnsupportedError, which lists every node that the backend cannot run; std::invalid_argument for a backend that is not loaded and
/// for an option that it does not know, and as GraphView::forwardDims does.
AIDGE_EXPORT void compileGraph(GraphView& graph, const std::string& backend, DataType dtype = DataType::Float32,
                               const std::vector<Dims>& inputDims = {}, const BackendOptions& options = {});

}  // namespace Aidge
