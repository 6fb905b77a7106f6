"""Operators that have the same inputs and attributes in ONNX and here: one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import aidge_core

from ..reading.builder import Builder, finite, refuse
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer


@dataclass(frozen=True)
class _Function:
    """ONNX name and type here; the attributes' names here by those in ONNX."""

    op: str
    kind: str
    attributes: dict[str, str] = field(default_factory=dict)


_UNARY = [
    "Exp",
    "Log",
    "Sqrt",
    "Reciprocal",
    "Erf",
    "Floor",
    "Ceil",
    "Round",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Abs",
    "Neg",
    "Sign",
    "Softplus",
    "Softsign",
    "Not",
    "BitwiseNot",
    "IsNaN",
]
_BINARY = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "And",
    "Or",
    "Xor",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Pow",
]
_FUNCTIONS = [
    *(_Function(op, op) for op in [*_UNARY, *_BINARY, "Where", "Min", "Max", "Mean"]),
    _Function("Relu", "ReLU"),
    _Function("Sigmoid", "Sigmoid"),
    _Function("Tanh", "Tanh"),
    _Function("LeakyRelu", "LeakyReLU", {"alpha": "negative_slope"}),
    *(_Function(op, op, {"alpha": "alpha"}) for op in ("Elu", "Celu", "ThresholdedRelu")),
    _Function("Selu", "Selu", {"alpha": "alpha", "gamma": "gamma"}),
    _Function("HardSigmoid", "HardSigmoid", {"alpha": "alpha", "beta": "beta"}),
    _Function("Shrink", "Shrink", {"lambd": "lambd", "bias": "bias"}),
    _Function("Mod", "Mod", {"fmod": "fmod"}),
    _Function("BitShift", "BitShift", {"direction": "direction"}),
    _Function("IsInf", "IsInf", {"detect_negative": "detect_negative", "detect_positive": "detect_positive"}),
    _Function("LpNormalization", "LpNormalization", {"axis": "axis", "p": "p"}),
    _Function("InstanceNormalization", "InstanceNorm", {"epsilon": "epsilon"}),
    _Function("RMSNormalization", "RMSNorm", {"axis": "axis", "epsilon": "epsilon"}),
    *(
        _Function(op, op, {"axis": "axis", "keepdims": "keep_dims", "select_last_index": "select_last_index"})
        for op in ("ArgMax", "ArgMin")
    ),
]
_BY_OP = {function.op: function for function in _FUNCTIONS}
_BY_KIND = {function.kind: function for function in _FUNCTIONS}
#: Inputs that an operator must have; others may have any number from 1 on.
_COUNTS = {
    **dict.fromkeys(_BINARY, 2),
    "Mod": 2,
    "BitShift": 2,
    "Where": 3,
    "InstanceNormalization": 3,
    "RMSNormalization": 2,
}


@imports(*_BY_OP)
def import_function(node: OnnxNode, build: Builder) -> None:
    function = _BY_OP[node.op]
    count = _COUNTS.get(node.op)
    if count is not None and len(node.inputs) != count:
        refuse(node, f"{len(node.inputs)} inputs, expected {count}")
    attributes: dict[str, Any] = {}
    for name, own in function.attributes.items():
        if name in node.attributes:
            value = node.attributes[name]
            attributes[own] = finite(value, node, name) if isinstance(value, float) else value
    build.emit(node, function.kind, node.inputs, attributes)


@exports(*_BY_KIND)
def export_function(node: aidge_core.Node, write: Writer) -> None:
    function, values = _BY_KIND[node.type()], write.attributes(node)
    attributes = {
        name: int(values[own]) if isinstance(values[own], bool) else values[own]
        for name, own in function.attributes.items()
    }
    if function.op in ("ArgMax", "ArgMin") and not attributes["select_last_index"]:
        del attributes["select_last_index"]  # opset 12
    inputs = write.inputs(node)
    if function.op in ("ArgMax", "ArgMin", "LpNormalization"):
        attributes["axis"] = write.axis(int(attributes["axis"]), inputs[0], node)
    write.emit(node, function.op, inputs, attributes)
