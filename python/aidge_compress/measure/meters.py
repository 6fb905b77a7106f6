"""What measures a figure over batches: predictions, errors, embeddings, and functions of the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from aidge_core.data.labels import CLASSES, TARGETS

from .labels import Labels, check_labels

__all__ = [
    "Agreement",
    "Embedding",
    "Meter",
    "Psnr",
    "RelativeError",
    "Top1",
    "WithFunction",
    "class_scores",
    "decisions",
    "differences",
    "is_classifier",
    "unit_vectors",
    "vectors",
]

_UNIT = 1e-3
"""How far from 1 the lengths of unit vectors are."""
_NEIGHBOURS = 4000
"""Nearest neighbours are looked for among so many samples, the first ones."""


class Meter(Protocol):
    """Measures one figure, batch by batch."""

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """Takes a batch: all outputs, the labels by kind, and the reference's outputs."""

    def value(self) -> float | None:
        """The figure over all batches; None if it could not be measured."""

    def details(self) -> Mapping[str, float]:
        """Figures that belong to it, by name."""


def is_classifier(output: np.ndarray) -> bool:
    """Whether an output is one vector of at least 2 scores per sample: (samples, classes), with further axes of length 1."""
    lengths = [length for length in output.shape[1:] if length != 1]
    return output.dtype.kind == "f" and len(lengths) == 1 and lengths[0] > 1


def unit_vectors(output: np.ndarray) -> bool:
    """Whether every sample's vector has length 1 and values of both signs, as embeddings have and scores have not."""
    values = vectors(output).astype(np.float64)
    if not values.size or not np.isfinite(values).all() or not (values < 0).any():
        return False
    return bool(np.abs(np.linalg.norm(values, axis=1) - 1.0).max() < _UNIT)


def class_scores(output: np.ndarray, *, probability: bool = False) -> np.ndarray | None:
    """Return scores (samples, classes), the largest of which is what the network predicts; None if an output does not choose among classes.

    Args:
        output: of a network, samples first. Maps, sequences, boxes and numbers do not choose.
        probability: whether one value per sample is the probability of class 1, as behind a sigmoid.
    """
    if is_classifier(output):
        return vectors(output)
    if probability and output.ndim and output.size == len(output):
        chance = vectors(output)
        return np.concatenate([1 - chance, chance], axis=1)
    return None


def decisions(output: np.ndarray, *, probability: bool = False) -> np.ndarray | None:
    """Return the class that is predicted for each sample, (samples,), -1 if a score is NaN; None if an output does not choose among classes.

    An output of one integer per sample, as behind an ArgMax, is the class itself.
    """
    if output.dtype.kind in "iub" and output.ndim and output.size == len(output):
        return output.reshape(-1).astype(np.int64)
    scores = class_scores(output, probability=probability)
    if scores is None:
        return None
    return np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1))


def vectors(array: np.ndarray) -> np.ndarray:
    """(samples, values) that can be subtracted: whatever lies behind the first axis is one vector per sample."""
    scores = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
    return scores if scores.dtype.kind == "f" else scores.astype(np.float64)


