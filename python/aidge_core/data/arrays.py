"""Arrays out of what users hand in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array_or_none", "stack", "to_array"]

Array = npt.NDArray[Any]


def to_array(value: Any) -> Array:
    """Return a NumPy array, a view where possible; Python's own floats become float32, arrays keep their
    type.

    Raises:
        ValueError: if `value` is no array of numbers.
    """
    if isinstance(value, np.ndarray):
        array = value
    elif value is None or isinstance(value, (str, bytes, dict)):
        raise ValueError(f"[data::to_array] expected an array or a number, got {type(value).__name__}")
    elif hasattr(value, "__dlpack__"):
        array = np.from_dlpack(value)
    else:
        array = np.asarray(value)
        own = not (hasattr(value, "__array__") or hasattr(value, "__array_interface__"))
        if own and array.dtype == np.float64:
            array = array.astype(np.float32)
    if array.dtype.kind not in "fiubV":
        raise ValueError(f"[data::to_array] expected an array of numbers, got one of {array.dtype}")
    return array


def array_or_none(value: Any) -> Array | None:
    """Return what `to_array` returns, None if `value` is not an array of numbers."""
    try:
        return to_array(value)
    except ValueError:
        return None


def stack(items: list[list[Array]], indices: list[int]) -> list[Array]:
    """Join samples into one array a modality, along a new first axis.

    Args:
        items: the entries of each sample.
        indices: the samples' indices, for the messages.

    Raises:
        ValueError: if the samples differ in number of entries, shape or type.
    """
    first = items[0]
    for item, index in zip(items, indices, strict=True):
        if len(item) != len(first):
            raise ValueError(
                f"[data::DataProvider] expected {len(first)} entries as in item {indices[0]}, "
                f"got {len(item)} in item {index}"
            )
        for modality, (entry, model) in enumerate(zip(item, first, strict=True)):
            if entry.shape != model.shape or entry.dtype != model.dtype:
                raise ValueError(
                    f"[data::DataProvider] expected {model.dtype} {list(model.shape)} as in item "
                    f"{indices[0]}, got {entry.dtype} {list(entry.shape)} in item {index} (entry {modality})"
                )
    return [np.stack([item[modality] for item in items]) for modality in range(len(first))]
