"""An ONNX graph as it grows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from .choices import Choices

__all__ = ["MAX_ELEMENTS", "Net", "Value"]

MAX_ELEMENTS = 4096
"""No tensor of one image is bigger."""


@dataclass(frozen=True)
class Value:
    """A tensor in the making: its name and its dims without the batch (channels, then space)."""

    name: str
    dims: tuple[int, ...]
    #: Element type, as ONNX numbers them.
    kind: int = onnx.TensorProto.FLOAT
    #: Of an input that holds whole numbers: the largest one.
    most: int = 0
    #: Whether only a run tells its dims; then only how many `dims` there are counts.
    loose: bool = False

    @property
    def channels(self) -> int:
        return self.dims[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.dims[1:]

    @property
    def spatial(self) -> int:
        return len(self.dims) - 1

    @property
    def elements(self) -> int:
        return math.prod(self.dims)


@dataclass
class Net:
    """Nodes and constants so far; `current` is what the next layer continues, `live` what it may come back to."""

    choices: Choices
    opset: int
    random: np.random.Generator
    current: Value
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    live: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    #: False once a layer fits only the sizes that the inputs have now.
    free: bool = True
    #: True once a clamp can be reached by large values only.
    wide: bool = False

    def __post_init__(self) -> None:
        self.inputs.append(self.current)
        self.live.append(self.current)

    # --- constants ------------------------------------------------------------------------------------------
    def constant(self, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        """float32, uniform."""
        return self.array(self.random.uniform(low, high, shape).astype(np.float32))

    def weight(self, *shape: int, fan_in: int) -> str:
        """A constant that keeps the size of what passes through a sum over `fan_in` products."""
        bound = math.sqrt(3.0 / max(fan_in, 1))
        return self.constant(*shape, low=-bound, high=bound)

    def integers(self, *values: int) -> str:
        """A list of int64."""
        return self.array(np.asarray(values, np.int64))

    def floats(self, *values: float) -> str:
        """A list of float32."""
        return self.array(np.asarray(values, np.float32))

    def scalar(self, value: float) -> str:
        """float32 without dims."""
        return self.array(np.asarray(value, np.float32))

    def array(self, array: np.ndarray) -> str:
        """Any constant."""
        name = f"c{len(self.constants)}"
        self.constants[name] = array
        return name

    # --- nodes ----------------------------------------------------------------------------------------------
    def add(
        self, op: str, inputs: list[str | Value], dims: tuple[int, ...] | None = None, **attributes: Any
    ) -> Value:
        """A node with one output, which becomes the current value; its dims are the current ones by default."""
        made = Value(f"n{len(self.nodes)}_out", self.current.dims if dims is None else dims)
        self.append(op, inputs, [made], **attributes)
        return made

    def append(self, op: str, inputs: list[str | Value], outputs: list[Value], **attributes: Any) -> None:
        """A node with the given outputs, of which the last becomes the current value."""
        names = [entry.name if isinstance(entry, Value) else entry for entry in inputs]
        name = f"n{len(self.nodes)}"
        self.nodes.append(
            onnx.helper.make_node(op, names, [value.name for value in outputs], name, **attributes)
        )
        self.read.update(names)
        self.live.extend(outputs)
        self.current = outputs[-1]

    def fresh(self, dims: tuple[int, ...], index: int = 0) -> Value:
        """A value for `append`."""
        return Value(f"n{len(self.nodes)}_out{index}", dims)

    def axes(self, op: str, axes: list[int], dims: tuple[int, ...], **attributes: Any) -> Value:
        """A node whose axes are an attribute in old opsets and an input in new ones."""
        since = 18 if op.startswith("Reduce") and op != "ReduceSum" else 13
        if self.opset < since:
            return self.add(op, [self.current], dims, axes=axes, **attributes)
        return self.add(op, [self.current, self.integers(*axes)], dims, **attributes)
