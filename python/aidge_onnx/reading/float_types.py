"""Reads networks of float16, bfloat16 and float64 as networks of float32, and keeps which types the file has."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, TensorProto

from ..protos import subgraphs
from ..tensors import to_proto
from .source import OnnxNode, Source

__all__ = ["read_in_float32"]

_OTHERS = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})
_LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_TYPES = frozenset({"to", "dtype", "output_dtype", "output_datatype", "stash_type"})
"""Attributes that hold an element type."""


def read_in_float32(source: Source) -> dict[str, Any] | None:
    """Makes float32 of the type of the layers (in place), if that is float16, bfloat16 or float64.

    Types that no layer has, such as float64 in computations of shapes, are kept. Nodes get their `float_type`.

    Returns:
        What the export needs to write the types again: the type of most nodes, and those of graph inputs and outputs by name; None if
        nothing was changed: no layer has such a type, or it is also inside control flow, sequences, or operators of other domains.
    """
    source.infer()
    layers = Counter(
        _type_of(node, source) for node in source.nodes if node.op in _LAYERS and not node.domain
    )
    others: set[int | None] = {kind for kind in layers if kind in _OTHERS}
    if not others or source.foreign or any(_is_closed(node, source, others) for node in source.nodes):
        return None
    arrays = {
        name: array.astype(np.float32)
        for name, array in source.constants.items()
        if onnx.helper.np_dtype_to_tensor_dtype(array.dtype) in others
    }
    if any(
        np.isinf(array).any() and np.isfinite(source.constants[name]).all() for name, array in arrays.items()
    ):
        return None
    values = {value.name: value.type.tensor_type.elem_type for value in [*source.inputs, *source.outputs]}
    for node in source.nodes:
        node.float_type = _type_of(node, source)
        _convert_attributes(node, others)
    source.constants.update(arrays)
    for value in [*source.inputs, *source.outputs, *source.model.graph.value_info]:
        if value.type.tensor_type.elem_type in others:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for name, known in source.values.items():
        if known.elem in others:
            source.values[name] = replace(known, elem=int(TensorProto.FLOAT))
    source.infer()
    return {"default": layers.most_common(1)[0][0], "values": values}


def _type_of(node: OnnxNode, source: Source) -> int | None:
    """The type of the first output that holds floating-point numbers."""
    kinds = (source.type_of(name).elem for name in node.outputs if name)
    return next((kind for kind in kinds if kind in _OTHERS or kind == TensorProto.FLOAT), None)


def _is_closed(node: OnnxNode, source: Source, others: set[int | None]) -> bool:
    """Whether a node whose inside or meaning is not known here reads, makes or holds such a type."""
    inside = any(True for _ in subgraphs(node.proto))
    if not node.domain and not inside:
        return False
    known = [source.type_of(name).elem for name in [*node.uses(), *node.outputs]]
    return bool(others & set(known)) or (inside and _holds(node.proto, others))


def _holds(proto: NodeProto, others: set[int | None]) -> bool:
    for graph in subgraphs(proto):
        kinds = {tensor.data_type for tensor in graph.initializer}
        for node in graph.node:
            kinds |= {entry.t.data_type for entry in node.attribute if entry.HasField("t")}
            kinds |= {entry.i for entry in node.attribute if entry.name in _TYPES}
            if _holds(node, others):
                return True
        if others & kinds:
            return True
    return False


def _convert_attributes(node: OnnxNode, others: set[int | None]) -> None:
    for entry in node.proto.attribute:
        if entry.type == AttributeProto.INT and entry.name in _TYPES and entry.i in others:
            entry.i = TensorProto.FLOAT
            node.attributes[entry.name] = int(TensorProto.FLOAT)
        elif entry.type == AttributeProto.TENSOR and entry.t.data_type in others:
            array = onnx.numpy_helper.to_array(entry.t).astype(np.float32)
            entry.t.CopyFrom(to_proto(array, entry.t.name))
            node.attributes[entry.name] = entry.t
