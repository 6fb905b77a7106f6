"""Arithmetic, comparisons and activations."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.nn import functional

from .sizes import as_float_type, as_tensor, is_size, on_sizes, together


# --- two values ---------------------------------------------------------------------------------------------
def _both(function: Any, a: Any, b: Any) -> Any:
    return on_sizes(function, a, b) if is_size(a, b) else function(*together(a, b))


def add(a: Any, b: Any) -> Any:
    """A + B."""
    return _both(operator.add, a, b)


def sub(a: Any, b: Any) -> Any:
    """A - B."""
    return _both(operator.sub, a, b)


def mul(a: Any, b: Any) -> Any:
    """A · B."""
    return _both(operator.mul, a, b)


def _divided(a: int, b: int) -> int:
    return a // b if (a < 0) == (b < 0) else -(-a // b)


def _whole(*values: Any) -> bool:
    return all(
        not (value.is_floating_point() if isinstance(value, torch.Tensor) else isinstance(value, float))
        for value in values
    )


def div(a: Any, b: Any) -> Any:
    """A / B; of integers rounded towards zero."""
    if is_size(a, b):
        return on_sizes(_divided, a, b)
    a, b = together(a, b)
    return torch.div(a, b, rounding_mode="trunc") if _whole(a, b) else a / b


def mod(a: Any, b: Any, fmod: bool) -> Any:
    """The rest of A / B with the sign of B, or of A with `fmod`."""
    if is_size(a, b):
        return on_sizes(lambda x, y: x - y * _divided(x, y) if fmod else x % y, a, b)
    a, b = _tensors(a, b)
    return torch.fmod(a, b) if fmod else torch.remainder(a, b)


def power(a: Any, b: Any) -> Any:
    """A to the B, in the type of A."""
    a, b = _tensors(a, b)
    return torch.pow(a, b).to(a.dtype)


def _tensors(*values: Any) -> list[Any]:
    like = next((value for value in values if isinstance(value, torch.Tensor)), None)
    return [as_tensor(value, like) for value in values]


def _folded(of_sizes: Any, of_tensors: Any, values: tuple[Any, ...]) -> Any:
    if is_size(*values):
        return on_sizes(of_sizes, *values) if len(values) > 1 else values[0]
    first, *rest = _tensors(*values)
    for other in rest:
        first = of_tensors(first, other)
    return first


def minimum(*values: Any) -> Any:
    """The least of all; NaN wins."""
    return _folded(min, torch.minimum, values)


def maximum(*values: Any) -> Any:
    """The greatest of all; NaN wins."""
    return _folded(max, torch.maximum, values)


def mean(*values: Any) -> Any:
    """The mean of all."""
    return _folded(None, torch.add, tuple(_tensors(*values))) / len(values)


def equal(a: Any, b: Any) -> Any:
    """A = B."""
    return _both(operator.eq, a, b)


def less(a: Any, b: Any) -> Any:
    """A < B."""
    return _both(operator.lt, a, b)


def less_or_equal(a: Any, b: Any) -> Any:
    """A ≤ B."""
    return _both(operator.le, a, b)


def greater(a: Any, b: Any) -> Any:
    """A > B."""
    return _both(operator.gt, a, b)


def greater_or_equal(a: Any, b: Any) -> Any:
    """A ≥ B."""
    return _both(operator.ge, a, b)


def both(a: Any, b: Any) -> Any:
    """A and B, of truth values or bit by bit."""
    return _both(operator.and_, a, b)


def either(a: Any, b: Any) -> Any:
    """A or B, of truth values or bit by bit."""
    return _both(operator.or_, a, b)


def one_of(a: Any, b: Any) -> Any:
    """A exclusive or B, of truth values or bit by bit."""
    return _both(operator.xor, a, b)


def shift(a: Any, b: Any, direction: str) -> Any:
    """A shifted by B bits."""
    a, b = _tensors(a, b)
    wide = a.to(torch.int64), b.to(torch.int64)
    moved = torch.bitwise_left_shift(*wide) if direction == "LEFT" else torch.bitwise_right_shift(*wide)
    return moved.to(a.dtype)


def where(condition: Any, x: Any, y: Any) -> Any:
    """X where the condition holds, else Y."""
    if is_size(condition, x, y):
        return on_sizes(lambda choice, one, other: one if choice else other, condition, x, y)
    return torch.where(*_tensors(condition, x, y))


# --- one value ----------------------------------------------------------------------------------------------
def _one(function: Any, of_tensor: Any, x: Any) -> Any:
    return on_sizes(function, x) if is_size(x) else of_tensor(x)


def neg(x: Any) -> Any:
    """-x."""
    return _one(operator.neg, torch.neg, x)


def absolute(x: Any) -> Any:
    """|x|."""
    return _one(abs, torch.abs, x)


def identity(x: Any) -> Any:
    """The same value."""
    return x


def opposite(x: Any) -> Any:
    """Not x."""
    return _one(operator.not_, torch.logical_not, x)


def floor(x: Any) -> Any:
    """The integer below."""
    return x if is_size(x) else torch.floor(x)


def ceil(x: Any) -> Any:
    """The integer above."""
    return x if is_size(x) else torch.ceil(x)


def cast(x: Any, to: str, own: str, like: Any) -> Any:
    """Another element type. `own` is the graph's floating-point type; see as_float_type."""
    if is_size(x) and to in ("int64", "int32", "bool"):
        return on_sizes(bool if to == "bool" else int, x)
    return as_tensor(x, like).to(as_float_type(to, own, like))


def is_inf(x: Any, negative: bool, positive: bool) -> Any:
    """Where x is infinite, of the wanted signs."""
    return (torch.isinf(x) & (x < 0) & negative) | (torch.isinf(x) & (x > 0) & positive)


def clip(x: Any, least: Any, most: Any) -> Any:
    """Within the bounds; None: none."""
    if least is None and most is None:
        return x
    if is_size(x):
        x = as_tensor(x)
    if not x.is_floating_point():
        least, most = (None if bound is None else int(bound) for bound in (least, most))
    return torch.clamp(x, least, most)


# --- activations --------------------------------------------------------------------------------------------
def hard_sigmoid(x: Any, alpha: float, beta: float) -> Any:
    """max(0, min(1, alpha · x + beta))."""
    return torch.clamp(alpha * x + beta, 0.0, 1.0)


def selu(x: Any, alpha: float, gamma: float) -> Any:
    """gamma · x for positive x, else gamma · alpha · (exp(x) - 1)."""
    return gamma * functional.elu(x, alpha)


def swish(x: Any, alpha: float) -> Any:
    """x · sigmoid(alpha · x)."""
    return x * torch.sigmoid(alpha * x)


def shrink(x: Any, lambd: float, bias: float) -> Any:
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    zero = torch.zeros_like(x)
    return torch.where(x < -lambd, x + bias, torch.where(x > lambd, x - bias, zero))


def prelu(x: Any, slope: Any) -> Any:
    """slope · x for negative x, else x; the slope is broadcast."""
    return torch.where(x < 0, slope * x, x)


def hardmax(x: Any, axis: int) -> Any:
    """1 at the first greatest value along the axis, 0 elsewhere."""
    best = x.argmax(dim=axis, keepdim=True)
    return torch.zeros_like(x).scatter(axis, best, 1)
