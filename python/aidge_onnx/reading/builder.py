"""Makes the graph's nodes; what the converters of the import direction write to."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import aidge_core
import numpy as np
from onnx import NodeProto, TensorProto, helper

from ..errors import InvalidModelError
from ..generic import GenericNode
from ..names import Names
from ..tensors import DTYPE_NAMES, dtype_name, onnx_type_of, type_text
from .source import OnnxNode, Source
from .symbolic import Sym

__all__ = ["Array", "Builder", "Fresh", "NotNative", "Value"]

#: Operators that are told how many inputs they have.
_COUNTED = frozenset(
    {"Concat", "Min", "Max", "Mean"}
    | {"ConstantOfShape", "Expand", "Pad", "Reshape", "Resize", "Slice", "Split", "Tile", "TopK"}
)

Array: TypeAlias = np.ndarray[Any, Any]


@functools.cache
def _input_types(kind: str) -> list[list[str]]:
    return aidge_core.operator_input_types(kind)


class NotNative(Exception):
    """This node has no native operator in this form; it is kept as a generic one. The text is the reason."""


@dataclass(frozen=True)
class Value:
    """The output of a node that has been made."""

    node: aidge_core.Node
    index: int = 0


@dataclass(frozen=True, eq=False)
class Fresh:
    """A new producer's value and the name that it should have."""

    array: Array
    name: str


_Input: TypeAlias = str | Value | Fresh


