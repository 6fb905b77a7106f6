"""Dimensions that are only known at run time, with the little arithmetic that shape computations do on
them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Dim", "Sym", "as_array", "is_symbolic", "opaque"]


@dataclass(frozen=True)
class Sym:
    """`coefficient` times the product of the named dimensions. Equal symbols are equal at run time."""

    factors: tuple[str, ...]
    coefficient: int = 1

    def __str__(self) -> str:
        names = "*".join(self.factors)
        return names if self.coefficient == 1 else f"{self.coefficient}*{names}"

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, Sym):
            return Sym(tuple(sorted(self.factors + other.factors)), self.coefficient * other.coefficient)
        return Sym(self.factors, self.coefficient * int(other)) if other else 0

    __rmul__ = __mul__

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, Sym) and other.factors == self.factors:
            return Sym(self.factors, self.coefficient + other.coefficient)
        return opaque("+", *sorted((str(self), str(other)))) if isinstance(other, Sym) or other else self

    __radd__ = __add__

    def __sub__(self, other: Dim) -> Dim:
        if self == other:
            return 0
        return opaque("-", str(self), str(other)) if isinstance(other, Sym) or other else self

    def __rsub__(self, other: Dim) -> Dim:
        return opaque("-", str(other), str(self))

    def __floordiv__(self, other: Dim) -> Dim:
        divisor = other if isinstance(other, Sym) else Sym((), int(other))
        remaining = list(self.factors)
        exact = divisor.coefficient > 0 and self.coefficient % divisor.coefficient == 0
        for name in divisor.factors:
            if name not in remaining:
                exact = False
                break
            remaining.remove(name)
        if not exact:
            return opaque("/", str(self), str(other))
        quotient = self.coefficient // divisor.coefficient
        return Sym(tuple(remaining), quotient) if remaining else quotient

    def __rfloordiv__(self, other: Dim) -> Dim:
        return opaque("/", str(other), str(self))


Dim: TypeAlias = int | Sym


def opaque(operation: str, *operands: str) -> Sym:
    """A symbol of an unknown value, named after the operation that computes it."""
    text = f"({operation.join(operands)})"
    return Sym((text if len(text) <= 120 else "#" + hashlib.sha256(text.encode()).hexdigest(),))


def is_symbolic(array: np.ndarray[Any, Any]) -> bool:
    """True for an array that holds a Sym."""
    return bool(array.dtype == object)


def as_array(values: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An int64 array, or one of objects where a Sym is among the values."""
    flat = list(values)
    if any(isinstance(value, Sym) for value in flat):
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return array.reshape(shape)
    return np.asarray(flat, dtype=np.int64).reshape(shape)
