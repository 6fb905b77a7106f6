"""Which function or layer of PyTorch an operator becomes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .functions import elementwise, indexing, norms, reductions, resizing, shapes, windows
from .tensors import tensor_of

if TYPE_CHECKING:
    from aidge_core import Node

    from .building import Building

__all__ = ["ARITHMETIC", "MAKERS", "CannotBe", "role_of"]


class CannotBe(Exception):
    """Why a node cannot be in a PyTorch module."""


Maker: TypeAlias = Callable[["Building", "Node"], Any]
MAKERS: dict[str, Maker] = {}

ARITHMETIC = frozenset(
    (
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Mod",
        "Min",
        "Max",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "BitwiseNot",
        "Abs",
        "Neg",
        "Sign",
    )
)
"""Operators that PyTorch has for the usual integers only."""

_ROLES = {
    "scale": "weight", "slope": "weight", "weight": "weight", "A": "weight", "B": "weight", "shift": "bias", "bias": "bias", "C": "bias",
    "mean": "running_mean", "variance": "running_var",
}  # fmt: skip


def role_of(node: Node, index: int) -> str:
    """What PyTorch calls a parameter at this input."""
    if node.type() not in ("MatMul", "Gemm") and index < 1:
        return "weight" if node.type() == "Gather" else "value"
    if index >= node.get_nb_inputs():
        return "value"
    name = node.get_operator().input_name(index)
    paired = name in ("A", "B") and node.type() not in ("MatMul", "Gemm")
    return "value" if paired else _ROLES.get(name, "value")


def _makes(*types: str) -> Callable[[Maker], Maker]:
    def enter(maker: Maker) -> Maker:
        MAKERS.update(dict.fromkeys(types, maker))
        return maker

    return enter


def _spatial(kind: str) -> list[str]:
    return [f"{kind}{axes}D" for axes in (1, 2, 3)]


# --- functions of the inputs and attributes -----------------------------------------------------------------
def _function(function: Any, *attributes: str, **constants: Any) -> Maker:
    """All inputs, then these attributes, then the constants by their order."""

    def make(build: Building, node: Node) -> Any:
        attr = node.get_operator().attr
        values = [_plain(attr[name]) for name in attributes]
        return build.call(node, function, *build.inputs(node), *values, *constants.values())

    return make


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


_FUNCTIONS: dict[str, Any] = {
    "Exp": torch.exp, "Log": torch.log, "Sqrt": torch.sqrt, "Reciprocal": torch.reciprocal, "Erf": torch.erf, "Round": torch.round,
    "Sin": torch.sin, "Cos": torch.cos, "Tan": torch.tan, "Asin": torch.asin, "Acos": torch.acos, "Atan": torch.atan,
    "Sinh": torch.sinh, "Cosh": torch.cosh, "Asinh": torch.asinh, "Acosh": torch.acosh, "Atanh": torch.atanh, "Sign": torch.sign,
    "Softplus": functional.softplus, "Softsign": functional.softsign, "Mish": functional.mish, "ReLU": functional.relu,
    "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "HardSwish": functional.hardswish, "BitwiseNot": torch.bitwise_not,
    "IsNaN": torch.isnan, "Abs": elementwise.absolute, "Neg": elementwise.neg, "Floor": elementwise.floor, "Ceil": elementwise.ceil,
    "Not": elementwise.opposite, "Add": elementwise.add, "Sub": elementwise.sub, "Mul": elementwise.mul, "Div": elementwise.div,
    "Pow": elementwise.power, "Min": elementwise.minimum, "Max": elementwise.maximum, "Mean": elementwise.mean,
    "Equal": elementwise.equal, "Less": elementwise.less, "LessOrEqual": elementwise.less_or_equal, "Greater": elementwise.greater,
    "GreaterOrEqual": elementwise.greater_or_equal, "And": elementwise.both, "Or": elementwise.either, "Xor": elementwise.one_of,
    "BitwiseAnd": elementwise.both, "BitwiseOr": elementwise.either, "BitwiseXor": elementwise.one_of, "Where": elementwise.where,
    "PReLU": elementwise.prelu, "MatMul": norms.matmul, "Size": shapes.size, "GlobalAveragePooling": windows.global_average,
    "GlobalMaxPooling": windows.global_max,
}  # fmt: skip
MAKERS.update({kind: _function(function) for kind, function in _FUNCTIONS.items()})
MAKERS.update(
    {
        "LeakyReLU": _function(functional.leaky_relu, "negative_slope"),
        "Elu": _function(functional.elu, "alpha"),
        "Celu": _function(functional.celu, "alpha"),
        "Selu": _function(elementwise.selu, "alpha", "gamma"),
        "ThresholdedRelu": _function(functional.threshold, "alpha", value=0.0),
        "Swish": _function(elementwise.swish, "alpha"),
        "Shrink": _function(elementwise.shrink, "lambd", "bias"),
        "HardSigmoid": _function(elementwise.hard_sigmoid, "alpha", "beta"),
        "Hardmax": _function(elementwise.hardmax, "axis"),
        "Softmax": _function(torch.softmax, "axis"),
        "LogSoftmax": _function(torch.log_softmax, "axis"),
        "Mod": _function(elementwise.mod, "fmod"),
        "BitShift": _function(elementwise.shift, "direction"),
        "IsInf": _function(elementwise.is_inf, "detect_negative", "detect_positive"),
        "CumSum": _function(reductions.running_sum, "axis", "exclusive", "reverse"),
        "LpNormalization": _function(reductions.lp_normalised, "axis", "p"),
        "ReverseSequence": _function(reductions.reversed_parts, "batch_axis", "time_axis"),
        "InstanceNorm": _function(norms.instance_norm, "epsilon"),
        "GroupNorm": _function(norms.group_norm, "groups", "epsilon"),
        "RMSNorm": _function(norms.rms_norm, "axis", "epsilon"),
        "LRN": _function(norms.local_response, "size", "alpha", "beta", "bias"),
        "GlobalLpPooling": _function(windows.global_lp, "p"),
        "Flatten": _function(shapes.flatten, "axis"),
        "Transpose": _function(shapes.transpose, "output_dims_order"),
        "Squeeze": _function(shapes.squeeze, "axes"),
        "Unsqueeze": _function(shapes.unsqueeze, "axes"),
        "DepthToSpace": _function(shapes.depth_to_space, "blocksize", "mode"),
        "SpaceToDepth": _function(shapes.space_to_depth, "blocksize"),
        "Shape": _function(shapes.shape, "start", "end"),
        "Trilu": _function(shapes.triangle, "upper", "k"),
        "OneHot": _function(shapes.one_hot, "axis"),
        "Gather": _function(indexing.gather, "axis"),
        "GatherElements": _function(indexing.gather_elements, "axis"),
        "GatherND": _function(indexing.gather_nd, "batch_dims"),
        "ScatterElements": _function(indexing.scatter_elements, "axis", "reduction"),
        "ScatterND": _function(indexing.scatter_nd, "reduction"),
    }
)
for _kind, _name in {
    "Sum": "sum", "Mean": "mean", "Max": "max", "Min": "min", "Prod": "prod", "L1": "l1", "L2": "l2", "LogSum": "log_sum",
    "LogSumExp": "log_sum_exp", "SumSquare": "sum_square",
}.items():  # fmt: skip

    def _reduction(build: Building, node: Node, kind: str = _name) -> Any:
        attr = node.get_operator().attr
        options = [_plain(attr[name]) for name in ("axes", "keep_dims", "noop_with_empty_axes")]
        return build.call(node, reductions.reduce, build.input(node, 0), kind, *options)

    MAKERS[f"Reduce{_kind}"] = _reduction


@_makes("Identity")
def _identity(build: Building, node: Node) -> Any:
    return build.input(node, 0)


@_makes("Dropout")
def _dropout(build: Building, node: Node) -> Any:
    ratio = float(node.get_operator().attr.ratio)
    return build.call_layer(node, build.layer(node, lambda: nn.Dropout(ratio), {}), build.input(node, 0))


@_makes("GeLU")
def _gelu(build: Building, node: Node) -> Any:
    form = node.get_operator().attr.approximate
    return build.graph.create_node(
        "call_function", functional.gelu, (build.input(node, 0),), {"approximate": form}
    )


@_makes("Clip")
def _clip(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    least, most = (float(bound) if np.isfinite(bound) else None for bound in (attr.min, attr.max))
    return build.call(node, elementwise.clip, build.input(node, 0), least, most)


@_makes("Cast")
def _cast(build: Building, node: Node) -> Any:
    to = str(node.get_operator().attr.to)
    return build.call(node, elementwise.cast, build.input(node, 0), to, build.own, build.like)


@_makes("Concat")
def _concat(build: Building, node: Node) -> Any:
    return build.call(node, shapes.concat, build.inputs(node), node.get_operator().attr.axis)


@_makes("ArgMax", "ArgMin")
def _place(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    flags = (attr.axis, attr.keep_dims, attr.select_last_index, node.type() == "ArgMax")
    return build.call(node, reductions.place, build.input(node, 0), *flags)


@_makes("Gemm")
def _gemm(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    values = [build.input(node, index) for index in range(3)]
    return build.call(node, norms.gemm, *values, attr.alpha, attr.beta, attr.trans_a, attr.trans_b)


# --- lists that may be inputs -------------------------------------------------------------------------------
def _argument(build: Building, node: Node, index: int, name: str) -> Any:
    """What is connected, or the attribute."""
    given = build.input(node, index)
    return _plain(node.get_operator().attr[name]) if given is None else given


@_makes("Reshape")
def _reshape(build: Building, node: Node) -> Any:
    target = _argument(build, node, 1, "shape")
    return build.call(node, shapes.reshape, build.input(node, 0), target, node.get_operator().attr.allowzero)


@_makes("Expand")
def _expand(build: Building, node: Node) -> Any:
    return build.call(node, shapes.expand, build.input(node, 0), _argument(build, node, 1, "shape"))


@_makes("Tile")
def _tile(build: Building, node: Node) -> Any:
    return build.call(node, shapes.tile, build.input(node, 0), _argument(build, node, 1, "repeats"))


@_makes("Pad")
def _pad(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    pads = _argument(build, node, 1, "pads")
    return build.call(node, shapes.pad, build.input(node, 0), pads, _plain(attr.axes), attr.mode, attr.value)


@_makes("Slice")
def _slice(build: Building, node: Node) -> Any:
    lists = [
        _argument(build, node, index, name)
        for index, name in enumerate(("starts", "ends", "axes", "steps"), start=1)
    ]
    return build.call(node, indexing.slices, build.input(node, 0), *lists)


@_makes("Split")
def _split(build: Building, node: Node) -> Any:
    attr, count = node.get_operator().attr, node.get_nb_outputs()
    parts = build.call(
        node, indexing.split, build.input(node, 0), _argument(build, node, 1, "split"), attr.axis, count
    )
    return _items(build, parts, count)


def _items(build: Building, values: Any, count: int) -> tuple[Any, ...]:
    return tuple(build.graph.call_function(operator.getitem, (values, index)) for index in range(count))


@_makes("TopK")
def _top_k(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    count = _argument(build, node, 1, "k")
    return _items(
        build, build.call(node, reductions.top, build.input(node, 0), count, attr.axis, attr.largest), 2
    )


@_makes("Resize")
def _resize(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    lists = [
        _argument(build, node, index, name) for index, name in enumerate(("roi", "scales", "sizes"), start=1)
    ]
    names = (
        "axes", "mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside", "antialias",
        "extrapolation_value", "keep_aspect_ratio_policy",
    )  # fmt: skip
    options = [_plain(attr[name]) for name in names]
    return build.call(node, resizing.resize, build.input(node, 0), *lists, *options)


@_makes("ConstantOfShape")
def _constant_of_shape(build: Building, node: Node) -> Any:
    value = node.get_operator().attr["value"]
    kind = {"boolean": "bool"}.get(value.dtype.name, value.dtype.name)
    target = _argument(build, node, 0, "shape")
    number = tensor_of(value).reshape(()).item()
    return build.call(node, shapes.constant_of_shape, target, number, kind, build.own, build.like)


@_makes("Range")
def _range(build: Building, node: Node) -> Any:
    return build.call(node, shapes.count_up, *build.inputs(node), build.like)


@_makes("EyeLike")
def _eye(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    return build.call(node, shapes.eye, build.input(node, 0), attr.k, attr.dtype, build.own, build.like)


# --- layers -------------------------------------------------------------------------------------------------
def _window(node: Node, kernel: Sequence[int]) -> tuple[list[int], list[int], list[int], str]:
    """Stride, dilation and padding; the mode NOTSET where the padding does not depend on the data's size."""
    attr = node.get_operator().attr
    stride, dilation = list(attr.stride_dims), list(attr.dilation_dims)
    pads, mode = list(attr.padding_dims), attr.auto_pad
    if mode == "VALID" or (mode != "NOTSET" and all(step == 1 for step in stride)):
        reach = windows.extents(kernel, dilation)
        pairs = windows.pads_of([1] * len(reach), reach, stride, pads, mode)
        pads, mode = [begin for begin, _ in pairs] + [end for _, end in pairs], "NOTSET"
    return stride, dilation, pads, mode


