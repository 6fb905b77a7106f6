"""Operators in every form that ONNX has had for them: functions, comparisons, normalisations, reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import TensorProto

from .operator_cases import Net, case, node, unary

for function_type, first_opset in {
    "Exp": 7, "Log": 7, "Sqrt": 7, "Reciprocal": 7, "Abs": 7, "Neg": 7, "Floor": 7, "Ceil": 7, "Softplus": 7, "Softsign": 7,
    "Elu": 7, "Selu": 7, "Sin": 7, "Cos": 7, "Tan": 7, "Atan": 7, "Erf": 9, "Sign": 9, "Sinh": 9, "Cosh": 9, "Asinh": 9, "Shrink": 9,
    "ThresholdedRelu": 11, "Round": 11, "Celu": 13,
}.items():  # fmt: skip
    unary(function_type, function_type, since=first_opset)
unary("Elu", "Elu", alpha=0.4)
unary("Celu", "Celu", since=13, alpha=2.5)
unary("Mish", "Mish", since=18)
unary("LogSoftmax", "LogSoftmax", since=13, axis=1)
unary("LogSoftmax", "LogSoftmax", since=13)
unary("Hardmax", "Hardmax", since=13, axis=2)
unary("LpNormalization", "LpNormalization", axis=1, p=1)
unary("LpNormalization", "LpNormalization", axis=3)


def pair(op: str, since: int = 7, **attributes: Any) -> None:
    weights = {"w": (6, 1, 8)}
    case(f"{op} with broadcasting", since)(
        lambda _: Net([node(op, ["x", "w"], ["y"], **attributes)], [op], dict(weights))
    )


pair("Min", since=9)
pair("Max", since=9)
pair("Mean", since=9)
pair("Mod", since=11, fmod=1)


@case("Pow by a constant")
def _(_: int) -> Net:
    return Net([node("Pow", ["x", "p"], ["y"])], ["Pow"], {"p": np.float32(3)})


@case("a comparison that chooses", since=13)
def _(_: int) -> Net:
    nodes = [
        node("Greater", ["x", "w"], ["g"]), node("LessOrEqual", ["x", "v"], ["l"]), node("And", ["g", "l"], ["a"]), node("Not", ["a"], ["n"]),
        node("Where", ["n", "x", "w"], ["y"]),
    ]  # fmt: skip
    return Net(nodes, ["Greater", "LessOrEqual", "And", "Not", "Where"], {"w": (6, 1, 8), "v": (1, 6, 9, 1)})


@case("ArgMax as numbers", since=9)
def _(_: int) -> Net:
    nodes = [
        node("ArgMax", ["x"], ["i"], axis=1, keepdims=0),
        node("Cast", ["i"], ["y"], to=TensorProto.FLOAT),
    ]
    return Net(nodes, ["ArgMax", "Cast"])


@case("instance normalisation")
def _(_: int) -> Net:
    norm = node("InstanceNormalization", ["x", "s", "b"], ["y"], epsilon=1e-3)
    return Net([norm], ["InstanceNorm"], {"s": (6,), "b": (6,)})


@case("layer normalisation", since=17)
def _(_: int) -> Net:
    norm = node("LayerNormalization", ["x", "s", "b"], ["y"], axis=2)
    return Net([norm], ["LayerNorm"], {"s": (9, 8), "b": (9, 8)})


@case("layer normalisation without bias", since=17)
def _(_: int) -> Net:
    return Net([node("LayerNormalization", ["x", "s"], ["y"])], ["LayerNorm"], {"s": (8,)})


@case("group normalisation", since=21)
def _(_: int) -> Net:
    norm = node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=3)
    return Net([norm], ["GroupNorm"], {"s": (6,), "b": (6,)})


def reduction(op: str) -> None:
    @case(f"{op} of channels")
    def _(opset: int) -> Net:
        if opset < (13 if op == "ReduceSum" else 18):
            return Net([node(op, ["x"], ["y"], axes=[1], keepdims=0)], [op])
        return Net([node(op, ["x", "a"], ["y"], keepdims=0)], [op], {"a": np.asarray([1], np.int64)})


for reduced in [
    "ReduceSum",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSumExp",
    "ReduceSumSquare",
]:
    reduction(reduced)


@case("a running sum", since=11)
def _(_: int) -> Net:
    return Net([node("CumSum", ["x", "a"], ["y"], reverse=1, exclusive=1)], ["CumSum"], {"a": np.int64(2)})


def written_out_gelu(form: str, order: int) -> Net:
    """The exact or tanh form, its three factors multiplied in one of the usual orders."""
    constants = {"one": np.float32(1), "half": np.float32(0.5), "root": np.float32(math.sqrt(2))}
    if form == "erf":
        nodes = [node("Div", ["x", "root"], ["i"]), node("Erf", ["i"], ["e"])]
    else:
        constants |= {
            "three": np.float32(3),
            "k": np.float32(0.044715),
            "c": np.float32(math.sqrt(2 / math.pi)),
        }
        nodes = [
            node("Pow", ["x", "three"], ["x3"]),
            node("Mul", ["x3", "k"], ["kx3"]),
            node("Add", ["x", "kx3"], ["s"]),
        ]
        nodes += [node("Mul", ["s", "c"], ["i"]), node("Tanh", ["i"], ["e"])]
    nodes.append(node("Add", ["e", "one"], ["a"]))
    orders = [
        [node("Mul", ["x", "a"], ["p"]), node("Mul", ["p", "half"], ["y"])],
        [node("Mul", ["x", "half"], ["p"]), node("Mul", ["p", "a"], ["y"])],
        [node("Mul", ["half", "a"], ["p"]), node("Mul", ["x", "p"], ["y"])],
    ]
    return Net([*nodes, *orders[order]], ["GeLU"], dict(constants))


for written_form in ("erf", "tanh"):
    for factor_order in range(3):
        case(f"GeLU written out with {written_form}, order {factor_order}", since=9)(
            lambda _, form=written_form, order=factor_order: written_out_gelu(form, order)
        )
