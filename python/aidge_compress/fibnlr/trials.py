"""The settings of FIBNLR in a sweep: settings → decisions, and from a decision to what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import aidge_core

from ..measure.trial import Bench, Case, Outcome, combinations, decision_key, spelled
from ..options import changed
from ..progress import report_to
from .options import FibnlrOptions

if TYPE_CHECKING:
    from aidge_core import GraphView, Node

__all__ = ["FibnlrGrid", "fibnlr_parameters"]

_DEFAULT = FibnlrOptions()
_NAMES = {"criterion": "ablation_criteria", "threshold": "ablation_threshold", "x_least": "ablation_x_least"}
"""What a setting calls an option → its name in FibnlrOptions."""


@dataclass(frozen=True)
class FibnlrGrid:
    """All combinations of these options of FIBNLR; see FibnlrOptions.

    `thresholds` apply to both criteria, `x_least` to "x_least_per_group" alone.
    """

    normalizations: Sequence[str] = ("none", "min_max", "sum", "average")
    groups: Sequence[str] = ("none", "image_size")
    methods: Sequence[str] = ("strict", "loose")
    criteria: Sequence[str] = ("threshold", "x_least_per_group")
    thresholds: Sequence[float] = (0.05, 0.1, 0.2)
    x_least: Sequence[int] = (1,)
    max_iteration: int = _DEFAULT.max_iteration
    convergence_threshold: float = _DEFAULT.convergence_threshold
    prunable_types: Sequence[str] = _DEFAULT.prunable_types

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError if a list is empty or a choice unknown."""
        lists = {
            "normalization": spelled(FibnlrOptions, "normalization", self.normalizations),
            "group": spelled(FibnlrOptions, "group", self.groups),
            "method": spelled(FibnlrOptions, "method", self.methods),
            "criterion": spelled(FibnlrOptions, "ablation_criteria", self.criteria),
            "threshold": self.thresholds,
            "x_least": self.x_least,
        }
        for options in combinations(lists):
            if options["criterion"] == "x_least_per_group" or options.pop("x_least") == self.x_least[0]:
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
        values |= {_NAMES.get(name, name): value for name, value in options.items()}
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

        def show(iteration: int, convergence: float | None, samples: int) -> None:
            report_to(bench.progress, "measuring activations", iteration, params.max_iteration)

        aidge_core.fibnlr_compute(model, bench.data, params, progress=show)
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
