"""Resize in all modes: whole factors by PyTorch's own functions, everything else by a table of source indices and weights a resized axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from .sizes import as_list, axes_of

_F = np.float32
_CENTRED = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel")
_LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


def _scale_of(n: int, size: int) -> float:
    return 1.0 if n == 0 else float(_F(size) / _F(n))


def _extent(n: Any, scale: float) -> Any:
    """n · scale rounded down, in float32 as ONNX Runtime computes it; whole factors need no rounding."""
    return n * int(scale) if scale == int(scale) else math.floor(_F(n) * _F(scale))


def _sizes(
    x: Any, axes: list[int], scales: list[float], sizes: list[int], policy: str
) -> tuple[list[Any], list[float]]:
    """Output extent and scale of each axis."""
    inputs = [x.shape[axis] for axis in axes]
    if scales:
        exact = [float(_F(scale)) for scale in scales]
        return [_extent(n, scale) for n, scale in zip(inputs, exact, strict=True)], exact
    scales = [_scale_of(n, size) for n, size in zip(inputs, sizes, strict=True)]
    if policy == "stretch":
        return list(sizes), scales
    common = min(scales) if policy == "not_larger" else max(scales)
    return [math.floor(_F(common) * _F(n) + _F(0.5)) for n in inputs], [common] * len(axes)


def resize(
    x: Any,
    roi: Any,
    scales: Any,
    sizes: Any,
    axes: Sequence[int],
    mode: str,
    transformation: str,
    nearest: str,
    cubic: float,
    exclude: bool,
    antialias: bool,
    outside: float,
    policy: str,
) -> Any:
    """The data resampled along some axes. The options are those of ONNX's Resize."""
    places = axes_of(axes, x.dim()) if axes else list(range(x.dim()))
    outputs, factors = _sizes(x, places, as_list(scales), as_list(sizes), policy)
    resized = [
        (axis, output, factor, index)
        for index, (axis, output, factor) in enumerate(zip(places, outputs, factors, strict=True))
        if not (x.shape[axis] == output and factor == 1.0) or transformation == "tf_crop_and_resize"
    ]
    whole = all(output == x.shape[axis] * factor for axis, output, factor, _ in resized)
    if mode == "nearest" and whole and _repeats(transformation, nearest, [entry[2] for entry in resized]):
        for axis, _, factor, _ in resized:
            x = x.repeat_interleave(int(factor), dim=axis)
        return x
    if (
        mode == "linear"
        and whole
        and not antialias
        and not exclude
        and transformation in ("half_pixel", "align_corners")
        and x.dim() in _LINEAR
        and all(axis >= 2 for axis, *_ in resized)
        and x.is_floating_point()
    ):
        extents = list(x.shape[2:])
        for axis, output, _, _ in resized:
            extents[axis - 2] = output
        corners = transformation == "align_corners"
        return functional.interpolate(x, size=extents, mode=_LINEAR[x.dim()], align_corners=corners)
    kind = x.dtype
    if not x.is_floating_point() and mode != "nearest":
        x = x.double()
    window = as_list(roi)
    for axis, output, factor, index in resized:
        crop = (
            (window[index], window[len(places) + index]) if transformation == "tf_crop_and_resize" else None
        )
        x = _along(
            x,
            axis,
            int(output),
            factor,
            mode,
            transformation,
            nearest,
            cubic,
            exclude,
            antialias,
            outside,
            crop,
        )
    return x.round().to(kind) if x.dtype != kind else x


def _repeats(transformation: str, nearest: str, factors: list[float]) -> bool:
    """Whether output i is input i // factor."""
    if any(factor < 1 or factor != int(factor) for factor in factors):
        return False
    if transformation in ("asymmetric", "tf_half_pixel_for_nn"):
        return nearest == "floor"
    return transformation in _CENTRED and nearest.startswith("round")


