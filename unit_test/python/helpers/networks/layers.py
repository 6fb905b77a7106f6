"""Layers that are no linear maps, and those that move data about."""

from __future__ import annotations

import math

import numpy as np

from .linear import pooled
from .net import MAX_ELEMENTS, Net, Value

__all__ = [
    "activation",
    "cut_and_concat",
    "flatten",
    "lrn",
    "max_pool",
    "no_op",
    "prelu",
    "reduce_mean",
    "reshape_to_image",
    "slice_part",
    "softmax",
    "split",
    "written_out",
]


def activation(net: Net) -> None:
    """One of the elementwise functions."""
    choose, data = net.choices, net.current
    op = choose.pick(["Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Clip", "HardSwish", "Gelu"])
    if op == "Clip":
        bounds = choose.pick([("0", "6"), ("0", ""), ("", "1"), ("-1", "1")])
        inputs = [net.scalar(float(bound)) if bound else "" for bound in bounds]
        net.add("Clip", [data, *inputs] if inputs[-1] else [data, inputs[0]])
    elif op == "LeakyRelu":
        net.add(op, [data], alpha=choose.pick([0.01, 0.2, 1.5, -0.5]))
    elif op == "HardSigmoid":
        net.add(op, [data], alpha=choose.pick([0.2, 1.0 / 6.0]), beta=0.5)
    elif (op == "HardSwish" and net.opset < 14) or (op == "Gelu" and net.opset < 20):
        written_out(net, op)
    elif op == "Gelu":
        net.add(op, [data], approximate=choose.pick(["none", "tanh"]))
    else:
        net.add(op, [data])


def _clamped(net: Net, value: Value) -> Value:
    """Mostly the value as it is, now and then limited, so that the activation is another one."""
    choose = net.choices
    if not choose.one_in(6):
        return value
    low, high = choose.pick([(-8.0, 8.0), (-0.5, 0.5), (None, 8.0), (-3.0, None), (None, 1.0)])
    net.wide |= max(abs(low or 0.0), abs(high or 0.0)) > 1
    if choose.one_in(2):
        bounds: list[str | Value] = ["" if bound is None else net.scalar(bound) for bound in (low, high)]
        return net.add("Clip", [value, *bounds] if bounds[1] else [value, bounds[0]])
    for op, bound in (("Max", low), ("Min", high)):
        value = value if bound is None else net.add(op, [value, net.scalar(bound)])
    return value


def written_out(net: Net, form: str | None = None) -> None:
    """An activation in elementary operators, as exporters leave them; some have a clamp more than the activation."""
    data = net.current
    form = form or net.choices.pick(["HardSwish", "Gelu", "Swish", "HardSigmoid"])
    if form == "Gelu":
        inner = net.add("Div", [_clamped(net, data), net.scalar(math.sqrt(2.0))])
        shifted = net.add("Add", [net.add("Erf", [inner]), net.scalar(1.0)])
        net.add("Mul", [net.add("Mul", [_clamped(net, data), shifted]), net.scalar(0.5)])
    elif form == "Swish":
        gate = net.add("Sigmoid", [_clamped(net, data)])
        net.add("Mul", [_clamped(net, data), gate])
    else:
        moved = net.add("Add", [_clamped(net, data), net.scalar(3.0)])
        gate = net.add("Clip", [moved, net.scalar(0.0), net.scalar(6.0)])
        data = _clamped(net, data) if form == "HardSwish" else data
        if form == "HardSwish" and net.choices.one_in(2):
            gate = net.add("Mul", [data, gate])
            net.add("Div", [gate, net.scalar(6.0)])
            return
        gate = net.add("Div", [gate, net.scalar(6.0)])
        if form == "HardSwish":
            net.add("Mul", [data, gate])


def prelu(net: Net) -> None:
    data = net.current
    per_channel = (data.channels, *[1] * data.spatial)
    slope = net.constant(*net.choices.pick([per_channel, (1,), (1,) * (data.spatial + 1)]))
    net.add("PRelu", [data, slope])


def softmax(net: Net) -> None:
    rank = net.current.spatial + 2
    axes = [1, -1] if net.opset >= 13 else [rank - 1]
    net.add("Softmax", [net.current], axis=net.choices.pick(axes))


def lrn(net: Net) -> None:
    if net.current.spatial == 2:
        net.add("LRN", [net.current], size=net.choices.pick([3, 1, 5]), alpha=0.1, beta=0.75, bias=1.0)


def max_pool(net: Net) -> None:
    pooled(net, "MaxPool")