def _even(pads: Sequence[int]) -> list[int] | None:
    """The padding of each axis, None if its two ends differ."""
    half = len(pads) // 2
    return list(pads[:half]) if list(pads[:half]) == list(pads[half:]) else None


@_makes(*_spatial("Conv"))
def _convolution(build: Building, node: Node) -> Any:
    data, weight, bias = build.input(node, 0), build.producer(node, 1), build.producer(node, 2)
    groups, axes = int(node.get_operator().attr.groups), int(node.type()[-2])
    if weight is None or (bias is None and build.has_input(node, 2)):
        stride, dilation, pads, mode = _raw_window(node)
        return build.call(
            node, windows.convolution, data, build.input(node, 1), build.input(node, 2), stride, dilation, pads, groups, mode
        )  # fmt: skip
    dims = list(weight.get_operator().get_output(0).dims)
    kernel = dims[2:]
    stride, dilation, pads, mode = _window(node, kernel)
    padding = _even(pads) if mode == "NOTSET" else None
    if padding is None:
        data = build.call(node, windows.padded, data, kernel, stride, dilation, pads, mode)
        padding = [0] * axes
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]

    def make() -> Any:
        return kind(
            dims[1] * groups, dims[0], kernel, stride, padding, dilation, groups, bias is not None, device="meta"
        )  # fmt: skip

    key = (*stride, *padding, *dilation, groups)
    return build.call_layer(node, build.layer(node, make, {"weight": weight, "bias": bias}, key), data)


