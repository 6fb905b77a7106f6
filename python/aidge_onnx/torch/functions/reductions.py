"""Reductions over axes, and functions along one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from .sizes import as_list, as_tensor, axes_of, is_size

_OF_SIZES: dict[str, Any] = {"sum": sum, "prod": math.prod, "max": max, "min": min}


def reduce(x: Any, kind: str, axes: Sequence[int], keep_dims: bool, without_axes: bool) -> Any:
    """Sum, mean … over the axes; over all if none are named, or over none with `without_axes`."""
    if is_size(x) and kind in _OF_SIZES and not (without_axes and not axes):
        found = _OF_SIZES[kind](as_list(x))
        return [found] if keep_dims and isinstance(x, list) else found
    x = as_tensor(x)
    if not axes and without_axes:
        return _KINDS[kind](x.unsqueeze(-1), [x.dim()], False)
    if x.dim() == 0:
        return _KINDS[kind](x.unsqueeze(0), [0], False)
    places = axes_of(axes, x.dim()) if axes else list(range(x.dim()))
    return _KINDS[kind](x, places, keep_dims)


def _in_double(function: Any) -> Any:
    """For functions that PyTorch has for floating-point numbers only."""

    def reduced(x: Any, axes: list[int], keep: bool) -> Any:
        if x.is_floating_point():
            return function(x, axes, keep)
        return function(x.double(), axes, keep).to(x.dtype)

    return reduced


def _prod(x: Any, axes: list[int], keep: bool) -> Any:
    for axis in sorted(axes, reverse=True):
        x = torch.prod(x, dim=axis, keepdim=keep)
    return x


_KINDS = {
    "sum": lambda x, axes, keep: torch.sum(x, dim=axes, keepdim=keep, dtype=x.dtype),
    "mean": _in_double(lambda x, axes, keep: torch.mean(x, dim=axes, keepdim=keep)),
    "max": lambda x, axes, keep: torch.amax(x, dim=axes, keepdim=keep),
    "min": lambda x, axes, keep: torch.amin(x, dim=axes, keepdim=keep),
    "prod": _prod,
    "l1": lambda x, axes, keep: torch.sum(torch.abs(x), dim=axes, keepdim=keep, dtype=x.dtype),
    "l2": _in_double(lambda x, axes, keep: torch.linalg.vector_norm(x, dim=axes, keepdim=keep)),
    "log_sum": _in_double(lambda x, axes, keep: torch.log(torch.sum(x, dim=axes, keepdim=keep))),
    "log_sum_exp": _in_double(lambda x, axes, keep: torch.logsumexp(x, dim=axes, keepdim=keep)),
    "sum_square": lambda x, axes, keep: torch.sum(x * x, dim=axes, keepdim=keep, dtype=x.dtype),
}


def place(x: Any, axis: int, keep_dims: bool, last: bool, greatest: bool) -> Any:
    """Index of the greatest (or least) value along the axis, the first such one or the last."""
    data = torch.flip(x, [axis]) if last else x
    found = (torch.argmax if greatest else torch.argmin)(data, dim=axis, keepdim=keep_dims)
    return x.shape[axis] - 1 - found if last else found


def running_sum(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    """Sum of the values up to each one along the axis."""
    data = torch.flip(x, [axis]) if reverse else x
    total = torch.cumsum(data, dim=axis, dtype=x.dtype)
    if exclusive:
        first = torch.zeros_like(total.narrow(axis, 0, 1))
        total = torch.cat([first, total.narrow(axis, 0, total.shape[axis] - 1)], dim=axis)
    return torch.flip(total, [axis]) if reverse else total


def lp_normalised(x: Any, axis: int, p: int) -> Any:
    """x over its p-norm along the axis; 0 if that norm is 0."""
    norm = torch.linalg.vector_norm(x, ord=p, dim=axis, keepdim=True)
    return torch.where(
        norm == 0, torch.zeros_like(x), x / torch.where(norm == 0, torch.ones_like(norm), norm)
    )


def top(x: Any, k: Any, axis: int, largest: bool) -> tuple[Any, Any]:
    """The k greatest (or least) values along the axis with their indices; of equal ones the lower index first."""
    (count,) = as_list(k)
    values, places = torch.sort(x, dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)


def reversed_parts(x: Any, lengths: Any, batch_axis: int, time_axis: int) -> Any:
    """The first `lengths[b]` steps of each sample in the reverse order."""
    time = torch.arange(x.shape[time_axis], device=x.device).unsqueeze(1)
    length = as_tensor(lengths, x).reshape(1, -1)
    source = torch.where(time < length, length - 1 - time, time)  # (time, batch)
    if batch_axis < time_axis:
        source = source.t()
    shape = [x.shape[axis] if axis in (batch_axis, time_axis) else 1 for axis in range(x.dim())]
    return torch.gather(x, time_axis, source.reshape(shape).expand(x.shape))
