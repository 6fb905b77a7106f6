"""`aidge merge`: adjacent linear layers become one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.latency import random_inputs
from ..measure.verify import TOLERANCE, compare_networks, write_verified
from ..merge import MergeOptions, merge_layers
from ..merge.result import what_merged
from ..network.opening import compile_for, compile_model
from ..network.sources import open_data
from ..network.summary import uncounted_note
from ..numbers import shown
from ..report import Measured
from . import shared_options as shared
from .common import Screen, larger, load, parse_dims, print_json, quantity, ratio, reading_of
from .generated import options_of, takes
from .recovering import RecoverOption, check_recover, recovered, say_recovery
from .reporting import check_outputs, file_sizes, write_report
from .verify import print_verification

if TYPE_CHECKING:
    from pathlib import Path

    from ..merge import MergeResult

__all__ = ["merge", "print_merges"]

_EXIT_CHECK_FAILED = 1
_BORDERS = {
    "exact": "exact",
    "shift": "exact, by a shifted input",
    "image": "exact, with an image of the biases",
}
_OPTIONS = options_of(MergeOptions, "Which layers are merged")


def _print(screen: Screen, model: Path, merged: MergeResult, difference: float) -> None:
    screen.headline(f"{model.name}: {what_merged(merged.fusion)}{larger(merged.before, merged.after)}\n")
    figures = (
        ("MACs", "count", merged.before.macs, merged.after.macs),
        ("parameters", "count", merged.before.parameters, merged.after.parameters),
        ("time per pass, aidge", "seconds", merged.before.latency, merged.after.latency),
    )
    screen.before_and_after(
        [
            (name, shown(old, kind), shown(new, kind), ratio(old, new))
            for name, kind, old, new in figures
            if new is not None
        ]
    )
    screen.say(f"\nLargest difference from before merging: {difference:.1e} of the largest output.")
    print_merges(screen, merged)


def _border(entry: Any) -> str:
    if entry.border == "approximate":
        return "approximate" + ("" if entry.error is None else f", error {entry.error:.2e}")
    return _BORDERS[entry.border]


def print_merges(screen: Screen, merged: MergeResult) -> None:
    """Which layers were merged, at what cost, and why other pairs were not."""
    for entry in merged.fusion.merged:
        screen.say(
            f"merged {' + '.join(entry.nodes)}: {_border(entry)}; MACs {quantity(entry.macs_before)} → {quantity(entry.macs_after)}"
        )
    for reason, pairs in _by_reason(merged).items():
        screen.say(f"not merged: {', '.join(pairs)}: {reason}")
    for warning in merged.warnings:
        screen.say(warning)
    if note := uncounted_note(merged.after.uncounted):
        screen.say(f"note: {note}")


def _by_reason(merged: MergeResult) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in merged.fusion.refused:
        found.setdefault(pair.reason, []).append(f"{pair.first} + {pair.second}")
    return found


@takes(reading=shared.READING, chosen=_OPTIONS)
def merge(
    *,
    model: shared.ModelArgument,
    chosen: dict[str, Any],
    out: shared.OutOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Data to verify on, and for --border approximate: as for the other commands. Default: random numbers.",
            metavar="DATA",
        ),
    ] = None,
    reading: dict[str, Any],
    report: shared.ReportOption = None,
    recover: RecoverOption = None,
    as_json: shared.JsonOption = False,
    threads: shared.ThreadsOption = None,
) -> None:
    """Merge adjacent linear layers.

    Two convolutions or fully connected layers with no activation between them become one, if that is exact and cheaper. Says what it saved,
    and why other pairs were not merged.
    """
    options = MergeOptions(**chosen)
    check_outputs({"--out": out, "--report": report}, model, data)
    check_recover(recover, data)
    network = load(model)
    provider = None
    if data:
        provider = open_data(data, network, reading_of(network, reading))
        compile_for(network, provider, threads or 0)
    else:
        compile_model(network, threads or 0, parse_dims(reading.get("dims"), network))
    batches = provider if provider is not None else [random_inputs(network)]
    merged = merge_layers(network, options, data=provider)
    difference = compare_networks(network, merged.model, batches)
    failed = options.border != "approximate" and difference > TOLERANCE
    document: dict[str, Any] = {"model": str(model), **merged.to_dict(), "difference": difference}
    screen = Screen(quiet=as_json)
    _print(screen, model, merged, difference)
    recovery = None if failed else recovered(recover, merged.model, network, provider, None, quiet=as_json)
    trained = say_recovery(screen, recovery)
    result = merged.model if recovery is None else recovery.model
    if recovery is not None:
        document["recovery"] = recovery.to_dict()
    if out is not None and not failed:
        exact = options.border != "approximate" and recovery is None
        verification = write_verified(result, out, batches, exact=exact)
        print_verification(screen, out, verification)
        failed = not verification.passed
        document["out"] = {"path": str(out), "verified": verification.passed, **asdict(verification)}
    if not failed:
        difference_row = Measured("largest difference, of the largest output", None, difference)
        write_report(
            report, merged, model, {"data": data}, [file_sizes(model, out), difference_row, *trained]
        )
    if as_json:
        print_json(document)
    if failed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
