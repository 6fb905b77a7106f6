"""How a network does compared with the one that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import SequentialScheduler
from ..evaluation import check_labels, labelled_batches
from .data import Part
from .result import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import GraphView

__all__ = ["compare"]


class _Sums:
    """Running counts of one comparison."""

    def __init__(self, calibration: bool) -> None:
        self.calibration = calibration
        self.samples = self.agreed = self.labelled = self.right = 0
        self.difference = self.square = self.total = 0.0
        self.values = 0
        self.classifies = True

    def add(self, expected: list[np.ndarray], got: list[np.ndarray], labels: np.ndarray | None) -> None:
        self.samples += len(got[0])
        for wanted, found in zip(expected, got, strict=True):
            self.difference += float(((wanted.astype(np.float64) - found) ** 2).sum())
            self.square += float((wanted.astype(np.float64) ** 2).sum())
            self.total += float(wanted.sum(dtype=np.float64))
            self.values += wanted.size
        scores, reference = (entry[0].reshape(len(entry[0]), -1) for entry in (got, expected))
        self.classifies &= (
            got[0].size == len(got[0]) * got[0].shape[-1] * (got[0].ndim > 1) and scores.shape[1] > 1
        )
        if not self.classifies:
            return
        best = scores.argmax(axis=1)
        self.agreed += int((best == reference.argmax(axis=1)).sum())
        if labels is None or (self.calibration and not 0 <= labels.min() <= labels.max() < scores.shape[1]):
            return  # what lies beside calibration data need not be a label of this network
        check_labels(labels, scores.shape[1])
        self.labelled += len(labels)
        self.right += int((best == labels).sum())


def compare(model: GraphView, original: GraphView, data: Any) -> Quality:
    """Runs both over `data` (batches as for evaluate_model).

    Raises:
        ValueError: if there is no data, or a label that is no class of the output (of held-out calibration data those do not count).
    """
    graphs = [original] if model is original else [original, model]
    schedulers = [SequentialScheduler(graph) for graph in graphs]
    sums = _Sums(isinstance(data, Part))
    for inputs, labels in labelled_batches(data, original):
        outputs: Sequence[list[np.ndarray]] = [
            [np.asarray(out).copy() for out in scheduler.forward(data=inputs)] for scheduler in schedulers
        ]
        sums.add(outputs[0], outputs[-1], labels)
    if sums.samples == 0:
        raise ValueError("[compress::compare] expected data to judge on, got none")
    variance = sums.square / sums.values - (sums.total / sums.values) ** 2
    error = float(np.sqrt(sums.difference / sums.values / variance)) if variance > 0 else 0.0
    agreement = sums.agreed / sums.samples if sums.classifies else None
    accuracy = sums.right / sums.labelled if sums.labelled and sums.classifies else None
    return Quality(sums.samples, agreement, error, accuracy)