class Builder:
    """Collects nodes and the edges between them.

    Inputs of nodes are value names, "" for an absent one, Values or Fresh producers.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes: list[aidge_core.Node] = []
        #: Targets of every graph input.
        self.targets: dict[str, list[tuple[aidge_core.Node, int]]] = {
            value.name: [] for value in source.inputs
        }
        self._values: dict[str, Value] = {}
        #: Producers by the array that they hold: names of one array are one weight.
        self._held: dict[int, Value] = {}
        #: Producers of converted constants, by the constant's name.
        self._converted: dict[str, list[tuple[Array, Value]]] = {}
        self._names = Names()
        self._node_names = self._claim_names()
        self._readers: dict[str, int] = {}
        for name in [
            *(name for node in source.nodes for name in node.uses()),
            *(value.name for value in source.outputs),
        ]:
            self._readers[name] = self._readers.get(name, 0) + 1

    def _claim_names(self) -> dict[OnnxNode, str]:
        """Explicit names first, in order; then repeated and missing ones."""
        names = {
            node: node.name for node in self.source.nodes if node.name and self._names.reserve(node.name)
        }
        for index, node in enumerate(self.source.nodes):
            if node not in names:
                names[node] = self._names.unique(node.name or f"{node.op}_{index}")
        return names

    # --- what is known --------------------------------------------------------------------------------------
    @property
    def opset(self) -> int:
        """Version of the standard operators."""
        return self.source.opset

    def name_of(self, node: OnnxNode) -> str:
        """The name that the node has in the graph."""
        return self._node_names[node]

    def has_input(self, node: OnnxNode, index: int) -> bool:
        """True if the node's input is connected."""
        return index < len(node.inputs) and bool(node.inputs[index])

    def constant(self, node: OnnxNode, index: int) -> Array | None:
        """An input's constant value; None if the input is absent or computed."""
        return self.source.constants.get(node.inputs[index]) if self.has_input(node, index) else None

    def required_constant(self, node: OnnxNode, index: int, what: str) -> Array:
        """An input's constant value; NotNative if it is computed, InvalidModelError if it is absent."""
        if not self.has_input(node, index):
            raise InvalidModelError(f"{node.where()}: {what} is missing")
        array = self.constant(node, index)
        if array is None:
            maker = next((entry for entry in self.source.nodes if node.inputs[index] in entry.outputs), None)
            behind = maker is not None and maker.op == "DequantizeLinear"
            raise NotNative(f"{what} is behind DequantizeLinear" if behind else f"{what} is computed")
        return array

    def floats(self, node: OnnxNode, index: int, what: str) -> Array:
        """Like required_constant, for float32."""
        array = self.required_constant(node, index, what)
        if array.dtype != np.float32:
            raise NotNative(f"{what} is {array.dtype}")
        return array

    def ints(self, node: OnnxNode, index: int, attribute: str) -> list[int] | None:
        """A list of ints that is an attribute in old opsets and an input in newer ones; None if it is
        absent."""
        if attribute in node.attributes:
            return [int(value) for value in node.attributes[attribute]]
        if not self.has_input(node, index):
            return None
        return [int(value) for value in np.atleast_1d(self.required_constant(node, index, attribute))]

    def arguments(self, node: OnnxNode, first: int, *names: str) -> tuple[dict[str, list[Any]], list[str]]:
        """Lists that are attributes in old opsets and inputs, from `first` on, in newer ones.

        Constant ones as attributes, computed ones as extra inputs ("" for the others before them).
        """
        attributes: dict[str, list[Any]] = {}
        extras: list[str] = []
        for index, name in enumerate(names, start=first):
            array = self.constant(node, index)
            if name in node.attributes:
                attributes[name] = [int(value) for value in node.attributes[name]]
            elif array is not None and array.ndim > 1:
                refuse(node, f"{name} has {array.ndim} dims, expected a list")
            elif array is not None:
                attributes[name] = np.atleast_1d(array).tolist()
            elif self.has_input(node, index):
                extras += [""] * (index - first - len(extras)) + [node.inputs[index]]
        return attributes, extras

    def dims(self, name: str) -> tuple[int | Sym, ...] | None:
        """A value's dims where its rank is known."""
        return self.source.type_of(name).dims

    def is_read(self, node: OnnxNode, output: int) -> bool:
        """True where somebody uses the node's output."""
        return (
            output < len(node.outputs)
            and bool(node.outputs[output])
            and self._readers.get(node.outputs[output], 0) > 0
        )

    # --- what is made ---------------------------------------------------------------------------------------
    def step(
        self,
        node: OnnxNode,
        kind: str,
        inputs: Sequence[_Input],
        attributes: Mapping[str, Any] | None = None,
        suffix: str = "",
    ) -> Value:
        """One operator of several that stand for `node`; its name is the node's with the suffix."""
        self._check_types(kind, inputs)
        name = self.name_of(node)
        made = self._make(
            node,
            kind,
            dict(attributes or {}),
            self._names.unique(name + suffix) if suffix else name,
            len(inputs),
        )
        for index, entry in enumerate(inputs):
            self._connect(made, index, entry)
        self.nodes.append(made)
        return Value(made)

    def _check_types(self, kind: str, inputs: Sequence[_Input]) -> None:
        """NotNative if an input is known to be of a type that the operator does not take."""
        taken = _input_types(kind)
        for index, entry in enumerate(inputs):
            dtype = self.type_name(entry)
            if dtype is not None and dtype not in taken[min(index, len(taken) - 1)]:
                raise NotNative(f"works on {dtype}")

    def type_name(self, entry: _Input) -> str | None:
        """Name of the element type of an input; None if it is absent or not known."""
        if isinstance(entry, Fresh):
            return dtype_name(onnx_type_of(entry.array.dtype))
        elem = self.source.type_of(entry).elem if isinstance(entry, str) and entry else None
        return None if elem is None else type_text(elem)

    def undo(self, mark: int) -> None:
        """Takes back the operators that were made after the first `mark` nodes; producers of constants are kept."""
        for name, entries in self._converted.items():
            self._converted[name] = [entry for entry in entries if entry[1].node not in self.nodes[mark:]]
        kept = {id(value.node) for value in self._values.values()}
        dropped = [node for node in self.nodes[mark:] if id(node) not in kept]
        gone = {node.id() for node in dropped}
        self.nodes[mark:] = [node for node in self.nodes[mark:] if node.id() not in gone]
        for name, targets in self.targets.items():
            self.targets[name] = [target for target in targets if target[0].id() not in gone]

    def emit(
        self, node: OnnxNode, kind: str, inputs: Sequence[_Input], attributes: Mapping[str, Any] | None = None
    ) -> None:
        """The operator that stands for `node` (the last of several) and gives its outputs."""
        made = self.step(node, kind, inputs, attributes).node
        for index, name in enumerate(node.outputs[: made.get_nb_outputs()]):
            if name:
                self._values[name] = Value(made, index)

    def emit_all(
        self, node: OnnxNode, kind: str, inputs: Sequence[_Input], attributes: Mapping[str, Any] | None = None
    ) -> None:
        """The same for an operator with several outputs, in ONNX's order."""
        made = self.step(node, kind, inputs, attributes)
        for index, name in enumerate(node.outputs):
            if name:
                self._values[name] = Value(made.node, index)

    def _make(
        self, node: OnnxNode, kind: str, attributes: dict[str, Any], name: str, nb_inputs: int
    ) -> aidge_core.Node:
        try:
            return aidge_core.make_node(kind, attributes, name, nb_inputs if kind in _COUNTED else 0)
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidModelError(f"{node.where()}: {error}") from error

    def _connect(self, child: aidge_core.Node, index: int, entry: _Input) -> None:
        if isinstance(entry, Fresh):
            entry = self._converted_once(entry)
        if isinstance(entry, Value):
            child.set_input(index, entry.node, entry.index)
        elif entry in self.targets:
            self.targets[entry].append((child, index))
        elif entry:
            value = self.value(entry)
            child.set_input(index, value.node, value.index)

    def value(self, name: str) -> Value:
        """The source of a value that is not a graph input; constants get their producer here."""
        if name not in self._values:
            if name in self.source.opaque:
                self._values[name] = self._opaque(name)
            else:
                array = self.source.constants[name]
                weight = array.dtype.kind == "f" and (array.ndim > 0 or name in self.source.initialisers)
                if id(array) not in self._held:
                    self._held[id(array)] = self._producer(array, name, constant=not weight)
                self._values[name] = self._held[id(array)]
        return self._values[name]

    def _converted_once(self, entry: Fresh) -> Value:
        """The producer of a converted constant; the same one where a node has already asked for it."""
        made = self._converted.setdefault(entry.name, [])
        for array, value in made:
            if (
                array.shape == entry.array.shape
                and array.dtype == entry.array.dtype
                and np.array_equal(array, entry.array)
            ):
                return value
        value = self._producer(entry.array, entry.name, constant=False)
        made.append((entry.array, value))
        return value

    def producers_of(self, name: str) -> set[str]:
        """Names of the producers that hold a constant, as it is or converted."""
        found = [value for _, value in self._converted.get(name, [])]
        found += [self._values[name]] if name in self._values else []
        return {value.node.name() for value in found}

    def readers_of(self, name: str) -> list[OnnxNode]:
        """The nodes that read a constant, under this name or another name of the same array."""
        return self._weight_readers.get(id(self.source.constants[name]), [])

    @functools.cached_property
    def _weight_readers(self) -> dict[int, list[OnnxNode]]:
        readers: dict[int, list[OnnxNode]] = {}
        for node in self.source.nodes:
            for name in dict.fromkeys(node.uses()):
                if name in self.source.constants:
                    readers.setdefault(id(self.source.constants[name]), []).append(node)
        return readers

    def _producer(self, array: Array, name: str, *, constant: bool) -> Value:
        made = aidge_core.Producer(array, self._names.unique(name), constant)
        self.nodes.append(made)
        return Value(made)

    def _opaque(self, name: str) -> Value:
        proto = helper.make_node("Constant", [], [name], value=self.source.opaque[name])
        return self._generic(
            GenericNode.make(proto, self.source.opsets, (), "of a type that only ONNX has"),
            self._names.unique(name),
            [],
        )

    def generic(self, node: OnnxNode, reason: str) -> None:
        """Keeps the node as it is."""
        entry = GenericNode.make(node.to_proto(), self.source.opsets, node.captured, reason)
        value = self._generic(entry, self.name_of(node), [*node.inputs, *node.captured])
        for index, name in enumerate(node.outputs):
            if name:
                self._values[name] = Value(value.node, index)

    def _generic(self, entry: GenericNode, name: str, inputs: Sequence[str]) -> Value:
        attributes = entry.attributes()
        packed = self._packed_dims(entry.proto, inputs)
        if packed is not None:
            attributes["output_dims"] = packed
            types = [self.source.type_of(name).elem or TensorProto.FLOAT for name in entry.proto.output]
            if all(elem in DTYPE_NAMES for elem in types):
                attributes["output_types"] = [dtype_name(elem) for elem in types]
        if "" in inputs:
            attributes["optional_inputs"] = [index for index, value in enumerate(inputs) if not value]
        made = aidge_core.GenericOperator(
            entry.type(),
            nb_data=len(inputs),
            nb_out=len(entry.proto.output),
            name=name,
            attributes=attributes,
        )
        for index, value in enumerate(inputs):
            self._connect(made, index, value)
        self.nodes.append(made)
        return Value(made)

    def _packed_dims(self, proto: NodeProto, inputs: Sequence[str]) -> list[int] | None:
        """For each output its rank, then its dims, -1 for the batch; None if any dim is not known."""
        constants = self.source.constants
        computed = [dims for name in inputs if name and name not in constants and (dims := self.dims(name))]
        packed: list[int] = []
        for name in proto.output:
            dims = self.dims(name) if name else ()
            if dims is None:
                return None
            packed.append(len(dims))
            for axis, dim in enumerate(dims):
                if isinstance(dim, Sym) and not (axis == 0 and computed and dim == computed[0][0]):
                    return None
                packed.append(-1 if isinstance(dim, Sym) else dim)
        return packed

    def output(self, name: str) -> Value:
        """The source of a graph output; an Identity if that would be a graph input or a producer."""
        value = None if name in self.targets else self.value(name)
        if value is not None and not value.node.get_operator().is_producer():
            return value
        proto = NodeProto(op_type="Identity", input=[name], output=[name])
        node = OnnxNode(proto, "Identity", "", "", [name], [name], {}, ())
        self._node_names[node] = self._names.unique(f"{name}_output")
        if self.source.type_of(name).elem in DTYPE_NAMES:
            return self.step(node, "Identity", [name])
        return self._generic(
            GenericNode.make(proto, self.source.opsets, (), "works on a type that only ONNX has"),
            self.name_of(node),
            [name],
        )


def scalar(array: Array, node: OnnxNode, what: str) -> float:
    """The only element of an array; InvalidModelError if there are more or none."""
    if array.size != 1:
        refuse(node, f"{what} has {array.size} elements, expected 1")
    return float(array.reshape(()))


def refuse(node: OnnxNode, reason: str) -> NoReturn:
    """InvalidModelError that names the node."""
    raise InvalidModelError(f"{node.where()}: {reason}")


def finite(value: float, node: OnnxNode, what: str) -> float:
    """The value, if it is a finite number."""
    if not math.isfinite(value):
        refuse(node, f"{what} is {value}")
    return float(value)
