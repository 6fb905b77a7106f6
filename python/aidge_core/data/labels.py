"""What counts as labels: one class per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import array_or_none

__all__ = ["class_labels"]


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
