"""The settings of FIBNLR in a sweep: settings → decisions, and from a decision to what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import aidge_core

from ..measure.grid import Grid, grid_of
from ..measure.trial import Bench, Case, Outcome, decision_key
from ..options import changed
from .options import FibnlrOptions
from .run import measure_activations

if TYPE_CHECKING:
    from aidge_core import GraphView, Node

__all__ = ["FibnlrGrid", "fibnlr_parameters"]

_DEFAULT = FibnlrOptions()


@grid_of(FibnlrOptions)
class FibnlrGrid(Grid):
    """All combinations of lists for options of FIBNLR; see FibnlrOptions.

    `ablation_threshold` applies to both criteria, `ablation_x_least` to "x_least_per_group" alone. `max_iteration`, `convergence_threshold`
    and `prunable_types` are the same for the whole sweep.
    """

    former: ClassVar[Mapping[str, str]] = {
        "normalizations": "normalization",
        "groups": "group",
        "methods": "method",
        "criteria": "ablation_criteria",
        "thresholds": "ablation_threshold",
        "x_least": "ablation_x_least",
    }
    fixed = ("max_iteration", "convergence_threshold", "prunable_types")

    def matters(self, name: str, options: Mapping[str, Any]) -> bool:
        """See Grid.matters."""
        return name != "ablation_x_least" or options["ablation_criteria"] == "x_least_per_group"

    def settings(self) -> Iterator[dict[str, Any]]:
        """See Grid.settings. ValueError also if the group is manual, because a sweep has no assignments."""
        for options in super().settings():
            if options["group"] == "manual":
                raise ValueError(
                    "[sweep::grid] expected group as none or image_size, got manual, which needs assignments (aidge fibnlr takes them)"
                )
            yield options

    def statistics(self) -> str:
        """What NPR depends on."""
        return str([self.max_iteration, self.convergence_threshold, list(self.prunable_types)])

    def cases(self, bench: Bench) -> Iterator[Case]:
        """All settings after one pass over the data."""
        return _cases(bench, self)


def fibnlr_parameters(
    grid: FibnlrGrid, options: Mapping[str, Any] | None = None
) -> aidge_core.fibnlr_Parameters:
    """The parameters of a setting (None: only what the pass over the data needs), as a dry run. ValueError if one is unknown."""
    values: dict[str, Any] = {
        "max_iteration": grid.max_iteration,
        "convergence_threshold": grid.convergence_threshold,
        "prunable_types": tuple(grid.prunable_types),
        "ablation_method": "none",
    }
    if options is not None:
        values |= options
    return changed(_DEFAULT, values, "sweep::grid").parameters()


def _measure_activations(model: GraphView, bench: Bench, grid: FibnlrGrid) -> list[Node]:
    """The activations in topological order, with NPRs from the state or from one pass over the data."""
    params = fibnlr_parameters(grid)
    prepared = aidge_core.fibnlr_prepare(model, params)
    if not prepared:
        kinds = ", ".join(params.prunable_types)
        raise ValueError(f"[sweep::fibnlr] expected activations that can be pruned ({kinds}), got none")
    nodes = [node for node in model.get_ordered_nodes(deep=True) if node in prepared]
    known = bench.kept.statistics("fibnlr")
    if known is not None:
        for node, (negative, positive) in zip(nodes, known, strict=True):
            aidge_core.fibnlr_set_npr(node, aidge_core.NPR(negative, positive))
    else:
        measure_activations(model, bench.data, params, progress=bench.progress)
        ratios = [aidge_core.fibnlr_get_npr(node) for node in nodes]
        bench.kept.keep_statistics("fibnlr", [[ratio.neg, ratio.pos] for ratio in ratios])
    return nodes


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come again."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _cases(bench: Bench, grid: FibnlrGrid) -> Iterator[Case]:
    model = bench.copy()
    nodes = _measure_activations(model, bench, grid)
    names = _distinct([node.name() for node in nodes])
    for options in grid.settings():
        params = fibnlr_parameters(grid, options)
        aidge_core.fibnlr_compute_NNPR(model, params)
        removed = aidge_core.fibnlr_prune(model, params)
        gone = {name: float(node in removed) for name, node in zip(names, nodes, strict=True)}

        def find(
            params: Any = params, gone: Mapping[str, float] = gone
        ) -> tuple[Outcome, Mapping[str, float]]:
            copy = model.clone()
            params.ablation_method = aidge_core.AblationMethod.REMOVE
            aidge_core.fibnlr_compute_NNPR(copy, params)
            aidge_core.fibnlr_prune(copy, params)
            if bench.merge:
                aidge_core.fuse_convolution(copy, border="image", dims=model.compiled_dims, repeats=0)
            return bench.judge(copy), gone

        places = [index for index, node in enumerate(nodes) if node in removed]
        yield Case("fibnlr", options, partial(decision_key, "fibnlr", places, bench.merge), find)