@torch.compiler.disable  # type: ignore[untyped-decorator,unused-ignore]
def _along(x: Any, axis: int, output: int, *rest: Any) -> Any:
    *settings, outside, crop = rest
    sources, weights, beyond = _table(x.shape[axis], output, *settings, crop)
    result = None
    for tap in range(sources.shape[1]):
        part = x.index_select(axis, torch.from_numpy(sources[:, tap].copy()).to(x.device))
        if weights is not None:
            column = torch.from_numpy(weights[:, tap].copy()).to(x)
            part = part * column.reshape([-1 if i == axis else 1 for i in range(x.dim())])
        result = part if result is None else result + part
    if beyond is not None:
        mask = torch.from_numpy(beyond).to(x.device).reshape([-1 if i == axis else 1 for i in range(x.dim())])
        result = torch.where(mask, torch.full_like(result, outside), result)
    return result


def _coordinate(position: Any, n: int, output: int, scale: float, mode: str, crop: Any) -> Any:
    """Coordinates in the input, in float32 as ONNX Runtime computes them."""
    step, size, length = _F(scale), _F(n), _F(output)
    if mode == "asymmetric":
        return position * size / length if step == length / size else position / step
    if mode == "align_corners":
        return position * _F(0) if output == 1 else position * (size - _F(1)) / (length - _F(1))
    if mode == "tf_half_pixel_for_nn":
        return (position + _F(0.5)) / step
    if mode == "pytorch_half_pixel" and output <= 1:
        return position * _F(0)
    if mode == "tf_crop_and_resize":
        begin, end = _F(crop[0]), _F(crop[1])
        if output == 1:
            return position * _F(0) + _F(0.5) * (begin + end) * (size - _F(1))
        return begin * (size - _F(1)) + position * (end - begin) * (size - _F(1)) / (length - _F(1))
    if mode != "half_pixel_symmetric":
        return (position + _F(0.5)) / step - _F(0.5)
    margin = size / _F(2) * (_F(1) - length / (step * size))
    return float(margin) + (position.astype(np.float64) + 0.5) / float(step) - 0.5


def _nearest(x: Any, mode: str) -> Any:
    below = np.floor(x)
    if mode == "floor":
        return below
    if mode == "ceil":
        return np.ceil(x)
    rest = x - below
    up = (rest > 0.5) | ((rest == 0.5) & (mode == "round_prefer_ceil"))
    return below + up


def _cubic(distance: Any, a: float) -> Any:
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@functools.lru_cache(maxsize=256)
def _table(
    n: int,
    output: int,
    scale: float,
    mode: str,
    transformation: str,
    nearest: str,
    cubic: float,
    exclude: bool,
    antialias: bool,
    crop: Any,
) -> tuple[Any, Any, Any]:
    """Source indices (output, taps); weights of the same dims, None for 1; where the coordinate is outside the data, None for nowhere."""
    x = _coordinate(np.arange(output, dtype=_F), n, output, scale, transformation, crop).astype(_F)
    beyond = None if crop is None else (x < 0) | (x > n - 1)
    if mode == "nearest":
        return np.clip(_nearest(x, nearest), 0, n - 1).astype(np.int64)[:, None], None, beyond
    shrink = min(scale, 1.0) if antialias else 1.0
    first = math.floor(-(2.0 if mode == "cubic" else 1.0) / shrink) + 1
    taps = np.arange(first, first + 2 - 2 * first)
    below = np.floor(x)
    ratio = x.astype(np.float64) - below
    distance = (taps[None, :] - ratio[:, None]) * shrink
    weights = _cubic(distance, cubic) if mode == "cubic" else np.maximum(0.0, 1.0 - np.abs(distance))
    index = below.astype(np.int64)[:, None] + taps[None, :]
    if exclude:
        weights = np.where((index < 0) | (index >= n), 0.0, weights)
    if exclude or antialias:
        total = weights.sum(axis=1, keepdims=True)
        weights = np.where(total != 0, weights / np.where(total == 0, 1, total), weights)
    return np.clip(index, 0, n - 1), weights, beyond
