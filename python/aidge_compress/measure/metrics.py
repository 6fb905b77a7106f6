"""How a network does compared with the one that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler
from aidge_core.data import as_batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aidge_core import GraphView

__all__ = ["Quality", "check_labels", "compare", "labelled_batches", "relative_difference"]


@dataclass(frozen=True)
class Quality:
    """How a network does on samples that nothing was fitted on, compared with the original.

    Attributes:
        samples: how many.
        agreement: share of samples with the same largest output; None where the first output is no vector of at least 2 scores.
        error: root of the mean squared difference of all outputs over their variance in the original.
        accuracy: share of labelled samples whose largest output is the label; None without labels.
    """

    samples: int
    agreement: float | None
    error: float
    accuracy: float | None


class _Sums:
    """Running counts of one comparison."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
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
        if labels is None or (not self.strict and not 0 <= labels.min() <= labels.max() < scores.shape[1]):
            return  # what lies beside calibration data need not be a label of this network
        check_labels(labels, scores.shape[1])
        self.labelled += len(labels)
        self.right += int((best == labels).sum())


def compare(model: GraphView, original: GraphView, data: Any, *, strict: bool = True) -> Quality:
    """Runs both over `data` (batches as for evaluate_model).

    Raises:
        ValueError: if there is no data, or if a label is not a class of the output; with strict=False such labels do not count.
    """
    graphs = [original] if model is original else [original, model]
    schedulers = [SequentialScheduler(graph) for graph in graphs]
    sums = _Sums(strict)
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


def check_labels(labels: np.ndarray, classes: int) -> None:
    """ValueError where a label is no class of an output of so many values."""
    if labels.min() < 0 or labels.max() >= classes:
        found = f"labels from {labels.min()} to {labels.max()}"
        raise ValueError(
            f"[evaluation::evaluate] expected labels below {classes}, got {found} "
            "(of a folder of images, a label is the rank of its sub-folder's name)"
        )


def labelled_batches(data: Iterable[Any], model: GraphView) -> Iterator[tuple[list[Any], np.ndarray | None]]:
    """Every batch as the network's inputs, and the labels behind them where there are some: integers, one a sample."""
    for batch in data:
        inputs = next(iter(as_batches([batch], model.input_specs)))
        rest = list(batch)[len(inputs) :] if isinstance(batch, (list, tuple)) else []
        labels = np.asarray(rest[0]) if rest else np.empty(0)
        usable = np.issubdtype(labels.dtype, np.integer) and labels.ndim > 0 and labels.size == len(labels)
        yield inputs, labels.reshape(-1) if usable else None


def relative_difference(expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> float:
    """Largest difference of an output, relative to the largest value that is expected in it."""
    worst = 0.0
    for wanted, found in zip(expected, got, strict=True):
        wanted, found = wanted.astype(np.float64), found.astype(np.float64)
        scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-30)
        worst = max(worst, float(np.abs(found - wanted).max(initial=0.0)) / scale)
    return worst
