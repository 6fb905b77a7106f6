"""Names of parameters and buffers: those of the nodes that read them, with dots between the parts as PyTorch has them."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Places"]

_BETWEEN = re.compile(r"[./:]+")
_UNFIT = re.compile(r"[^0-9A-Za-z_]")


class Places:
    """Hands out names in the tree of a torch.nn.Module, each once; a name that is taken gets an underscore.

    Args:
        reserved: names that no part may have, because they are attributes of a module.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._reserved = frozenset(reserved)
        self._leaves: set[str] = set()
        self._branches: set[str] = {""}

    def parts_of(self, name: str) -> list[str]:
        """The parts of a node's name: "/layer1/layer1.0/Conv" has four."""
        parts = [_UNFIT.sub("_", part) for part in _BETWEEN.split(name) if part]
        return [f"{part}_" if part in self._reserved else part for part in parts] or ["node"]

    def layer(self, name: str, leaves: Iterable[str]) -> str:
        """A separate module for a node, with these parameters and buffers."""
        parts, leaves = self.parts_of(name), list(leaves)
        while not self._is_free(parts, leaves):
            parts[-1] += "_"
        for leaf in leaves:
            self._take([*parts, leaf])
        return ".".join(parts)

    def value(self, name: str, role: str) -> str:
        """One parameter or buffer of a node."""
        parts = self.parts_of(name)
        while ".".join(parts) in self._leaves:
            parts[-1] += "_"
        while ".".join([*parts, role]) in self._leaves | self._branches:
            role += "_"
        self._take([*parts, role])
        return ".".join([*parts, role])

    def _is_free(self, parts: list[str], leaves: list[str]) -> bool:
        path = ".".join(parts)
        wanted = {f"{path}.{leaf}" for leaf in leaves}
        return path not in self._leaves and not wanted & (self._leaves | self._branches)

    def _take(self, parts: list[str]) -> None:
        for index in range(1, len(parts)):
            branch = ".".join(parts[:index])
            if branch in self._leaves:  # the name of a parameter of another node
                parts[index - 1] += "_"
                branch = ".".join(parts[:index])
            self._branches.add(branch)
        self._leaves.add(".".join(parts))
