"""`aidge fibnlr`: measure the activations, remove those that hardly matter, write and verify the network."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..fibnlr import FibnlrOptions
from ..measure.metrics import measured as figures_of
from ..measure.registry import metric_of
from ..measure.verify import write_verified
from ..merge import MergeOptions, merge_layers
from ..network.opening import compile_for
from ..network.sources import fixed_batch, open_data
from ..numbers import counted
from ..options import changed
from ..report import Measured
from . import shared_options as shared
from .bars import progress_bar
from .cluster import Cluster, share_of_threads
from .common import Screen, larger, load, print_json, quality_rows, quantity, ratio, reading_of
from .evaluate import run_evaluation
from .generated import choices, options_of, takes
from .merge import print_merges
from .recovering import RecoverOption, check_recover, recovered, say_recovery
from .reporting import check_outputs, file_sizes, latencies, write_report
from .stepwise import remove_step_by_step
from .verify import print_verification

if TYPE_CHECKING:
    from aidge_core import GraphView, fibnlr_Parameters

    from ..fibnlr import FibnlrResult
    from ..measure.evaluate import EvaluationResult

__all__ = ["fibnlr", "print_activations", "run_fibnlr"]

_EXIT_CHECK_FAILED = 1
_PANEL = "Which activations are removed"
_MERGING = "Merging afterwards"


def _assignments(text: str) -> dict[str, int]:
    """A JSON file {"node name": group}, or name=1,other=2."""
    if Path(text).suffix == ".json":
        table = json.loads(Path(text).read_text(encoding="utf-8"))
        if not isinstance(table, dict):
            raise typer.BadParameter(
                f'expected {{"node name": group, …}} in {text}, got {type(table).__name__}'
            )
        return {str(name): int(group) for name, group in table.items()}
    result: dict[str, int] = {}
    for entry in text.split(","):
        name, equals, group = entry.rpartition("=")
        if not equals or not group.strip().isdigit():
            raise typer.BadParameter(f"expected name=group,name=group or a .json file, got {entry!r}")
        result[name.strip()] = int(group)
    return result


OPTIONS = options_of(FibnlrOptions, _PANEL, parsers={"group_assignments": _assignments})
_MERGE_OPTIONS = options_of(
    MergeOptions,
    _MERGING,
    skip=("cost", "repeats"),
    flags={"policy": "--merge-policy", "border": "--merge-border"},
)


def run_fibnlr(
    model: GraphView,
    provider: Any,
    params: fibnlr_Parameters,
    *,
    quiet: bool = False,
    cluster: Cluster | None = None,
) -> FibnlrResult:
    """fibnlr_run, on a cluster if there is one, under a progress bar; `model` is pruned in place."""
    from ..fibnlr.run import fibnlr_run, measure_activations

    compute = measure_activations if cluster is None else cluster.fibnlr_compute
    with progress_bar(quiet) as progress:
        return fibnlr_run(model, provider, params, progress=progress, compute=compute)


def _verdict(run: FibnlrResult) -> str:
    return "would be removed" if run.is_dry else "removed"


def print_activations(screen: Screen, run: FibnlrResult) -> None:
    """The table of all activations."""
    rows = [
        (
            row.name,
            row.type,
            str(row.group),
            str(row.channels),
            f"{row.npr:.4f}",
            f"{row.nnpr:.4f}",
            str(row.dead),
            _verdict(run) if row.removed else "kept",
        )
        for row in run.rows
    ]
    titles = ["activation", "type", "group", "channels", "NPR", "NNPR", "dead", "decision"]
    styles = ["bold" if row.removed else "" for row in run.rows]
    screen.table(titles, rows, left=["type", "decision"], styles=styles)
    screen.say(
        f"{counted(run.iterations, 'iteration')} over {counted(run.samples, 'sample')}, "
        f"ended by: {run.reason.replace('_', ' ')}"
    )


def _print_result(
    screen: Screen, model: Path, run: FibnlrResult, merged: Any, judged: tuple[EvaluationResult, EvaluationResult] | None
) -> None:  # fmt: skip
    count = f"{len(run.removed)} of {counted(len(run.rows), 'activation')}"
    grown = larger(merged.before, merged.after) if merged is not None else ""
    screen.headline(f"{model.name}: {count} {_verdict(run)}{grown}\n")
    rows = []
    if merged is not None:
        before, after = merged.before, merged.after
        rows.append(("MACs", quantity(before.macs), quantity(after.macs), ratio(before.macs, after.macs)))
        rows.append(
            (
                "parameters",
                quantity(before.parameters),
                quantity(after.parameters),
                ratio(before.parameters, after.parameters),
            )
        )
    if judged is not None:
        rows += quality_rows(judged[1].quality)
    screen.before_and_after(rows)
    if rows:
        screen.say()
    if judged is not None:
        quality = judged[1].quality
        screen.say(
            f"Quality: on {counted(quality.samples, 'sample')} of --eval, without retraining; metric: {quality.metric or 'none'} ({quality.reason})."
        )
        if str(quality.not_numbers):
            screen.say(f"warning: {quality.not_numbers}; they count as different")
        screen.say()


def _hints(run: FibnlrResult, fixed: int | None, wanted: int) -> list[str]:
    """What to do if nothing is removed, or if convergence was decided on batches that are smaller than was asked for."""
    hints = []
    threshold, lowest = run.options.ablation_threshold, min((row.nnpr for row in run.rows), default=-1.0)
    if run.options.ablation_criteria == "threshold" and lowest >= threshold:
        hints.append(f"no NNPR is below --ablation-threshold {threshold:g}; the lowest is {lowest:.4f}")
    if fixed is not None and fixed < wanted and run.reason == "converged":
        hints.append(
            f"the file fixes its batch to {fixed}, so convergence was decided on few samples: --convergence-threshold 0 "
            "--max-iteration 0 measures on all of the data, and so does a file with a free batch"
        )
    return hints


@takes(reading=shared.READING, chosen=OPTIONS, merging=_MERGE_OPTIONS)
def fibnlr(
    *,
    model: shared.ModelArgument,
    data: shared.DataOption,
    out: shared.OutOption = None,
    preset: Annotated[
        str,
        typer.Option(
            **choices(
                "The options to start from; paper: those of the FIBNLR paper; none: nothing is removed.",
                "default",
                "paper",
                "none",
            )
        ),
    ] = "default",
    evaluate: shared.EvalOption = None,
    metric: shared.MetricOption = None,
    report: shared.ReportOption = None,
    recover: RecoverOption = None,
    until_drop: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="With --recover: remove one activation after the other, train for that time after each, and go on while the loss of --metric is at most this, in its unit (0.01 of a share is 1 %).",
            metavar="X",
        ),
    ] = None,
    as_json: shared.JsonOption = False,
    chosen: dict[str, Any],
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Then merge adjacent layers, if that is exact and cheaper.", rich_help_panel=_MERGING
        ),
    ] = False,
    merging: dict[str, Any],
    reading: dict[str, Any],
    threads: shared.ThreadsOption = None,
    workers: shared.WorkersOption = 0,
    scheduler: shared.SchedulerOption = None,
) -> None:  # fmt: skip
    """Remove activations that hardly matter (FIBNLR).

    Runs data through the network, finds activations whose input is almost never negative, so that they are nearly the identity, and
    removes them. With --ablation-method none it is a dry run.
    """
    options = changed(FibnlrOptions.preset(preset), chosen, "cli::fibnlr")  # type: ignore[arg-type]
    merge_options = MergeOptions(**merging)
    metric_of(metric)  # a mistake is said before any work
    check_outputs({"--out": out, "--report": report}, model, data, evaluate)
    check_recover(recover, data)
    if until_drop is not None and recover is None:
        raise ValueError("[cli::fibnlr] expected --recover with --until-drop, got none")
    network = load(model)
    data_options = reading_of(network, reading)
    provider = open_data(data, network, data_options)
    compile_for(network, provider, share_of_threads(threads or 0, workers))
    original = network.clone()
    if until_drop is not None:
        judge = open_data(evaluate, network, data_options.for_evaluation()) if evaluate else None
        remove_step_by_step(
            model,
            network,
            provider,
            judge,
            recover,
            until_drop,
            metric=metric,
            out=out,
            report=report,
            as_json=as_json,
            sources={"data": data, "evaluation": evaluate},
        )
        return
    cluster = Cluster.asked(workers, scheduler, data, network, data_options)
    run = run_fibnlr(network, provider, options.parameters(), quiet=as_json, cluster=cluster)
    document: dict[str, Any] = {
        "model": str(model),
        "parameters": repr(options.parameters()),
        **run.to_dict(),
    }
    screen = Screen(quiet=as_json)
    measured: list[Measured] = []
    merged = None
    if merge:
        approximate = merge_options.border == "approximate"
        merged = merge_layers(network, merge_options, data=provider if approximate else None)
        network = merged.model
        document["merge"] = merged.to_dict()
        measured.append(Measured("MACs, layers merged", merged.before.macs, merged.after.macs, "count"))
    judged = None
    if evaluate:
        judged = _compare(
            original, network, open_data(evaluate, network, data_options.for_evaluation()), metric, as_json
        )
        document["evaluation"] = {"before": judged[0].to_dict(), "after": judged[1].to_dict()}
        measured += figures_of(judged[1].quality)
    judge = open_data(evaluate, network, data_options.for_evaluation()) if evaluate else None
    recovery = recovered(recover, network, original, provider, judge, metric=metric, quiet=as_json)
    if recovery is not None:
        network = recovery.model
        document["recovery"] = recovery.to_dict()
    _print_result(screen, model, run, merged, judged)
    print_activations(screen, run)
    for hint in _hints(run, fixed_batch(network), data_options.batch_size):
        screen.say(f"note: {hint}")
    if merged is not None:
        screen.say()
        print_merges(screen, merged)
    measured += say_recovery(screen, recovery)
    failed = False
    if out is not None:
        verification = write_verified(network, out, provider)
        print_verification(screen, out, verification)
        failed = not verification.passed
        document["out"] = {"path": str(out), "verified": verification.passed, **asdict(verification)}
    if report and not failed:
        measured += [file_sizes(model, out), latencies(original, network)]
        write_report(report, run, model, {"data": data, "evaluation": evaluate}, measured)
    if as_json:
        print_json(document)
    if failed:
        raise typer.Exit(_EXIT_CHECK_FAILED)


def _compare(
    original: GraphView, pruned: GraphView, data: Any, metric: str | None, quiet: bool
) -> tuple[EvaluationResult, EvaluationResult]:
    before = run_evaluation(
        original, data, reference=original, metric=metric, quiet=quiet, label="evaluating the original"
    )
    after = run_evaluation(
        pruned, data, reference=original, metric=metric, quiet=quiet, label="evaluating the pruned network"
    )
    return before, after
