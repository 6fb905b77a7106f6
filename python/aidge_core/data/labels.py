"""What counts as labels: one class per sample, a mask per sample, boxes, or arrays that a network should give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import Array, array_or_none

__all__ = ["BOXES", "CLASSES", "MASKS", "TARGETS", "class_labels", "labels_among"]

CLASSES, MASKS, BOXES, TARGETS = "classes", "masks", "boxes", "targets"
"""Kinds of labels: int64 (samples,); integers (samples, height, width); float64 (samples, boxes, 5) with x1, y1, x2, y2 in pixels of the input and
the class, rows of class -1 are empty; floating-point numbers (samples, …) of at least two axes."""


def class_labels(entry: Any, samples: int) -> npt.NDArray[np.int64] | None:
    """Return one class per sample as int64 (samples,), None if `entry` does not hold that.

    Understood are integers, or floating-point numbers without a fraction, of shape (samples,) or (samples, 1), and one-hot rows
    (samples, classes).
    """
    array = array_or_none(entry)
    if array is None or array.dtype.kind not in "iubf" or array.ndim not in (1, 2) or len(array) != samples:
        return None
    if array.ndim == 2 and array.shape[1] > 1:
        one_hot = ((array == 0) | (array == 1)).all() and (array.sum(axis=1, dtype=np.float64) == 1).all()
        return array.argmax(axis=1).astype(np.int64) if one_hot and len(array) else None
    values = array.reshape(-1)
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.round(values)).all()):
        return None
    return values.astype(np.int64)


def labels_among(entries: Iterable[Any], samples: int) -> dict[str, Array]:
    """Return the first labels of each kind among what follows a network's inputs in a batch.

    Args:
        entries: of one batch, behind those of the inputs.
        samples: of the batch.
    """
    found: dict[str, Array] = {}
    for entry in entries:
        classes = class_labels(entry, samples)
        if classes is not None:
            found.setdefault(CLASSES, classes)
        array = array_or_none(entry)
        if array is None or not array.ndim or len(array) != samples:
            continue
        if (mask := _masks(array)) is not None:
            found.setdefault(MASKS, mask)
        elif _are_boxes(array):
            found.setdefault(BOXES, array.astype(np.float64))
        if array.dtype.kind == "f" and array.ndim > 1:
            found.setdefault(TARGETS, array)
    return found


def _masks(array: Array) -> Array | None:
    """(samples, height, width) of integers or booleans; an axis of length 1 for the channel may stand in between."""
    if array.dtype.kind not in "iub":
        return None
    if array.ndim == 4 and array.shape[1] == 1:
        return array[:, 0]
    return array if array.ndim == 3 else None


def _are_boxes(array: Array) -> bool:
    """Whether these are rows x1, y1, x2, y2, class."""
    if array.dtype.kind != "f" or array.ndim != 3 or array.shape[2] != 5:
        return False
    used = array[array[..., 4] >= 0]
    whole = (array[..., 4] == np.round(array[..., 4])).all()
    return bool(whole and (used[:, 2] >= used[:, 0]).all() and (used[:, 3] >= used[:, 1]).all())
