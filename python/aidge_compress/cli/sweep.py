"""`aidge sweep`: many settings from one pass over the data, what each removes, and which are worth it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.registry import metric_of
from ..network.opening import compile_for
from ..network.sources import DataOptions, open_data
from ..numbers import counted, shown
from ..sweeps import CompressGrid, FibnlrGrid, PfaGrid
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, load, percent, print_json, reading_of
from .generated import EXPERT, Option, choices, sweep_lists, takes
from .reporting import check_outputs, write_report

if TYPE_CHECKING:
    from ..measure.grid import Grid
    from ..sweeps import SweepResult

__all__ = ["sweep"]

_METHODS = ("fibnlr", "compress", "pfa")
_FIBNLR = sweep_lists(
    FibnlrGrid,
    "Settings of fibnlr to try",
    former={
        "ablation_criteria": ("--criterion",),
        "ablation_threshold": ("--threshold",),
        "ablation_x_least": ("--x-least",),
    },
)
_SHARED = ("keep_macs", "compensation")
"""Options of both compress and pfa; they are listed once."""
_COMPRESS = sweep_lists(
    CompressGrid,
    "Settings of compress to try",
    former={"keep_macs": ("--macs",)},
    help={
        "keep_macs": "Keep at most this share of the MACs; also for pfa's strategy budget. "
        f"Default: {', '.join(map(str, CompressGrid().keep_macs))}; none for pfa",
        "compensation": "How the remaining weights make up for removed channels; also for pfa. "
        f"Default: {CompressGrid().compensation[0]}",
    },
)
_PFA = [
    *sweep_lists(
        PfaGrid,
        "Settings of pfa to try",
        skip=_SHARED,
        help={
            "strategy": "How many units a layer keeps. Default: kl, and each strategy whose share has values"
        },
    ),
    Option(PfaGrid.infos()["keep_macs"], "--budget", EXPERT, many=True, dest="budgets", hidden=True),
]


def _print(screen: Screen, model: Path, result: SweepResult) -> None:
    fronts = {"MACs": set(result.pareto("macs")), "time": set(result.pareto("latency"))}
    screen.headline(
        f"{model.name}: {counted(len(result.rows), 'setting')}, {counted(len(result.decisions), 'different decision')}, "
        f"{len(fronts['MACs'])} worth it by MACs\n"
    )
    chosen = result.choice.metric
    unit = "number" if chosen is None else chosen.unit
    value = result.baseline.metric
    known = "" if value is None else f", on which the original has {shown(value, unit)}"
    screen.say(f"Evaluated {result.evaluated} of them now, on {result.samples} samples{known}.")
    screen.say(f"{result.choice}\n")
    if str(result.not_numbers):
        screen.say(f"warning: {result.not_numbers}; they count as different\n")
    own = chosen is not None and chosen.name not in ("top1", "agreement")
    named: dict[int, list[Any]] = {}
    for row in result.rows:
        named.setdefault(row.decision, []).append(row)
    rows, styles = [], []
    for number, same in named.items():
        outcome, removed = same[0].outcome, result.decisions[number]
        more = f" (+{len(same) - 1})" if len(same) > 1 else ""
        front = ", ".join(name for name, members in fronts.items() if number in members)
        rows.append(
            (
                f"#{number} {same[0].method}: {same[0].label}{more}",
                f"{sum(share > 0 for share in removed.values())}/{len(removed)}",
                shown(outcome.metric, unit) if own else "",
                "" if outcome.accuracy is None else percent(outcome.accuracy),
                "" if outcome.agreement is None else percent(outcome.agreement),
                f"{outcome.macs / result.baseline.macs:.3f}" if result.baseline.macs else "–",
                "–" if outcome.latency is None else f"{outcome.latency:.3f}",
                front,
            )
        )
        styles.append("bold" if front else "")
    titles = [
        "settings",
        "layers",
        chosen.name if chosen is not None and own else "metric",
        "accuracy",
        "agreement",
        "MACs",
        "time",
        "front",
    ]
    screen.table(titles, rows, left=["front"], styles=styles)
    screen.say(
        "\nSettings with the same decision are one line (+ how many more). layers: how many are changed. MACs and time are relative to the "
        "original. front: no other setting is at least as good and cheaper.",
        "dim",
    )


def _identity(options: DataOptions, *specs: str) -> str:
    """What stands for the data in a state: hashes of files, of folders the names, sizes and times of change, and how they are read."""
    from ..report.provenance import data_facts

    changed = [[entry.stat().st_mtime_ns for entry in sorted(Path(spec).rglob("*"))] for spec in specs]
    times = hashlib.sha256(str(changed).encode()).hexdigest()
    return str([data_facts(spec) for spec in specs] + [times, options])


def _grids(
    chosen: set[str], fibnlr: dict[str, Any], compress: dict[str, Any], pfa: dict[str, Any]
) -> dict[str, Any]:
    """The grids of the chosen methods. ValueError if a setting is given that none of them has."""
    shared = {name: compress[name] for name in _SHARED if name in compress}
    given = {"fibnlr": fibnlr, "compress": compress, "pfa": {**shared, **pfa}}
    for method, settings in (("fibnlr", fibnlr), ("compress", compress), ("pfa", pfa)):
        for name in settings:
            methods = ("compress", "pfa") if method == "compress" and name in _SHARED else (method,)
            if not chosen.intersection(methods):
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(
                    f"[cli::sweep] expected --try {' or '.join(methods)} with {flag}, got --try {' --try '.join(sorted(chosen))}"
                )
    made: dict[str, type[Grid]] = {"fibnlr": FibnlrGrid, "compress": CompressGrid, "pfa": PfaGrid}
    return {name: made[name](**given[name]) for name in made if name in chosen}


@takes(reading=shared.READING, fibnlr=_FIBNLR, compress=_COMPRESS, pfa=_PFA)
def sweep(
    *,
    model: shared.ModelArgument,
    data: shared.DataOption,
    evaluate: Annotated[
        str, typer.Option("--eval", help="Evaluate on this data, with labels or without.", metavar="DATA")
    ],
    what: Annotated[
        list[str] | None,
        typer.Option("--try", **choices("The method to try; repeat for several. Default: fibnlr.", *_METHODS)),
    ] = None,
    metric: shared.MetricOption = None,
    report: shared.ReportOption = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Checkpoint file. Run the same command again to resume.", metavar="FILE"),
    ] = None,
    timing: Annotated[bool, typer.Option(help="Time each network against the original.")] = True,
    as_json: shared.JsonOption = False,
    fibnlr: dict[str, Any],
    merge: Annotated[
        bool, typer.Option(help="Then merge layers if that is cheaper.", rich_help_panel=_FIBNLR[0].panel)
    ] = True,
    compress: dict[str, Any],
    pfa: dict[str, Any],
    reading: dict[str, Any],
    threads: shared.ThreadsOption = None,
) -> None:  # fmt: skip
    """Try many settings of these methods at once.

    Needs one pass over the data. Every different decision is evaluated once. Lists of values are separated by commas.
    """
    from ..sweeps import sweep as run

    metric_of(metric)  # a mistake is said before any work
    grids = _grids(set(what or ["fibnlr"]), fibnlr, compress, pfa)
    for grid in grids.values():
        list(grid.settings())  # mistakes are found before any pass over the data
    check_outputs({"--state": state, "--report": report}, model, data, evaluate)
    network = load(model)
    data_options = reading_of(network, reading)
    provider = open_data(data, network, data_options)
    compile_for(network, provider, threads or 0)
    judge = open_data(evaluate, network, data_options.for_evaluation())
    identity = _identity(data_options, data, evaluate) if state else None
    with progress_bar(as_json, "judging") as progress:
        result = run(
            network, provider, judge, merge=merge, latency=timing, metric=metric, state=state, identity=identity, progress=progress,
            **grids,
        )  # fmt: skip
    write_report(report, result, model, {"data": data, "evaluation": evaluate})
    if as_json:
        print_json({"model": str(model), **result.to_dict()})
        return
    _print(Screen(), model, result)
