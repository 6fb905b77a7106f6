"""How a network does compared with the one that it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler
from aidge_core.data import as_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aidge_core import GraphView

__all__ = [
    "Quality",
    "Tally",
    "check_labels",
    "compare",
    "is_classifier",
    "labelled_batches",
    "relative_difference",
    "run_over",
]


@dataclass(frozen=True)
class Quality:
    """How a network does on samples that nothing was fitted on, compared with the original.

    Attributes:
        samples: how many.
        agreement: share of samples with the same largest output; None if the first output is not a vector of at least 2 scores.
        error: root of the mean squared difference of all outputs over their variance in the original.
        accuracy: share of labelled samples whose largest output is the label; None without labels.
        original_accuracy: the same of the original.
    """

    samples: int
    agreement: float | None
    error: float
    accuracy: float | None
    original_accuracy: float | None = None

    @property
    def metric(self) -> tuple[float, float] | None:
        """(before, after): the accuracy if there are labels, else the agreement, which is 1 before; None if there is neither."""
        if self.accuracy is not None and self.original_accuracy is not None:
            return self.original_accuracy, self.accuracy
        return None if self.agreement is None else (1.0, self.agreement)

    @property
    def drop(self) -> float:
        """What was lost: of the metric, or the relative error of the outputs if there is no metric."""
        return self.error if self.metric is None else self.metric[0] - self.metric[1]


def is_classifier(output: np.ndarray) -> bool:
    """Whether an output is one vector of at least 2 scores per sample."""
    return output.ndim > 1 and output.shape[-1] > 1 and output.size == len(output) * output.shape[-1]


def _scores(array: np.ndarray) -> np.ndarray:
    """(samples, values) that can be subtracted: whatever lies behind the first axis is one vector per sample."""
    scores = array.reshape(len(array), -1)
    return scores if scores.dtype.kind == "f" else scores.astype(np.float64)


def _hits(scores: np.ndarray, labels: np.ndarray, k: int) -> tuple[int, int]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    matches = order == labels[:, None]
    return int(matches[:, 0].sum()), int(matches.any(axis=1).sum())


class Tally:
    """Running counts of a network over batches, alone and compared with another; the one place where they are counted.

    Args:
        k: of the k largest outputs among which a label may be.
        strict: whether a label that is not a class of the output is an error; else it does not count.

    Attributes:
        samples, labelled, top1, topk, agreed, original_top1: counts of samples.
        worst: largest difference of a value of the first output.
        predictions: per batch, where each sample's largest output is.
        classifies: whether the first output is a vector of scores in every batch.
    """

    def __init__(self, k: int = 1, *, strict: bool = True) -> None:
        self._k, self._strict = k, strict
        self.samples = self.labelled = self.top1 = self.topk = self.agreed = self.original_top1 = 0
        self.worst = 0.0
        self.predictions: list[np.ndarray] = []
        self.classifies = True
        self._difference = self._square = self._total = 0.0
        self._values = 0

    def add(
        self,
        outputs: Sequence[np.ndarray],
        labels: np.ndarray | None,
        expected: Sequence[np.ndarray] | np.ndarray | None = None,
    ) -> None:
        """Counts a batch.

        Args:
            outputs: all outputs of the network.
            labels: integers, one per sample.
            expected: all outputs of the other network, or only where each sample's largest one is.

        Raises:
            ValueError: if a label is not a class of the output.
        """
        scores = _scores(outputs[0])
        best = scores.argmax(axis=1)
        self.samples += len(scores)
        self.predictions.append(best)
        self.classifies &= is_classifier(outputs[0])
        others = None
        if expected is not None:
            others = expected if isinstance(expected, np.ndarray) else _scores(expected[0]).argmax(axis=1)
            self.agreed += int((others == best).sum())
        if expected is not None and not isinstance(expected, np.ndarray):
            self._compare(outputs, expected)
        if labels is None or not self._usable(labels, scores.shape[1]):
            return
        first, any_of_k = _hits(scores, labels, self._k)
        self.labelled, self.top1, self.topk = (
            self.labelled + len(labels),
            self.top1 + first,
            self.topk + any_of_k,
        )
        self.original_top1 += 0 if others is None else int((others == labels).sum())

    def _usable(self, labels: np.ndarray, classes: int) -> bool:
        if labels.min() >= 0 and labels.max() < classes:
            return True
        if self._strict and self.classifies:
            check_labels(labels, classes)
        return False

    def _compare(self, outputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
        self.worst = max(
            self.worst, float(np.abs(_scores(expected[0]) - _scores(outputs[0])).max(initial=0.0))
        )
        for wanted, found in zip(expected, outputs, strict=True):
            exact = wanted.astype(np.float64)
            self._difference += float(((exact - found) ** 2).sum())
            self._square += float((exact**2).sum())
            self._total += float(wanted.sum(dtype=np.float64))
            self._values += wanted.size

    @property
    def error(self) -> float:
        """Root of the mean squared difference of all outputs over their variance in the other network."""
        if not self._values:
            return 0.0
        variance = self._square / self._values - (self._total / self._values) ** 2
        return float(np.sqrt(self._difference / self._values / variance)) if variance > 0 else 0.0

    @property
    def quality(self) -> Quality:
        """Compared with the other network, as one that it came from."""
        labelled = self.labelled if self.classifies else 0
        return Quality(
            self.samples,
            self.agreed / self.samples if self.classifies else None,
            self.error,
            self.top1 / labelled if labelled else None,
            self.original_top1 / labelled if labelled else None,
        )


def run_over(
    model: GraphView,
    data: Iterable[Any],
    *,
    reference: GraphView | Sequence[np.ndarray] | None = None,
    k: int = 1,
    strict: bool = True,
    progress: Callable[[int], object] | None = None,
) -> Tally:
    """Runs a compiled network over data and counts.

    Args:
        model: the network.
        data: batches as for fibnlr_compute; the entry behind the network's inputs, if integer and one per sample, is the label.
        reference: a compiled network to compare with, or what it predicts (Tally.predictions).
        k, strict: see Tally.
        progress: called with the samples done so far.

    Raises:
        ValueError: if there is no data, or a label is not a class of the output.
    """
    tally = Tally(k, strict=strict)
    scheduler = SequentialScheduler(model)
    other = None if reference is None or isinstance(reference, Sequence) else SequentialScheduler(reference)
    known = iter(reference) if isinstance(reference, Sequence) else iter(())
    for inputs, labels in labelled_batches(data, model):
        expected: list[np.ndarray] | np.ndarray | None = next(known, None)
        if other is not None:
            expected = [np.array(out) for out in other.forward(data=inputs)]
        same = reference is model and isinstance(expected, list)
        outputs = expected if same else [np.asarray(out) for out in scheduler.forward(data=inputs)]
        assert isinstance(outputs, list)
        tally.add(outputs, labels, expected)
        if progress is not None:
            progress(tally.samples)
    if not tally.samples:
        raise ValueError("[evaluation::evaluate] expected data, got an empty provider")
    return tally


def compare(model: GraphView, original: GraphView, data: Any, *, strict: bool = True) -> Quality:
    """How `model` does on `data` (batches as for evaluate_model) compared with `original`; both are compiled.

    Raises:
        ValueError: if there is no data, or if a label is not a class of the output; with strict=False such labels do not count.
    """
    return run_over(model, data, reference=original, strict=strict).quality


def check_labels(labels: np.ndarray, classes: int) -> None:
    """ValueError if a label is not one of `classes` classes."""
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
    """Largest difference of an output, relative to the largest finite value that is expected in it.

    Infinite if the dims of an output differ, or if only one of two values is not a number or infinite.
    """
    worst = 0.0
    for wanted, found in zip(expected, got, strict=True):
        if wanted.shape != found.shape:
            return float("inf")
        wanted, found = wanted.astype(np.float64), found.astype(np.float64)
        known = np.isfinite(wanted)
        if not np.array_equal(
            np.where(known, 0.0, wanted), np.where(np.isfinite(found), 0.0, found), equal_nan=True
        ):
            return float("inf")
        scale = max(float(np.abs(wanted[known]).max(initial=0.0)), 1e-30)
        worst = max(worst, float(np.abs(found[known] - wanted[known]).max(initial=0.0)) / scale)
    return worst
