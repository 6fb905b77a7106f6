"""One self-contained page: no script, no network, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from .html import Child, Markup, Section, join, tag

__all__ = ["fragment", "page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def _style() -> Markup:
    return tag("style", Markup((resources.files(__package__) / "style.css").read_text("utf-8")))


def _section(number: int, section: Section) -> Markup:
    note = tag("p", section.note, class_="note") if section.note else None
    return tag("section", tag("h2", section.title, id=f"s{number}"), note, section.body)


def page(title: str, lead: Child, sections: Sequence[Section]) -> str:
    """The document. Its security policy forbids scripts and requests, whatever the names in it are."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        _style(),
    )
    links = [tag("a", section.title, href=f"#s{number}") for number, section in enumerate(sections)]
    body = tag(
        "main", tag("h1", title), lead, tag("nav", links, aria_label="sections"),
        [_section(number, section) for number, section in enumerate(sections)], class_="aidge",
    )  # fmt: skip
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', body, class_='aidge-page'), lang='en')}\n"


def fragment(*parts: Child) -> str:
    """What a notebook shows: the parts with their style, in the notebook's own colours."""
    return str(tag("div", _style(), join(*parts), class_="aidge"))
