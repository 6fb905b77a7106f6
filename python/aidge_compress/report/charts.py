"""Charts of HTML and SVG whose text is text: bars, curves, heat maps. They take the width that there is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .html import Child, Markup, tag

__all__ = ["Bar", "BarRow", "Curve", "bar_chart", "heat_map", "legend", "line_chart", "spectrum"]

_WIDTH = 1000
_HEIGHT = 300
_MOST_POINTS = 240
_DECADES = 12
_EDGE = 0.02


@dataclass(frozen=True)
class Bar:
    """A value, its text and, if it is a part of something, the size of the whole."""

    value: float
    text: str
    whole: float | None = None


@dataclass(frozen=True)
class BarRow:
    """One bar per column beside a name; `mark` is the CSS class of the change ("removed", …), `verdict` its text."""

    name: str
    detail: str
    bars: Sequence[Bar]
    mark: str = ""
    verdict: str = ""


def legend(*entries: tuple[str, str]) -> Markup:
    """Coloured squares: (class, meaning)."""
    return tag("div", [tag("span", tag("i", class_=kind), text) for kind, text in entries], class_="legend")


def _share(value: float, top: float) -> str:
    return f"{100 * min(max(value / top, 0.0), 1.0):.2f}%" if top > 0 and math.isfinite(value) else "0%"


def bar_chart(
    columns: Sequence[str], rows: Sequence[BarRow], limits: Sequence[float | None] | None = None
) -> Markup:
    """Horizontal bars, one scale per column; `limits` are marked by a dashed line."""
    lines = list(limits or [None] * len(columns))
    tops = []
    for column, limit in enumerate(lines):
        values = [max(bar.value, bar.whole or 0.0) for bar in (row.bars[column] for row in rows)]
        tops.append(max([v for v in values if math.isfinite(v)] + [1.25 * limit if limit else 0.0]))
    header = tag("div", [tag("span", title) for title in ("", *columns)], class_="head", aria_hidden="true")
    body = []
    for row in rows:
        label = tag(
            "div", row.name, tag("small", row.detail, tag("span", " " + row.verdict, class_="verdict"))
        )
        cells = [
            _bar(column, bar, top, limit)
            for column, bar, top, limit in zip(columns, row.bars, tops, lines, strict=True)
        ]
        body.append(tag("div", label, cells, class_=row.mark or None, role="listitem"))
    longest = max((len(bar.text) for row in rows for bar in row.bars), default=0)
    sizes = f"--columns:{len(columns)};--value:{longest + 1}ch"
    return tag("div", header, tag("div", body, role="list"), class_="bars", style=sizes)


def _bar(title: str, bar: Bar, top: float, limit: float | None) -> Markup:
    parts = [
        tag("i", class_="whole", style=f"width:{_share(bar.whole, top)}") if bar.whole is not None else None,
        tag("i", style=f"width:{_share(bar.value, top)}"),
        tag("i", class_="limit", style=f"left:{_share(limit, top)}") if limit is not None else None,
    ]
    return tag(
        "div", tag("div", parts, class_="track"), tag("span", bar.text), class_="bar", data_title=title
    )


@dataclass(frozen=True)
class Curve:
    """Points of one line; kind "line", "second" (dashed), "dot" or "dot faint" (points only)."""

    xs: Sequence[float]
    ys: Sequence[float]
    kind: str = "line"


def _thinned(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    step = max(1, math.ceil(len(xs) / _MOST_POINTS))
    points = list(zip(xs, ys, strict=True))
    return points[::step] + ([points[-1]] if (len(points) - 1) % step else [])


@dataclass(frozen=True)
class _Scale:
    """From values to [0, 1], linear or logarithmic."""

    low: float
    high: float
    log: bool

    @staticmethod
    def of(values: Sequence[float], log: bool, zero: bool = False) -> _Scale:
        if not log:
            low, high = min(values), max(values)
            if zero:
                low, high = min(low, 0.0), max(high, 0.0)
            if high == low:
                low, high = low - 0.05 * (abs(low) or 1.0), high + 0.05 * (abs(high) or 1.0)
            return _Scale(low, high, False)
        positive = [v for v in values if v > 0] or [1.0]
        high = math.ceil(math.log10(max(positive)) + 1e-12)
        low = max(math.floor(math.log10(min(positive))), high - _DECADES)
        return _Scale(10.0 ** (low if low < high else high - 1), 10.0**high, True)

    def padded(self) -> _Scale:
        """With room for dots at the ends of a linear scale."""
        room = 0.06 * (self.high - self.low)
        return self if self.log else _Scale(self.low - room, self.high + room, False)

    def at(self, value: float) -> float:
        if self.log:
            value, low, high = math.log10(max(value, self.low)), math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        if self.log:
            low, high = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**k for k in range(low, high + 1, max(1, math.ceil((high - low) / 5)))]
        raw = (self.high - self.low) / 4
        unit = 10.0 ** math.floor(math.log10(raw))
        step = min((m * unit for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:.0e}" if value and not 1e-3 <= abs(value) < 1e6 else f"{value:.6g}"


def _polyline(points: Sequence[tuple[float, float]], kind: str, height: float) -> Markup:
    if kind.startswith("dot") or len(points) == 1:
        dots = "".join(f"M{_WIDTH * x:.1f} {height * (1 - y):.1f}h0" for x, y in points)
        return tag("path", d=dots, class_=kind if kind.startswith("dot") else "dot")
    text = " ".join(f"{_WIDTH * x:.1f},{height * (1 - y):.1f}" for x, y in points)
    return tag("polyline", points=text, class_=kind)


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x: str,
    y: str,
    log: bool = False,
    limit: float | None = None,
    zero: bool = False,
    names: Sequence[str] = (),
) -> Markup:
    """Curves over a common x, y logarithmic where `log`, with a dashed line at `limit`; `title` is read to who cannot see it, `names` stand at the first
    curve's points."""
    across = _Scale.of([v for curve in curves for v in curve.xs], False)
    heights = [v for curve in curves for v in curve.ys] + ([] if limit is None else [limit])
    up = _Scale.of(heights, log, zero)
    if any(curve.kind.startswith("dot") for curve in curves):
        across, up = across.padded(), up.padded()
    grid = [tag("line", x1=0, x2=_WIDTH, y1=_at(up, v), y2=_at(up, v), class_="grid") for v in up.ticks()]
    lines = [
        _polyline([(across.at(a), up.at(b)) for a, b in _thinned(curve.xs, curve.ys)], curve.kind, _HEIGHT)
        for curve in curves
    ]
    cut = (
        tag("line", x1=0, x2=_WIDTH, y1=_at(up, limit), y2=_at(up, limit), class_="limit") if limit else None
    )
    picture = tag(
        "svg", grid, lines, cut,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}", preserveAspectRatio="none", class_="curve", role="img", aria_label=title,
    )  # fmt: skip
    left = [tag("span", _number(v), style=f"bottom:{100 * up.at(v):.2f}%") for v in up.ticks()]
    whole = all(float(v).is_integer() for curve in curves for v in curve.xs)
    marks = [v for v in across.ticks() if not whole or v.is_integer()]
    below = [
        tag("span", _number(v), class_=_side(across.at(v)), style=f"left:{100 * across.at(v):.2f}%")
        for v in marks
    ]
    drawn = tag("div", picture, _named(curves[0], names, across, up), class_="points")
    return tag(
        "div", tag("div", y, class_="title"), tag("div", left, class_="y"), drawn, tag("div"),
        tag("div", below, class_="x"), tag("div", x, class_="title"), class_="plot",
    )  # fmt: skip


