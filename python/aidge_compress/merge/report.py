"""The report of merging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..report import Mark, Measured, Section, Story, draw_network, shown
from ..report.charts import Bar, BarRow, bar_chart, legend
from ..report.html import join, table, tag

if TYPE_CHECKING:
    from .result import MergeResult

__all__ = ["merge_story"]


def _merges(result: MergeResult) -> Section:
    merged = result.fusion.merged
    if not merged:
        return Section("Merged layers", tag("p", "No layers were merged."))
    rows = []
    for entry in merged:
        error = f", error {entry.error:.1e}" if entry.error is not None else ""
        bars = [
            Bar(after, f"{shown(before, 'count')} → {shown(after, 'count')}", before)
            for before, after in (
                (entry.macs_before, entry.macs_after),
                (entry.parameters_before, entry.parameters_after),
            )
        ]
        detail = f"{entry.type} of {', '.join(entry.nodes)} ({entry.border}{error})"
        rows.append(BarRow(entry.name, detail, bars))
    body = join(legend(("whole", "before"), ("", "after")), bar_chart(["MACs", "parameters"], rows))
    return Section("Merged layers", body, "Each bar is one layer that stands for several.")


def _refusals(result: MergeResult) -> Section:
    pairs = [(pair.first, pair.second, pair.reason) for pair in result.fusion.refused]
    warnings = [tag("p", f"Note: {warning}") for warning in result.warnings]
    if not pairs:
        return Section("Not merged", join(tag("p", "No pair of layers was refused."), warnings))
    body = join(warnings, table(("layer", "and the next", "reason"), pairs, left=3))
    return Section("Not merged", body, "Adjacent linear layers that were not merged.")


def merge_story(result: MergeResult) -> Story:
    """What the report of merging says."""
    fusion = result.fusion
    count = sum(len(entry.nodes) for entry in fusion.merged)
    marks = {
        name: Mark("merged", f"merged into {entry.name}") for entry in fusion.merged for name in entry.nodes
    }
    share = fusion.macs_after / fusion.macs_before if fusion.macs_before else 1.0
    return Story(
        "Merged layers",
        (
            (f"{count} → {len(fusion.merged)}", "layers merged"),
            (f"{100 * share:.1f} %", "of the MACs are left"),
            (str(len(fusion.refused)), "pairs left apart"),
        ),
        (
            Measured("MACs", fusion.macs_before, fusion.macs_after, "count"),
            Measured("parameters", fusion.parameters_before, fusion.parameters_after, "count"),
            Measured("latency, aidge", fusion.seconds_before, fusion.seconds_after, "seconds"),
            Measured("largest error of an output, approximate", None, fusion.error),
        ),
        (
            _merges(result),
            Section("Network", draw_network(result.network, marks), "The network before merging."),
            _refusals(result),
        ),
        result.parameters,
        marks,
    )
