"""`aidge sweep`: many settings from one pass over the data, what each takes out, and which are worth it."""

from __future__ import annotations

import hashlib
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..fibnlr.cli_options import Criterion, GroupBy, Normalization, Strictness
from ..network.opening import compile_model
from ..network.sources import DATA_HELP, DataOptions, channel_values, open_data
from .common import console, load, percent, plain_table, print_json
from .reporting import REPORT_HELP, check_folders, write_report
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from ..sweeps import SweepResult

__all__ = ["sweep"]


class What(str, Enum):
    """--try."""

    fibnlr = "fibnlr"
    compress = "compress"
    pfa = "pfa"


def _given(**lists: Sequence[Any] | None) -> dict[str, Any]:
    """The options that the user gave, as fields of a grid."""
    return {
        name: tuple(value.value if isinstance(value, Enum) else value for value in values)
        for name, values in lists.items()
        if values
    }


def _run(call: Callable[..., SweepResult], quiet: bool) -> SweepResult:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as bar:
        overall = bar.add_task("decisions", total=None)
        stage = bar.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            task = overall if what == "judging" else stage
            title = "decisions" if what == "judging" else what
            bar.update(task, description=title, completed=done, total=total or None)

        return call(progress=show)


def _print(out: Console, result: SweepResult) -> None:
    table = plain_table()
    table.add_column("", no_wrap=True)
    table.add_column("settings", overflow="fold")
    for title in ("affected", "accuracy", "agreement", "MACs", "latency", "front"):
        table.add_column(title, justify="right", no_wrap=True)
    fronts = {"MACs": set(result.pareto("macs")), "time": set(result.pareto("latency"))}
    named: dict[int, list[Any]] = {}
    for row in result.rows:
        named.setdefault(row.decision, []).append(row)
    for number, rows in named.items():
        outcome, gone = rows[0].outcome, result.decisions[number]
        more = f" (+{len(rows) - 1})" if len(rows) > 1 else ""
        on = ", ".join(name for name, front in fronts.items() if number in front)
        table.add_row(
            f"#{number}",
            f"{rows[0].method}: {rows[0].label}{more}",
            f"{sum(share > 0 for share in gone.values())} of {len(gone)}",
            percent(outcome.accuracy),
            percent(outcome.agreement),
            f"{outcome.macs / result.baseline.macs:.3f}" if result.baseline.macs else "–",
            "–" if outcome.latency is None else f"{outcome.latency:.3f}",
            on,
            style="bold" if on else "",
        )
    out.print(table)
    accuracy = result.baseline.accuracy
    known = "" if accuracy is None else f", of which the original gets {percent(accuracy)} right"
    out.print(
        f"{len(result.rows)} settings, {len(result.decisions)} different decisions, {result.evaluated} of them judged now "
        f"on {result.samples} samples{known}. MACs and latency are relative to the original. Settings that decide alike "
        "stand together; front: no other setting beats it in both.",
        markup=False,
    )


def _identity(options: DataOptions, *specs: str) -> str:
    """What stands for the data in a state: hashes of files, of folders the names, sizes and times of change, and how they are read."""
    from ..report.provenance import data_facts

    changed = [[entry.stat().st_mtime_ns for entry in sorted(Path(spec).rglob("*"))] for spec in specs]
    times = hashlib.sha256(str(changed).encode()).hexdigest()
    return str([data_facts(spec) for spec in specs] + [times, options])