def _named(curve: Curve, names: Sequence[str], across: _Scale, up: _Scale) -> list[Markup]:
    """The names at a curve's points, alternately above and below, so that neighbours do not overlap."""
    points = zip(curve.xs, curve.ys, strict=True) if names else ()
    places = [f"left:{100 * across.at(x):.2f}%;bottom:{100 * up.at(y):.2f}%" for x, y in points]
    return [
        tag("span", name, class_="under" if index % 2 else None, style=place)
        for index, (name, place) in enumerate(zip(names, places, strict=True))
    ]


def _side(place: float) -> str | None:
    """The class of a number below the axis that would stand out at a side."""
    return "first" if place < _EDGE else "last" if place > 1.0 - _EDGE else None


def _at(scale: _Scale, value: float) -> str:
    return f"{_HEIGHT * (1 - scale.at(value)):.1f}"


def spectrum(values: Sequence[float], kept: int, caption: Child, name: str) -> Markup:
    """A small chart of descending eigenvalues (log scale) and their cumulated share, with the kept ones shaded."""
    total = math.fsum(values)
    scale = _Scale.of([v for v in values if v > 1e-12 * total] or [1.0], True)
    last = max(len(values) - 1, 1)
    shares, so_far = [], 0.0
    for value in values:
        so_far += value
        shares.append(so_far / total if total > 0 else 1.0)
    ranks = [i / last for i in range(len(values))]
    curve = _polyline(_thinned(ranks, [scale.at(v) for v in values]), "line", _HEIGHT)
    energy = _polyline(_thinned(ranks, shares), "second", _HEIGHT)
    place = f"{_WIDTH * kept / max(len(values), 1):.1f}"
    shaded = tag("rect", x=0, y=0, width=place, height=_HEIGHT, class_="kept")
    cut = tag("line", x1=place, x2=place, y1=0, y2=_HEIGHT, class_="limit")
    picture = tag(
        "svg", shaded, energy, curve, cut, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", preserveAspectRatio="none",
        class_="curve", role="img", aria_label=f"eigenvalues of {name}, {kept} of {len(values)} kept",
    )  # fmt: skip
    return tag("figure", picture, tag("figcaption", caption))


def heat_map(
    rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[tuple[float, str]]], corner: str
) -> Markup:
    """A table of (share in [0, 1], text) cells, the darker the larger; it scrolls by itself."""
    head = tag("tr", tag("th", corner), [tag("th", tag("span", name), class_="up") for name in columns])
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            [tag("td", text, class_="cell", style=f"--v:{70 * share:.0f}") for share, text in row],
        )
        for name, row in zip(rows, cells, strict=True)
    ]
    grid = tag("table", tag("thead", head), tag("tbody", body), class_="heat")
    return tag("div", grid, class_="scroll", tabindex="0")
