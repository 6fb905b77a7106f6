"""Convolutions and poolings whose windows PyTorch's layers do not have: padding on one side, sizes that auto_pad sets, and the like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
_MAXIMA = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_MEANS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def extents(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Elements that a window spans on each axis."""
    return [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]


def halves(total: Any, mode: str) -> tuple[Any, Any]:
    """Padding at the beginning and the end; the odd element is at the end for SAME_UPPER."""
    begin = total // 2 if mode == "SAME_UPPER" else total - total // 2
    return begin, total - begin


def pads_of(
    sizes: Sequence[Any], reach: Sequence[int], stride: Sequence[int], pads: Sequence[int], mode: str
) -> list[tuple[Any, Any]]:
    """(begin, end) of each spatial axis, for data of these sizes."""
    axes = len(sizes)
    if mode == "NOTSET":
        return [(pads[axis], pads[axes + axis]) for axis in range(axes)]
    if mode == "VALID":
        return [(0, 0)] * axes
    totals = [max(e - (s if n % s == 0 else n % s), 0) for n, e, s in zip(sizes, reach, stride, strict=True)]
    return [halves(total, mode) for total in totals]


def _flat(pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
    return [count for pair in reversed(pairs) for count in pair]


def padded(
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    pads: Sequence[int],
    mode: str,
) -> Any:
    """The data with the zeros around it that a convolution of this window reads."""
    pairs = pads_of(x.shape[2:], extents(kernel, dilation), stride, pads, mode)
    return functional.pad(x, _flat(pairs)) if any(begin or end for begin, end in pairs) else x


def convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: list[int],
    dilation: list[int],
    pads: list[int],
    groups: int,
    mode: str,
) -> Any:
    """For weights that are computed."""
    x = padded(x, weight.shape[2:], stride, dilation, pads, mode)
    return _CONVOLUTIONS[x.dim() - 2](x, weight, bias, stride, 0, dilation, groups)


def transposed(
    x: Any,
    weight: Any,
    bias: Any,
    stride: list[int],
    dilation: list[int],
    pads: list[int],
    groups: int,
    mode: str,
    extra: list[int],
    wanted: list[int],
) -> Any:
    """A transposed convolution with any padding: the whole result, whose edges are then cut off."""
    axes = x.dim() - 2
    whole = _TRANSPOSED[axes](x, weight, None, stride, 0, 0, groups, dilation)
    pairs = []
    for axis in range(axes):
        natural = whole.shape[2 + axis] + extra[axis]
        begin, end = pads[axis], pads[axes + axis]
        if wanted or mode in ("SAME_UPPER", "SAME_LOWER"):
            size = wanted[axis] if wanted else min(x.shape[2 + axis] * stride[axis], natural)
            begin, end = halves(max(natural - size, 0), mode)
            end = natural - begin - size
        elif mode == "VALID":
            begin = end = 0
        pairs.append((-begin, extra[axis] - end))
    result = functional.pad(whole, _flat(pairs))
    return result if bias is None else result + bias.reshape([-1] + [1] * axes)


# --- poolings -----------------------------------------------------------------------------------------------
def _reach(
    x: Any, kernel: list[int], stride: list[int], dilation: list[int], pads: list[int], mode: str, ceil: bool
) -> tuple[list[tuple[Any, Any]], list[tuple[Any, Any]]]:
    """The padding that counts as such, and the padding with which whole windows give the output."""
    reach = extents(kernel, dilation)
    declared = pads_of(x.shape[2:], reach, stride, pads, mode)
    whole = []
    for n, (begin, end), e, s in zip(x.shape[2:], declared, reach, stride, strict=True):
        room = n + begin + end - e
        steps = (room + s - 1 if ceil else room) // s
        if ceil and steps * s >= n + begin:
            steps = steps - 1
        whole.append((begin, max(steps * s + e - begin - n, 0)))
    return declared, whole


def _least(x: Any) -> Any:
    return -math.inf if x.is_floating_point() else torch.iinfo(x.dtype).min


def max_pool(
    x: Any, kernel: list[int], stride: list[int], dilation: list[int], pads: list[int], mode: str, ceil: bool
) -> Any:
    """The greatest value of each window."""
    _, whole = _reach(x, kernel, stride, dilation, pads, mode, ceil)
    if any(begin or end for begin, end in whole):
        x = functional.pad(x, _flat(whole), "constant", _least(x))
    return _MAXIMA[x.dim() - 2](x, kernel, stride, 0, dilation)


