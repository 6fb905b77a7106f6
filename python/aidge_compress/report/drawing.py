"""A network as rows of operations beside the lanes of the tensors that connect them, with changes marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..network.outline import Outline, OutlineNode
from .charts import legend
from .html import Markup, join, tag

__all__ = ["Mark", "draw_network"]

_LANE = 12
_MOST_LINKS = 8
_MEANINGS = {"removed": "removed", "changed": "fewer channels", "merged": "merged into one layer"}


@dataclass(frozen=True)
class Mark:
    """What happened to a node: kind "removed", "changed" or "merged", and in words."""

    kind: str
    text: str


def _rows(sketch: Outline) -> tuple[list[list[int]], list[list[int]]]:
    """Chains of nodes, each begun by a layer with weights or where paths meet or part, and for each the rows that feed it."""
    readers = [0] * len(sketch.nodes)
    for node in sketch.nodes:
        for parent in node.parents:
            readers[parent] += 1
    row_of: list[int] = []
    rows: list[list[int]] = []
    for index, node in enumerate(sketch.nodes):
        only = node.parents[0] if len(node.parents) == 1 else None
        if only is not None and readers[only] == 1 and not node.is_layer:
            row_of.append(row_of[only])
            rows[row_of[only]].append(index)
        else:
            row_of.append(len(rows))
            rows.append([index])
    feeds = [sorted({row_of[parent] for parent in sketch.nodes[row[0]].parents}) for row in rows]
    return rows, feeds


class _Lanes:
    """Which tensor, by the row that made it, runs in which lane beside a row."""

    def __init__(self, feeds: Sequence[Sequence[int]]) -> None:
        self._last: dict[int, int] = {}
        for row, parents in enumerate(feeds):
            for parent in parents:
                self._last[parent] = row
        self._lanes: list[int | None] = []
        self.width = 1

    def step(self, row: int, parents: Sequence[int]) -> list[tuple[str, float, float]]:
        """The strokes beside a row: ("through" | "in" | "out" | "dot", lane above, lane below)."""
        before = list(self._lanes)
        closing = [
            lane
            for lane, made in enumerate(before)
            if made is not None and made in parents and self._last[made] == row
        ]
        free = [lane for lane, made in enumerate(before) if made is None]
        own = min(closing or free or [len(before)])
        for lane in closing:
            self._lanes[lane] = None
        strokes: list[tuple[str, float, float]] = []
        for lane, made in enumerate(before):
            if made is not None and lane not in closing:
                strokes.append(("through", lane, lane))
            if made in parents:
                strokes.append(("in", lane, own))
        if own == len(self._lanes):
            self._lanes.append(None)
        if row in self._last:
            self._lanes[own] = row
            strokes.append(("out", own, own))
        while self._lanes and self._lanes[-1] is None:
            self._lanes.pop()
        self.width = max(self.width, own + 1, len(before), len(self._lanes))
        return [*strokes, ("dot", own, own)]


def _picture(strokes: Sequence[tuple[str, float, float]], width: int) -> Markup:
    def x(lane: float) -> float:
        return _LANE * (lane + 0.5)

    paths = []
    for kind, above, below in strokes:
        a, b = x(above), x(below)
        shape = {
            "through": f"M{a} 0V2",
            "in": f"M{a} 0V1" if a == b else f"M{a} 0C{a} .7 {b} .3 {b} 1",
            "out": f"M{b} 1V2",
            "dot": f"M{b} 1h0",
        }[kind]
        paths.append(tag("path", d=shape, class_="dot" if kind == "dot" else None))
    box = f"0 0 {width * _LANE} 2"
    return tag("svg", paths, viewBox=box, preserveAspectRatio="none", aria_hidden="true")


def _chip(name: str, kind: str, detail: str, mark: Mark | None, anchor: str | None) -> Markup:
    said = f" {mark.text}" if mark else ""
    return tag(
        "span", tag("b", kind), said, tag("small", " ", name, f" {detail}" if detail else ""),
        class_=f"op {mark.kind}" if mark else "op", id=anchor,
    )  # fmt: skip


def _chips(node: OutlineNode, marks: Mapping[str, Mark], anchors: Mapping[str, str]) -> list[Markup]:
    shape = "×".join(str(extent) for extent in node.dims[1:]) if node.is_layer else ""
    own = _chip(node.name, node.type, shape, marks.get(node.name), anchors.get(node.name))
    inner = [
        _chip(name, kind, f"in {node.name}", marks[name], anchors.get(name))
        for name, kind in node.inner
        if name in marks and name != node.name
    ]
    return [own, *inner]


def _index(links: Sequence[Markup]) -> Markup:
    listed = tag("nav", links, aria_label="what changed")
    if len(links) <= _MOST_LINKS:
        return listed
    return tag("details", tag("summary", f"{len(links)} nodes changed"), listed)


def draw_network(sketch: Outline, marks: Mapping[str, Mark]) -> Markup:
    """The network from top to bottom, one row per layer and the nodes behind it, with links to the changes.

    Args:
        sketch: the network before the change.
        marks: node name → what happened to it.
    """
    rows, feeds = _rows(sketch)
    lanes = _Lanes(feeds)
    strokes = [lanes.step(row, parents) for row, parents in enumerate(feeds)]
    names = [name for node in sketch.nodes for name in (node.name, *(inner for inner, _ in node.inner))]
    anchors: dict[str, str] = {}
    for name in names:
        if name in marks and name not in anchors:
            anchors[name] = f"op{len(anchors)}"
    items = []
    for row, stroke in zip(rows, strokes, strict=True):
        chips = [_chips(sketch.nodes[index], marks, anchors) for index in row]
        items.append(tag("li", _picture(stroke, lanes.width), tag("div", chips, class_="row")))
    links = [tag("a", name, href=f"#{anchor}") for name, anchor in anchors.items()]
    shown = [(kind, text) for kind, text in _MEANINGS.items() if any(m.kind == kind for m in marks.values())]
    return join(
        legend(*shown) if shown else None,
        _index(links) if links else None,
        tag(
            "div", tag("ol", items, style=f"--lanes:{lanes.width * _LANE}px"), class_="network", tabindex="0",
            role="region", aria_label="the network",
        ),
    )  # fmt: skip
