"""`aidge fibnlr --until-drop`: one activation after the other, with training in between."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from ..measure.verify import write_verified
from ..numbers import shown
from ..stepwise import prune_step_by_step
from .bars import progress_bar
from .common import Screen, print_json
from .reporting import file_sizes, write_report
from .verify import print_verification

if TYPE_CHECKING:
    from pathlib import Path

    from aidge_core import GraphView

__all__ = ["remove_step_by_step"]

_EXIT_CHECK_FAILED = 1


def remove_step_by_step(
    model: Path,
    network: GraphView,
    data: Any,
    judge: Any,
    minutes: float | None,
    until_drop: float,
    *,
    metric: str | None,
    out: Path | None,
    report: Path | None,
    as_json: bool,
    sources: dict[str, Any],
) -> None:
    """Runs, prints the steps, writes the network and the report."""
    with progress_bar(as_json) as progress:
        result = prune_step_by_step(
            network,
            data,
            until_drop=until_drop,
            evaluation=judge,
            progress=progress,
            minutes=minutes,
            metric=metric,
        )
    screen = Screen(quiet=as_json)
    screen.headline(f"{model.name}: {result}\n")
    screen.table(
        ["activation", "after recipe", "after training", "decision"],
        [
            (step.name, shown(step.recipe, result.unit), shown(step.trained, result.unit), "removed" if step.kept else "taken back")
            for step in result.steps
        ],
        left=["decision"],
    )  # fmt: skip
    verification = None if out is None else write_verified(result.model, out, data)
    if out is not None and verification is not None:
        print_verification(screen, out, verification)
    passed = verification is None or verification.passed
    if passed:
        write_report(report, result, model, sources, [file_sizes(model, out)])
    if as_json:
        checked = None if verification is None else {**asdict(verification), "passed": passed}
        print_json({"model": str(model), **result.to_dict(), "verification": checked})
    if not passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
