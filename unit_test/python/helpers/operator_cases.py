"""Operators in every form that ONNX has had for them: layers, activations, and what changes shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

OPSETS = (7, 9, 11, 13, 17, 18, 20, 21, 23)


@dataclass
class Net:
    """Nodes, weights and input shapes of a small model; `native` lists the operator types that must come out of it."""

    nodes: list[NodeProto]
    native: list[str]
    weights: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, list[Any]] = field(default_factory=lambda: {"x": ["N", 6, 9, 8]})
    outputs: tuple[str, ...] = ("y",)
    positive: bool = False


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


@case("one weight that two Gemms share, once transposed: it stays one")
def _(_: int) -> Net:
    nodes = [node("Gemm", ["x", "w", "b"], ["h"], transB=1), node("Gemm", ["h", "w", "c"], ["y"])]
    return Net(nodes, ["FC", "Gemm"], {"w": (5, 7), "b": (5,), "c": (7,)}, {"x": ["N", 7]})


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
