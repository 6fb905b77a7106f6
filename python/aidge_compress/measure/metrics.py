"""How a network does compared with the one that it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler

from ..progress import report_to
from .labels import check_labels, labelled_batches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from aidge_core import GraphView, Node

    from ..progress import Progress

__all__ = [
    "Quality",
    "Tally",
    "check_labels",
    "class_scores",
    "compare",
    "differences",
    "is_classifier",
    "labelled_batches",
    "loose_outputs",
    "relative_difference",
    "run_over",
]


@dataclass(frozen=True)
class Quality:
    """How a network does on samples that nothing was fitted on, compared with the original.

    Attributes:
        samples: how many.
        agreement: share of samples with the same prediction; None if the first output does not choose among classes (see class_scores).
        error: root of the mean squared difference of all outputs over their variance in the original; None if none can be compared, because
            only a run tells the sizes of the outputs (the boxes that NonMaxSuppression keeps).
        accuracy: share of labelled samples whose largest output is the label; None without labels.
        original_accuracy: the same of the original.
    """

    samples: int
    agreement: float | None
    error: float | None
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
        """What was lost: of the metric, or the relative error of the outputs if there is no metric; infinite if neither is known."""
        if self.metric is not None:
            return self.metric[0] - self.metric[1]
        return float("inf") if self.error is None else self.error


def is_classifier(output: np.ndarray) -> bool:
    """Whether an output is one vector of at least 2 scores per sample: (samples, classes), with further axes of length 1."""
    lengths = [length for length in output.shape[1:] if length != 1]
    return len(lengths) == 1 and lengths[0] > 1


def class_scores(output: np.ndarray, *, probability: bool = False) -> np.ndarray | None:
    """Return scores (samples, classes), the largest of which is what the network predicts; None if an output does not choose among classes.

    Args:
        output: of a network, samples first. Maps, sequences, boxes and numbers do not choose.
        probability: whether one value per sample is the probability of class 1, as behind a sigmoid.
    """
    if is_classifier(output):
        return _vectors(output)
    if probability and output.ndim and output.size == len(output):
        chance = _vectors(output)
        return np.concatenate([1 - chance, chance], axis=1)
    return None


def predicted(scores: np.ndarray) -> np.ndarray:
    """Where the largest score of each sample is; -1 if one is NaN."""
    return np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1))


def ends_in_sigmoid(model: GraphView) -> bool:
    """Whether the first output is a sigmoid's, so that its values are probabilities."""
    node: Node | None = model.get_ordered_outputs()[0][0]
    while node is not None and node.type() in _PASSING:
        node = node.input(0)[0]
    return node is not None and node.type() in ("Sigmoid", "HardSigmoid")


_PASSING = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast")
"""Operators that keep the values."""


def _vectors(array: np.ndarray) -> np.ndarray:
    """(samples, values) that can be subtracted: whatever lies behind the first axis is one vector per sample."""
    scores = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
    return scores if scores.dtype.kind == "f" else scores.astype(np.float64)


