"""How networks do and what they cost, compared with one original that is run once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aidge_core
import numpy as np

from ..measure.latency import latencies
from ..measure.metrics import check_labels, labelled_batches
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


def _predictions(model: GraphView, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """(largest output, label or -1) of every sample."""
    scheduler = aidge_core.SequentialScheduler(model)
    found: list[np.ndarray] = []
    wanted: list[np.ndarray] = []
    for inputs, labels in labelled_batches(data, model):
        outputs = np.asarray(scheduler.forward(data=inputs)[0])
        scores = outputs.reshape(len(outputs), -1)
        found.append(scores.argmax(axis=1))
        if labels is not None:
            check_labels(labels, scores.shape[1])
        wanted.append(np.full(len(scores), -1) if labels is None else labels.astype(np.int64))
    if not found:
        raise ValueError("[sweep::judge] expected evaluation data, got an empty provider")
    return np.concatenate(found), np.concatenate(wanted)


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
        self._expected, self._labels = _predictions(original, data)
        self.samples = len(self._expected)
        self.judged = 0
        self.baseline = self._outcome(original, self._expected, 1.0 if latency else None)

    def _outcome(self, model: GraphView, found: np.ndarray, latency: float | None) -> Outcome:
        labelled = self._labels >= 0
        accuracy = float((found == self._labels)[labelled].mean()) if labelled.any() else None
        costs = summarize(model, self._dims)
        agreement = float((found == self._expected).mean())
        return Outcome(costs.macs, costs.parameters, accuracy, agreement, latency)

    def __call__(self, model: GraphView) -> Outcome:
        """Runs `model` over the data; it need not be compiled."""
        self.judged += 1
        model.compile("cpu", dims=self._dims)
        found, _ = _predictions(model, self._data)
        return self._outcome(model, found, self._time(model) if self._latency else None)

    def _time(self, model: GraphView) -> float:
        before, after = latencies([self._original, model], self._dims, limit=_LATENCY_SECONDS)
        return after / before
