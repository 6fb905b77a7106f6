"""The table of before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..numbers import shown
from .html import Child, Markup, table

__all__ = ["Measured", "before_and_after"]

_ORDER = ("share", "number", "count", "bytes", "seconds")


@dataclass(frozen=True)
class Measured:
    """A figure before and after; None if it is not known.

    `kind`: "share" (printed in percent, compared by difference), "count", "bytes" or "seconds" (compared by ratio), "number".
    """

    name: str
    before: float | None
    after: float | None
    kind: str = "number"


def _change(entry: Measured) -> str:
    if entry.before is None or entry.after is None:
        return ""
    if entry.kind == "share":
        return f"{100 * (entry.after - entry.before):+.2f} points"
    return f"× {entry.after / entry.before:.3f}" if entry.before else ""


def before_and_after(entries: Iterable[Measured]) -> Markup:
    """One row per figure that is known before or after: quality, parameters, size and speed."""
    rows: list[list[Child]] = [
        [entry.name, shown(entry.before, entry.kind), shown(entry.after, entry.kind), _change(entry)]
        for entry in sorted(entries, key=lambda entry: _ORDER.index(entry.kind))
        if entry.before is not None or entry.after is not None
    ]
    return table(("", "before", "after", "change"), rows)
