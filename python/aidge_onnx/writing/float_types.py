"""Writes networks that were read in float32 with the floating-point types of their file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, TensorProto, ValueInfoProto, helper

from ..tensors import dtype_name, to_proto
from .writer import Writer

__all__ = ["restore_float_types"]

_FLOAT = int(TensorProto.FLOAT)
_TYPES = frozenset({"to", "dtype", "output_dtype", "output_datatype"})
_ONE_TYPE = frozenset({"BatchNormalization"})
"""Operators whose constants take the type of the data although newer versions allow others."""


def restore_float_types(write: Writer, record: Mapping[str, Any]) -> None:
    """Gives the nodes that have been written the types of `record`, with a Cast wherever two types meet (in place).

    record: "default", "nodes" (name → type, if it is another) and "values" (graph input or output → type), as ONNX element types. Inputs that
    an operator takes only in float32 remain in float32.

    Raises:
        ValueError: if a weight is too large for its type.
    """
    _Restorer(write, record).run()


class _Restorer:
    def __init__(self, write: Writer, record: Mapping[str, Any]) -> None:
        self._write = write
        self._record = record
        self._outputs = write.outputs_of_graph
        self._floats = _float_values(write, self._outputs)
        #: The type that each floating-point value has in the file.
        self._now: dict[str, int] = dict.fromkeys(write.initialisers, _FLOAT)
        self._used: set[str] = set()
        self._made: dict[tuple[str, int], str] = {}
        self._nodes: list[NodeProto] = []

    def run(self) -> None:
        """Does it."""
        for info in self._write.inputs_of_graph:
            if info.name in self._floats:
                kind = self._record["values"].get(info.name, _FLOAT)
                info.type.tensor_type.elem_type = self._now[info.name] = kind
        for node in self._write.nodes:
            self._node(node)
            self._nodes.append(node)
        for name in self._outputs:
            self._output(name)
        self._write.nodes = self._nodes

    def _node(self, node: NodeProto) -> None:
        wanted = self._wanted(node)
        signature = _signature(node, self._write.opset)
        outputs = [name in self._floats for name in node.output]
        variables = {signature.output(i)[0] for i, known in enumerate(outputs) if known}
        for index, name in enumerate(node.input):
            if name not in self._floats:
                continue
            variable, allowed = signature.input(index)
            shared = variable in variables or not any(outputs) or node.op_type in _ONE_TYPE
            kind = wanted if shared else self._now.get(name, _FLOAT)
            node.input[index] = self._as(name, kind if kind in allowed else _FLOAT)
        for index, name in enumerate(node.output):
            if outputs[index]:
                self._now[name] = wanted if wanted in signature.output(index)[1] else _FLOAT
        for entry in node.attribute:
            if entry.type == AttributeProto.INT and entry.name in _TYPES and entry.i == _FLOAT:
                entry.i = wanted
            elif entry.type == AttributeProto.TENSOR and entry.t.data_type == _FLOAT and any(outputs):
                entry.t.CopyFrom(
                    to_proto(_rounded(onnx.numpy_helper.to_array(entry.t), wanted, node.name), entry.t.name)
                )

    def _wanted(self, node: NodeProto) -> int:
        """The type of the node's floating-point outputs; without any, that of its first such input."""
        if any(name in self._floats for name in node.output):
            return int(self._record["nodes"].get(node.name, self._record["default"]))
        return next((self._now.get(name, _FLOAT) for name in node.input if name in self._floats), _FLOAT)

    def _as(self, name: str, kind: int) -> str:
        """The name under which a value has a type; a constant is rounded, anything else cast."""
        if self._now.get(name, _FLOAT) == kind:
            self._used.add(name)
            return name
        if (name, kind) in self._made:
            return self._made[name, kind]
        if name in self._write.initialisers:
            array = _rounded(self._write.initialisers[name], kind, name)
            made = name if name not in self._used else self._write.unique(f"{name}_{dtype_name(kind)}")
            self._write.initialisers[made] = array
            self._floats.add(made)
        else:
            made = self._write.unique(f"{name}_{dtype_name(kind)}")
            self._nodes.append(self._cast(name, made, kind))
        self._now[made] = self._now.get(made, kind) if made != name else kind
        self._used.add(made)
        if made != name:
            self._made[name, kind] = made
        return made

    def _cast(self, name: str, made: str, kind: int) -> NodeProto:
        return helper.make_node("Cast", [name], [made], self._write.unique_node(f"{made}_cast"), to=kind)

    def _output(self, name: str) -> None:
        """Casts a graph output to its declared type; the value inside the graph then has another name."""
        kind = self._record["values"].get(name, _FLOAT)
        if name not in self._floats or self._now.get(name, _FLOAT) == kind:
            return
        inner = self._write.unique(f"{name}_{dtype_name(self._now[name])}")
        for node in self._nodes:
            for names in (node.input, node.output):
                for index, entry in enumerate(names):
                    if entry == name:
                        names[index] = inner
        self._nodes.append(self._cast(inner, name, kind))


