"""Figures of detectors: mean average precision with labels, and how many boxes are those of a reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from aidge_core.data.labels import BOXES

from .boxes import found_boxes, overlaps
from .labels import Labels

__all__ = ["IOUS", "Detections", "average_precisions", "f_scores"]

IOUS = np.linspace(0.5, 0.95, 10)
"""Overlaps from which on a box counts as found: 0.5, 0.55 … 0.95."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST = 100
"""Boxes of a class and sample that count, the best ones, as in COCO."""
_SURE = 0.25
"""Boxes of at least this score are compared with the reference's."""


class Detections:
    """Boxes against labels or, without labels, against those of the reference.

    Args:
        form: of the outputs, see boxes.form_of.
        labelled: whether there are labels.
    """

    def __init__(self, form: str, labelled: bool) -> None:
        self._form, self._labelled = form, labelled
        self.title = "mAP 0.5:0.95" if labelled else "F-score of boxes 0.5:0.95"
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._usable = True

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        if self._labelled:
            wanted = list(labels.get(BOXES, ()))
            samples = len(wanted)
        else:
            assert expected is not None
            samples = max(self._samples(expected), self._samples(outputs))
            wanted = found_boxes(expected, self._form, samples) or []
        found = found_boxes(outputs, self._form, samples)
        if found is None or len(found) != len(wanted):
            self._usable = False
            return
        self._pairs += zip(found, wanted, strict=True)

    def _samples(self, outputs: Sequence[np.ndarray]) -> int:
        if self._form == "batch rows":
            return int(outputs[0][:, 0].max(initial=0)) + 1
        return 1 if self._form == "separate" and all(out.ndim < 3 for out in outputs) else len(outputs[0])

    def value(self) -> float | None:
        """See Meter: mean over the overlaps."""
        known = self._by_overlap()
        return None if known is None else float(known.mean())

    def _by_overlap(self) -> np.ndarray | None:
        if not self._usable or not self._pairs:
            return None
        found = average_precisions(self._pairs) if self._labelled else f_scores(self._pairs)
        return None if np.isnan(found).all() else found

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        known = self._by_overlap()
        if known is None:
            return {}
        name = "average precision" if self._labelled else "F-score"
        return {f"{name} at an overlap of 0.5": float(known[0])}


def f_scores(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """For each of IOUS: twice the boxes that match over the boxes of both, NaN if there are none. The best boxes choose first.

    Args:
        pairs: of each sample, boxes (n, 6) of the network and of the reference, best first; those with a score below 0.25 do not count.
    """
    matched, boxes = np.zeros(len(IOUS)), 0
    for found, wanted in pairs:
        found, wanted = found[found[:, 4] >= _SURE], wanted[wanted[:, 4] >= _SURE]
        boxes += len(found) + len(wanted)
        same = found[:, None, 5] == wanted[None, :, 5]
        shared = np.where(same, overlaps(found[:, :4], wanted[:, :4]), 0.0)
        for number, least in enumerate(IOUS):
            free = np.ones(len(wanted), dtype=bool)
            for row in shared:
                left = np.where(free, row, -1.0)
                if len(left) and left.max() >= least - 1e-10:
                    free[left.argmax()] = False
                    matched[number] += 1
    return 2 * matched / boxes if boxes else np.full(len(IOUS), np.nan)


def average_precisions(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """For each of IOUS: the mean over all classes with labels of the precision at 101 recalls, as COCO counts it; NaN without labels.

    Args:
        pairs: of each sample, boxes (n, 6) of the network, best first, and labels (m, 5) x1, y1, x2, y2, class; class -1 stands for no box, -2 - c
            for a crowd of class c, in which found boxes neither count as right nor as wrong.
    """
    classes = sorted({int(entry) for _, labels in pairs for entry in labels[:, 4] if entry >= 0})
    precisions = [_of_class(pairs, number) for number in classes]
    return np.mean(precisions, axis=0) if precisions else np.full(len(IOUS), np.nan)


def _of_class(pairs: Iterable[tuple[np.ndarray, np.ndarray]], number: int) -> np.ndarray:
    scores: list[np.ndarray] = []
    states: list[np.ndarray] = []
    wanted = 0
    for found, labels in pairs:
        found = found[found[:, 5] == number][:_MOST]
        own = labels[(labels[:, 4] == number) | (labels[:, 4] == -2 - number)]
        own = own[np.argsort(own[:, 4] < 0, kind="stable")]  # crowds last
        wanted += int((own[:, 4] >= 0).sum())
        scores.append(found[:, 4])
        states.append(_matches(found, own))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    state = np.concatenate(states, axis=1)[:, order]
    return np.array([_precision(row, wanted) for row in state])


def _matches(found: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(overlaps, found): 1 if a box is right, 0 if it is wrong, -1 if it does not count."""
    crowd = labels[:, 4] < 0
    shared = overlaps(found[:, :4], labels[:, :4], crowd=crowd)
    state = np.zeros((len(IOUS), len(found)), dtype=np.int8)
    for number, least in enumerate(IOUS):
        free = np.ones(len(labels), dtype=bool)
        for place, row in enumerate(shared):
            single = np.where(free & ~crowd, row, -1.0)
            many = np.where(crowd, row, -1.0)
            if len(single) and single.max() >= min(least, 1 - 1e-10):
                # of equal overlaps the last label, as in COCO's own program
                free[len(single) - 1 - single[::-1].argmax()] = False
                state[number, place] = 1
            elif len(many) and many.max() >= min(least, 1 - 1e-10):
                state[number, place] = -1
    return state


def _precision(state: np.ndarray, wanted: int) -> float:
    """Mean of the precision at 101 recalls; each is the best one at that recall or a larger one."""
    counted = state[state >= 0]
    right, wrong = np.cumsum(counted == 1), np.cumsum(counted == 0)
    recall = right / wanted
    precision = right / np.maximum(right + wrong, np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS, side="left")
    reached = places < len(precision)
    return (
        float(np.where(reached, precision[np.minimum(places, max(len(precision) - 1, 0))], 0.0).mean())
        if len(precision)
        else 0.0
    )
