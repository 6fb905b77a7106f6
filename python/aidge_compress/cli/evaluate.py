"""`aidge eval`: accuracy, and agreement with a reference network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..network.opening import compile_model
from ..network.sources import DATA_HELP, DataOptions, channel_values, open_data
from .common import console, load, percent, print_json
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption

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
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from ..measure.evaluate import evaluate_model

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} samples"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as bar:
        task = bar.add_task(label, total=None)
        return evaluate_model(
            model,
            data,
            reference=reference,
            k=k,
            progress=lambda samples: bar.update(task, completed=samples),
        )


def evaluate(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    reference: Annotated[
        Path | None, typer.Option(help="Another ONNX file to compare every prediction with.")
    ] = None,
    topk: Annotated[int, typer.Option(min=1, help="k of top-k accuracy.")] = 5,
    batch_size: BatchSizeOption = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many samples (0: all).")] = 0,
    mean: MeanOption = None,
    std: StdOption = None,
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure top-1 and top-k accuracy where there are labels, and agreement with a reference network."""
    network = load(model)
    compile_model(network, threads)
    other = load(reference) if reference else None
    if other is not None:
        compile_model(other)
    options = DataOptions(batch_size, limit, mean=channel_values(mean), std=channel_values(std))
    result = run_evaluation(
        network, open_data(data, network, options), reference=other, k=topk, quiet=as_json
    )
    if as_json:
        print_json(
            {"model": str(model), "reference": str(reference) if reference else None, **result.to_dict()}
        )
        return
    out = console()
    out.print(f"{model}: {result.samples} samples", markup=False)
    if result.labelled:
        out.print(f"top-1 accuracy  {percent(result.accuracy)}")
        out.print(f"top-{topk} accuracy  {percent(result.topk_accuracy)}")
    else:
        out.print("no labels in the data: accuracy not measured")
    if result.agreement is not None:
        out.print(f"agreement with {reference}  {percent(result.agreement)}", markup=False)
        out.print(f"largest difference of an output  {result.worst_difference:.3g}")
