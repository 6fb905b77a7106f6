"""The report of a FIBNLR run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..measure.metrics import measured
from ..report import Mark, Measured, Section, Story, draw_network
from ..report.charts import Bar, BarRow, Curve, bar_chart, legend, line_chart
from ..report.html import join, tag

if TYPE_CHECKING:
    from .result import ActivationRow, FibnlrResult

__all__ = ["fibnlr_story"]


def _row(entry: ActivationRow, verdict: str) -> BarRow:
    dead = f", {entry.dead} dead" if entry.dead else ""
    return BarRow(
        entry.name,
        f"{entry.type}  G:{entry.group}  N:{entry.channels}{dead}",
        [Bar(entry.npr, f"{entry.npr:.4g}"), Bar(entry.nnpr, f"{entry.nnpr:.4g}")],
        "removed" if entry.removed else "",
        verdict if entry.removed else "",
    )


def _ratios(result: FibnlrResult, verdict: str) -> Section:
    criteria = result.parameters["ablation_criteria"].name
    limit = result.parameters["ablation_threshold"] if criteria != "NONE" else None
    rows = [_row(entry, verdict) for entry in result.rows]
    note = (
        "NPR is how much of an activation's input is negative, relative to what is positive; NNPR is that within its group. "
        "G: the group, N: channels of the layer before."
        + ("" if limit is None else f" Dashed: the threshold {limit:g}.")
    )
    body = join(legend(("", "stays"), ("removed", verdict)), bar_chart(["NPR", "NNPR"], rows, [None, limit]))
    return Section("Activations", body, note)


def _convergence(result: FibnlrResult) -> Section:
    values = [value for value in result.convergence if value > 0]
    threshold = result.parameters["convergence_threshold"]
    said = f"{result.iterations} iterations over {result.samples:,} samples, ended by: {result.reason.replace('_', ' ')}."
    if not values:
        return Section("Convergence", tag("p", said))
    points = [(i + 2, value) for i, value in enumerate(result.convergence) if value > 0]
    chart = line_chart(
        [Curve([x for x, _ in points], [y for _, y in points])],
        title=f"squared change of NPR by iteration, from {values[0]:.2e} to {values[-1]:.2e}",
        x="iteration",
        y="squared change of NPR, summed over activations (log scale; dashed: where it stops)",
        log=True,
        limit=threshold or None,
    )
    return Section("Convergence", chart, said)


def _network(result: FibnlrResult, marks: Mapping[str, Mark]) -> Section:
    body = draw_network(result.network, marks)
    return Section(
        "Network", body, "From input to output; a row is a layer with what follows it, lines are tensors."
    )


def fibnlr_story(result: FibnlrResult) -> Story:
    """What the report of a FIBNLR run says."""
    verdict = "would be removed" if result.is_dry else "removed"
    count = len(result.removed)
    marks = {entry.name: Mark("removed", verdict) for entry in result.rows if entry.removed}
    return Story(
        "Activations that can go (FIBNLR)",
        (
            (f"{count} of {len(result.rows)}", f"activations {verdict}"),
            (f"{result.samples:,}", "samples measured"),
            (str(result.iterations), f"iterations ({result.reason.replace('_', ' ')})"),
        ),
        (
            *measured(result.quality),
            Measured(
                "activations", len(result.rows), len(result.rows) - (0 if result.is_dry else count), "count"
            ),
            Measured("MACs", *result.macs, "count"),
            Measured("parameters", *result.parameter_counts, "count"),
        ),
        (_ratios(result, verdict), _convergence(result), _network(result, marks)),
        {**result.parameters, "input dims of the MACs": [list(entry) for entry in result.dims]},
        marks,
    )