def max_pool_places(
    x: Any,
    kernel: list[int],
    stride: list[int],
    dilation: list[int],
    pads: list[int],
    mode: str,
    ceil: bool,
    column_major: bool,
) -> tuple[Any, Any]:
    """The greatest value of each window, and its place in the whole data, row-major or with the spatial axes column-major."""
    _, whole = _reach(x, kernel, stride, dilation, pads, mode, ceil)
    wide = functional.pad(x, _flat(whole), "constant", _least(x))
    pool = _MAXIMA[x.dim() - 2]
    values, flat = pool(wide, kernel, stride, 0, dilation, False, True)
    places = []
    for axis in reversed(range(x.dim() - 2)):
        n = wide.shape[2 + axis]
        places.append(flat % n - whole[axis][0])
        flat = torch.div(flat, n, rounding_mode="floor")
    places.reverse()  # one tensor a spatial axis, the first axis first
    sizes = list(x.shape[2:])
    order = list(range(len(sizes)))[:: -1 if column_major else 1]
    spatial = torch.zeros_like(flat)
    for axis in order:
        spatial = spatial * sizes[axis] + places[axis]
    planes = torch.arange(x.shape[0] * x.shape[1], device=x.device)
    planes = planes.reshape([x.shape[0], x.shape[1]] + [1] * len(sizes))
    return values, planes * math.prod(sizes) + spatial


def _sums(x: Any, kernel: list[int], stride: list[int], dilation: list[int]) -> Any:
    """Sum of each window."""
    axes = x.dim() - 2
    if all(d == 1 for d in dilation):
        return _MEANS[axes](x, kernel, stride) * math.prod(kernel)
    ones = torch.ones([1, 1, *kernel], dtype=x.dtype, device=x.device)
    rows = x.reshape([x.shape[0] * x.shape[1], 1, *x.shape[2:]])
    result = _CONVOLUTIONS[axes](rows, ones, None, stride, 0, dilation)
    return result.reshape([x.shape[0], x.shape[1], *result.shape[2:]])


def average_pool(
    x: Any,
    kernel: list[int],
    stride: list[int],
    dilation: list[int],
    pads: list[int],
    mode: str,
    ceil: bool,
    count_padding: bool,
) -> Any:
    """The mean of each window, over the data or also over the declared padding; what rounding up adds never counts."""
    declared, whole = _reach(x, kernel, stride, dilation, pads, mode, ceil)
    if not any(begin or end for begin, end in whole) and all(d == 1 for d in dilation):
        return _MEANS[x.dim() - 2](x, kernel, stride)
    total = _sums(functional.pad(x, _flat(whole)), kernel, stride, dilation)
    ones = torch.ones([1, 1, *x.shape[2:]], dtype=x.dtype, device=x.device)
    if count_padding:
        ones = functional.pad(ones, _flat(declared), "constant", 1.0)
        rest = [(0, end - known) for (_, end), (_, known) in zip(whole, declared, strict=True)]
        ones = functional.pad(ones, _flat(rest))
    else:
        ones = functional.pad(ones, _flat(whole))
    return total / _sums(ones, kernel, stride, dilation)


def lp_pool(
    x: Any,
    kernel: list[int],
    stride: list[int],
    dilation: list[int],
    pads: list[int],
    mode: str,
    ceil: bool,
    p: int,
) -> Any:
    """(sum of |x|^p)^(1/p) of each window."""
    _, whole = _reach(x, kernel, stride, dilation, pads, mode, ceil)
    return _root(_sums(functional.pad(x.abs() ** p, _flat(whole)), kernel, stride, dilation), p)


def _root(total: Any, p: int) -> Any:
    """total^(1/p), with a gradient of 0 if it is 0."""
    empty = total <= 0
    return torch.where(
        empty, torch.zeros_like(total), torch.where(empty, torch.ones_like(total), total) ** (1.0 / p)
    )


def global_average(x: Any) -> Any:
    """The mean of each channel."""
    return x.mean(dim=list(range(2, x.dim())), keepdim=True)


def global_max(x: Any) -> Any:
    """The greatest value of each channel."""
    return x.amax(dim=list(range(2, x.dim())), keepdim=True)


def global_lp(x: Any, p: int) -> Any:
    """(sum of |x|^p)^(1/p) of each channel."""
    return _root((x.abs() ** p).sum(dim=list(range(2, x.dim())), keepdim=True), p)
