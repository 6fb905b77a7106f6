"""What a session of ONNX Runtime is fed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["session_feeds"]

_TYPES = {"float": "float32", "double": "float64"}


def session_feeds(session: Any, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """An array for every input of an onnxruntime.InferenceSession, in the type that it declares.

    given: arrays by name; those that are not inputs are left out. Inputs that are not given, which nothing reads, become zeros.
    """
    feeds = {}
    for entry in session.get_inputs():
        text = entry.type.removeprefix("tensor(").removesuffix(")")
        dtype = np.dtype(_TYPES.get(text, text))
        shape = [dim if isinstance(dim, int) else 1 for dim in entry.shape]
        array = given.get(entry.name)
        feeds[entry.name] = np.zeros(shape, dtype) if array is None else array.astype(dtype, copy=False)
    return feeds
