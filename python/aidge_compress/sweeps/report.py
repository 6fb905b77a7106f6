"""The report of a sweep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..report import Section, Story, shown
from ..report.charts import Curve, heat_map, line_chart
from ..report.html import Child, Markup, join, table, tag

if TYPE_CHECKING:
    from ..measure.trial import Outcome
    from .result import SweepResult, SweepRow

__all__ = ["sweep_story"]

_LEAST_SPAN = 1.0
_COSTS = {"macs": "MACs, share of the original", "latency": "time of a pass, share of the original"}


def _name(result: SweepResult) -> str:
    """How the figure is called."""
    return "metric" if result.choice.metric is None else result.choice.metric.title


def _unit(result: SweepResult) -> str:
    return "number" if result.choice.metric is None else result.choice.metric.unit


def _scale(result: SweepResult) -> float:
    """What the figure is multiplied by in charts: shares are in percent."""
    return 100.0 if _unit(result) == "share" else 1.0


def _columns(result: SweepResult) -> list[tuple[str, str, str]]:
    """(title, field of an outcome, unit) of the figures in tables."""
    chosen = result.choice.metric
    others = [("accuracy", "accuracy", "share"), ("agreement", "agreement", "share")]
    known = [entry for entry in others if getattr(result.baseline, entry[1]) is not None]
    if chosen is None or chosen.name in ("top1", "agreement"):
        return known
    return [(chosen.title, "metric", chosen.unit), *known]


def _title(rows: list[SweepRow]) -> str:
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{rows[0].label}{more}"


def _by_decision(result: SweepResult) -> dict[int, list[SweepRow]]:
    found: dict[int, list[SweepRow]] = {}
    for row in result.rows:
        found.setdefault(row.decision, []).append(row)
    return found


def _figures(outcome: Outcome, result: SweepResult) -> list[Child]:
    baseline = result.baseline

    def ratio(value: float | None, whole: float | None) -> str:
        return "–" if value is None or not whole else f"{value / whole:.3f}"

    return [
        *(shown(getattr(outcome, field), unit) for _, field, unit in _columns(result)),
        ratio(outcome.macs, baseline.macs),
        ratio(outcome.parameters, baseline.parameters),
        ratio(outcome.latency, 1.0),
    ]


def _header(result: SweepResult) -> tuple[str, ...]:
    return (*(title for title, _, _ in _columns(result)), "MACs", "parameters", "latency")


def _points(result: SweepResult, cost: str) -> dict[int, tuple[float, float]]:
    """decision → (share of the original's cost, metric, shares in percent), as far as measured."""
    scale = _scale(result)
    whole = getattr(result.baseline, cost)
    return {
        number: (getattr(outcome, cost) / whole, scale * outcome.metric)
        for number, outcome in result.outcomes().items()
        if getattr(outcome, cost) is not None
        and outcome.metric is not None
        and math.isfinite(outcome.metric)
        and whole
    }


def _chart(result: SweepResult, cost: str, points: dict[int, tuple[float, float]]) -> tuple[Markup, str]:
    """The front, and what lies not too far below it; and a note on what is left out."""
    front = [number for number in result.pareto(cost) if number in points]
    best = [points[number] for number in front]
    percent = _unit(result) == "share"
    original = _scale(result) * (result.baseline.metric or 0.0)
    better = 1.0 if result.choice.metric is None or result.choice.metric.higher_is_better else -1.0
    known = [better * y for y in [*(y for _, y in best), *([original] if math.isfinite(original) else [])]]
    floor = min(known) - max(max(known) - min(known), _LEAST_SPAN if percent else 0.0)
    others = [point for number, point in points.items() if number not in front]
    near = [point for point in others if better * point[1] >= floor]
    xs, ys = [x for x, _ in best], [y for _, y in best]
    curves = [Curve(xs, ys), Curve(xs, ys, "dot")]
    if near:
        curves.append(Curve([x for x, _ in near], [y for _, y in near], "dot faint"))
    metric = _name(result)
    chart = line_chart(
        curves,
        title=f"{metric} against {_COSTS[cost]}",
        x=_COSTS[cost],
        y=f"{metric}{' in %' if percent else ''}; dashed: the original, {shown(result.baseline.metric, _unit(result))}",
        limit=original if math.isfinite(original) else None,
        names=[f"#{number}" for number in front],
    )
    far = len(others) - len(near)
    worse = "below" if better > 0 else "above"
    return chart, f" Not drawn: {far} {worse} {better * floor:.4g}{' %' if percent else ''}." if far else ""


def _front(result: SweepResult, cost: str) -> Section | None:
    points = _points(result, cost)
    if not points:
        return None
    chart, left_out = _chart(result, cost, points)
    named, outcomes = _by_decision(result), result.outcomes()
    rows = [
        [f"#{number}", f"{named[number][0].method}: {_title(named[number])}", *_figures(outcomes[number], result)]
        for number in result.pareto(cost)
    ]  # fmt: skip
    note = (
        "Joined: settings that no other one beats in both. Figures but shares are relative to the original."
    )
    listed = table(("", "settings", *_header(result)), rows, left=2)
    name = _name(result)
    title = f"{name[:1].upper()}{name[1:]} against {'MACs' if cost == 'macs' else 'latency'}"
    return Section(title, join(chart, listed), note + left_out)


def _map(result: SweepResult, method: str) -> Section:
    named = {n: rows for n, rows in _by_decision(result).items() if rows[0].method == method}
    layers = list(dict.fromkeys(name for number in named for name in result.decisions[number]))
    cells = []
    for layer in layers:
        shares = [result.decisions[number].get(layer, 0.0) for number in named]
        cells.append([(share, "" if share in (0.0, 1.0) else f"{100 * share:.0f}") for share in shares])
    metrics = [rows[0].outcome.metric for rows in named.values()]
    if any(metric is not None for metric in metrics):
        percent = _unit(result) == "share"
        layers.append(f"{_name(result)}{', %' if percent else ''}")
        digits = ".1f" if percent else ".3g"
        cells.append(
            [(0.0, "" if metric is None else f"{_scale(result) * metric:{digits}}") for metric in metrics]
        )
    columns = [f"#{number} {_title(rows)}" for number, rows in named.items()]
    notes = {
        "fibnlr": "A column is a decision, with the first of the settings that lead to it; filled: the activation goes.",
        "compress": "How much of each layer's channels goes, in percent.",
        "pfa": "How much of each layer's units goes, in percent: those that all layers which make them let go.",
    }
    return Section(f"What goes: {method}", heat_map(layers, columns, cells, "layer"), notes[method])


def _settings(result: SweepResult) -> Section:
    rows: list[list[Child]] = [
        [row.method, row.label, f"#{row.decision}", *_figures(row.outcome, result)] for row in result.rows
    ]
    body: Markup = table(("method", "setting", "decision", *_header(result)), rows, left=3)
    return Section("All settings", tag("details", tag("summary", f"{len(rows)} settings"), body))


def sweep_story(result: SweepResult) -> Story:
    """What the report of a sweep says."""
    methods = list(dict.fromkeys(row.method for row in result.rows))
    fronts = [section for cost in _COSTS if (section := _front(result, cost)) is not None]
    known = result.baseline.metric
    figure = () if known is None else ((shown(known, _unit(result)), f"{_name(result)}, of the original"),)
    return Story(
        "Sweep",
        (
            (str(len(result.rows)), "settings"),
            (str(len(result.decisions)), "different decisions"),
            (f"{result.samples:,}", "samples to judge on"),
            *figure,
        ),
        (),
        (*fronts, *(_map(result, method) for method in methods), _settings(result)),
        {**result.parameters, "judged by": str(result.choice)},
    )
