"""`aidge eval`: the figure that fits a network, alone and compared with another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.evaluate import evaluate_model
from ..measure.registry import metric_of
from ..network.opening import compile_for
from ..network.sources import open_data
from ..numbers import counted
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, load, print_json, reading_of
from .generated import takes

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..measure.evaluate import EvaluationResult

__all__ = ["evaluate", "run_evaluation"]


def run_evaluation(
    model: GraphView,
    data: Any,
    *,
    reference: GraphView | None = None,
    metric: str | None = None,
    k: int = 5,
    quiet: bool = False,
    label: str = "evaluating",
) -> EvaluationResult:
    """evaluate_model under a progress bar."""
    with progress_bar(quiet) as progress:

        def show(stage: str, done: int, total: int) -> bool | None:
            return progress(label, done, total)

        return evaluate_model(model, data, reference=reference, metric=metric, k=k, progress=show)


@takes(reading=shared.READING)
def evaluate(
    *,
    model: shared.ModelArgument,
    data: shared.DataOption,
    reference: Annotated[
        Path | None,
        typer.Option(help="Compare every prediction with those of this ONNX file.", metavar="FILE"),
    ] = None,
    metric: shared.MetricOption = None,
    topk: Annotated[int, typer.Option(min=1, help="N of top-N accuracy.", metavar="N")] = 5,
    as_json: shared.JsonOption = False,
    reading: dict[str, Any],
    threads: shared.ThreadsOption = None,
) -> None:
    """Measure a network, alone and against another one.

    The figure that fits is chosen: accuracy, agreement with --reference, mean IoU with masks, and so on. Needs labels, --reference or both.
    """
    metric_of(metric)  # a mistake is said before any work
    network = load(model)
    options = reading_of(network, reading)
    provider = open_data(data, network, options)
    compile_for(network, provider, threads or 0)
    other = load(reference) if reference else None
    if other is not None:
        compile_for(other, provider)
    result = run_evaluation(network, provider, reference=other, metric=metric, k=topk, quiet=as_json)
    if as_json:
        print_json(
            {"model": str(model), "reference": str(reference) if reference else None, **result.to_dict()}
        )
        return
    _print(Screen(), model, reference, result)


def _print(screen: Screen, model: Path, reference: Path | None, result: EvaluationResult) -> None:
    compared = "" if reference is None else f", compared with {reference}"
    screen.headline(f"{model.name}, {counted(result.samples, 'sample')}{compared}\n")
    rows = result.rows()
    width = max((len(name) for name, _ in rows), default=0) + 1
    for name, value in rows:
        screen.headline(f"{name:<{width}} {value:>9}")
    screen.say(f"\nmetric: {result.metric or 'none'} ({result.quality.reason})")
    if str(result.quality.not_numbers):
        screen.say(f"warning: {result.quality.not_numbers}; they count as different")
