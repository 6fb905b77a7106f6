"""`aidge eval`: accuracy, and agreement with a reference network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.evaluate import evaluate_model
from ..network.opening import compile_for
from ..network.sources import open_data
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, load, percent, print_json, reading_of

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..measure.evaluate import EvaluationResult

__all__ = ["evaluate", "run_evaluation"]


def run_evaluation(
    model: GraphView,
    data: Any,
    *,
    reference: GraphView | None = None,
    k: int = 5,
    quiet: bool = False,
    label: str = "evaluating",
) -> EvaluationResult:
    """evaluate_model under a progress bar."""
    with progress_bar(quiet) as progress:

        def show(stage: str, done: int, total: int) -> bool | None:
            return progress(label, done, total)

        return evaluate_model(model, data, reference=reference, k=k, progress=show)


def evaluate(
    model: shared.ModelArgument,
    data: shared.DataOption,
    reference: Annotated[
        Path | None,
        typer.Option(help="Compare every prediction with those of this ONNX file.", metavar="FILE"),
    ] = None,
    topk: Annotated[int, typer.Option(min=1, help="N of top-N accuracy.", metavar="N")] = 5,
    as_json: shared.JsonOption = False,
    dims: shared.DimsOption = None,
    batch_size: shared.BatchSizeOption = 64,
    limit: shared.LimitOption = None,
    mean: shared.MeanOption = None,
    std: shared.StdOption = None,
    threads: shared.ThreadsOption = None,
) -> None:
    """Measure accuracy, and agreement with another network.

    Accuracy needs labels; agreement needs --reference alone.
    """
    network = load(model)
    options = reading_of(network, batch_size, limit, mean, std, dims)
    provider = open_data(data, network, options)
    compile_for(network, provider, threads or 0)
    other = load(reference) if reference else None
    if other is not None:
        compile_for(other, provider)
    result = run_evaluation(network, provider, reference=other, k=topk, quiet=as_json)
    if as_json:
        print_json(
            {"model": str(model), "reference": str(reference) if reference else None, **result.to_dict()}
        )
        return
    _print(Screen(), model, result)
    if reference is not None:
        Screen().say(
            f"Compared with {reference}: largest difference of an output {result.worst_difference:.3g}."
        )


def _print(screen: Screen, model: Path, result: EvaluationResult) -> None:
    shares = (
        ("top-1 accuracy", result.accuracy),
        (f"top-{result.k} accuracy", result.topk_accuracy),
        ("agreement with the reference", result.agreement),
    )
    screen.headline(f"{model.name}, {result.samples} samples\n")
    for name, share in shares:
        if share is not None:
            screen.headline(f"{name:<29} {percent(share):>8}")
    screen.say()
    if not result.labelled:
        screen.say(
            "The data has no labels for classes that the network chooses among: accuracy was not measured."
        )
