"""The report of a sweep."""

from __future__ import annotations

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


def _metric(result: SweepResult) -> str:
    return "accuracy" if result.baseline.accuracy is not None else "agreement"


def _title(rows: list[SweepRow]) -> str:
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{rows[0].label}{more}"


def _by_decision(result: SweepResult) -> dict[int, list[SweepRow]]:
    found: dict[int, list[SweepRow]] = {}
    for row in result.rows:
        found.setdefault(row.decision, []).append(row)
    return found


def _figures(outcome: Outcome, baseline: Outcome) -> list[Child]:
    def ratio(value: float | None, whole: float | None) -> str:
        return "–" if value is None or not whole else f"{value / whole:.3f}"

    return [
        *([] if baseline.accuracy is None else [shown(outcome.accuracy, "share")]),
        shown(outcome.agreement, "share"),
        ratio(outcome.macs, baseline.macs),
        ratio(outcome.parameters, baseline.parameters),
        ratio(outcome.latency, 1.0),
    ]


def _header(result: SweepResult) -> tuple[str, ...]:
    known = () if result.baseline.accuracy is None else ("accuracy",)
    return (*known, "agreement", "MACs", "parameters", "latency")


def _points(result: SweepResult, cost: str) -> dict[int, tuple[float, float]]:
    """decision → (share of the original's cost, metric in percent), as far as measured."""
    whole = getattr(result.baseline, cost)
    return {
        number: (getattr(outcome, cost) / whole, 100 * outcome.metric)
        for number, outcome in result.outcomes().items()
        if getattr(outcome, cost) is not None and outcome.metric is not None and whole
    }


def _chart(result: SweepResult, cost: str, points: dict[int, tuple[float, float]]) -> tuple[Markup, str]:
    """The front, and what lies not too far below it; and a note on what is left out."""
    front = result.pareto(cost)
    best = [points[number] for number in front]
    original = 100 * (result.baseline.metric or 0.0)
    lowest, highest = min(y for _, y in best), max(*(y for _, y in best), original)
    floor = lowest - max(highest - lowest, _LEAST_SPAN)
    others = [point for number, point in points.items() if number not in front]
    near = [point for point in others if point[1] >= floor]
    xs, ys = [x for x, _ in best], [y for _, y in best]
    curves = [Curve(xs, ys), Curve(xs, ys, "dot")]
    if near:
        curves.append(Curve([x for x, _ in near], [y for _, y in near], "dot faint"))
    metric = _metric(result)
    chart = line_chart(
        curves,
        title=f"{metric} against {_COSTS[cost]}",
        x=_COSTS[cost],
        y=f"{metric} in %; dashed: the original, {shown(result.baseline.metric, 'share')}",
        limit=original,
        names=[f"#{number}" for number in front],
    )
    far = len(others) - len(near)
    return chart, f" Not drawn: {far} below {floor:.1f} %." if far else ""


def _front(result: SweepResult, cost: str) -> Section | None:
    points = _points(result, cost)
    if not points:
        return None
    chart, left_out = _chart(result, cost, points)
    named, outcomes = _by_decision(result), result.outcomes()
    rows = [
        [f"#{number}", f"{named[number][0].method}: {_title(named[number])}", *_figures(outcomes[number], result.baseline)]
        for number in result.pareto(cost)
    ]  # fmt: skip
    note = (
        "Joined: settings that no other one beats in both. Figures but shares are relative to the original."
    )
    listed = table(("", "settings", *_header(result)), rows, left=2)
    title = f"{_metric(result).capitalize()} against {'MACs' if cost == 'macs' else 'latency'}"
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
        layers.append(f"{_metric(result)}, %")
        cells.append([(0.0, "" if metric is None else f"{100 * metric:.1f}") for metric in metrics])
    columns = [f"#{number} {_title(rows)}" for number, rows in named.items()]
    notes = {
        "fibnlr": "A column is a decision, with the first of the settings that lead to it; filled: the activation goes.",
        "compress": "How much of each layer's channels goes, in percent.",
        "pfa": "How much of each layer's units goes, in percent: those that all layers which make them let go.",
    }
    return Section(f"What goes: {method}", heat_map(layers, columns, cells, "layer"), notes[method])


def _settings(result: SweepResult) -> Section:
    rows: list[list[Child]] = [
        [row.method, row.label, f"#{row.decision}", *_figures(row.outcome, result.baseline)]
        for row in result.rows
    ]
    body: Markup = table(("method", "setting", "decision", *_header(result)), rows, left=3)
    return Section("All settings", tag("details", tag("summary", f"{len(rows)} settings"), body))


def sweep_story(result: SweepResult) -> Story:
    """What the report of a sweep says."""
    methods = list(dict.fromkeys(row.method for row in result.rows))
    fronts = [section for cost in _COSTS if (section := _front(result, cost)) is not None]
    known = result.baseline.accuracy
    accuracy = () if known is None else ((shown(known, "share"), "accuracy of the original"),)
    return Story(
        "Sweep",
        (
            (str(len(result.rows)), "settings"),
            (str(len(result.decisions)), "different decisions"),
            (f"{result.samples:,}", "samples to judge on"),
            *accuracy,
        ),
        (),
        (*fronts, *(_map(result, method) for method in methods), _settings(result)),
        result.parameters,
    )