def reduce_mean(net: Net) -> None:
    """Over the spatial axes, which stay as ones or go."""
    data = net.current
    if data.sizes:
        keep = net.choices.integer(0, 1)
        dims = (data.channels, *([1] * data.spatial if keep else []))
        net.axes("ReduceMean", list(range(2, data.spatial + 2)), dims, keepdims=keep)


# --- moving data --------------------------------------------------------------------------------------------
def no_op(net: Net) -> None:
    """What does nothing, in the forms that exporters leave."""
    data, choose = net.current, net.choices
    kind = choose.pick(["Identity", "Dropout", "Cast", "Reshape", "Transpose", "Pad", "Slice", "Concat"])
    rank = data.spatial + 2
    if kind == "Dropout" and net.opset >= 12:
        net.add("Dropout", [data, net.scalar(0.3)])
    elif kind == "Cast":
        net.add("Cast", [data], to=1)
    elif kind == "Reshape":
        net.add("Reshape", [data, net.integers(*[0] * rank)])
    elif kind == "Transpose":
        net.add("Transpose", [data], perm=list(range(rank)))
    elif kind == "Pad":
        net.add("Pad", [data, net.integers(*[0] * 2 * rank)])
    elif kind == "Slice":
        net.add("Slice", [data, net.integers(0), net.integers(2**31 - 1), net.integers(1)])
    elif kind == "Concat":
        net.add("Concat", [data], axis=1)
    else:
        net.add("Dropout" if kind == "Dropout" else "Identity", [data])


def split(net: Net) -> None:
    """Into parts along the channels, of which one goes on and the others stay for joins."""
    data, choose = net.current, net.choices
    if data.channels < 2:
        return
    first = choose.integer(1, data.channels - 1)
    parts = [first, data.channels - first]
    if choose.one_in(3) and parts[1] > 1:
        parts = [first, 1, parts[1] - 1]
    outputs = [net.fresh((part, *data.sizes), index) for index, part in enumerate(parts)]
    if net.opset < 13:
        net.append("Split", [data], outputs, axis=1, split=parts)
    else:
        net.append("Split", [data, net.integers(*parts)], outputs, axis=1)


def slice_part(net: Net) -> None:
    """Some channels, or every second row, forwards or backwards."""
    data, choose = net.current, net.choices
    axis = choose.integer(1, len(data.dims))
    size = data.dims[axis - 1]
    start = choose.integer(0, size - 1)
    end = choose.integer(start + 1, size)
    step = choose.pick([1, 2])
    count = -(-(end - start) // step)
    bounds = [start, end, step]
    if choose.one_in(4):
        bounds = [start + (count - 1) * step, start - 1 if start else -size - 1, -step]
    dims = list(data.dims)
    dims[axis - 1] = count
    first, last, stride = (net.integers(bound) for bound in bounds)
    net.free &= axis == 1
    net.add("Slice", [data, first, last, net.integers(axis), stride], tuple(dims))


def cut_and_concat(net: Net) -> None:
    """Halves that change their places (as in ShuffleNet), or overlap."""
    data = net.current
    if data.channels < 2:
        return
    middle = net.choices.integer(1, data.channels - 1)
    ends = [(middle, data.channels), (0, middle + net.choices.integer(0, 1))]
    halves = []
    for low, high in ends:
        inputs: list[str | Value] = [data, net.integers(low), net.integers(high), net.integers(1)]
        halves.append(net.add("Slice", inputs, (min(high, data.channels) - low, *data.sizes)))
    channels = sum(half.channels for half in halves)
    net.add("Concat", [*halves], (channels, *data.sizes), axis=1)


def flatten(net: Net) -> None:
    """To rows, one an image: Flatten, or Reshape in one of its forms."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    net.free = False
    if choose.one_in(3):
        target = choose.pick([(0, -1), (-1, data.elements), (0, data.elements)])
        net.add("Reshape", [data, net.integers(*target)], (data.elements,))
    else:
        net.add("Flatten", [data], (data.elements,))


def reshape_to_image(net: Net) -> None:
    data, choose = net.current, net.choices
    if data.sizes:
        return
    net.free = False
    channels = choose.pick([d for d in range(1, data.channels + 1) if data.channels % d == 0])
    sizes = (data.channels // channels, *[1] * choose.integer(0, 1))
    net.add("Reshape", [data, net.integers(choose.pick([0, -1]), channels, *sizes)], (channels, *sizes))


def is_small(dims: tuple[int, ...]) -> bool:
    return int(np.prod(dims)) <= MAX_ELEMENTS
