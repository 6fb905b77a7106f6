"""How well a network does on data: accuracy where there are labels, agreement with another network always."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler

from .metrics import check_labels, labelled_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aidge_core import GraphView

__all__ = ["EvaluationResult", "evaluate_model"]


@dataclass(frozen=True)
class EvaluationResult:
    """Counts over all samples; rates are fractions in [0, 1], None where they could not be measured."""

    samples: int
    labelled: int
    top1: int
    topk: int
    k: int
    agreed: int | None
    worst_difference: float | None

    @property
    def accuracy(self) -> float | None:
        """Share of labelled samples whose largest output is the label."""
        return self.top1 / self.labelled if self.labelled else None

    @property
    def topk_accuracy(self) -> float | None:
        """Share of labelled samples whose label is among the k largest outputs."""
        return self.topk / self.labelled if self.labelled else None

    @property
    def agreement(self) -> float | None:
        """Share of samples on which both networks' largest outputs are at the same place."""
        return self.agreed / self.samples if self.agreed is not None and self.samples else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rates = {"accuracy": self.accuracy, "topk_accuracy": self.topk_accuracy, "agreement": self.agreement}
        return {**asdict(self), **rates}


def _scores(array: np.ndarray) -> np.ndarray:
    """(samples, classes) that can be subtracted: whatever lies behind the first axis is one vector a sample."""
    scores = array.reshape(len(array), -1)
    return scores if scores.dtype.kind == "f" else scores.astype(np.float64)


def _hits(scores: np.ndarray, labels: np.ndarray, k: int) -> tuple[int, int]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    matches = order == labels[:, None]
    return int(matches[:, 0].sum()), int(matches.any(axis=1).sum())


def evaluate_model(
    model: GraphView,
    data: Iterable[Any],
    *,
    reference: GraphView | None = None,
    k: int = 5,
    progress: Callable[[int], None] | None = None,
) -> EvaluationResult:
    """Runs `model` (and `reference`) over `data` and compares the first output with labels and with the reference.

    `data`: batches as for fibnlr_compute; the entry behind the network's inputs, if integer and one a sample, is the label.
    `progress` is called with the samples done so far. Raises ValueError where a label is no class of the output, or there is no data.
    """
    scheduler = SequentialScheduler(model)
    other = SequentialScheduler(reference) if reference is not None else None
    samples = labelled = top1 = topk = agreed = 0
    worst = 0.0
    for inputs, labels in labelled_batches(data, model):
        scores = _scores(np.asarray(scheduler.forward(data=inputs)[0]))
        samples += len(scores)
        if labels is not None:
            check_labels(labels, scores.shape[1])
            first, any_of_k = _hits(scores, labels, k)
            labelled, top1, topk = labelled + len(labels), top1 + first, topk + any_of_k
        if other is not None:
            expected = _scores(np.asarray(other.forward(data=inputs)[0]))
            agreed += int((expected.argmax(axis=1) == scores.argmax(axis=1)).sum())
            worst = max(worst, float(np.abs(expected - scores).max(initial=0.0)))
        if progress is not None:
            progress(samples)
    if samples == 0:
        raise ValueError("[evaluation::evaluate] expected data, got an empty provider")
    compared = other is not None
    return EvaluationResult(
        samples, labelled, top1, topk, k, agreed if compared else None, worst if compared else None
    )
