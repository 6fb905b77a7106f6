"""Slices, and elements at computed places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from .sizes import as_list, as_tensor, axes_of, is_size


def _bounds(start: Any, end: Any, step: int, n: Any) -> tuple[Any, Any]:
    """First and last (excluded) index, as ONNX limits them."""
    if step > 0:
        start = max(start + n, 0) if start < 0 else min(start, n)
        end = max(end + n, 0) if end < 0 else min(end, n)
        return start, max(end, start)
    start = max(start + n, -1) if start < 0 else min(start, n - 1)
    end = max(end + n, -1) if end < 0 else min(end, n - 1)
    return start, min(end, start)


def slices(x: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    """x[start:end:step] on each axis."""
    starts, ends = as_list(starts), as_list(ends)
    axes = as_list(axes) or list(range(len(starts)))
    steps = as_list(steps) or [1] * len(starts)
    if is_size(x):
        first, last = _bounds(starts[0], ends[0], steps[0], len(x))
        return [x[index] for index in range(first, last, steps[0])]
    for start, end, axis, step in zip(starts, ends, axes_of(axes, x.dim()), steps, strict=True):
        n = x.shape[axis]
        first, last = _bounds(start, end, step, n)
        if step < 0:
            x, first, last = torch.flip(x, [axis]), n - 1 - first, n - 1 - last
        x = x[(slice(None),) * axis + (slice(first, last, abs(step)),)]
    return x


def split(x: Any, sizes: Any, axis: int, count: int) -> tuple[Any, ...]:
    """Parts along the axis: of the given sizes, or `count` equal ones; the last one may be smaller."""
    whole = len(x) if is_size(x) else x.shape[axis]
    parts = as_list(sizes)
    if not parts:
        part = -(-whole // count)
        parts = [part] * (count - 1) + [whole - part * (count - 1)]
    if is_size(x):
        begins = [sum(parts[:index]) for index in range(len(parts))]
        return tuple(x[begin : begin + part] for begin, part in zip(begins, parts, strict=True))
    return tuple(torch.split(x, parts, dim=axis))


def _wrapped(indices: Any, n: Any) -> Any:
    indices = indices.to(torch.int64)
    return torch.where(indices < 0, indices + n, indices)


def gather(x: Any, indices: Any, axis: int) -> Any:
    """x[:axis] + indices + x[axis + 1:]."""
    if is_size(x):
        if is_size(indices):
            return [x[index] for index in indices] if isinstance(indices, list) else x[indices]
        x = as_tensor(x, indices)
    (place,) = axes_of([axis], x.dim())
    if is_size(indices) and not isinstance(indices, list):
        return x.select(place, indices)
    indices = _wrapped(as_tensor(indices, x), x.shape[place])
    dims = [*x.shape[:place], *indices.shape, *x.shape[place + 1 :]]
    return x.index_select(place, indices.reshape(-1)).reshape(dims)


def gather_elements(x: Any, indices: Any, axis: int) -> Any:
    """The element at each index along the axis."""
    return torch.gather(x, axis, _wrapped(as_tensor(indices, x), x.shape[axis]))


def _places(x: Any, indices: Any, batch_dims: int) -> tuple[Any, ...]:
    """Index tensors for x[…]: of the batch axes, then of those that the last axis of the indices names."""
    lead = indices.dim() - 1
    batch = [
        torch.arange(x.shape[axis], device=x.device).reshape([-1 if i == axis else 1 for i in range(lead)])
        for axis in range(batch_dims)
    ]
    return (*batch, *indices.to(torch.int64).unbind(-1))


def gather_nd(x: Any, indices: Any, batch_dims: int) -> Any:
    """x[i] for every i along the last axis of the indices."""
    return x[_places(x, as_tensor(indices, x), batch_dims)]


_REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def scatter_elements(x: Any, indices: Any, updates: Any, axis: int, reduction: str) -> Any:
    """The data with the updates at their places along the axis."""
    indices = _wrapped(as_tensor(indices, x), x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, indices, updates)
    return x.scatter_reduce(axis, indices, updates, _REDUCTIONS[reduction], include_self=True)


def scatter_nd(x: Any, indices: Any, updates: Any, reduction: str) -> Any:
    """The data with the updates at the places that the last axis of the indices names."""
    indices = as_tensor(indices, x)
    if reduction == "none":
        return x.index_put(_places(x, indices, 0), updates)
    depth = indices.shape[-1]
    dims: Sequence[int] = x.shape[:depth]
    rest = math.prod(x.shape[depth:])
    flat = torch.zeros(indices.shape[:-1], dtype=torch.int64, device=x.device)
    for axis in range(depth):
        flat = flat * dims[axis] + _wrapped(indices[..., axis], dims[axis])
    rows = flat.reshape(-1, 1).expand(-1, rest)
    data = x.reshape(math.prod(dims), rest)
    kind = _REDUCTIONS[reduction]
    return data.scatter_reduce(0, rows, updates.reshape(-1, rest), kind, include_self=True).reshape(x.shape)
