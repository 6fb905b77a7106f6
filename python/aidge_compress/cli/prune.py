"""`aidge fibnlr`: measure the activations, take those out that hardly matter, write and verify the network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..fibnlr.cli_options import (
    Criterion,
    FibnlrOptions,
    GroupBy,
    How,
    Normalization,
    Preset,
    Strictness,
    build_parameters,
)
from ..measure.verify import write_verified
from ..network.opening import compile_model
from ..network.sources import DATA_HELP, DataOptions, channel_values, fixed_batch, open_data
from ..numbers import counted
from ..report import Measured
from .cluster import SCHEDULER_HELP, WORKERS_HELP, Cluster, share_of_threads
from .common import console, load, percent, plain_table, print_json
from .merge import Border, Policy, run_merge
from .reporting import REPORT_HELP, check_folders, file_sizes, latencies, quality, write_report
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption
from .verify import print_verification

if TYPE_CHECKING:
    from aidge_core import GraphView, fibnlr_Parameters
    from rich.console import Console

    from ..fibnlr import FibnlrResult
    from ..measure.evaluate import EvaluationResult

__all__ = ["fibnlr", "print_run", "run_fibnlr"]

_EXIT_CHECK_FAILED = 1


def run_fibnlr(
    model: GraphView,
    provider: Any,
    params: fibnlr_Parameters,
    *,
    quiet: bool = False,
    cluster: Cluster | None = None,
) -> FibnlrResult:
    """fibnlr_run, on a cluster where there is one, under a progress bar; `model` is pruned in place."""
    import aidge_core
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as bar:
        task = bar.add_task("measuring", total=params.max_iteration or None, detail="")

        def show(iteration: int, convergence: float | None, samples: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f", {samples / elapsed:.0f} samples/s" if elapsed > 0 else ""
            change = "" if convergence is None else f", change {convergence:.2e}"
            bar.update(task, completed=iteration, detail=f"iteration {iteration}{change}{rate}")

        compute = aidge_core.fibnlr_compute if cluster is None else cluster.fibnlr_compute
        return aidge_core.fibnlr_run(model, provider, params, progress=show, compute=compute)


def print_run(out: Console, run: FibnlrResult) -> None:
    """The table per activation and the totals."""
    table = plain_table()
    for title in ("activation", "type"):
        table.add_column(title, overflow="fold")
    for title in ("group", "channels", "NPR", "NNPR", "dead"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    verdict = "would be removed" if run.is_dry else "removed"
    for row in run.rows:
        style = "bold" if row.removed else ""
        cells = (
            row.name,
            row.type,
            str(row.group),
            str(row.channels),
            f"{row.npr:.4f}",
            f"{row.nnpr:.4f}",
            str(row.dead),
        )
        table.add_row(*cells, verdict if row.removed else "kept", style=style)
    out.print(table)
    count = sum(row.removed for row in run.rows)
    out.print(
        f"{counted(run.iterations, 'iteration')} over {counted(run.samples, 'sample')}, ended by: {run.reason.replace('_', ' ')}; "
        f"{count} of {len(run.rows)} activations {verdict}",
        markup=False,
    )


def _hints(run: FibnlrResult, params: fibnlr_Parameters, fixed: int | None, wanted: int) -> list[str]:
    """What to do where nothing goes, and where convergence was judged on batches that are smaller than was asked for."""
    from aidge_core import AblationCriteria

    hints = []
    threshold, lowest = params.ablation_threshold, min((row.nnpr for row in run.rows), default=-1.0)
    if params.ablation_criteria == AblationCriteria.THRESHOLD and lowest >= threshold:
        hints.append(f"no NNPR is below --ablation-threshold {threshold:g}; the lowest is {lowest:.4f}")
    if fixed is not None and fixed < wanted and run.reason == "converged":
        hints.append(
            f"the file fixes its batch to {fixed}, so that convergence was judged on few samples: --convergence-threshold 0 "
            "--max-iteration 0 measures on all of the data, and so does a file with a free batch"
        )
    return hints


def fibnlr(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    data: Annotated[str, typer.Option(help=f"What to measure on. {DATA_HELP}")],
    out: Annotated[
        Path | None, typer.Option(help="Where the pruned ONNX file goes (none: only report).")
    ] = None,
    preset: Annotated[Preset, typer.Option(help="What the parameters below start from.")] = Preset.default,
    method: Annotated[
        Strictness | None, typer.Option(help="loose: a group of one keeps its raw NPR.")
    ] = None,
    normalization: Annotated[
        Normalization | None, typer.Option(help="How NPR becomes NNPR within a group.")
    ] = None,
    group: Annotated[
        GroupBy | None, typer.Option(help="Which activations are compared with each other.")
    ] = None,
    ablation_criteria: Annotated[Criterion | None, typer.Option(help="Which activations go.")] = None,
    ablation_method: Annotated[How | None, typer.Option(help="none: dry run.")] = None,
    ablation_threshold: Annotated[
        float | None, typer.Option(help="NNPR strictly below this is eligible.")
    ] = None,
    ablation_x_least: Annotated[int | None, typer.Option(min=0, help="For x_least_per_group.")] = None,
    ablation_min_kept: Annotated[
        int | None, typer.Option(min=0, help="Activations that stay in each group.")
    ] = None,
    max_iteration: Annotated[
        int | None, typer.Option(min=0, help="Most batches to run (0: no limit).")
    ] = None,
    convergence_threshold: Annotated[
        float | None, typer.Option(help="Stop when the squared change is below.")
    ] = None,
    group_assignments: Annotated[
        str | None, typer.Option(help="For --group manual: name=1,name=2 or a .json file.")
    ] = None,
    prunable_types: Annotated[
        list[str] | None, typer.Option(help="Operator types to consider (once a type).")
    ] = None,
    batch_size: BatchSizeOption = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many samples (0: all).")] = 0,
    shuffle: Annotated[bool, typer.Option(help="Shuffle the samples (see --seed).")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the shuffle.")] = None,
    mean: MeanOption = None,
    std: StdOption = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Then merge layers between which nothing is left, where it pays.")
    ] = False,
    merge_policy: Annotated[
        Policy, typer.Option(help="For --merge; always: the fewest layers, whatever they cost.")
    ] = Policy.exact_and_cheaper,
    merge_border: Annotated[
        Border, typer.Option(help="For --merge, where padding makes plain merging inexact.")
    ] = Border.refuse,
    eval_data: Annotated[
        str | None, typer.Option("--eval", help="Also compare before and after on this data.")
    ] = None,
    report_path: Annotated[Path | None, typer.Option("--report", help=REPORT_HELP)] = None,
    threads: ThreadsOption = 0,
    workers: Annotated[int, typer.Option(min=0, help=WORKERS_HELP)] = 0,
    scheduler: Annotated[str | None, typer.Option(help=SCHEDULER_HELP)] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the activations that hardly matter, take them out, write the smaller network and verify it."""
    options = FibnlrOptions(
        preset, method, normalization, group, ablation_criteria, ablation_method, ablation_threshold, ablation_x_least,
        ablation_min_kept, max_iteration, convergence_threshold, group_assignments, tuple(prunable_types or ()),
    )  # fmt: skip
    params = build_parameters(options)
    network = load(model)
    check_folders(out, report_path)
    compile_model(network, share_of_threads(threads, workers))
    original = network.clone()
    reading = DataOptions(batch_size, limit, shuffle, seed, channel_values(mean), channel_values(std))
    provider = open_data(data, network, reading)
    cluster = Cluster.asked(workers, scheduler, data, network, reading)
    run = run_fibnlr(network, provider, params, quiet=as_json, cluster=cluster)
    report: dict[str, Any] = {"model": str(model), "parameters": repr(params), **run.to_dict()}
    screen = console(quiet=as_json)
    print_run(screen, run)
    for hint in _hints(run, params, fixed_batch(network), batch_size):
        screen.print(hint, markup=False, soft_wrap=True)
    measured: list[Measured] = []
    if merge:
        approximate = merge_border is Border.approximate
        joined = run_merge(network, merge_policy, merge_border, data=provider if approximate else None)
        network, merged = joined.model, joined.fusion
        report["merge"] = merged.to_dict()
        screen.print(f"\n{merged}", markup=False, soft_wrap=True)
        measured.append(Measured("MACs, layers merged", merged.macs_before, merged.macs_after, "count"))
    if eval_data:
        judged = _compare(screen, original, network, open_data(eval_data, network, reading), as_json)
        report["evaluation"] = {"before": judged[0].to_dict(), "after": judged[1].to_dict()}
        measured += quality(*judged)
    failed = False
    if out is not None:
        verification = write_verified(network, out, provider)
        print_verification(screen, out, verification)
        failed = not verification.passed
        report["out"] = {"path": str(out), "verified": verification.passed, **asdict(verification)}
    if report_path and not failed:
        measured += [file_sizes(model, out), latencies(original, network)]
        write_report(report_path, run, model, {"data": data, "evaluation": eval_data}, measured)
    if as_json:
        print_json(report)
    if failed:
        raise typer.Exit(_EXIT_CHECK_FAILED)


def _compare(
    out: Console, original: GraphView, pruned: GraphView, data: Any, quiet: bool
) -> tuple[EvaluationResult, EvaluationResult]:
    from .evaluate import run_evaluation

    before = run_evaluation(original, data, quiet=quiet, label="evaluating the original")
    after = run_evaluation(
        pruned, data, reference=original, quiet=quiet, label="evaluating the pruned network"
    )
    if before.labelled:
        out.print(
            f"accuracy {percent(before.accuracy)} before, {percent(after.accuracy)} after recipe, without retraining"
        )
    out.print(f"same prediction on {percent(after.agreement)} of {after.samples} samples")
    return before, after
