"""HTML by functions: every text is escaped unless it is `Markup`, which only these functions make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Markup", "Section", "join", "table", "tag"]


class Markup(str):
    """Text that is HTML already."""


Child: TypeAlias = "str | int | float | Iterable[Child] | None"

_SHORT = 5
_EMPTY = frozenset(["br", "meta", "link"])
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), 11, 12, *range(14, 32), 127)}


@dataclass(frozen=True)
class Section:
    """A titled part of a report; `note` says below the title how to read it."""

    title: str
    body: Markup
    note: str = ""


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (str, int, float)):
        return escape(str(child).translate(_CONTROLS))
    return "".join(_text(entry) for entry in child)


def join(*children: Child) -> Markup:
    """The children one after the other."""
    return Markup(_text(children))


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element. `class_` stands for class, `_` within names for `-`; None and False leave an attribute out."""
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        plain = key.rstrip("_").replace("_", "-")
        parts.append(plain if value is True else f'{plain}="{escape(str(value).translate(_CONTROLS))}"')
    opening = f"<{' '.join(parts)}>"
    return Markup(opening if name in _EMPTY else f"{opening}{_text(children)}</{name}>")


def table(header: Sequence[str], rows: Iterable[Sequence[Child]], *, left: int = 1) -> Markup:
    """A table that scrolls by itself if it is too wide; all columns but the first `left` ones are figures."""
    rows = list(rows)
    short = "short" if all(isinstance(row[0], str) and len(row[0]) <= _SHORT for row in rows) else None

    def cells(kind: str, entries: Sequence[Child]) -> list[Markup]:
        kinds = [("n" if i >= left else None) if i else short for i in range(len(entries))]
        return [tag(kind, entry, class_=name) for entry, name in zip(entries, kinds, strict=True)]

    head = tag("thead", tag("tr", cells("th", header))) if any(header) else None
    body = tag("tbody", [tag("tr", cells("td", row)) for row in rows])
    return tag("div", tag("table", head, body), class_="scroll", tabindex="0")
