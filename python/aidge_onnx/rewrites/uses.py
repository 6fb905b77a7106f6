"""Who makes and who reads every value of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..reading.source import OnnxNode, Source

__all__ = ["Uses"]


class Uses:
    """Who makes and who reads every value of a model."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.maker = {name: node for node in source.nodes for name in node.outputs if name}
        self.readers: dict[str, list[OnnxNode]] = {}
        for node in source.nodes:
            for name in node.uses():
                self.readers.setdefault(name, []).append(node)
        self.exits = {value.name for value in source.outputs}

    def sole_maker(self, name: str, *ops: str) -> OnnxNode | None:
        """The node of one of these kinds that makes the value, if only one node reads the value and it is not a graph output."""
        node = self.maker.get(name)
        wanted = node is not None and not node.domain and node.op in ops and len(node.outputs) == 1
        return node if wanted and name not in self.exits and len(self.readers.get(name, [])) == 1 else None

    def constant(self, node: OnnxNode, index: int) -> np.ndarray[Any, Any] | None:
        """The value of an input, if it is constant."""
        there = index < len(node.inputs) and bool(node.inputs[index])
        return self.source.constants.get(node.inputs[index]) if there else None

    def only_reader(self, name: str) -> OnnxNode | None:
        """The only node that reads the value, if the value is not a graph output."""
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.exits else None

    def add_constant(self, wanted: str, array: np.ndarray[Any, Any]) -> str:
        """A constant under this name, or one that is free; returns the name."""
        name = wanted
        while name in self.source.constants or name in self.source.values:
            name += "_"
        self.source.constants[name] = array
        return name