def sweep(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    data: Annotated[str, typer.Option(help=f"What to measure on. {DATA_HELP}")],
    evaluate: Annotated[str, typer.Option("--eval", help="What to judge on, with labels or without.")],
    what: Annotated[
        list[What] | None, typer.Option("--try", help="fibnlr, compress or pfa (once each; none: fibnlr).")
    ] = None,
    normalization: Annotated[list[Normalization] | None, typer.Option(help="fibnlr (once each).")] = None,
    group: Annotated[list[GroupBy] | None, typer.Option(help="fibnlr: none, image_size.")] = None,
    method: Annotated[list[Strictness] | None, typer.Option(help="fibnlr.")] = None,
    criterion: Annotated[list[Criterion] | None, typer.Option(help="fibnlr.")] = None,
    threshold: Annotated[list[float] | None, typer.Option(help="fibnlr: NNPR below this may go.")] = None,
    x_least: Annotated[list[int] | None, typer.Option(help="fibnlr: so many a group.")] = None,
    prunable_types: Annotated[list[str] | None, typer.Option(help="fibnlr: operator types.")] = None,
    macs: Annotated[list[float] | None, typer.Option(help="compress: shares of the MACs that stay.")] = None,
    allocation: Annotated[list[str] | None, typer.Option(help="compress: see aidge compress.")] = None,
    selection: Annotated[list[str] | None, typer.Option(help="compress: see aidge compress.")] = None,
    compensation: Annotated[list[str] | None, typer.Option(help="compress, pfa: see aidge compress.")] = None,
    energy: Annotated[list[float] | None, typer.Option(help="pfa: shares of the energy to keep.")] = None,
    size: Annotated[list[float] | None, typer.Option(help="pfa: shares of all units to keep.")] = None,
    budget: Annotated[list[float] | None, typer.Option(help="pfa: shares of the MACs to keep.")] = None,
    unit_strategy: Annotated[
        list[str] | None, typer.Option(help="pfa: AbsMax, AbsMin, L1Max, L1Min.")
    ] = None,
    merge: Annotated[bool, typer.Option(help="fibnlr: then merge layers where it pays.")] = True,
    timing: Annotated[bool, typer.Option(help="Time each decision's network against the original.")] = True,
    state: Annotated[
        Path | None, typer.Option(help="Keeps what was found; the same command goes on from it.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help=REPORT_HELP)] = None,
    batch_size: BatchSizeOption = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many samples of --data (0: all).")] = 0,
    shuffle: Annotated[bool, typer.Option(help="Shuffle the samples of --data (see --seed).")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the shuffle.")] = None,
    mean: MeanOption = None,
    std: StdOption = None,
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Try many settings after one pass over the data, judge each different decision once, and show which are worth it."""
    import aidge_core

    from ..sweeps import CompressGrid, FibnlrGrid, PfaGrid

    check_folders(state, report)
    network = load(model)
    compile_model(network, threads)
    reading = DataOptions(batch_size, limit, shuffle, seed, channel_values(mean), channel_values(std))
    provider = open_data(data, network, reading)
    judge = open_data(evaluate, network, DataOptions(batch_size, 0, mean=reading.mean, std=reading.std))
    chosen = set(what or [What.fibnlr])
    fibnlr = FibnlrGrid(
        **_given(
            normalizations=normalization, groups=group, methods=method, criteria=criterion, thresholds=threshold,
            x_least=x_least, prunable_types=prunable_types,
        )
    )  # fmt: skip
    compress = CompressGrid(
        **_given(targets=macs, allocations=allocation, selections=selection, compensations=compensation)
    )
    pfa = PfaGrid(
        **_given(
            energies=energy, sizes=size, budgets=budget, unit_strategies=unit_strategy, compensations=compensation
        )
    )  # fmt: skip
    result = _run(
        lambda progress: aidge_core.sweep(
            network, provider, judge, fibnlr=fibnlr if What.fibnlr in chosen else None,
            compress=compress if What.compress in chosen else None, pfa=pfa if What.pfa in chosen else None, merge=merge,
            latency=timing, state=state, identity=_identity(reading, data, evaluate) if state else None, progress=progress,
        ),
        as_json,
    )  # fmt: skip
    write_report(report, result, model, {"data": data, "evaluation": evaluate})
    if as_json:
        print_json({"model": str(model), **result.to_dict()})
        return
    _print(console(), result)
