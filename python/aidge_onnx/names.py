"""Names that are unique and come out the same every time."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Names"]


class Names:
    """A set of taken names that hands out new ones: the wished name, else name_1, name_2 …"""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def reserve(self, name: str) -> bool:
        """Takes exactly this name; False if it is taken already."""
        if name in self._taken:
            return False
        self._taken.add(name)
        return True

    def unique(self, base: str) -> str:
        """`base`, or the first of base_1, base_2 … that is free; it is taken from now on."""
        if self.reserve(base):
            return base
        number = self._next.get(base, 1)
        while not self.reserve(f"{base}_{number}"):
            number += 1
        self._next[base] = number + 1
        return f"{base}_{number}"
