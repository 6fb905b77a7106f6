"""One quantisation: which nodes become int8, and the QDQ model that ONNX Runtime's quantiser makes of them."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING

from .source import quiet, restore

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .calibrate import Ranges
    from .options import QuantizeOptions

__all__ = ["computing_nodes", "end_layers", "layers", "quantisable_types", "quantised"]

_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_MOVING = frozenset(
    ("ArgMax", "Clip", "CumSum", "Flatten", "Gather", "GatherElements", "MaxPool", "Pad", "Relu", "Reshape", "Resize", "Slice", "Split",
     "Squeeze", "TopK", "Transpose", "Unsqueeze")
)  # fmt: skip
"""Operators that pass 8-bit values on: they cost nothing that their input has not cost already."""


def quantisable_types() -> list[str]:
    """Operators that ONNX Runtime's quantiser knows for QDQ."""
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    return sorted({*QDQRegistry, *QLinearOpsRegistry})


def computing_nodes(proto: ModelProto) -> list[str]:
    """Names of the nodes that can be quantised and compute something, in the order of the graph: what can go back to float."""
    types = set(quantisable_types()) - _MOVING
    return [
        node.name
        for node in proto.graph.node
        if node.op_type in types and not _of_constants(node, proto.graph)
    ]


def _of_constants(node: NodeProto, graph: GraphProto) -> bool:
    constants = {tensor.name for tensor in graph.initializer}
    return all(name in constants for name in node.input if name)


def layers(graph: GraphProto) -> list[NodeProto]:
    """Convolutions and products with a constant weight."""
    constants = {tensor.name for tensor in graph.initializer}
    return [
        node
        for node in graph.node
        if node.op_type in _LAYERS and any(name in constants for name in node.input[:2])
    ]


def end_layers(graph: GraphProto) -> tuple[set[str], set[str]]:
    """Names of (the layers that no other layer precedes, the layers that no other one follows)."""
    weighted = {node.name for node in layers(graph)}
    producer = {name: node for node in graph.node for name in node.output if name}

    readers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def reached(starts: Collection[str], forward: bool) -> set[str]:
        found: set[str] = set()
        seen: set[str] = set()
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            here = readers.get(name, []) if forward else [producer[name]] if name in producer else []
            for node in here:
                if node.name in weighted:
                    found.add(node.name)
                else:
                    waiting.extend(node.output if forward else node.input)
        return found

    constants = {tensor.name for tensor in graph.initializer}
    inputs = [entry.name for entry in graph.input if entry.name not in constants]
    return reached(inputs, True), reached([entry.name for entry in graph.output], False)


def quantised(
    proto: ModelProto,
    source: ModelProto,
    ranges: Ranges,
    in_float: Collection[str],
    options: QuantizeOptions,
) -> ModelProto:
    """The QDQ model.

    Args:
        proto: the prepared model.
        source: the model before it was prepared, whose header, inputs and outputs the result has.
        ranges: of its activations.
        in_float: names of nodes that stay as they are.
    """
    from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType
    from onnxruntime.quantization.calibrate import TensorsData

    kind = QuantType.QUInt8 if options.activations == "uint8" else QuantType.QInt8
    with quiet():
        quantiser = QDQQuantizer(
            copy.deepcopy(proto),
            options.per_channel,
            options.reduce_range,
            QuantType.QInt8,
            kind,
            TensorsData(CalibrationMethod.MinMax, dict(ranges)),
            [],
            sorted(in_float),
            quantisable_types(),
            {"ActivationSymmetric": options.symmetric, "QuantizeBias": options.biases == "int32"},
        )
        quantiser.quantize_model()
    return restore(quantiser.model.model, source)
