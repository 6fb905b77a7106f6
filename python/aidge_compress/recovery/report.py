"""The report of a recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..numbers import counted, shown
from ..report import Measured, Section, Story
from ..report.charts import Curve, line_chart
from ..report.html import join, table, tag

if TYPE_CHECKING:
    from .result import RecoverResult

__all__ = ["recover_story"]


def _figures(result: RecoverResult) -> Section:
    rows = [(name, *(shown(value, kind) for value in values)) for name, kind, *values in result.figures()]
    body = table(("on the held-out samples", "before", "after the recipe", "after training"), rows)
    return Section(
        "Before, after the recipe, after training", body, f"On {counted(result.held_out, 'held-out sample')}."
    )


def _curve(result: RecoverResult) -> Section:
    known = [entry for entry in result.rounds if entry.metric is not None]
    rounds = known or list(result.rounds)
    values = [entry.metric if entry.metric is not None else entry.error for entry in rounds]
    name = result.figures()[0][0]
    minutes = [entry.seconds / 60 for entry in rounds]
    kept = [(time, value) for time, value, entry in zip(minutes, values, rounds, strict=True) if entry.kept]
    chart = line_chart(
        [Curve(minutes, values), Curve([x for x, _ in kept], [y for _, y in kept], "dot")],
        title=f"{name} on the held-out samples over the minutes of training",
        x="minutes",
        y=f"{name}; the dot: what was kept",
    )
    return Section("Training", chart)


def recover_story(result: RecoverResult) -> Story:
    """What the report of a recovery says."""
    name, kind, _, start, end = result.figures()[0]
    guides = ", ".join(result.guides) or "none"
    remarks = join(
        tag(
            "p",
            f"{counted(result.samples, 'sample')} to train on, {result.seconds:.0f} s on {result.device}.",
        ),
        tag("p", f"Ended by: {result.reason}. Nodes whose outputs were followed: {guides}."),
    )
    return Story(
        "Recovered network",
        ((shown(end, kind), name), (f"{result.seconds / 60:.1f}", "minutes of training")),
        (
            Measured(name, start, end, kind),
            Measured("MACs", result.before.macs, result.after.macs, "count"),
            Measured("parameters", result.before.parameters, result.after.parameters, "count"),
        ),
        (_figures(result), _curve(result), Section("How it was trained", remarks)),
        result.parameters,
    )
