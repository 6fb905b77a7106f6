"""`aidge recover`: a smaller network is trained until it does better."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.verify import write_verified
from ..network.sources import open_data
from ..numbers import counted, shown
from ..recovery import RecoverOptions
from ..recovery import recover as run
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, load, print_json, reading_of
from .generated import options_of, takes
from .reporting import check_outputs, file_sizes, write_report
from .verify import print_verification

if TYPE_CHECKING:
    from ..recovery import RecoverResult

__all__ = ["print_recovery", "recover"]

_EXIT_CHECK_FAILED = 1
_OPTIONS = options_of(
    RecoverOptions,
    "Training",
    flags={"labels": "--labels", "augment": "--augment/--no-augment", "batch": "--train-batch"},
)


def print_recovery(screen: Screen, result: RecoverResult) -> None:
    """Figures of the reference, before and after training, and how it went."""
    rows = [(name, *(shown(value, kind) for value in values)) for name, kind, *values in result.figures()]
    screen.table(
        ["", "before", "after recipe", "after training"],
        [tuple("" if text == "–" else text for text in row) for row in rows],
        styles=["bold"] * len(rows),
    )
    kept = next(entry for entry in result.rounds if entry.kept)
    what = (
        f"those after {kept.seconds:.0f} s"
        if kept.epoch
        else "no round was better, the weights are unchanged"
    )
    screen.say(
        f"\n{counted(result.samples, 'sample')} trained on, {result.held_out} held out, {result.seconds:.0f} s on {result.device} "
        f"(ended by {result.reason}); kept: {what}"
    )
    if result.guides:
        screen.say(f"followed: {', '.join(result.guides)}")


@takes(reading=shared.UNSEEDED_READING, chosen=_OPTIONS)
def recover(
    *,
    model: shared.ModelArgument,
    data: shared.DataOption,
    chosen: dict[str, Any],
    reference: Annotated[
        Path | None,
        typer.Option(help="The original network. Without it, only labels count.", metavar="FILE"),
    ] = None,
    out: shared.OutOption = None,
    evaluate: Annotated[
        str | None,
        typer.Option(
            "--eval",
            help="Data that decides which weights are kept. Default: a fifth of --data.",
            metavar="DATA",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Keep the run in this file, and go on from it if it is there.", metavar="FILE"),
    ] = None,
    reading: dict[str, Any],
    report: shared.ReportOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Train a smaller network until it does better (needs PyTorch).

    No labels are needed: its outputs and those of its blocks follow the reference. Held-out samples decide which weights are kept; if none
    are better, the network does not change. Ctrl-C ends the training, and the best weights so far are kept.
    """
    options = RecoverOptions(**chosen)
    check_outputs({"--out": out, "--report": report, "--state": state}, model, data, reference, evaluate)
    network = load(model)
    original = None if reference is None else load(reference)
    data_options = reading_of(network, reading, options.seed)
    provider = open_data(data, network, data_options)
    judge = None
    if evaluate:
        judge = open_data(evaluate, network, data_options.for_evaluation())
    with progress_bar(as_json) as progress:
        result = run(
            network, provider, options, reference=original, evaluation=judge, state=state, progress=progress
        )
    screen = Screen(quiet=as_json)
    screen.headline(f"{model.name}, {result.seconds / 60:.1f} minutes of training\n")
    print_recovery(screen, result)
    verification = write_verified(result.model, out, provider) if out is not None else None
    if out is not None and verification is not None:
        print_verification(screen, out, verification)
    passed = verification is None or verification.passed
    if passed:
        write_report(report, result, model, {"data": data, "evaluation": evaluate}, [file_sizes(model, out)])
    if as_json:
        checked = None if verification is None else {**asdict(verification), "passed": passed}
        print_json({"model": str(model), **result.to_dict(), "verification": checked})
    if not passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
