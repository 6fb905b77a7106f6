"""The report of a compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measure.metrics import measured
from ..network.outline import outline
from ..quantization.report import files_section
from ..report import Mark, Measured, Section, Story, draw_network, shown
from ..report.charts import Bar, BarRow, bar_chart, legend
from ..report.html import Markup, join, table, tag

if TYPE_CHECKING:
    from .result import CompressionResult, LayerChange

__all__ = ["compress_story"]


def _row(layer: LayerChange) -> BarRow:
    error = "" if layer.error is None else f"error {layer.error:.3f}"
    note = ", ".join(part for part in (layer.type, error, layer.note) if part)
    return BarRow(
        layer.name,
        note,
        [
            Bar(layer.channels[1], f"{layer.channels[0]} → {layer.channels[1]}", layer.channels[0]),
            Bar(layer.macs[1], f"{shown(layer.macs[0], 'count')} → {shown(layer.macs[1], 'count')}", layer.macs[0]),
        ],
    )  # fmt: skip


def _layers(result: CompressionResult) -> Section:
    rows = [_row(layer) for layer in result.layers]
    body = join(legend(("whole", "before"), ("", "after")), bar_chart(["channels", "MACs"], rows))
    note = "Error: of the layer's output on held-out samples, relative to its variance in the original."
    return Section("Layers", body, note)


def _marks(result: CompressionResult) -> dict[str, Mark]:
    marks = {}
    for layer in result.layers:
        before, after = layer.channels
        if after == 0:
            marks[layer.name] = Mark("merged", layer.note)
        elif after != before:
            marks[layer.name] = Mark("changed", f"{before} → {after}")
    return marks | {name: Mark("removed", "removed") for name in result.removed_activations}


def _tried(result: CompressionResult) -> Markup | None:
    """The allocations that were cut on trial, best first."""
    if not result.tried:
        return None
    rows = [
        (trial.name, f"{trial.error:.3f}") for trial in sorted(result.tried, key=lambda trial: trial.error)
    ]
    return join(
        tag("h3", "Allocations that were cut on trial"),
        tag(
            "p",
            "Error: of the outputs, after a quick fit, on samples that nothing was measured on. The best one is used.",
        ),
        table(("allocation", "error"), rows),
    )


def _remarks(result: CompressionResult) -> Section:
    stages = table(("stage", "seconds"), [(name, f"{value:.1f}") for name, value in result.seconds.items()])
    whole = [(", ".join(group.layers), group.refusal) for group in result.groups if group.refusal]
    return Section(
        "How it was made",
        join(
            tag("p", f"{result.samples:,} calibration samples, {result.passes} passes over them."),
            [tag("p", f"Note: {warning}") for warning in result.warnings],
            _tried(result),
            stages,
            join(tag("h3", "What stays whole"), table(("layers", "why"), whole, left=2)) if whole else None,
        ),
    )


def _quality(result: CompressionResult) -> list[Measured]:
    start, after = result.start_quality, result.quality
    if not after.samples:
        return []
    figures = measured(after)
    if start is not None and start.figure is not None:
        figures.append(
            Measured(
                f"{start.figure.title}, before least squares", None, start.figure.after, start.figure.unit
            )
        )
    return figures


def compress_story(result: CompressionResult) -> Story:
    """What the report of a compression says."""
    before, after = result.before, result.after
    quality = result.quality
    sketch, marks = outline(result.original), _marks(result)
    headline = [
        (f"{100 * after.macs / before.macs:.1f} %" if before.macs else "–", "of the MACs are left"),
        (f"{100 * after.parameters / before.parameters:.1f} %" if before.parameters else "–", "of the parameters"),
    ]  # fmt: skip
    if quality.figure is not None:
        headline.append(
            (shown(quality.figure.after, quality.figure.unit), f"{quality.figure.title}, without retraining")
        )
    return Story(
        "Compressed network",
        tuple(headline),
        (
            *_quality(result),
            Measured("MACs", before.macs, after.macs, "count"),
            Measured("parameters", before.parameters, after.parameters, "count"),
            Measured("latency of a sample, aidge", before.seconds, after.seconds, "seconds"),
        ),
        (
            *([] if result.int8 is None else [files_section(result.int8)]),
            _layers(result),
            Section("Network", draw_network(sketch, marks), "The original, BatchNorm folded."),
            _remarks(result),
        ),
        result.parameters,
        marks,
    )
