"""Converts arrays, tensors and numbers of any library to NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array_or_none", "converted", "stack", "to_array"]

Array = npt.NDArray[Any]


def to_array(value: Any) -> Array:
    """Return a NumPy array, a view where possible; Python's own floats become float32, arrays keep their
    type.

    Raises:
        ValueError: if `value` is not an array of numbers.
    """
    if isinstance(value, np.ndarray):
        array = value
    elif value is None or isinstance(value, (str, bytes, dict)):
        raise ValueError(f"[data::to_array] expected an array or a number, got {type(value).__name__}")
    elif hasattr(value, "__dlpack__"):
        array = _from_dlpack(value)
    else:
        array = np.asarray(value)
        own = not (hasattr(value, "__array__") or hasattr(value, "__array_interface__"))
        if own and array.dtype == np.float64:
            array = array.astype(np.float32)
    if array.dtype.kind not in "fiubV":
        raise ValueError(f"[data::to_array] expected an array of numbers, got one of {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _from_dlpack(value: Any) -> Array:
    """A view; of a tensor of PyTorch that requires a gradient without it, of one in bfloat16 a float32 copy of the same values."""
    if getattr(value, "requires_grad", False):
        value = value.detach()
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":
        value = value.float()
    try:
        array: Array = np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError) as error:
        kind = f"{type(value).__name__} of {getattr(value, 'dtype', 'an unknown type')}"
        where = getattr(value, "device", "an unknown device")
        raise ValueError(
            f"[data::to_array] expected an array on the CPU of a type that NumPy has, got a {kind} on {where}: {error}"
        ) from error
    return array


def converted(array: Array, wanted: np.dtype[Any]) -> Array:
    """Return an array in the type that an input takes, if that can be done; else as it is.

    Floating-point numbers are rounded (not to infinity); integers and booleans are converted if no value changes.
    """
    if array.dtype == wanted:
        return array
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.kind == wanted.kind == "f":
        with np.errstate(over="ignore"):
            rounded = array.astype(wanted)
        return array if (np.isinf(rounded) & np.isfinite(array)).any() else rounded
    if array.dtype.kind in "iub" and wanted.kind in "iub":
        exact = array.astype(wanted)
        return exact if bool((exact == array).all()) else array
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