def _raw_window(node: Node) -> tuple[list[int], list[int], list[int], str]:
    attr = node.get_operator().attr
    return list(attr.stride_dims), list(attr.dilation_dims), list(attr.padding_dims), attr.auto_pad


@_makes(*_spatial("ConvTranspose"))
def _transposed(build: Building, node: Node) -> Any:
    data, weight, bias = build.input(node, 0), build.producer(node, 1), build.producer(node, 2)
    attr, axes = node.get_operator().attr, int(node.type()[-2])
    groups, extra, wanted = int(attr.groups), list(attr.output_padding), list(attr.output_shape)
    stride, dilation, pads, mode = _raw_window(node)
    padding = _even(pads)
    plain = mode == "NOTSET" and not wanted and padding is not None
    plain = plain and all(more < max(s, d) for more, s, d in zip(extra, stride, dilation, strict=True))
    if not plain or weight is None or (bias is None and build.has_input(node, 2)):
        return build.call(
            node, windows.transposed, data, build.input(node, 1), build.input(node, 2), stride, dilation, pads, groups, mode, extra, wanted
        )  # fmt: skip
    dims = list(weight.get_operator().get_output(0).dims)
    kind = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[axes - 1]

    def make() -> Any:
        return kind(
            dims[0], dims[1] * groups, dims[2:], stride, padding, extra, groups, bias is not None, dilation, device="meta"
        )  # fmt: skip

    key = (*stride, *pads, *dilation, *extra, groups)
    return build.call_layer(node, build.layer(node, make, {"weight": weight, "bias": bias}, key), data)