def _float_values(write: Writer, outputs: list[str]) -> set[str]:
    """Names of the float32 values."""
    inferred = onnx.shape_inference.infer_shapes(
        write.skeleton([ValueInfoProto(name=name) for name in outputs])
    )
    graph = inferred.graph
    infos = [*graph.input, *graph.value_info, *graph.output]
    found = {info.name for info in infos if info.type.tensor_type.elem_type == _FLOAT}
    return found | {name for name, array in write.initialisers.items() if array.dtype == np.float32}


def _rounded(array: np.ndarray[Any, Any], kind: int, name: str) -> np.ndarray[Any, Any]:
    with np.errstate(over="ignore"):
        rounded = array.astype(helper.tensor_dtype_to_np_dtype(kind))
    if (np.isinf(rounded.astype(np.float32)) & np.isfinite(array)).any():
        largest = float(np.abs(array[np.isfinite(array)]).max())
        raise ValueError(
            f"[aidge_onnx.export] expected values that {dtype_name(kind)} holds, got {largest:.3g} in {name}: "
            "convert the network to float32 first"
        )
    return rounded


class _Signature:
    """Type variables and the floating-point types that they allow, of an operator."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        constraints = [] if schema is None else schema.type_constraints
        self._allowed = {entry.type_param_str: _kinds(entry.allowed_type_strs) for entry in constraints}

    def input(self, index: int) -> tuple[str, frozenset[int]]:
        """(variable, allowed types) of an input."""
        return self._of([] if self._schema is None else self._schema.inputs, index)

    def output(self, index: int) -> tuple[str, frozenset[int]]:
        """(variable, allowed types) of an output."""
        return self._of([] if self._schema is None else self._schema.outputs, index)

    def _of(self, formal: Any, index: int) -> tuple[str, frozenset[int]]:
        if not formal:
            return "", frozenset({_FLOAT})
        text = formal[min(index, len(formal) - 1)].type_str
        return text, self._allowed.get(text, frozenset({_FLOAT}))


_BY_TEXT = {
    "tensor(float)": _FLOAT,
    "tensor(float16)": int(TensorProto.FLOAT16),
    "tensor(double)": int(TensorProto.DOUBLE),
    "tensor(bfloat16)": int(TensorProto.BFLOAT16),
}


def _kinds(texts: Any) -> frozenset[int]:
    return frozenset(_BY_TEXT[text] for text in texts if text in _BY_TEXT)


def _signature(node: NodeProto, opset: int) -> _Signature:
    if node.domain or any(
        entry.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for entry in node.attribute
    ):
        return _Signature(None)
    try:
        return _Signature(onnx.defs.get_schema(node.op_type, max_inclusive_version=opset))
    except onnx.defs.SchemaError:
        return _Signature(None)
