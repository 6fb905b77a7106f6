"""Polynomials of two values, x and one function of x, as `patterns` computes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["Polynomial", "add", "is_close", "multiply", "number", "power", "scaled"]

Polynomial: TypeAlias = Mapping[tuple[int, int], float]
"""(i, j) → the coefficient of xⁱ·gʲ; coefficients that are 0 may be left out."""

_RELATIVE = 2e-6
"""Error of a constant as exporters write it, relative to the constant."""
_ROUNDING = 2.4e-7
"""What is left of float32 constants that should cancel each other."""


def number(value: float) -> Polynomial:
    """A polynomial that is this number."""
    return {(0, 0): value}


def add(one: Polynomial, other: Polynomial) -> Polynomial:
    """The sum."""
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in {**one, **other}}


def scaled(one: Polynomial, factor: float) -> Polynomial:
    """The product with a number."""
    return {key: factor * value for key, value in one.items()}


def multiply(one: Polynomial, other: Polynomial) -> Polynomial:
    """The product."""
    product: dict[tuple[int, int], float] = {}
    for (i, j), left in one.items():
        for (k, m), right in other.items():
            product[i + k, j + m] = product.get((i + k, j + m), 0.0) + left * right
    return product


def power(one: Polynomial, exponent: int) -> Polynomial:
    """The product of `exponent` times the same."""
    product = number(1.0)
    for _ in range(exponent):
        product = multiply(product, one)
    return product


def is_close(one: Polynomial, wanted: Polynomial) -> bool:
    """Whether both are the same function of every x and every bounded g, but for the rounding of constants.

    A power of x that `wanted` does not have must be absent: however small its coefficient is, it is large far out.
    """
    degree = max(i for i, _ in wanted)
    for key in {**one, **wanted}:
        target, value = wanted.get(key, 0.0), one.get(key, 0.0)
        allowed = _RELATIVE * abs(target) if target else _ROUNDING if key[0] <= degree else 0.0
        if not abs(value - target) <= allowed:  # also if it is not a number
            return False
    return True
