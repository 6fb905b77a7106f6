"""--recover: what the other commands do with a network that has become smaller, before they write it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..recovery import recover as run
from ..report import Measured
from .bars import progress_bar
from .recover import print_recovery

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..measure.registry import MetricSource
    from ..recovery import RecoverResult
    from .common import Screen

__all__ = ["RecoverOption", "check_recover", "recovered", "say_recovery"]

RecoverOption = Annotated[
    float | None,
    typer.Option(
        "--recover",
        help="Then train the network for this many minutes to give the outputs of the original (needs PyTorch); see aidge recover.",
        metavar="MINUTES",
    ),
]


def check_recover(minutes: float | None, data: str | None) -> None:
    """Before any work is done: ValueError for a number that is not a time, or without data, ImportError without PyTorch."""
    if minutes is None:
        return
    if data is None:
        raise ValueError("[cli::recover] expected --data with --recover, got none")
    from aidge_onnx.torch.writing import need_torch

    need_torch("cli::recover")
    if not (math.isfinite(minutes) and minutes > 0):
        raise ValueError(f"[cli::recover] expected --recover as a number of minutes above 0, got {minutes:g}")


def recovered(
    minutes: float | None,
    network: GraphView,
    original: GraphView,
    data: Any,
    judge: Any,
    *,
    metric: MetricSource = None,
    quiet: bool,
) -> RecoverResult | None:
    """The network after training, None if it is not wanted; `judge` is the data that decides which weights are kept, None: a share of `data`."""
    if minutes is None:
        return None
    with progress_bar(quiet) as progress:
        return run(
            network,
            data,
            reference=original,
            evaluation=judge,
            progress=progress,
            minutes=minutes,
            metric=metric,
        )


def say_recovery(screen: Screen, recovery: RecoverResult | None) -> list[Measured]:
    """Prints the three columns; returns what a report says of them."""
    if recovery is None:
        return []
    screen.say()
    print_recovery(screen, recovery)
    return [
        Measured(f"{name}, after the recipe and after training", start, end, kind)
        for name, kind, _, start, end in recovery.figures()
    ]