@_makes("FC")
def _linear(build: Building, node: Node) -> Any:
    data, weight, bias = build.input(node, 0), build.producer(node, 1), build.producer(node, 2)
    if weight is None or (bias is None and build.has_input(node, 2)):
        return build.call(node, norms.linear, data, build.input(node, 1), build.input(node, 2))
    outputs, inputs = weight.get_operator().get_output(0).dims
    dims = build.dims(node, 0)
    if dims is None or len(dims) != 2:
        data = build.call(node, torch.flatten, data, 1)

    def make() -> Any:
        return nn.Linear(inputs, outputs, bias is not None, device="meta")

    return build.call_layer(node, build.layer(node, make, {"weight": weight, "bias": bias}), data)


@_makes(*_spatial("BatchNorm"))
def _batch_norm(build: Building, node: Node) -> Any:
    attr = node.get_operator().attr
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: build.producer(node, index) for index, name in enumerate(names, start=1)}
    dims = build.dims(node, 0)
    axes = max(len(dims) - 2, 1) if dims else int(node.type()[-2])
    if any(entry is None for entry in tensors.values()) or axes > 3:
        return build.call(node, norms.batch_norm, *build.inputs(node), attr.epsilon)
    kind = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes - 1]
    scale = tensors["weight"]
    assert scale is not None
    channels = scale.get_operator().get_output(0).size
    # ONNX weighs the old statistics, PyTorch the new ones: the small number is what a batch weighs.
    momentum = min(attr.momentum, 1.0 - attr.momentum)

    def make() -> Any:
        return kind(channels, attr.epsilon, momentum, device="meta")

    path = build.layer(node, make, tensors, (attr.epsilon, momentum))
    return build.call_layer(node, path, build.input(node, 0))


