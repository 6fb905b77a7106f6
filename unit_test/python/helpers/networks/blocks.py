"""Layers with several ways through them, and what leads to other values of the network."""

from __future__ import annotations

import numpy as np

from .layers import activation, flatten, is_small, prelu
from .linear import affine, batch_norm, conv, gemm, global_average, identity, pointwise
from .net import Net, Value

__all__ = [
    "branch",
    "concat",
    "head",
    "join",
    "other_input",
    "residual",
    "side_output",
    "squeeze_excite",
    "transposed",
]


def residual(net: Net) -> None:
    """x + f(x), f(x) + g(x) or x + x."""
    start, choose = net.current, net.choices
    if not start.sizes:
        return
    ends = []
    out = None if choose.one_in(2) else start.channels
    for _ in range(2):
        net.current = start
        if out is None or choose.one_in(2):
            for _ in range(choose.integer(1, 2)):
                conv(net, same=True, out=out or 4)
                if choose.one_in(4):
                    batch_norm(net)
        ends.append(net.current)
    net.add("Add", [*ends])


def join(net: Net) -> None:
    """Arithmetic with another value, which may have to be broadcast."""
    data, choose = net.current, net.choices
    fitting = []
    for value in net.live:
        if len(value.dims) == len(data.dims):
            try:
                dims = np.broadcast_shapes(value.dims, data.dims)
            except ValueError:
                continue
            if is_small(dims):
                fitting.append((value, dims))
    if not fitting:  # the present value is already as large as may be
        return
    other, dims = choose.pick(fitting)
    op = choose.pick(["Add", "Mul", "Sub", "Add"])
    net.free &= other is data
    net.add(op, [other, data] if choose.one_in(2) else [data, other], tuple(dims))


def concat(net: Net) -> None:
    """Two or three values along the channels or another axis; the same value twice where no other fits."""
    data, choose = net.current, net.choices
    axis = choose.pick([0, 0, 0, *range(len(data.dims))])
    parts = [data]
    for _ in range(choose.integer(1, 2)):
        fitting = [
            value
            for value in net.live
            if len(value.dims) == len(data.dims)
            and value.dims[:axis] + value.dims[axis + 1 :] == data.dims[:axis] + data.dims[axis + 1 :]
        ]
        parts.insert(choose.integer(0, 1), choose.pick(fitting or [data]))
    dims = list(data.dims)
    dims[axis] = sum(part.dims[axis] for part in parts)
    if is_small(tuple(dims)):
        net.free &= all(part is data for part in parts)
        where = axis + 1 if choose.one_in(2) else axis - len(dims)
        net.add("Concat", [*parts], tuple(dims), axis=where)


def squeeze_excite(net: Net) -> None:
    """x times a gate a channel, which is computed from the channels' means."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    ones = [1] * data.spatial
    if choose.one_in(2):
        net.add("GlobalAveragePool", [data], (data.channels, *ones))
    else:
        net.axes("ReduceMean", list(range(2, data.spatial + 2)), (data.channels, *ones), keepdims=1)
    hidden = choose.integer(1, 3)
    if choose.one_in(2):
        pointwise(net, hidden)
        activation(net)
        pointwise(net, data.channels)
    else:
        net.add("Flatten", [net.current], (data.channels,))
        for out in (hidden, data.channels):
            weight = net.weight(out, net.current.channels, fan_in=net.current.channels)
            net.add("Gemm", [net.current, weight, net.constant(out)], (out,), transB=1)
        net.add("Reshape", [net.current, net.integers(-1, data.channels, *ones)], (data.channels, *ones))
    gate = net.add(choose.pick(["Sigmoid", "HardSigmoid"]), [net.current])
    net.add("Mul", [gate, data] if choose.one_in(2) else [data, gate], data.dims)


def transposed(net: Net) -> None:
    """Work with the channels last, between two Transposes."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    rank, before = data.spatial + 2, list(net.live)
    net.add("Transpose", [data], (*data.sizes, data.channels), perm=[0, *range(2, rank), 1])
    for _ in range(choose.integer(0, 2)):
        kind = choose.pick([activation, affine, identity, prelu])
        if kind is affine or kind is prelu:
            net.add(choose.pick(["Mul", "Add"]), [net.current, net.constant(data.channels)])
        else:
            kind(net)
    net.add("Transpose", [net.current], data.dims, perm=[0, rank - 1, *range(1, rank - 1)])
    net.live = [*before, net.current]  # nothing else works with the channels last


def head(net: Net) -> None:
    """A global mean or not, Flatten, and one or two fully connected layers."""
    if net.choices.one_in(2):
        global_average(net)
        if net.choices.one_in(2):
            conv(net, same=True)
    flatten(net)
    for _ in range(net.choices.integer(1, 2)):
        gemm(net)


# --- ways through the network -------------------------------------------------------------------------------
def branch(net: Net) -> None:
    """Goes on from an earlier value."""
    net.current = net.choices.pick(net.live)


def other_input(net: Net) -> None:
    """Another graph input, at once added, concatenated or gone on with."""
    data, choose = net.current, net.choices
    if len(net.inputs) > 2:
        return
    ones = (data.channels, *[1] * data.spatial)
    value = Value(f"x{len(net.inputs)}", choose.pick([data.dims, ones]))
    net.inputs.append(value)
    net.live.append(value)
    net.free = False
    if choose.one_in(3):
        net.current = value
        return
    net.add(choose.pick(["Add", "Mul"]), [data, value], data.dims)


def side_output(net: Net) -> None:
    """The current value is also a graph output, or feeds an activation that is."""
    data, choose = net.current, net.choices
    if any(value is data for value in net.outputs) or len(net.outputs) > 2:
        return
    if choose.one_in(2):
        net.outputs.append(net.add("Relu", [data]))
        net.current = data
    else:
        net.outputs.append(data)
