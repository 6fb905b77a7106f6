"""Generic operators as models of one node: what comes out of them, and how ONNX Runtime runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, ValueInfoProto, helper

from ..generic import REGION, GenericNode, rename_captured, unpack_region
from ..protos import subgraphs
from ..tensors import DTYPE_NAMES, onnx_type_of, to_proto

__all__ = ["Inferred", "Input", "infer_outputs", "single_node_model"]

Array: TypeAlias = np.ndarray[Any, Any]
Inferred: TypeAlias = tuple[list[int] | None, str]
"""Dims of an output, None if only a run tells them, and the name of its type."""

_SMALL = 4096
_IR_VERSION = 10
_COMMON_OPSET = 13
_MISSING: Inferred = ([0], "float32")


@dataclass(frozen=True)
class Input:
    """What is known of an input: dims, the name of its type, and its value if it is constant."""

    dims: tuple[int, ...]
    dtype: str
    value: Array | None = None


def input_name(index: int) -> str:
    """Name of an input in the model; no graph inside the node uses it."""
    return f"aidge.input.{index}"


def output_name(index: int) -> str:
    """Name of an output in the model."""
    return f"aidge.output.{index}"


def single_node_model(
    entry: GenericNode,
    inputs: Sequence[Input],
    *,
    free_dims: bool = False,
    largest_constant: int | None = None,
) -> ModelProto:
    """The node with its captured values as a model.

    Constant inputs become initialisers (those of more than `largest_constant` elements remain inputs); the others
    have their dims, which some operators' sessions need, or with `free_dims` any.
    """
    node = NodeProto()
    node.CopyFrom(entry.proto)
    own = len(node.input)
    present = [bool(name) for name in node.input] + [True] * len(entry.captured)
    names = [input_name(index) if there else "" for index, there in enumerate(present)]
    outputs = [output_name(index) if name else "" for index, name in enumerate(node.output)]
    model = ModelProto(ir_version=_IR_VERSION)
    model.opset_import.extend(
        helper.make_opsetid(domain, version) for domain, version in sorted(_opsets(entry).items())
    )
    graph = model.graph
    graph.name = node.op_type
    if entry.domain == REGION:
        graph.node.extend(unpack_region(node, names, outputs, lambda name: f"aidge.inner.{name}"))
    else:
        del node.input[:], node.output[:]
        node.input.extend(names[:own])
        node.output.extend(outputs)
        rename_captured(node, dict(zip(entry.captured, names[own:], strict=True)))
        graph.node.append(node)
    for name, known in zip(names, inputs, strict=True):
        small = known.value is not None and (largest_constant is None or known.value.size <= largest_constant)
        if name and known.value is not None and small:
            graph.initializer.append(to_proto(known.value, name))
        elif name:
            dims = None if free_dims else known.dims
            graph.input.append(helper.make_tensor_value_info(name, onnx_type_of(known.dtype), dims))
    graph.output.extend(ValueInfoProto(name=name) for name in outputs if name)
    return model


def _opsets(entry: GenericNode) -> dict[str, int]:
    """Versions of the domains; of the standard operators an old one that means the same, which more runtimes know.

    It is at least 13 if the model's own is: ONNX Runtime adds Casts to float16 nodes, which older versions write otherwise.
    """
    opsets = {**entry.inner_opsets}
    if entry.domain != REGION:
        opsets[entry.domain] = entry.opset
    plain = not entry.domain and not any(True for _ in subgraphs(entry.proto))
    if plain and onnx.defs.has(entry.proto.op_type, max_inclusive_version=entry.opset):
        schema = onnx.defs.get_schema(entry.proto.op_type, max_inclusive_version=entry.opset)
        opsets[""] = max(schema.since_version, min(entry.opset, _COMMON_OPSET))
    return opsets


def infer_outputs(entry: GenericNode, inputs: Sequence[Input]) -> list[Inferred] | None:
    """Dims and type of every output by ONNX's own shape inference; None if it does not know a type.

    ValueError if the inputs do not fit.
    """
    model = single_node_model(entry, inputs, largest_constant=_SMALL)
    return _inferred(
        model.SerializeToString(deterministic=True), tuple(bool(name) for name in entry.proto.output)
    )


@lru_cache(maxsize=512)
def _inferred(data: bytes, present: tuple[bool, ...]) -> list[Inferred] | None:
    model = ModelProto.FromString(data)
    try:
        known = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:  # InferenceError, and whatever else the native code throws
        raise ValueError(f"[aidge_onnx.infer] expected inputs that fit, got: {str(error).strip()}") from error
    values = {value.name: value.type for value in known.graph.output}
    found: list[Inferred] = []
    for index, there in enumerate(present):
        tensor = values[output_name(index)].tensor_type if there else None
        if tensor is None:
            found.append(_MISSING)
        elif tensor.elem_type not in DTYPE_NAMES:
            return None
        else:
            found.append((_dims(tensor), DTYPE_NAMES[tensor.elem_type]))
    return found


def _dims(tensor: Any) -> list[int] | None:
    if not tensor.HasField("shape") or not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
        return None
    return [int(dim.dim_value) for dim in tensor.shape.dim]
