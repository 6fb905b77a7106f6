"""Normalisations and matrix products."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from .sizes import as_tensor, axes_of


def _scaled(x: Any, axes: list[int], epsilon: float) -> tuple[Any, Any, Any]:
    """(x - mean) / sqrt(variance + epsilon) over the axes; the mean; 1 / deviation."""
    mean = x.mean(dim=axes, keepdim=True)
    centred = x - mean
    inverse = torch.rsqrt((centred * centred).mean(dim=axes, keepdim=True) + epsilon)
    return centred * inverse, mean, inverse


def _column(parameter: Any, rank: int) -> Any:
    return parameter.reshape([-1] + [1] * (rank - 2))


def batch_norm(x: Any, scale: Any, shift: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    """With the given statistics, for parameters that are computed."""
    return functional.batch_norm(x, mean, variance, scale, shift, False, 0.0, epsilon)


def instance_norm(x: Any, scale: Any, bias: Any, epsilon: float) -> Any:
    """Each channel of each sample by its own mean and variance."""
    if x.dim() == 2:
        return torch.zeros_like(x) * scale + bias
    normal, _, _ = _scaled(x, list(range(2, x.dim())), epsilon)
    return normal * _column(scale, x.dim()) + _column(bias, x.dim())


def group_norm(x: Any, scale: Any, bias: Any, groups: int, epsilon: float) -> Any:
    """Normalises each group of channels of each sample by its own mean and variance; parameters have one value per channel or per group."""
    normal, _, _ = _scaled(x.reshape(x.shape[0], groups, -1), [2], epsilon)
    normal = normal.reshape(x.shape)
    repeats = x.shape[1] // groups
    scale, bias = (
        entry.repeat_interleave(repeats) if entry.numel() == groups != x.shape[1] else entry
        for entry in (scale, bias)
    )
    return normal * _column(scale, x.dim()) + _column(bias, x.dim())


def layer_norm(x: Any, scale: Any, bias: Any, axis: int, epsilon: float) -> tuple[Any, Any, Any]:
    """Over the axes from `axis` on; also the mean and 1 / deviation."""
    (first,) = axes_of([axis], x.dim())
    normal, mean, inverse = _scaled(x, list(range(first, x.dim())), epsilon)
    result = normal * scale
    return (result if bias is None else result + bias), mean, inverse


def rms_norm(x: Any, scale: Any, axis: int, epsilon: float) -> Any:
    """scale · x / sqrt(mean of x² + epsilon) over the axes from `axis` on."""
    (first,) = axes_of([axis], x.dim())
    square = (x * x).mean(dim=list(range(first, x.dim())), keepdim=True)
    return x * torch.rsqrt(square + epsilon) * scale


def local_response(x: Any, size: int, alpha: float, beta: float, bias: float) -> Any:
    """x / (bias + alpha / size · sum of x² over `size` channels)^beta."""
    shape = [x.shape[0], 1, x.shape[1], math.prod(x.shape[2:])]
    square = functional.pad((x * x).reshape(shape), [0, 0, (size - 1) // 2, size // 2])
    window = square.unfold(2, size, 1).sum(-1).reshape(x.shape)
    return x / (bias + alpha / size * window) ** beta


def matmul(a: Any, b: Any) -> Any:
    """As numpy.matmul."""
    return torch.matmul(as_tensor(a, b), as_tensor(b, a))


def gemm(a: Any, b: Any, c: Any, alpha: float, beta: float, trans_a: bool, trans_b: bool) -> Any:
    """alpha · A B + beta · C, A and B transposed if `trans_a` and `trans_b` say so."""
    result = torch.matmul(a.t() if trans_a else a, b.t() if trans_b else b)
    if alpha != 1.0:
        result = alpha * result
    if c is None:
        return result
    return result + (c if beta == 1.0 else beta * c)


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """The data flattened from axis 1, times the transposed weight (out, in)."""
    return functional.linear(x.flatten(1), weight, bias)
