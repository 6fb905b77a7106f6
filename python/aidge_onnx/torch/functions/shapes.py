"""What changes shapes and moves data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from .sizes import as_float_type, as_list, as_tensor, axes_of, is_size

_LONGEST = 8
"""A longer list of sizes becomes a tensor: no data has this many axes."""


def shape(x: Any, start: int, end: int) -> list[Any]:
    """The dims from `start` to `end`."""
    dims = list(x.shape) if isinstance(x, torch.Tensor) else ([len(x)] if isinstance(x, list) else [])
    return dims[start : min(end, len(dims))]


def size(x: Any) -> Any:
    """The number of elements."""
    return math.prod(x.shape) if isinstance(x, torch.Tensor) else len(as_list(x))


def reshape(x: Any, target: Any, allow_zero: bool) -> Any:
    """Other dims: -1 follows from the others, 0 copies the data's dim unless `allow_zero`."""
    target = as_list(target)
    if is_size(x) and len(target) <= 1:
        values = as_list(x)
        return values if target else values[0]
    x = as_tensor(x)
    if not allow_zero:
        target = [x.shape[axis] if dim == 0 else dim for axis, dim in enumerate(target)]
    if -1 in target and 0 in x.shape:
        known = math.prod(dim for dim in target if dim != -1)
        target = [math.prod(x.shape) // max(known, 1) if dim == -1 else dim for dim in target]
    return x.reshape(target)


def flatten(x: Any, axis: int) -> Any:
    """A matrix: the axes before `axis`, and the rest."""
    (place,) = axes_of([axis], x.dim())
    return x.reshape(math.prod(x.shape[:place]), math.prod(x.shape[place:]))


def transpose(x: Any, order: Sequence[int]) -> Any:
    """The axes in this order; reversed if it is empty."""
    if is_size(x):
        return x
    return x.permute(list(order) or list(range(x.dim()))[::-1])


def squeeze(x: Any, axes: Sequence[int]) -> Any:
    """Without the axes, which have one element; without all such axes if none are named."""
    if is_size(x):
        return x[0] if isinstance(x, list) and len(x) == 1 else x
    places = axes_of(axes, x.dim()) if axes else [axis for axis, dim in enumerate(x.shape) if dim == 1]
    return x.reshape([dim for axis, dim in enumerate(x.shape) if axis not in places])


def unsqueeze(x: Any, axes: Sequence[int]) -> Any:
    """With new axes of one element at these places of the result."""
    if is_size(x) and not isinstance(x, list) and len(axes) == 1:
        return [x]
    x = as_tensor(x)
    places = axes_of(axes, x.dim() + len(axes))
    for place in sorted(places):
        x = x.unsqueeze(place)
    return x


def concat(values: Sequence[Any], axis: int) -> Any:
    """The values one after the other along the axis."""
    if is_size(*values):
        return [entry for value in values for entry in as_list(value)]
    like = next(value for value in values if isinstance(value, torch.Tensor))
    return torch.cat([as_tensor(value, like).to(like.dtype) for value in values], dim=axis)


def expand(x: Any, target: Any) -> Any:
    """What the data and the target broadcast to."""
    dims = as_list(target)
    if is_size(x):
        if len(dims) == 1 and (isinstance(x, list) or dims[0] <= _LONGEST):
            values = as_list(x)
            return values * dims[0] if len(values) == 1 else values
        x = as_tensor(x)
    rank = max(x.dim(), len(dims))
    own = [1] * (rank - x.dim()) + list(x.shape)
    wanted = [1] * (rank - len(dims)) + dims
    return x.expand([mine if other == 1 else other for mine, other in zip(own, wanted, strict=True)])


def tile(x: Any, repeats: Any) -> Any:
    """The data, repeated along each axis."""
    counts = as_list(repeats)
    if is_size(x) and len(counts) == 1:
        return as_list(x) * counts[0]
    return as_tensor(x).repeat(counts)


def _around(pads: Sequence[Any], places: Sequence[int], rank: int) -> list[Any]:
    """Pads in PyTorch's order: the last axis first, begin and end side by side."""
    flat = [0] * (2 * rank)
    for index, axis in enumerate(places):
        flat[2 * (rank - 1 - axis)] = pads[index]
        flat[2 * (rank - 1 - axis) + 1] = pads[len(places) + index]
    return flat


def pad(x: Any, pads: Any, axes: Sequence[int], mode: str, value: float) -> Any:
    """More elements (or, in mode "constant", fewer) at the beginning and the end of each axis."""
    counts = as_list(pads)
    places = axes_of(axes, x.dim()) if axes else list(range(x.dim()))
    if mode == "constant":
        fill = value if x.is_floating_point() else int(value)
        return functional.pad(x, _around(counts, places, x.dim()), "constant", fill)
    for index, axis in enumerate(places):
        begin, end, n = counts[index], counts[len(places) + index], x.shape[axis]
        if begin or end:
            source = torch.arange(-begin, n + end, device=x.device)
            if mode == "reflect":
                source = (n - 1) - ((n - 1) - source.abs()).abs()
            else:
                source = source.clamp(0, n - 1) if mode == "edge" else source.remainder(n)
            x = x.index_select(axis, source)
    return x


def depth_to_space(x: Any, block: int, mode: str) -> Any:
    """Channels become pixels."""
    n, c, h, w = x.shape
    depth = c // (block * block)
    if mode == "DCR":
        parts = x.reshape(n, block, block, depth, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(n, depth, block, block, h, w).permute(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, depth, h * block, w * block)


def space_to_depth(x: Any, block: int) -> Any:
    """Pixels become channels."""
    n, c, h, w = x.shape
    parts = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * block * block, h // block, w // block)


def constant_of_shape(dims: Any, value: Any, dtype: str, own: str, like: Any) -> Any:
    """A tensor of these dims, full of the value; a short list of integers remains a size."""
    dims = as_list(dims)
    if dtype == "int64" and len(dims) == 1 and dims[0] <= _LONGEST:
        return [value] * dims[0]
    device = like.device if isinstance(like, torch.Tensor) else None
    return torch.full(dims, value, dtype=as_float_type(dtype, own, like), device=device)


def count_up(start: Any, limit: Any, delta: Any, like: Any) -> Any:
    """start, start + delta … below (or above) limit."""
    tensors = [value for value in (start, limit, delta) if isinstance(value, torch.Tensor)]
    dtype = tensors[0].dtype if tensors else torch.int64
    device = tensors[0].device if tensors else (like.device if isinstance(like, torch.Tensor) else None)
    numbers = [value.item() if isinstance(value, torch.Tensor) else value for value in (start, limit, delta)]
    return torch.arange(*numbers, dtype=dtype, device=device)


def eye(x: Any, k: int, dtype: str, own: str, like: Any) -> Any:
    """1 on the k-th diagonal of a matrix with the data's dims."""
    kind = as_float_type(dtype, own, like) if dtype else x.dtype
    rows = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    columns = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
    return (columns - rows == k).to(kind)


def one_hot(indices: Any, depth: Any, values: Any, axis: int) -> Any:
    """values[1] where the index is, values[0] elsewhere, along a new axis of `depth` elements."""
    values = as_tensor(values)
    indices = as_tensor(indices, values).to(torch.int64)
    (count,) = as_list(depth)
    count = int(count)
    (place,) = axes_of([axis], indices.dim() + 1)
    steps = torch.arange(count, device=indices.device)
    steps = steps.reshape([-1 if i == place else 1 for i in range(indices.dim() + 1)])
    wrapped = torch.where(indices < 0, indices + count, indices).unsqueeze(place)
    return torch.where(wrapped == steps, values[1], values[0])


def triangle(x: Any, upper: bool, k: int) -> Any:
    """The upper or lower triangle of the last two axes; zeros elsewhere."""
    return torch.triu(x, k) if upper else torch.tril(x, k)
