"""Figures as people read them: one formatter for the command line, reports and notebooks."""

from __future__ import annotations

from typing import Literal

__all__ = ["Kind", "counted", "shown"]

Kind = Literal["share", "number", "decibels", "count", "bytes", "seconds"]
"""What a figure is: a fraction (shown in percent), any number, decibels, a count, a size in bytes, a time in seconds (shown in milliseconds)."""

_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def shown(value: float | None, kind: str) -> str:
    """The figure as people read it: 12_345_678 as a "count" is "12.35 M", 0.9941 as a "share" is "99.41 %"; None is "–"."""
    if value is None:
        return "–"
    if kind == "share":
        return f"{100 * value:.2f} %"
    if kind == "seconds":
        return f"{1000 * value:.3f} ms"
    if kind == "decibels":
        return f"{value:.2f} dB"
    if kind == "number":
        return f"{value:.4g}"
    unit = "B" if kind == "bytes" else ""
    for limit, letter in _UNITS:
        if abs(value) >= limit:
            return f"{value / limit:.2f} {letter}{unit}"
    return f"{value:.0f} {unit}".rstrip()


def counted(count: int, thing: str) -> str:
    """A number with its noun: "1 pass", "2 passes", "1 iteration"."""
    plural = f"{thing}es" if thing.endswith(("s", "x", "sh", "ch")) else f"{thing}s"
    return f"{count} {thing if count == 1 else plural}"
