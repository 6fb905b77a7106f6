"""Every operator in every form that ONNX has had for it: in, out again, and the same numbers from ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

EXPORT_TOLERANCE = 1e-6
FORWARD_TOLERANCE = 1e-4
OPSETS = (7, 9, 11, 13, 17, 18, 20, 21, 23)
IR_VERSIONS = {7: 3, 9: 4, 11: 6, 13: 7, 17: 8, 18: 8, 20: 9, 21: 10, 23: 10}


@dataclass
class Net:
    """Nodes, weights and input shapes of a small model; `native` lists the operator types that must come out of it."""

    nodes: list[NodeProto]
    native: list[str]
    weights: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, list[Any]] = field(default_factory=lambda: {"x": ["N", 6, 9, 8]})
    outputs: tuple[str, ...] = ("y",)
    positive: bool = False


def weights_of(net: Net) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(7)
    made = {}
    for name, value in net.weights.items():
        if isinstance(value, tuple):
            made[name] = (rng.standard_normal(value) / math.sqrt(max(1, math.prod(value[1:])))).astype(
                np.float32
            )
            if name.startswith("positive"):
                made[name] = np.abs(made[name]) + np.float32(0.5)
        else:
            made[name] = np.asarray(value)
    return made


def model_of(net: Net, opset: int) -> ModelProto:
    weights = weights_of(net)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in net.inputs.items()
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in net.outputs]
    initialisers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    if IR_VERSIONS[opset] < 4:
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in initialisers]
    graph = helper.make_graph(net.nodes, "net", inputs, outputs, initialisers)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSIONS[opset]
    )


def data_for(net: Net, batch: int) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(batch)
    made = {}
    for name, dims in net.inputs.items():
        shape = [dim if isinstance(dim, int) else batch for dim in dims]
        made[name] = rng.standard_normal(shape).astype(np.float32) * 2
    return made


def run(model: ModelProto, feeds: dict[str, np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = {value.name for value in session.get_inputs()}
    return [
        np.asarray(value)
        for value in session.run(None, {name: feeds[name] for name in feeds if name in names})
    ]


def types_of(graph: aidge_core.GraphView) -> list[str]:
    return [node.type() for node in graph.get_ordered_nodes() if not node.get_operator().is_producer()]


def generics_of(graph: aidge_core.GraphView) -> list[str]:
    return [node.name() for node in graph.get_ordered_nodes() if node.get_operator().is_generic()]


def assert_close(
    got: list[np.ndarray[Any, Any]], expected: list[np.ndarray[Any, Any]], tolerance: float
) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one.shape == other.shape
        scale = max(1.0, float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other))))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


node = helper.make_node
Make = Callable[[int], Net]
CASES: list[tuple[str, Make, tuple[int, ...]]] = []


def case(name: str, since: int = 7, until: int = 99) -> Callable[[Make], Make]:
    """Enters a maker of nets for all opsets from `since` to `until`."""

    def enter(make: Make) -> Make:
        CASES.append((name, make, tuple(opset for opset in OPSETS if since <= opset <= until)))
        return make

    return enter


def conv(
    name: str, shape: tuple[int, ...], x: list[Any], bias: bool = True, since: int = 7, **attributes: Any
) -> None:
    axes = len(shape) - 2
    inputs = ["x", "w", "b"] if bias else ["x", "w"]
    weights: dict[str, Any] = {"w": shape, **({"b": (shape[0],)} if bias else {})}
    case(name, since)(
        lambda _: Net([node("Conv", inputs, ["y"], **attributes)], [f"Conv{axes}D"], weights, {"x": x})
    )


conv("a convolution without attributes", (4, 6, 3, 3), ["N", 6, 9, 8])
conv("a 1D convolution", (5, 3, 4), ["N", 3, 17], strides=[2], pads=[1, 2])
conv("a 3D convolution", (4, 2, 3, 2, 3), ["N", 2, 6, 5, 7], pads=[1, 0, 1, 1, 1, 0], kernel_shape=[3, 2, 3])
conv("a depthwise convolution", (6, 1, 3, 3), ["N", 6, 9, 8], group=6, pads=[1, 1, 1, 1], strides=[2, 2])
conv(
    "a grouped convolution without bias", (4, 3, 3, 3), ["N", 6, 9, 8], bias=False, group=2, dilations=[2, 1]
)
conv("a convolution padded on one side", (4, 6, 3, 3), ["N", 6, 9, 8], pads=[0, 0, 2, 1])
conv("SAME_UPPER", (4, 6, 4, 3), ["N", 6, 9, 8], auto_pad="SAME_UPPER", strides=[2, 2])
conv("SAME_LOWER", (4, 6, 4, 3), ["N", 6, 9, 8], auto_pad="SAME_LOWER", strides=[2, 3])
conv("VALID", (4, 6, 4, 3), ["N", 6, 9, 8], auto_pad="VALID")


def deconv(name: str, shape: tuple[int, ...], x: list[Any], **attributes: Any) -> None:
    axes, weights = len(shape) - 2, {"w": shape, "b": (shape[1] * attributes.get("group", 1),)}
    net = Net(
        [node("ConvTranspose", ["x", "w", "b"], ["y"], **attributes)],
        [f"ConvTranspose{axes}D"],
        weights,
        {"x": x},
    )
    case(name)(lambda _: net)


deconv(
    "a transposed convolution",
    (6, 4, 3, 3),
    ["N", 6, 5, 4],
    strides=[2, 2],
    pads=[1, 1, 1, 1],
    output_padding=[1, 1],
)
deconv("a grouped transposed convolution", (6, 2, 3, 3), ["N", 6, 5, 4], group=2)
deconv(
    "a transposed convolution with output_shape",
    (6, 4, 3, 3),
    ["N", 6, 5, 4],
    strides=[2, 2],
    output_shape=[10, 9],
)
deconv("a 1D transposed convolution", (3, 4, 5), ["N", 3, 9], strides=[3], dilations=[2])


@case("Gemm with B transposed")
def _(_: int) -> Net:
    return Net(
        [node("Gemm", ["x", "w", "b"], ["y"], transB=1)], ["FC"], {"w": (5, 7), "b": (5,)}, {"x": ["N", 7]}
    )


@case("Gemm with factors and a scalar C")
def _(_: int) -> Net:
    c = np.asarray([0.5], np.float32)
    gemm = node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0)
    return Net([gemm], ["FC"], {"w": (7, 5), "b": c}, {"x": ["N", 7]})


@case("Gemm with C of two dims")
def _(_: int) -> Net:
    return Net([node("Gemm", ["x", "w", "b"], ["y"])], ["FC"], {"w": (7, 5), "b": (1, 5)}, {"x": ["N", 7]})


@case("Gemm without C", since=11)
def _(_: int) -> Net:
    return Net([node("Gemm", ["x", "w"], ["y"], transB=1)], ["FC"], {"w": (5, 7)}, {"x": ["N", 7]})


@case("Gemm with a C that is a matrix")
def _(_: int) -> Net:
    return Net([node("Gemm", ["x", "w", "b"], ["y"])], ["Gemm"], {"w": (7, 5), "b": (3, 5)}, {"x": [3, 7]})


@case("Gemm of two computed matrices")
def _(_: int) -> Net:
    gemm = node("Gemm", ["a", "b", "c"], ["y"], transA=1, transB=1, alpha=0.7, beta=1.5)
    return Net([gemm], ["Gemm"], {"c": (5,)}, {"a": [7, 3], "b": [5, 7]})


@case("one weight that two Gemms share, once transposed")
def _(_: int) -> Net:
    nodes = [node("Gemm", ["x", "w", "b"], ["h"], transB=1), node("Gemm", ["h", "w", "c"], ["y"])]
    return Net(nodes, ["FC", "FC"], {"w": (5, 7), "b": (5,), "c": (7,)}, {"x": ["N", 7]})


@case("MatMul with a constant")
def _(_: int) -> Net:
    return Net([node("MatMul", ["x", "w"], ["y"])], ["MatMul"], {"w": (8, 5)}, {"x": ["N", 4, 8]})


@case("MatMul of two inputs")
def _(_: int) -> Net:
    return Net(
        [node("MatMul", ["a", "b"], ["y"])], ["MatMul"], {}, {"a": ["N", 2, 4, 8], "b": ["N", 2, 8, 3]}
    )


@case("batch normalisation")
def _(opset: int) -> Net:
    names = {"positive_s": (6,), "b": (6,), "m": (6,), "positive_v": (6,)}
    attributes: dict[str, Any] = {"epsilon": 1e-3, **({"spatial": 1} if opset < 9 else {})}
    return Net([node("BatchNormalization", ["x", *names], ["y"], **attributes)], ["BatchNorm2D"], dict(names))


@case("batch normalisation of rank 2")
def _(_: int) -> Net:
    names = {"positive_s": (6,), "b": (6,), "m": (6,), "positive_v": (6,)}
    return Net(
        [node("BatchNormalization", ["x", *names], ["y"])], ["BatchNorm1D"], dict(names), {"x": ["N", 6]}
    )


def unary(op: str, kind: str, since: int = 7, **attributes: Any) -> None:
    title = f"{op} {attributes}" if attributes else op
    case(title, since)(lambda _: Net([node(op, ["x"], ["y"], **attributes)], [kind]))


unary("Relu", "ReLU")
unary("Sigmoid", "Sigmoid")
unary("Tanh", "Tanh")
unary("HardSwish", "HardSwish", since=17)
unary("LeakyRelu", "LeakyReLU")
unary("LeakyRelu", "LeakyReLU", alpha=0.3)
unary("HardSigmoid", "HardSigmoid")
unary("HardSigmoid", "HardSigmoid", alpha=0.17, beta=0.4)
unary("Gelu", "GeLU", since=20)
unary("Gelu", "GeLU", since=20, approximate="tanh")
unary("Identity", "Identity")
unary("Flatten", "Flatten")
unary("Flatten", "Flatten", axis=2)
unary("Flatten", "Flatten", axis=0)
unary("Flatten", "Flatten", since=11, axis=-1)
unary("Transpose", "Transpose")
unary("Transpose", "Transpose", perm=[0, 2, 3, 1])
unary("GlobalAveragePool", "GlobalAveragePooling")
unary("LRN", "LRN", size=5, alpha=2e-4, beta=0.7, bias=1.5)
unary("MaxPool", "MaxPooling2D", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])
unary("MaxPool", "MaxPooling2D", kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2])
unary("MaxPool", "MaxPooling2D", since=11, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
unary("MaxPool", "MaxPooling2D", since=11, kernel_shape=[2, 2], dilations=[2, 3])
unary("AveragePool", "AvgPooling2D", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])
unary("AveragePool", "AvgPooling2D", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
unary("AveragePool", "AvgPooling2D", since=11, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
unary("AveragePool", "AvgPooling2D", since=20, kernel_shape=[2, 2], dilations=[2, 2])
unary("AveragePool", "AvgPooling2D", kernel_shape=[2, 3], auto_pad="SAME_LOWER")
unary("Softmax", "Softmax", since=13)
unary("Softmax", "Softmax", since=13, axis=1)
unary("Dropout", "Dropout")
unary("Concat", "Concat", axis=1)
unary("Sum", "Identity")


@case("MaxPool over one and three axes")
def _(_: int) -> Net:
    nodes = [
        node("MaxPool", ["x"], ["h"], kernel_shape=[2, 2, 3]),
        node("Reshape", ["h", "s"], ["r"]),
        node("MaxPool", ["r"], ["y"], kernel_shape=[3], strides=[2]),
    ]
    shape = np.asarray([0, 2, -1], np.int64)
    return Net(nodes, ["MaxPooling3D", "Reshape", "MaxPooling1D"], {"s": shape}, {"x": ["N", 2, 5, 5, 6]})


@case("PRelu")
def _(_: int) -> Net:
    return Net([node("PRelu", ["x", "slope"], ["y"])], ["PReLU"], {"slope": (6, 1, 1)})


@case("Clip as attributes", until=10)
def _(_: int) -> Net:
    return Net([node("Clip", ["x"], ["y"], min=-0.5, max=1.5)], ["Clip"])


@case("Clip with one attribute", until=10)
def _(_: int) -> Net:
    return Net([node("Clip", ["x"], ["y"], max=1.5)], ["Clip"])


@case("Clip as inputs", since=11)
def _(_: int) -> Net:
    bounds = {"lo": np.float32(-0.5), "hi": np.float32(1.5)}
    return Net([node("Clip", ["x", "lo", "hi"], ["y"])], ["Clip"], dict(bounds))


@case("Clip without its first bound", since=11)
def _(_: int) -> Net:
    return Net([node("Clip", ["x", "", "hi"], ["y"])], ["Clip"], {"hi": np.float32(0.7)})


@case("Clip without its second bound", since=11)
def _(_: int) -> Net:
    return Net([node("Clip", ["x", "lo"], ["y"])], ["Clip"], {"lo": np.float32(0.1)})


@case("Clip without bounds", since=11)
def _(_: int) -> Net:
    return Net([node("Clip", ["x"], ["y"])], ["Clip"])


@case("Clip with bounds from Constant nodes", since=11)
def _(_: int) -> Net:
    constants = [
        node("Constant", [], [name], value=helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        for name, value in (("lo", 0.0), ("hi", 6.0))
    ]
    return Net([*constants, node("Clip", ["x", "lo", "hi"], ["y"])], ["Clip"])


@case("Softmax over everything from an axis on", until=12)
def _(_: int) -> Net:
    return Net([node("Softmax", ["x"], ["y"], axis=2)], ["Flatten", "Softmax", "Reshape"])


@case("Softmax by default over all but the batch", until=12)
def _(_: int) -> Net:
    return Net([node("Softmax", ["x"], ["y"])], ["Flatten", "Softmax", "Reshape"])


@case("Softmax over the only wide axis", until=12)
def _(_: int) -> Net:
    return Net([node("Softmax", ["x"], ["y"])], ["Softmax"], {}, {"x": ["N", 10, 1, 1]})


@case("Softmax of a matrix")
def _(_: int) -> Net:
    return Net([node("Softmax", ["x"], ["y"], axis=1)], ["Softmax"], {}, {"x": ["N", 10]})


def binary(op: str) -> None:
    case(f"{op} of two inputs")(
        lambda _: Net([node(op, ["a", "b"], ["y"])], [op], {}, {"a": ["N", 6, 4], "b": ["N", 6, 4]})
    )
    case(f"{op} with a broadcast constant")(
        lambda _: Net([node(op, ["x", "positive_c"], ["y"])], [op], {"positive_c": (6, 1, 1)})
    )
    case(f"{op} of a constant")(
        lambda _: Net([node(op, ["c", "p"], ["y"])], [op], {"c": np.float32(3)}, {"p": ["N", 3]})
    )


for operator in ("Add", "Sub", "Mul", "Div"):
    binary(operator)


@case("Sum of three, one of them constant", since=9)
def _(_: int) -> Net:
    return Net([node("Sum", ["x", "c", "x"], ["y"])], ["Add", "Add"], {"c": (6, 1, 1)})


@case("a residual sum of one value with itself")
def _(_: int) -> Net:
    return Net([node("Add", ["x", "x"], ["y"])], ["Add"])


@case("Concat of several with the same value twice")
def _(_: int) -> Net:
    inputs: dict[str, list[Any]] = {"a": ["N", 3, 4], "b": ["N", 2, 4]}
    return Net([node("Concat", ["a", "b", "a"], ["y"], axis=1)], ["Concat"], {}, inputs)


@case("Concat along a negative axis", since=11)
def _(_: int) -> Net:
    return Net(
        [node("Concat", ["a", "b"], ["y"], axis=-1)], ["Concat"], {}, {"a": ["N", 3, 4], "b": ["N", 3, 2]}
    )


@case("Reshape with copied and inferred dims")
def _(_: int) -> Net:
    return Net([node("Reshape", ["x", "s"], ["y"])], ["Reshape"], {"s": np.asarray([0, 3, -1], np.int64)})


@case("Squeeze and Unsqueeze as attributes", until=12)
def _(_: int) -> Net:
    nodes = [node("Squeeze", ["x"], ["h"], axes=[1, 3]), node("Unsqueeze", ["h"], ["y"], axes=[0, 2])]
    return Net(nodes, ["Squeeze", "Unsqueeze"], {}, {"x": ["N", 1, 5, 1]})


@case("Squeeze and Unsqueeze as inputs", since=13)
def _(_: int) -> Net:
    nodes = [node("Squeeze", ["x", "a"], ["h"]), node("Unsqueeze", ["h", "b"], ["y"])]
    axes = {"a": np.asarray([1, -1], np.int64), "b": np.asarray([0, -1], np.int64)}
    return Net(nodes, ["Squeeze", "Unsqueeze"], dict(axes), {"x": ["N", 1, 5, 1]})


@case("Squeeze of all axes of size one")
def _(_: int) -> Net:
    return Net([node("Squeeze", ["x"], ["y"])], ["Squeeze"], {}, {"x": [2, 1, 5, 1]})


@case("Pad as attributes", until=10)
def _(_: int) -> Net:
    pads = [0, 0, 1, 2, 0, 1, 0, 3]
    nodes = [
        node("Pad", ["x"], ["h"], pads=pads, value=0.5),
        node("Pad", ["h"], ["y"], pads=pads, mode="reflect"),
    ]
    return Net(nodes, ["Pad", "Pad"])


@case("Pad as inputs", since=11)
def _(_: int) -> Net:
    values = {"p": np.asarray([0, 0, 1, 2, 0, 1, 0, 3], np.int64), "v": np.float32(0.5)}
    nodes = [node("Pad", ["x", "p", "v"], ["h"]), node("Pad", ["h", "p"], ["y"], mode="edge")]
    return Net(nodes, ["Pad", "Pad"], dict(values))


@case("Pad of some axes", since=18)
def _(_: int) -> Net:
    values = {"p": np.asarray([1, 2, 0, 3], np.int64), "a": np.asarray([-1, 2], np.int64)}
    return Net([node("Pad", ["x", "p", "", "a"], ["y"], mode="reflect")], ["Pad"], dict(values))


@case("Pad that wraps", since=20)
def _(_: int) -> Net:
    return Net(
        [node("Pad", ["x", "p"], ["y"], mode="wrap")],
        ["Pad"],
        {"p": np.asarray([0, 0, 1, 2, 0, 0, 2, 1], np.int64)},
    )


@case("Dropout with a ratio")
def _(opset: int) -> Net:
    if opset < 12:
        return Net([node("Dropout", ["x"], ["y"], ratio=0.3)], ["Dropout"])
    return Net([node("Dropout", ["x", "r"], ["y"])], ["Dropout"], {"r": np.float32(0.3)})


@case("Dropout with a mask that nobody reads", since=11)
def _(_: int) -> Net:
    return Net([node("Dropout", ["x"], ["y", "mask"])], ["Dropout"])


@case("ReduceMean")
def _(opset: int) -> Net:
    if opset < 18:
        return Net([node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)], ["ReduceMean"])
    return Net(
        [node("ReduceMean", ["x", "a"], ["y"], keepdims=0)],
        ["ReduceMean"],
        {"a": np.asarray([2, 3], np.int64)},
    )


@case("ReduceMean over everything")
def _(_: int) -> Net:
    return Net([node("ReduceMean", ["x"], ["y"])], ["ReduceMean"])


@case("ReduceMean over negative axes that stay", since=11)
def _(opset: int) -> Net:
    if opset < 18:
        return Net([node("ReduceMean", ["x"], ["y"], axes=[-1])], ["ReduceMean"])
    return Net([node("ReduceMean", ["x", "a"], ["y"])], ["ReduceMean"], {"a": np.asarray([-1], np.int64)})


@case("ReduceMean that does nothing", since=18)
def _(_: int) -> Net:
    return Net([node("ReduceMean", ["x"], ["y"], noop_with_empty_axes=1)], ["Identity"])


@case("a Cast from float to float")
def _(_: int) -> Net:
    return Net([node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)], ["Identity"])


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

PARAMETERS = [
    pytest.param(make, opset, id=f"{name}-{opset}") for name, make, opsets in CASES for opset in opsets
]


def lenient(model: ModelProto) -> ModelProto:
    """The model with the output shapes that ONNX Runtime wants to see, or not."""
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_survives_import_and_export(make: Make, opset: int) -> None:
    net = make(opset)
    model = lenient(model_of(net, opset))
    graph = aidge_onnx.load_onnx(model)
    assert types_of(graph) == net.native
    assert generics_of(graph) == []
    exported = aidge_onnx.to_model_proto(graph)
    assert {entry.domain: entry.version for entry in exported.opset_import} == {"": max(opset, 13)}
    for batch in (1, 3):
        feeds = data_for(net, batch)
        assert_close(run(exported, feeds), run(model, feeds), EXPORT_TOLERANCE)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_can_be_written_for_the_opset_it_came_from(make: Make, opset: int) -> None:
    net = make(opset)
    model = lenient(model_of(net, opset))
    exported = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(model), opset=opset)
    assert {entry.domain: entry.version for entry in exported.opset_import} == {"": opset}
    feeds = data_for(net, 2)
    assert_close(run(exported, feeds), run(model, feeds), EXPORT_TOLERANCE)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_a_second_round_trip_changes_nothing(make: Make, opset: int) -> None:
    first = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(lenient(model_of(make(opset), opset))))
    second = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(first))
    assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_gives_the_numbers_of_onnx_runtime(make: Make, opset: int) -> None:
    import aidge_backend_cpu  # noqa: F401

    net = make(opset)
    model = lenient(model_of(net, opset))
    graph = aidge_onnx.load_onnx(model)
    for batch in (1, 3):
        feeds = data_for(net, batch)
        arrays = [feeds[spec.name] for spec in graph.input_specs]
        graph.compile("cpu", dims=[list(array.shape) for array in arrays])
        results = aidge_core.SequentialScheduler(graph).forward(data=arrays)
        assert_close([np.asarray(result) for result in results], run(model, feeds), FORWARD_TOLERANCE)
