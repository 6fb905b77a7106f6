"""What a report says, and the two forms that it takes: a page, and the beginning of it in notebooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..files import write_text
from .comparison import Measured, before_and_after
from .drawing import Mark
from .html import Markup, Section, join, tag
from .page import fragment, page
from .provenance import Context, how_to_repeat

__all__ = ["Story", "notebook_form", "write_report"]


@dataclass(frozen=True)
class Story:
    """What a report says.

    Attributes:
        title: in a few words.
        headline: (figure, what it is), the most important ones.
        measured: figures before and after.
        sections: charts and tables, the most telling first.
        parameters: everything that was chosen, by name.
        marks: node name → what happened to it.
    """

    title: str
    headline: tuple[tuple[str, str], ...]
    measured: tuple[Measured, ...] = ()
    sections: tuple[Section, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)


def _cards(story: Story) -> Markup:
    return tag(
        "div",
        [tag("div", tag("b", figure), name, class_="card") for figure, name in story.headline],
        class_="cards",
    )


def write_report(path: str | os.PathLike[str], story: Story, context: Context) -> None:
    """Writes the page; see Reportable.report."""
    measured = [*context.measured, *story.measured]
    known = [entry for entry in measured if entry.before is not None or entry.after is not None]
    figures = [Section("Before and after", before_and_after(known))] if known else []
    source = os.fspath(context.model) if context.model is not None else ""
    title = f"{story.title}: {os.path.basename(source)}" if source else story.title
    sections = [*figures, *story.sections, how_to_repeat(context, story.parameters)]
    write_text(path, page(title, _cards(story), sections))


def notebook_form(story: Story) -> str:
    """The headline, the figures and the first section."""
    first = story.sections[0] if story.sections else None
    return fragment(
        tag("h3", story.title),
        _cards(story),
        before_and_after(story.measured) if story.measured else None,
        join(tag("h3", first.title), tag("p", first.note, class_="note"), first.body) if first else None,
    )
