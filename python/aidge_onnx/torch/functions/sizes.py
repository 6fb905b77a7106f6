"""Sizes: numbers that are computed from dims, and how they become tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

__all__ = ["as_float_type", "as_list", "as_tensor", "is_size", "on_sizes", "together"]


def is_size(*values: Any) -> bool:
    """Whether all of the values are sizes: ints, bools or lists of them."""
    return not any(isinstance(value, torch.Tensor) for value in values)


def as_list(value: Any) -> list[Any]:
    """A list of numbers of a size, or of a tensor (whose values are then read)."""
    if isinstance(value, torch.Tensor):
        return list(value.reshape(-1).tolist())
    return list(value) if isinstance(value, (list, tuple)) else [value]


def as_tensor(value: Any, like: Any = None, dtype: Any = None) -> Any:
    """A tensor as it is; a size as an integer tensor on the device of `like`."""
    if isinstance(value, torch.Tensor):
        return value if dtype is None else value.to(dtype)
    device = like.device if isinstance(like, torch.Tensor) else None
    if dtype is None and isinstance(value, (list, tuple)) and not value:
        dtype = torch.int64
    return torch.tensor(value, dtype=dtype, device=device)


def together(*values: Any) -> list[Any]:
    """The values for arithmetic with each other: lists become tensors on the device of the first tensor, single numbers are kept."""
    like = next((value for value in values if isinstance(value, torch.Tensor)), None)
    return [as_tensor(value, like) if isinstance(value, (list, tuple)) else value for value in values]


def on_sizes(function: Callable[..., Any], *values: Any) -> Any:
    """The function of sizes, element by element; single numbers and lists of one element are broadcast."""
    lists = [value for value in values if isinstance(value, (list, tuple))]
    if not lists:
        return function(*values)
    count = max(len(entry) for entry in lists) if all(lists) else 0

    def at(value: Any, index: int) -> Any:
        if not isinstance(value, (list, tuple)):
            return value
        return value[0] if len(value) == 1 else value[index]

    return [function(*(at(value, index) for value in values)) for index in range(count)]


def as_float_type(name: str, own: str, like: Any) -> Any:
    """The torch.dtype of a name; of the graph's own floating-point type it is that of `like`, so that module.to(dtype) reaches it."""
    if name == own and isinstance(like, torch.Tensor) and like.is_floating_point():
        return like.dtype
    return getattr(torch, {"boolean": "bool"}.get(name, name))


def axes_of(axes: Sequence[int], rank: int) -> list[int]:
    """The axes counted from the front."""
    return [axis + rank if axis < 0 else axis for axis in axes]
