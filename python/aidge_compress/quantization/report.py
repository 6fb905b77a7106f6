"""The report of a quantisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measure.metrics import measured
from ..numbers import counted, shown
from ..report import Measured, Section, Story
from ..report.html import join, table, tag

if TYPE_CHECKING:
    from .result import QuantizeResult

__all__ = ["files_section", "quantize_story"]


def files_section(result: QuantizeResult) -> Section:
    """The files that are compared, one column each."""
    rows = [(name, *values) for name, values in result.figures()]
    body = table(("", *(column.name for column in result.columns)), rows)
    text = (
        f"All in ONNX Runtime, on {counted(result.quality.samples, 'sample')} that did not calibrate; metric: {result.quality.metric or 'none'} ({result.quality.reason})."
        if result.quality.samples
        else ""
    )
    return Section("The files", body, text)


def _how(result: QuantizeResult) -> Section:
    tried = [(name, shown(error, "number")) for name, error in result.errors.items()]
    kept = ", ".join(result.in_float) or "none"
    return Section(
        "How it was quantised",
        join(
            tag(
                "p",
                f"{counted(result.samples, 'sample')} calibrated the ranges: {result.calibration or 'no ranges'}.",
            ),
            tag("p", f"Nodes that stay in float: {kept}."),
            [tag("p", f"Note: {warning}") for warning in result.warnings],
            table(("calibration", "error of the outputs on held-out samples"), tried) if tried else None,
        ),
    )


def quantize_story(result: QuantizeResult) -> Story:
    """What the report of a quantisation says."""
    first, last = result.columns[0], result.columns[-1]
    quality = result.quality
    headline = [(f"{100 * last.bytes / first.bytes:.1f} %", "of the file are left")]
    if quality.figure is not None:
        headline.append(
            (shown(quality.figure.after, quality.figure.unit), f"{quality.figure.title}, without retraining")
        )
    return Story(
        "Quantised network",
        tuple(headline),
        (
            *measured(quality),
            Measured("file", first.bytes, last.bytes, "bytes"),
            Measured(
                "latency of a sample, ONNX Runtime", result.before.latency, result.after.latency, "seconds"
            ),
        ),
        (files_section(result), _how(result)),
        result.parameters,
    )
