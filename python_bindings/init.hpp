#pragma once

#include <pybind11/pybind11.h>

// One init function a binding file; module.cpp calls them in the order in which types depend on each other.
namespace Aidge::python {

void bindErrors(pybind11::module_& m);
void bindData(pybind11::module_& m);
/// Node, GraphView, Operator and InputCategory, which name each other in their signatures; the functions below fill them.
void declareGraphTypes(pybind11::module_& m);
void bindNode(pybind11::module_& m);
void bindGraph(pybind11::module_& m);
void bindOperator(pybind11::module_& m);
void bindOperatorFactories(pybind11::module_& m);
void bindGeneric(pybind11::module_& m);
void bindScheduler(pybind11::module_& m);
void bindStatistics(pybind11::module_& m);
void bindCovariance(pybind11::module_& m);
void bindRecipes(pybind11::module_& m);
void bindChannels(pybind11::module_& m);
void bindFibnlr(pybind11::module_& m);
void bindConvolutionHelpers(pybind11::module_& m);
void bindPfa(pybind11::module_& m);
void bindCompress(pybind11::module_& m);

}  // namespace Aidge::python
