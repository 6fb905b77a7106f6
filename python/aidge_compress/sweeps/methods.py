"""The settings of FIBNLR in a sweep: settings → decisions, and from a decision to what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import aidge_core

from ..progress import Progress, report_to
from .grids import CompressGrid, FibnlrGrid, PfaGrid, fibnlr_parameters
from .judge import Judge, Outcome

if TYPE_CHECKING:
    from aidge_core import GraphView, Node

    from .state import State

__all__ = ["Case", "decision_key", "describe", "fibnlr_cases"]


@dataclass(frozen=True)
class Case:
    """A setting, how to know the key of its decision, and how to find out what comes of that: an outcome, and the share of each layer that goes."""

    method: str
    options: Mapping[str, Any]
    decide: Callable[[], str]
    find: Callable[[], tuple[Outcome, Mapping[str, float]]]


def decision_key(method: str, *what: Any) -> str:
    """Equal for equal decisions of a method."""
    return json.dumps([method, *what], sort_keys=True)


def _measure_activations(
    model: GraphView, provider: Any, grid: FibnlrGrid, state: State, progress: Progress | None
) -> list[Node]:
    """The activations in topological order, with NPRs from the state or from one pass over the data."""
    params = fibnlr_parameters(grid)
    prepared = aidge_core.fibnlr_prepare(model, params)
    if not prepared:
        kinds = ", ".join(params.prunable_types)
        raise ValueError(f"[sweep::fibnlr] expected activations that can be pruned ({kinds}), got none")
    nodes = [node for node in model.get_ordered_nodes(deep=True) if node in prepared]
    known = state.statistics("fibnlr")
    if known is not None:
        for node, (negative, positive) in zip(nodes, known, strict=True):
            aidge_core.fibnlr_set_npr(node, aidge_core.NPR(negative, positive))
    else:

        def show(iteration: int, convergence: float | None, samples: int) -> None:
            report_to(progress, "measuring activations", iteration, params.max_iteration)

        aidge_core.fibnlr_compute(model, provider, params, progress=show)
        ratios = [aidge_core.fibnlr_get_npr(node) for node in nodes]
        state.keep_statistics("fibnlr", [[ratio.neg, ratio.pos] for ratio in ratios])
    return nodes


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come again."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def fibnlr_cases(
    model: GraphView, provider: Any, grid: FibnlrGrid, state: State, judge: Judge, merge: bool, progress: Progress | None
) -> Iterator[Case]:  # fmt: skip
    """All settings of FIBNLR after one pass over the data; `model` is a compiled copy of the caller's."""
    nodes = _measure_activations(model, provider, grid, state, progress)
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
            if merge:
                aidge_core.fuse_convolution(copy, border="image", dims=model.compiled_dims, repeats=0)
            return judge(copy), gone

        places = [index for index, node in enumerate(nodes) if node in removed]
        yield Case("fibnlr", options, partial(decision_key, "fibnlr", places, merge), find)


def describe(grid: FibnlrGrid | CompressGrid | PfaGrid) -> dict[str, Any]:
    """A grid's lists by name."""
    return {
        name: list(value) if isinstance(value, (list, tuple)) else value
        for name, value in asdict(grid).items()
    }
