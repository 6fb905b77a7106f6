"""Reads the boxes that a detector has found out of its outputs, whichever of the usual forms they have.

A box is a row x1, y1, x2, y2, score, class; coordinates are pixels of the input unless the network gives others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["FORMS", "NMS_IOU", "form_of", "found_boxes", "overlaps"]

FORMS = (
    "rows x1, y1, x2, y2, score, class (samples, boxes, 6); rows sample, x1, y1, x2, y2, class, score (boxes, 7); boxes (…, 4) with scores and "
    "classes of integers as outputs of their own; or the raw head of a YOLO with strides 8, 16 and 32"
)
NMS_IOU = 0.7
"""Of a raw head, boxes of one class that overlap a better one by more than this are left out."""
_LEAST_SCORE = 1e-3
"""Boxes with lower scores are left out."""
_MOST = 300
"""Boxes of a sample, the best ones."""
_STRIDES = (8, 16, 32)


def overlaps(one: np.ndarray, two: np.ndarray, *, crowd: np.ndarray | None = None) -> np.ndarray:
    """Intersection over union of boxes (n, 4) and (m, 4), as (n, m); of the columns in `crowd`, over the area of the first box."""
    corners = np.maximum(one[:, None, :2], two[None, :, :2]), np.minimum(one[:, None, 2:], two[None, :, 2:])
    both = np.clip(corners[1] - corners[0], 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:4] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (one, two)]
    union = areas[0][:, None] + areas[1][None] - both
    if crowd is not None:
        union = np.where(crowd[None], areas[0][:, None], union)
    shared: np.ndarray = np.where(union > 0, both / np.maximum(union, 1e-30), 0.0)
    return shared


def form_of(outputs: Sequence[np.ndarray], inputs: Sequence[Sequence[int]], samples: int) -> str:
    """The form in which a network gives its boxes: "rows", "batch rows", "separate", "yolo8" or "yolo5"; "" if it gives none that is known.

    Args:
        outputs: all of them.
        inputs: dims of the inputs.
        samples: of the batch.
    """
    first = outputs[0]
    if len(outputs) == 1 and first.dtype.kind == "f" and first.ndim == 3 and first.shape[::2] == (samples, 6):
        return "rows" if _are_boxes(first.reshape(-1, 6)[:, :4], first[..., 4], first[..., 5]) else ""
    if len(outputs) == 1 and first.dtype.kind == "f" and first.ndim == 2 and first.shape[1] == 7:
        numbers = first[np.isfinite(first[:, 0]), 0]
        whole = bool(((numbers == np.round(numbers)) & (numbers >= 0) & (numbers < samples)).all())
        return "batch rows" if whole and _are_boxes(first[:, 1:5], first[:, 6], first[:, 5]) else ""
    if len(outputs) in (3, 4) and _separate(outputs, samples) is not None:
        return "separate"
    return _raw_form(first, inputs, samples)


def _are_boxes(corners: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> bool:
    """Whether the values can be boxes; at least one of them must be. Those with NaN are left out."""
    known = (
        np.isfinite(corners).all(axis=1) & np.isfinite(scores.reshape(-1)) & np.isfinite(classes.reshape(-1))
    )
    corners, scores, classes = corners[known], scores.reshape(-1)[known], classes.reshape(-1)[known]
    used = scores > 0
    if not used.any() or not ((scores >= 0) & (scores <= 1)).all():
        return False
    ordered = (corners[used, 2] >= corners[used, 0]) & (corners[used, 3] >= corners[used, 1])
    whole = (classes[used] == np.round(classes[used])) & (classes[used] >= 0)
    return bool(ordered.all() and whole.all())


def _separate(
    outputs: Sequence[np.ndarray], samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Boxes (samples, n, 4), scores (samples, n) and classes (samples, n) among outputs in any order."""
    boxes = [out for out in outputs if out.dtype.kind == "f" and out.ndim in (2, 3) and out.shape[-1] == 4]
    if len(boxes) != 1 or (boxes[0].ndim == 2 and samples != 1):
        return None
    shape = boxes[0].shape[:-1]
    scores = [out for out in outputs if out.dtype.kind == "f" and out.shape == shape]
    classes = [out for out in outputs if out.dtype.kind in "iu" and out.shape == shape]
    if len(scores) == 2 and not classes:  # classes as floating-point numbers
        scores.sort(key=lambda out: bool((out == np.round(out)).all() and out.max(initial=0) > 1))
        scores, classes = scores[:1], scores[1:]
    if len(scores) != 1 or len(classes) != 1 or not ((scores[0] >= 0) & (scores[0] <= 1)).all():
        return None
    return (
        boxes[0].reshape(samples, -1, 4),
        scores[0].reshape(samples, -1),
        classes[0].reshape(samples, -1),
    )


