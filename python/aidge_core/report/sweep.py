"""The report of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Section, Story, shown
from .charts import Curve, heat_map, line_chart
from .html import Child, Markup, join, table, tag

if TYPE_CHECKING:
    from ..sweeps.judge import Outcome
    from ..sweeps.result import SweepResult, SweepRow

__all__ = ["sweep_story"]

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
        shown(outcome.accuracy, "share"),
        shown(outcome.agreement, "share"),
        ratio(outcome.macs, baseline.macs),
        ratio(outcome.parameters, baseline.parameters),
        ratio(outcome.latency, 1.0),
    ]


_HEADER = ("accuracy", "agreement", "MACs", "parameters", "latency")


def _front(result: SweepResult, cost: str) -> Section | None:
    outcomes = result.outcomes()
    front = result.pareto(cost)
    baseline = getattr(result.baseline, cost)
    points = {
        number: (getattr(outcome, cost) / baseline, 100 * outcome.metric)
        for number, outcome in outcomes.items()
        if getattr(outcome, cost) is not None and outcome.metric is not None and baseline
    }
    if not points:
        return None
    others = [point for number, point in points.items() if number not in front]
    best = [points[number] for number in front]
    curves = [Curve([x for x, _ in best], [y for _, y in best])]
    curves += [
        Curve([x for x, _ in some], [y for _, y in some], kind)
        for some, kind in ((best, "dot"), (others, "dot faint"))
        if some
    ]
    metric = _metric(result)
    whole = f"the original has {shown(result.baseline.metric, 'share')}"
    chart = line_chart(
        curves, title=f"{metric} against {_COSTS[cost]}", x=_COSTS[cost], y=f"{metric} in %, {whole}"
    )
    named = _by_decision(result)
    rows = [
        [f"#{number}", f"{named[number][0].method}: {_title(named[number])}", *_figures(outcomes[number], result.baseline)]
        for number in front
    ]  # fmt: skip
    note = (
        "Joined: settings that no other one beats in both. Figures but shares are relative to the original."
    )
    listed = table(("", "settings", *_HEADER), rows, left=2)
    return Section(
        f"{metric.capitalize()} against {'MACs' if cost == 'macs' else 'latency'}", join(chart, listed), note
    )


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
    body: Markup = table(("method", "setting", "decision", *_HEADER), rows, left=3)
    return Section("All settings", tag("details", tag("summary", f"{len(rows)} settings"), body))


def sweep_story(result: SweepResult) -> Story:
    """What the report of a sweep says."""
    methods = list(dict.fromkeys(row.method for row in result.rows))
    fronts = [section for cost in _COSTS if (section := _front(result, cost)) is not None]
    return Story(
        "Sweep",
        (
            (str(len(result.rows)), "settings"),
            (str(len(result.decisions)), "different decisions"),
            (f"{result.samples:,}", "samples to judge on"),
            (shown(result.baseline.metric, "share"), f"{_metric(result)} of the original"),
        ),
        (),
        (*fronts, *(_map(result, method) for method in methods), _settings(result)),
        result.parameters,
    )