@_makes("LayerNorm")
def _layer_norm(build: Building, node: Node) -> Any:
    attr, scale, bias = node.get_operator().attr, build.producer(node, 1), build.producer(node, 2)
    used = [node.output(index) for index in (1, 2)]
    if scale is None or any(used) or not _is_layer(build, node, scale, bias):
        values = [build.input(node, index) for index in range(3)]
        return _items(build, build.call(node, norms.layer_norm, *values, attr.axis, attr.epsilon), 3)
    dims = list(scale.get_operator().get_output(0).dims)

    def make() -> Any:
        return nn.LayerNorm(dims, attr.epsilon, bias=bias is not None, device="meta")

    path = build.layer(node, make, {"weight": scale, "bias": bias}, attr.epsilon)
    return build.call_layer(node, path, build.input(node, 0)), None, None


def _is_layer(build: Building, node: Node, scale: Node, bias: Node | None) -> bool:
    """Whether nn.LayerNorm computes this: its parameters have the dims of the normalised axes."""
    data, axis = build.dims(node, 0), int(node.get_operator().attr.axis)
    if data is None or (bias is None and build.has_input(node, 2)):
        return False
    wanted = data[axis:]
    parts = [entry.get_operator().get_output(0).dims for entry in (scale, bias) if entry is not None]
    return all(list(dims) == wanted for dims in parts)


# --- poolings -----------------------------------------------------------------------------------------------
def _pooling(function: Any, *attributes: str) -> Maker:
    def make(build: Building, node: Node) -> Any:
        attr = node.get_operator().attr
        kernel = list(attr.kernel_dims)
        stride, dilation, pads, mode = _window(node, kernel)
        rest = [attr[name] for name in attributes]
        return build.call(
            node, function, build.input(node, 0), kernel, stride, dilation, pads, mode, attr.ceil_mode, *rest
        )

    return make


MAKERS.update(dict.fromkeys(_spatial("MaxPooling"), _pooling(windows.max_pool)))
MAKERS.update(dict.fromkeys(_spatial("AvgPooling"), _pooling(windows.average_pool, "count_include_pad")))
MAKERS.update(dict.fromkeys(_spatial("LpPooling"), _pooling(windows.lp_pool, "p")))


@_makes(*_spatial("MaxPoolingIndices"))
def _max_pool_places(build: Building, node: Node) -> Any:
    return _items(build, _pooling(windows.max_pool_places, "column_major")(build, node), 2)