def _raw_form(first: np.ndarray, inputs: Sequence[Sequence[int]], samples: int) -> str:
    """The head of a YOLO, known by its number of places: one a cell of the grids of strides 8, 16 and 32, or three."""
    if first.dtype.kind != "f" or first.ndim != 3 or len(first) != samples or len(inputs[0]) != 4:
        return ""
    height, width = inputs[0][2:]
    cells = sum((height // stride) * (width // stride) for stride in _STRIDES)
    if not cells or height % _STRIDES[-1] or width % _STRIDES[-1]:
        return ""
    if first.shape[2] == cells and first.shape[1] > 4:
        return "yolo8"
    return "yolo5" if first.shape[1] == 3 * cells and first.shape[2] > 5 else ""


def found_boxes(outputs: Sequence[np.ndarray], form: str, samples: int) -> list[np.ndarray] | None:
    """Boxes of each sample, (boxes, 6) in float64, best first; None if the outputs do not have that form. Boxes with NaN are left out."""
    if form == "rows":
        found = [np.asarray(rows, dtype=np.float64) for rows in outputs[0]]
    elif form == "batch rows":
        rows = outputs[0].astype(np.float64)
        found = [rows[rows[:, 0] == number][:, [1, 2, 3, 4, 6, 5]] for number in range(samples)]
    elif form == "separate":
        parts = _separate(outputs, samples)
        if parts is None:
            return None
        found = [
            np.concatenate([b, s[:, None], c[:, None]], axis=1, dtype=np.float64)
            for b, s, c in zip(*parts, strict=True)
        ]
    else:
        table = outputs[0].transpose(0, 2, 1) if form == "yolo8" else outputs[0]
        found = [_of_head(rows.astype(np.float64), objectness=form == "yolo5") for rows in table]
    return [_best(boxes) for boxes in found]


def _best(boxes: np.ndarray) -> np.ndarray:
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    boxes = boxes[boxes[:, 4] >= _LEAST_SCORE]
    return boxes[np.argsort(-boxes[:, 4], kind="stable")][:_MOST]


def _of_head(rows: np.ndarray, *, objectness: bool) -> np.ndarray:
    """Boxes of one sample from rows centre x, centre y, width, height, (objectness,) a score per class; overlapping ones are left out."""
    scores = rows[:, 5:] * rows[:, 4:5] if objectness else rows[:, 4:]
    scores = np.where(np.isnan(scores), -np.inf, scores)
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(rows)), classes]
    corners = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    boxes = np.concatenate([corners, best[:, None], classes[:, None]], axis=1)
    boxes = boxes[np.isfinite(boxes).all(axis=1) & (best >= _LEAST_SCORE)]
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept: np.ndarray = boxes[_kept(boxes)]
    return kept


def _kept(boxes: np.ndarray) -> list[int]:
    """Greedy non-maximum suppression, class by class; boxes are sorted, best first."""
    kept: list[int] = []
    for place in range(len(boxes)):
        same = [other for other in kept if boxes[other, 5] == boxes[place, 5]]
        if not same or overlaps(boxes[place : place + 1, :4], boxes[same, :4]).max() <= NMS_IOU:
            kept.append(place)
        if len(kept) == _MOST:
            break
    return kept
