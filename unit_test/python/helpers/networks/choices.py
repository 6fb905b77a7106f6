"""Decisions read off a string of bytes, so that a whole network is one draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Choices"]

T = TypeVar("T")


class Choices:
    """A byte decides; zero, the simplest choice, once the bytes are used up."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def integer(self, low: int, high: int) -> int:
        """From low to high, both included and at most 256 apart."""
        return low + next(self._bytes, 0) % (high - low + 1)

    def one_in(self, count: int) -> bool:
        """True once in so many times."""
        return next(self._bytes, 0) % count == count - 1

    def pick(self, options: Sequence[T]) -> T:
        """One of them; the first is the simplest."""
        return options[next(self._bytes, 0) % len(options)]