def differences(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Absolute differences in float64; infinity where one value is NaN, or infinite while the other is not the same.

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
    return np.where(wanted == got, 0.0, np.where(np.isnan(apart), np.inf, apart))


class Top1:
    """Share of labelled samples whose label is predicted, and is among the k largest scores."""

    def __init__(self, k: int, probability: bool, strict: bool) -> None:
        self._k, self._probability, self._strict = k, probability, strict
        self.labelled = self.top1 = self.topk = 0
        self._usable = True

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        best = decisions(outputs[0], probability=self._probability)
        wanted = labels.get(CLASSES)
        if best is None:
            self._usable = False  # no figure about classes is right where a batch is not about classes
        if best is None or wanted is None or not len(wanted):
            return
        scores = class_scores(outputs[0], probability=self._probability)
        if scores is not None and (wanted.min() < 0 or wanted.max() >= scores.shape[1]):
            if self._strict:
                check_labels(wanted, scores.shape[1])
            return
        first = best == wanted
        self.labelled += len(wanted)
        self.top1 += int(first.sum())
        self.topk += int(first.sum()) if scores is None else _hits(scores, wanted, self._k)

    def value(self) -> float | None:
        """See Meter."""
        return self.top1 / self.labelled if self._usable and self.labelled else None

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        if self.value() is None or self._k < 2:
            return {}
        return {f"top-{self._k} accuracy": self.topk / self.labelled}


def _hits(scores: np.ndarray, labels: np.ndarray, k: int) -> int:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    matches = (order == labels[:, None]) & ~np.isnan(scores).any(axis=1, keepdims=True)
    return int(matches.any(axis=1).sum())


class Agreement:
    """Share of samples for which both networks predict the same; NaN agrees with nothing."""

    def __init__(self, probability: bool) -> None:
        self._probability = probability
        self.agreed = self.samples = 0
        self._usable = True

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        best = decisions(outputs[0], probability=self._probability)
        other = None if expected is None else decisions(expected[0], probability=self._probability)
        if best is None or other is None or best.shape != other.shape:
            self._usable = False
            return
        self.agreed += int(((best == other) & (best >= 0)).sum())
        self.samples += len(best)

    def value(self) -> float | None:
        """See Meter."""
        return self.agreed / self.samples if self._usable and self.samples else None

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        return {}


class RelativeError:
    """Root of the mean squared difference of all outputs over their variance in the reference; if that is 0, over their mean square.

    Args:
        loose: numbers of outputs that are not compared, since only a run tells their sizes.
    """

    def __init__(self, loose: Collection[int] = ()) -> None:
        self._loose = loose
        self.worst: float | None = None
        self._difference = self._square = self._total = 0.0
        self._values = 0

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter. ValueError if the outputs have other shapes than the reference's."""
        if expected is None:
            return
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

    def value(self) -> float | None:
        """See Meter."""
        if self.worst is None:
            return None
        if not self._values or self._difference == 0:
            return 0.0
        square = self._square / self._values
        variance = square - (self._total / self._values) ** 2
        scale = variance if variance > 1e-12 * square else square
        return float(np.sqrt(self._difference / self._values / scale)) if scale > 0 else float("inf")

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        return {} if self.worst is None else {"largest difference": self.worst}


class Psnr:
    """10 log10(peak² / mean squared difference) in decibels; the peak is the range of the values that are expected.

    Args:
        labelled: whether the labels are what is expected, else the reference's output.
    """

    def __init__(self, labelled: bool) -> None:
        self._labelled = labelled
        self._square, self._values = 0.0, 0
        self._low, self._high = np.inf, -np.inf

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        wanted = labels.get(TARGETS) if self._labelled else None if expected is None else expected[0]
        if wanted is None:
            return
        self._square += float((differences(wanted, outputs[0]) ** 2).sum())
        self._values += wanted.size
        known = wanted[np.isfinite(wanted)]
        self._low = min(self._low, float(known.min(initial=np.inf)))
        self._high = max(self._high, float(known.max(initial=-np.inf)))

    def value(self) -> float | None:
        """See Meter."""
        peak = self._high - self._low
        if not self._values or not peak > 0:
            return None
        if self._square == 0:
            return float("inf")
        with np.errstate(divide="ignore"):
            return float(10 * np.log10(peak**2 / (self._square / self._values)))

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        return {}


class Embedding:
    """Mean cosine of the angle between the vectors of both networks, after the mean of the reference's vectors is subtracted from both; and the
    share of samples whose nearest other sample is the same in both. A vector with NaN has the cosine -1 and no neighbour."""

    def __init__(self) -> None:
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        if expected is not None:
            self._pairs.append((vectors(outputs[0]).copy(), vectors(expected[0]).copy()))

    def _centred(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Both sets of vectors, and which samples have finite ones."""
        found, wanted = (np.concatenate(side).astype(np.float64) for side in zip(*self._pairs, strict=True))
        good = np.asarray(np.isfinite(found).all(axis=1) & np.isfinite(wanted).all(axis=1))
        mean = wanted[good].mean(axis=0) if good.sum() > 1 else 0.0
        return found - mean, wanted - mean, good

    def value(self) -> float | None:
        """See Meter."""
        if not self._pairs:
            return None
        found, wanted, good = self._centred()
        cosines = np.full(len(good), -1.0)
        cosines[good] = (_unit(found[good]) * _unit(wanted[good])).sum(axis=1)
        same = (found == wanted).all(axis=1)
        return float(np.where(same, 1.0, cosines).mean())

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        if not self._pairs:
            return {}
        found, wanted, good = (side[:_NEIGHBOURS] for side in self._centred())
        if len(good) < 3:
            return {}
        nearest = [_nearest(side, good) for side in (found, wanted)]
        return {"same nearest neighbour": float(((nearest[0] == nearest[1]) & good).mean())}


def _unit(rows: np.ndarray) -> np.ndarray:
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    return unit


def _nearest(rows: np.ndarray, good: np.ndarray) -> np.ndarray:
    """For each row the other one of the largest cosine."""
    unit = _unit(np.where(good[:, None], rows, 0.0))
    cosines = unit @ unit.T
    cosines[:, ~good] = -np.inf
    np.fill_diagonal(cosines, -np.inf)
    nearest: np.ndarray = cosines.argmax(axis=1)
    return nearest


class WithFunction:
    """What a function of the caller's own says of all samples together; their outputs are kept until then."""

    def __init__(self, function: Callable[..., float], name: str) -> None:
        self._function, self._name = function, name
        self._outputs: list[list[np.ndarray]] = []
        self._expected: list[list[np.ndarray]] = []
        self._labels: list[np.ndarray] = []
        self._known: float | None = None

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        self._known = None
        self._outputs.append([np.array(out) for out in outputs])
        if expected is not None:
            self._expected.append([np.array(out) for out in expected])
        if labels:
            self._labels.append(next(iter(labels.values())))

    def value(self) -> float | None:
        """See Meter. ValueError if the function does not return a number."""
        if self._known is None and self._outputs:
            whole = len(self._labels) == len(self._outputs)
            found: Any = self._function(
                _joined(self._outputs),
                np.concatenate(self._labels) if whole else None,
                _joined(self._expected) if self._expected else None,
            )
            try:
                self._known = float(found)
            except (TypeError, ValueError):
                raise ValueError(
                    f"[evaluation::metric] expected a number from {self._name}, got {found!r}"
                ) from None
        return self._known

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        return {}


def _joined(batches: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    return [np.concatenate(column) for column in zip(*batches, strict=True)]
