"""How networks do and what they cost, compared with one original that is run once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..measure.latency import latencies
from ..measure.metrics import Tally, run_over
from ..network.summary import summarize

if TYPE_CHECKING:
    from aidge_core import GraphView

__all__ = ["Judge", "Outcome"]

_LATENCY_SECONDS = 1.5


@dataclass(frozen=True)
class Outcome:
    """What a network costs and how it does; None: not measured.

    Attributes:
        macs, parameters: multiply-accumulates for the compiled dims, and elements of constants.
        accuracy: share of labelled samples whose largest output is the label.
        agreement: share of samples with the original's largest output.
        latency: median time of a pass over that of the original, measured in turns.
    """

    macs: float
    parameters: float
    accuracy: float | None = None
    agreement: float | None = None
    latency: float | None = None

    @property
    def metric(self) -> float | None:
        """The accuracy where there are labels, else the agreement."""
        return self.accuracy if self.accuracy is not None else self.agreement


class Judge:
    """Compares compiled networks with `original` on `data`.

    Raises:
        ValueError: if there is no data.
    """

    def __init__(self, original: GraphView, data: Any, *, latency: bool) -> None:
        self._original = original
        self._data = data
        self._latency = latency
        self._dims = original.compiled_dims
        alone = run_over(original, data)
        self._expected = alone.predictions
        self.samples = alone.samples
        self.judged = 0
        alone.agreed = alone.samples  # with itself
        self.baseline = self._outcome(original, alone, 1.0 if latency else None)

    def _outcome(self, model: GraphView, tally: Tally, latency: float | None) -> Outcome:
        costs = summarize(model, self._dims)
        accuracy = tally.top1 / tally.labelled if tally.labelled else None
        return Outcome(costs.macs, costs.parameters, accuracy, tally.agreed / tally.samples, latency)

    def __call__(self, model: GraphView) -> Outcome:
        """Runs `model` over the data; it need not be compiled."""
        self.judged += 1
        model.compile("cpu", dims=self._dims)
        tally = run_over(model, self._data, reference=self._expected)
        return self._outcome(model, tally, self._time(model) if self._latency else None)

    def _time(self, model: GraphView) -> float:
        before, after = latencies([self._original, model], self._dims, limit=_LATENCY_SECONDS)
        return after / before
