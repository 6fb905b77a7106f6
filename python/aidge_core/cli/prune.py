"""`aidge fibnlr`: measure the activations, take those out that hardly matter, write and verify the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aidge_core.cli.common import compile_model, console, load, percent, plain_table, print_json
from aidge_core.cli.merge import Border, Policy, run_merge
from aidge_core.cli.options import (
    Criterion,
    FibnlrOptions,
    GroupBy,
    How,
    Normalization,
    Preset,
    Strictness,
    build_parameters,
)
from aidge_core.cli.sources import DATA_HELP, DataOptions, open_data
from aidge_core.cli.verify import print_verification, write_verified

if TYPE_CHECKING:
    from rich.console import Console

    from aidge_core import GraphView, fibnlr_Parameters

__all__ = [
    "ActivationRow",
    "FibnlrRun",
    "fibnlr",
    "print_run",
    "run_fibnlr",
]

_EXIT_CHECK_FAILED = 1


@dataclass(frozen=True)
class ActivationRow:
    """One measured activation: its group, input channels, ratios, dead channels, and whether it goes."""

    name: str
    type: str
    group: int
    channels: int
    npr: float
    nnpr: float
    dead: int
    removed: bool


@dataclass(frozen=True)
class FibnlrRun:
    """What one run measured and decided."""

    rows: tuple[ActivationRow, ...]
    iterations: int
    samples: int
    reason: str
    convergence: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _compute(model: GraphView, provider: Any, params: fibnlr_Parameters, quiet: bool) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    import aidge_core

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

        return aidge_core.fibnlr_compute(model, provider, params, progress=show)


def _channels(node: Any) -> int:
    dims = node.get_operator().get_input(0).dims
    return int(dims[1]) if len(dims) > 1 else 1


def run_fibnlr(
    model: GraphView, provider: Any, params: fibnlr_Parameters, *, quiet: bool = False
) -> FibnlrRun:
    """prepare, compute and prune, with a progress bar; `model` is pruned in place."""
    import aidge_core

    prepared = aidge_core.fibnlr_prepare(model, params)
    if not prepared:
        kinds = ", ".join(params.prunable_types)
        raise ValueError(
            f"[cli::fibnlr] expected at least one prunable activation ({kinds}) in the network, got none"
        )
    history = _compute(model, provider, params, quiet)
    facts = []
    for node in model.get_ordered_nodes(deep=True):
        if node in prepared:
            facts.append(
                (
                    node,
                    _channels(node),
                    int(aidge_core.fibnlr_get_activity_tracker(node).count_dead_neurons()),
                )
            )
    removed = aidge_core.fibnlr_prune(model, params, provider)
    rows = tuple(
        ActivationRow(
            node.name(),
            node.type(),
            aidge_core.fibnlr_get_group(node).id,
            channels,
            aidge_core.fibnlr_get_npr(node).value(),
            aidge_core.fibnlr_get_nnpr(node).value,
            dead,
            node in removed,
        )
        for node, channels, dead in facts
    )
    return FibnlrRun(rows, history.iterations, history.samples, history.reason, tuple(history))


def print_run(out: Console, run: FibnlrRun, params: fibnlr_Parameters) -> None:
    """The table per activation and the totals."""
    table = plain_table()
    for title in ("activation", "type"):
        table.add_column(title, overflow="fold")
    for title in ("group", "channels", "NPR", "NNPR", "dead"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    dry = params.ablation_method.name == "NONE"
    verdict = "would be removed" if dry else "removed"
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
        f"{run.iterations} iterations over {run.samples} samples, ended by: {run.reason.replace('_', ' ')}; "
        f"{count} of {len(run.rows)} activations {verdict}",
        markup=False,
    )


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
    batch_size: Annotated[int, typer.Option(min=1, help="Samples a batch.")] = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many samples (0: all).")] = 0,
    shuffle: Annotated[bool, typer.Option(help="Shuffle the samples (see --seed).")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the shuffle.")] = None,
    mean: Annotated[
        list[float] | None, typer.Option(help="Image folders: mean of a channel (once a channel).")
    ] = None,
    std: Annotated[
        list[float] | None, typer.Option(help="Image folders: deviation of a channel (once a channel).")
    ] = None,
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
    threads: Annotated[int, typer.Option(min=0, help="Threads (0: OpenMP's choice).")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Find the activations that hardly matter, take them out, write the smaller network and verify it."""
    options = FibnlrOptions(
        preset, method, normalization, group, ablation_criteria, ablation_method, ablation_threshold, ablation_x_least,
        ablation_min_kept, max_iteration, convergence_threshold, group_assignments, tuple(prunable_types or ()),
    )  # fmt: skip
    params = build_parameters(options)
    network = load(model)
    if out is not None and not out.parent.is_dir():
        raise FileNotFoundError(2, "no such folder", str(out.parent))
    compile_model(network, threads)
    original = network.clone()
    reading = DataOptions(batch_size, limit, shuffle, seed, tuple(mean or ()), tuple(std or ()))
    provider = open_data(data, network, reading)
    run = run_fibnlr(network, provider, params, quiet=as_json)
    report: dict[str, Any] = {"model": str(model), "parameters": repr(params), **run.to_dict()}
    screen = console(quiet=as_json)
    print_run(screen, run, params)
    if merge:
        approximate = merge_border is Border.approximate
        merged = run_merge(network, merge_policy, merge_border, data=provider if approximate else None)
        report["merge"] = merged.to_dict()
        screen.print(f"\n{merged}", markup=False, soft_wrap=True)
    if eval_data:
        report["evaluation"] = _compare(
            screen, original, network, open_data(eval_data, network, reading), as_json
        )
    failed = False
    if out is not None:
        verification = write_verified(network, out, provider)
        print_verification(screen, out, verification)
        failed = not verification.passed
        report["out"] = {"path": str(out), "verified": verification.passed, **asdict(verification)}
    if as_json:
        print_json(report)
    if failed:
        raise typer.Exit(_EXIT_CHECK_FAILED)


def _compare(out: Console, original: GraphView, pruned: GraphView, data: Any, quiet: bool) -> dict[str, Any]:
    from aidge_core.cli.evaluate import run_evaluation

    before = run_evaluation(original, data, quiet=quiet, label="evaluating the original")
    after = run_evaluation(
        pruned, data, reference=original, quiet=quiet, label="evaluating the pruned network"
    )
    if before.labelled:
        out.print(
            f"accuracy {percent(before.accuracy)} before, {percent(after.accuracy)} after recipe, without retraining"
        )
    out.print(f"same prediction on {percent(after.agreement)} of {after.samples} samples")
    return {"before": before.to_dict(), "after": after.to_dict()}
