"""What a sweep returns."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..files import write_text
from ..measure.metrics import NotNumbers, Quality
from ..measure.registry import Choice
from ..measure.result import Result
from ..measure.trial import Outcome
from ..network.costs import Costs
from ..network.outline import Outline
from ..numbers import counted
from ..tables import data_frame
from .grids import label

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..report import Story

__all__ = ["SweepResult", "SweepRow", "pareto"]


@dataclass(frozen=True)
class SweepRow:
    """A setting of a method, the number of the decision that it leads to, and what came of that."""

    method: str
    options: Mapping[str, Any]
    decision: int
    outcome: Outcome

    @property
    def label(self) -> str:
        """The setting in few words."""
        return label(self.options)


def pareto(points: Mapping[int, tuple[float, float]]) -> list[int]:
    """Keys of the (cost, metric) that none beats: nothing cheaper is as good, nothing better as cheap; ascending by cost, the first key of equal ones."""
    front: list[int] = []
    best = float("-inf")
    for key, (_, metric) in sorted(points.items(), key=lambda entry: (entry[1][0], -entry[1][1], entry[0])):
        if metric > best:
            front.append(key)
            best = metric
    return front


@dataclass(frozen=True, repr=False)
class SweepResult(Result):
    """All settings that were tried.

    Attributes:
        rows: one a setting, in the order of the grids.
        decisions: decision → layer → share of it that goes (1: the activation is removed).
        baseline: the original network.
        evaluated: networks that were run in this call; other decisions were known.
        samples: that were judged on.
        network: the original.
        options: the grids by name, and what was asked for besides.
        model: the original.
        before: its costs.
        choice: the figure that the settings are judged by, and why that one.
        not_numbers: samples with NaN in the inputs or in the outputs of the original.
        after, quality: None: a sweep recommends, and makes no network of its own.
    """

    rows: tuple[SweepRow, ...]
    decisions: Mapping[int, Mapping[str, float]]
    baseline: Outcome
    evaluated: int
    samples: int
    network: Outline
    options: Mapping[str, Any]
    model: GraphView | None = None
    after: Costs | None = None
    quality: Quality | None = None
    choice: Choice = Choice(None, "not known")
    not_numbers: NotNumbers = NotNumbers()

    @property
    def before(self) -> Costs:
        """Costs of the original, for the dims that it is compiled for."""
        return Costs(int(self.baseline.macs), int(self.baseline.parameters))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The options by name."""
        return self.options

    def _headline(self) -> str:
        best = len(self.pareto())
        return f"{counted(len(self.rows), 'setting')}, {counted(len(self.decisions), 'different decision')}, {best} of them Pareto-optimal in MACs; {self.choice}"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that was found as JSON. OSError if the file cannot be written."""
        write_text(path, json.dumps(self.to_dict(), indent=2) + "\n")

    def outcomes(self) -> dict[int, Outcome]:
        """One outcome a decision."""
        return {row.decision: row.outcome for row in self.rows}

    def pareto(self, cost: str = "macs") -> list[int]:
        """Decisions on the Pareto front of the metric, in its direction, against "macs", "parameters" or "latency", cheapest first; only measured ones."""
        if cost not in ("macs", "parameters", "latency"):
            raise ValueError(f"[sweep::pareto] expected macs, parameters or latency, got {cost!r}")
        sign = 1.0 if self.choice.metric is None or self.choice.metric.higher_is_better else -1.0
        points = {
            decision: (float(price), sign * float(outcome.metric))
            for decision, outcome in self.outcomes().items()
            if (price := getattr(outcome, cost)) is not None and outcome.metric is not None
        }
        return pareto(points)

    def _records(self) -> list[dict[str, Any]]:
        fronts = {cost: set(self.pareto(cost)) for cost in ("macs", "latency")}
        return [
            {
                "method": row.method,
                "setting": row.label,
                "decision": row.decision,
                "gone": sum(share > 0 for share in self.decisions[row.decision].values()),
                **asdict(row.outcome),
                **{f"pareto_{cost}": row.decision in front for cost, front in fronts.items()},
            }
            for row in self.rows
        ]

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a setting. ImportError if pandas is missing."""
        records = self._records()
        return data_frame(records, list(records[0]))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "metric": self.choice.metric.name if self.choice.metric else None,
            "reason": self.choice.reason,
            "not_numbers": asdict(self.not_numbers),
            "baseline": asdict(self.baseline),
            "samples": self.samples,
            "evaluated": self.evaluated,
            "rows": [{**record, "options": dict(row.options)} for record, row in zip(self._records(), self.rows, strict=True)],
            "decisions": {str(number): dict(gone) for number, gone in self.decisions.items()},
            "pareto": {cost: self.pareto(cost) for cost in ("macs", "latency")},
        }  # fmt: skip

    def _story(self) -> Story:
        from .report import sweep_story

        return sweep_story(self)
