"""`sweep`: many settings from one pass over the data, judged only where they decide differently."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..measure.grid import Grid
from ..measure.registry import metric_of
from ..measure.trial import Bench, Case, Judge, Outcome
from ..network.opening import prepare
from ..network.outline import outline
from ..network.sources import batches_of
from ..progress import Progress, report_to
from .grids import CompressGrid, FibnlrGrid, PfaGrid, describe
from .result import SweepResult, SweepRow
from .state import State, data_key, model_key

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..measure.registry import MetricSource
    from ..network.opening import NetworkSource

__all__ = ["sweep"]


def sweep(
    model: NetworkSource,
    data: Any,
    evaluation: Any,
    *,
    fibnlr: FibnlrGrid | None = None,
    compress: CompressGrid | None = None,
    pfa: PfaGrid | None = None,
    merge: bool = True,
    latency: bool = True,
    metric: MetricSource = None,
    state: str | os.PathLike[str] | None = None,
    identity: str | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Try all settings of the given grids, and judge each decision that they lead to once.

    Statistics are taken in one pass a method. `model` stays as it is.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module. Costs are counted for the dims
            that it is compiled for, or for the first batch.
        data: what to calibrate on, the same in every pass: a path as --data takes it, arrays, or any source of batches.
        evaluation: data to evaluate on, with labels or without.
        fibnlr, compress, pfa: what to try; none given: FibnlrGrid().
        merge: merge layers between which FIBNLR left nothing, where that is exact and lowers the MACs.
        latency: time each decision's network against the original, in turns.
        metric: the figure to judge by (see evaluate); None: the one that fits the outputs and the labels.
        state: a file that keeps what was found; the same call goes on from it. None: nothing is kept.
        identity: what stands for both data sets in the state, e.g. the hashes of their files; None: all their batches are hashed.
        progress: called with (stage, done, total) whenever something is done; total 0: not known. If it returns False, the call ends with
            Stopped; with `state`, the same call goes on from there.

    Raises:
        ValueError: if a grid is empty or has an unknown entry, there is no data, or the state is of another sweep;
            and as fibnlr_compute, compress and PFA do.
    """
    given: dict[str, Grid | None] = {"fibnlr": fibnlr, "compress": compress, "pfa": pfa}
    grids = {name: grid for name, grid in given.items() if grid is not None} or {"fibnlr": FibnlrGrid()}
    for grid in grids.values():
        list(grid.settings())  # mistakes are found before any pass over the data
    model, provider = prepare(model, data)
    evaluation = batches_of(evaluation, model)
    wanted = metric_of(metric)
    named = "" if wanted is None else wanted.name
    keys = _keys(model, provider, evaluation, identity, grids, latency) if state is not None else {}
    keys |= {"metric": named} if keys else {}
    store = State(Path(state) if state is not None else None, keys)
    original = _copy(model)
    judge = Judge(original, evaluation, latency=latency, metric=metric)
    bench = Bench(original, lambda: _copy(model), provider, store, judge, merge, progress)
    cases = [grid.cases(bench) for grid in grids.values()]
    rows, decisions = _judge_all(list(chain(*cases)), store, progress)
    chosen = {name: describe(grid) for name, grid in grids.items()}
    parameters = {**chosen, "merge": merge, "latency": latency, "metric": named or None}
    return SweepResult(
        rows, decisions, judge.baseline, judge.judged, judge.samples, outline(original), parameters, original,
        choice=judge.choice, not_numbers=judge.not_numbers,
    )  # fmt: skip


def _copy(model: GraphView) -> GraphView:
    copy = model.clone()
    copy.compile("cpu", dims=model.compiled_dims)  # a clone has no shapes of its own
    return copy


def _keys(
    model: GraphView, provider: Any, evaluation: Any, identity: str | None, grids: Mapping[str, Grid], latency: bool
) -> dict[str, str]:  # fmt: skip
    """What must be the same for a state to be of use."""
    import aidge_core

    return {
        "network": model_key(model),
        "dims": str(model.compiled_dims),
        "data": identity if identity is not None else f"{data_key(provider)} {data_key(evaluation)}",
        "statistics": str({name: grid.statistics() for name, grid in grids.items() if grid.statistics()}),
        "latency": str(latency),
        "version": aidge_core.__version__,
    }


def _judge_all(
    cases: list[Case], store: State, progress: Progress | None
) -> tuple[tuple[SweepRow, ...], dict[int, dict[str, float]]]:
    """A row a case; each decision is found out once, or taken from the state."""
    keys = []
    for done, case in enumerate(cases):
        report_to(progress, "deciding", done, len(cases))
        keys.append(case.decide())
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    decisions: dict[int, dict[str, float]] = {}
    outcomes: dict[int, Outcome] = {}
    for case, key in zip(cases, keys, strict=True):
        number = numbers[key]
        if number in outcomes:
            continue
        report_to(progress, "judging", len(outcomes), len(numbers))
        known = store.outcome(key)
        if known is None:
            known, gone = case.find()
            store.keep(key, known, gone)
        outcomes[number], decisions[number] = known, store.details(key)
    report_to(progress, "judging", len(numbers), len(numbers))
    found = zip(cases, (numbers[key] for key in keys), strict=True)
    return tuple(SweepRow(case.method, case.options, n, outcomes[n]) for case, n in found), decisions