def differences(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Absolute differences in float64; where one value is NaN or infinite and the other is not the same, infinity.

    Raises:
        ValueError: if the shapes differ.
    """
    if expected.shape != found.shape:
        raise ValueError(
            f"[evaluation::compare] expected outputs of one shape, got {list(expected.shape)} and {list(found.shape)}"
        )
    wanted, got = expected.astype(np.float64), found.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.abs(wanted - got)
    same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _hits(scores: np.ndarray, labels: np.ndarray, k: int) -> tuple[int, int]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    matches = (order == labels[:, None]) & ~np.isnan(scores).any(axis=1, keepdims=True)
    return int(matches[:, 0].sum()), int(matches.any(axis=1).sum())


class Tally:
    """Running counts of a network over batches, alone and compared with another; the one place where they are counted.

    Args:
        k: of the k largest outputs among which a label may be.
        strict: whether a label that is not a class of the output is an error; else it does not count.
        probability: see class_scores.
        loose: numbers of the outputs whose sizes only a run tells (see loose_outputs), which neither choose among classes nor are compared.

    Attributes:
        samples, labelled, top1, topk, agreed, original_top1: counts of samples; all but the first are 0 if the network does not classify.
        worst: largest difference of a value of the first output that is compared; infinite if only one of both is NaN; None: none was.
        predictions: per batch, what is predicted for each sample (see `predicted`); empty if the network does not classify.
        classifies: whether the first output chooses among classes in every batch.
    """

    def __init__(
        self,
        k: int = 1,
        *,
        strict: bool = True,
        probability: bool = False,
        loose: Collection[int] = (),
    ) -> None:
        self._k, self._strict, self._probability, self._loose = k, strict, probability, loose
        self.samples = self.labelled = self.top1 = self.topk = self.agreed = self.original_top1 = 0
        self.worst: float | None = None
        self.predictions: list[np.ndarray] = []
        self.classifies = True
        self._difference = self._square = self._total = 0.0
        self._values = 0

    def add(
        self,
        outputs: Sequence[np.ndarray],
        labels: np.ndarray | None,
        expected: Sequence[np.ndarray] | np.ndarray | None = None,
        *,
        samples: int | None = None,
    ) -> None:
        """Counts a batch.

        Args:
            outputs: all outputs of the network.
            labels: integers, one per sample.
            expected: all outputs of the other network, or only where each sample's largest one is.
            samples: of the batch; None: as many as the first output has rows.

        Raises:
            ValueError: if a label is not a class of the output.
        """
        rows = len(outputs[0]) if outputs[0].ndim else 1
        samples = rows if samples is None else samples
        self.samples += samples
        if expected is not None and not isinstance(expected, np.ndarray):
            self._compare(outputs, expected)
        scores = None if 0 in self._loose else class_scores(outputs[0], probability=self._probability)
        if scores is None or rows != samples or not self.classifies:
            self._give_up()
            return
        best = predicted(scores)
        self.predictions.append(best)
        others = None if expected is None else self._predicted_by_other(expected)
        self.agreed += 0 if others is None else int((others == best).sum())
        if labels is None or not self._usable(labels, scores.shape[1]):
            return
        first, any_of_k = _hits(scores, labels, self._k)
        self.labelled += len(labels)
        self.top1 += first
        self.topk += any_of_k
        self.original_top1 += 0 if others is None else int((others == labels).sum())

    def _predicted_by_other(self, expected: Sequence[np.ndarray] | np.ndarray) -> np.ndarray | None:
        if isinstance(expected, np.ndarray):
            return expected
        scores = class_scores(expected[0], probability=self._probability)
        return None if scores is None else predicted(scores)

    def _give_up(self) -> None:
        """No figure about classes is right where a batch is not about classes."""
        self.classifies = False
        self.labelled = self.top1 = self.topk = self.agreed = self.original_top1 = 0
        self.predictions.clear()

    def _usable(self, labels: np.ndarray, classes: int) -> bool:
        if labels.min() >= 0 and labels.max() < classes:
            return True
        if self._strict:
            check_labels(labels, classes)
        return False

    def _compare(self, outputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
        if len(outputs) != len(expected):
            raise ValueError(
                f"[evaluation::compare] expected as many outputs as the other network has, {len(expected)}, got {len(outputs)}"
            )
        compared = [number for number in range(len(outputs)) if number not in self._loose]
        for number in compared:
            wanted, found = expected[number], outputs[number]
            apart = differences(wanted, found)
            if number == compared[0]:
                self.worst = max(self.worst or 0.0, float(apart.max(initial=0.0)))
            exact = np.nan_to_num(wanted.astype(np.float64), posinf=0.0, neginf=0.0)
            self._difference += float((apart**2).sum())
            self._square += float((exact**2).sum())
            self._total += float(exact.sum())
            self._values += wanted.size

    @property
    def error(self) -> float | None:
        """Root of the mean squared difference of all outputs over their variance in the other network; if that is 0, over their mean square.

        None if no output could be compared."""
        if self.worst is None:
            return None
        if not self._values or self._difference == 0:
            return 0.0
        square = self._square / self._values
        variance = square - (self._total / self._values) ** 2
        scale = variance if variance > 1e-12 * square else square
        return float(np.sqrt(self._difference / self._values / scale)) if scale > 0 else float("inf")

    @property
    def quality(self) -> Quality:
        """Compared with the other network, as one that it came from."""
        return Quality(
            self.samples,
            self.agreement,
            self.error,
            self.accuracy,
            self.original_top1 / self.labelled if self.labelled else None,
        )

    @property
    def accuracy(self) -> float | None:
        """Share of labelled samples whose label is predicted; None without labels or classes."""
        return self.top1 / self.labelled if self.labelled else None

    @property
    def agreement(self) -> float | None:
        """Share of samples for which both networks predict the same; None without classes."""
        return self.agreed / self.samples if self.classifies and self.samples else None


def loose_outputs(model: GraphView, dims: Sequence[Sequence[int]] = ()) -> frozenset[int]:
    """Numbers of the outputs whose sizes only a run tells, such as the boxes that NonMaxSuppression keeps.

    dims: of each input; none: those that the network is compiled for.
    """
    known = model.infer_shapes([list(entry) for entry in dims or model.compiled_dims])
    ends = enumerate(model.get_ordered_outputs())
    return frozenset(number for number, (node, _) in ends if node not in known)


def run_over(
    model: GraphView,
    data: Iterable[Any],
    *,
    reference: GraphView | Sequence[np.ndarray] | None = None,
    k: int = 1,
    strict: bool = True,
    progress: Progress | None = None,
) -> Tally:
    """Runs a compiled network over data and counts.

    Args:
        model: the network.
        data: batches as for fibnlr_compute; the first entry behind the network's inputs that is one class per sample is the label (see
            class_labels).
        reference: a compiled network to compare with, or what it predicts (Tally.predictions).
        k, strict: see Tally.
        progress: called with ("evaluating", samples done, 0).

    Raises:
        ValueError: if there is no data, or a label is not a class of the output.
        Stopped: if `progress` returns False.
    """
    other_ends = reference is None or isinstance(reference, Sequence) or ends_in_sigmoid(reference)
    probability = ends_in_sigmoid(model) and other_ends
    tally = Tally(k, strict=strict, probability=probability, loose=loose_outputs(model))
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
        tally.add(outputs, labels, expected, samples=inputs[0].dims[0] if inputs[0].dims else 1)
        report_to(progress, "evaluating", tally.samples, 0)
    if not tally.samples:
        raise ValueError("[evaluation::evaluate] expected data, got an empty provider")
    return tally


def compare(model: GraphView, original: GraphView, data: Any, *, strict: bool = True) -> Quality:
    """How `model` does on `data` (batches as for evaluate_model) compared with `original`; both are compiled.

    Raises:
        ValueError: if there is no data, or if a label is not a class of the output; with strict=False such labels do not count.
    """
    return run_over(model, data, reference=original, strict=strict).quality


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
