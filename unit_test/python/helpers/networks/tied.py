"""Weights with two or three uses."""

from __future__ import annotations

import math

from .layers import activation
from .linear import pointwise
from .net import MAX_ELEMENTS, Net, Value

__all__ = ["levels", "recurrent", "there_and_back"]


def _own_or_shared(net: Net, shared: list[str], channels: int) -> list[str]:
    """The bias of one use: none, the one that all uses have, or its own."""
    kind = net.choices.pick([0, 1, 1, 2])
    if kind == 1 and not shared:
        shared.append(net.constant(channels))
    return [] if kind == 0 else shared if kind == 1 else [net.constant(channels)]


def levels(net: Net) -> None:
    """The same layer on several values of as many channels, as in the head of a detector; each with a layer of its own behind it."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    fitting = [
        value for value in net.live if value.channels == data.channels and value.spatial == data.spatial
    ]
    starts = [data]
    for _ in range(choose.integer(1, 2)):
        if choose.one_in(2):
            starts.append(choose.pick(fitting))
        else:
            net.current = data
            pointwise(net, data.channels)
            starts.append(net.current)
    out, kernel = choose.integer(2, 4), choose.pick([1, 3])
    if any(out * start.elements > MAX_ELEMENTS * start.channels for start in starts):
        return
    weight = net.weight(
        out, data.channels, *[kernel] * data.spatial, fan_in=data.channels * kernel**data.spatial
    )
    shared: list[str] = []
    norm = [net.constant(out), net.constant(out), net.constant(out), net.constant(out, low=0.5)]
    has_norm, dilation = choose.one_in(3), choose.integer(1, 2)
    for number, start in enumerate(starts):
        apart = dilation if number else 1
        pads = [kernel // 2 * apart] * 2 * data.spatial
        bias = _own_or_shared(net, shared, out)
        net.add(
            "Conv", [start, weight, *bias], (out, *start.sizes), pads=pads, dilations=[apart] * data.spatial
        )
        if has_norm:
            own = [net.constant(out), net.constant(out)] if choose.one_in(3) else norm[:2]
            net.add("BatchNormalization", [net.current, *own, *norm[2:]])
        activation(net)
        if number < len(starts) - 1:
            pointwise(net, 2)
            net.outputs.append(net.current)


def recurrent(net: Net) -> None:
    """h = f(W h + x), two or three times."""
    data, choose = net.current, net.choices
    kernel = choose.pick([1, 3])
    if data.sizes:
        window = [kernel] * data.spatial
        weight = net.weight(data.channels, data.channels, *window, fan_in=data.channels * math.prod(window))
    else:
        weight = net.weight(data.channels, data.channels, fan_in=data.channels)
    shared: list[str] = []
    for _ in range(choose.integer(2, 3)):
        bias = _own_or_shared(net, shared, data.channels)
        if data.sizes:
            net.add("Conv", [net.current, weight, *bias], data.dims, pads=[kernel // 2] * 2 * data.spatial)
        else:
            net.add("Gemm", [net.current, weight, *bias], data.dims, transB=1)
        if choose.one_in(2):
            net.add("Add", [net.current, data])
        activation(net)


def there_and_back(net: Net) -> None:
    """A matrix, and then its transposition, as in an autoencoder whose halves share their weights."""
    data, choose = net.current, net.choices
    if data.sizes:
        return
    hidden, turned = choose.integer(2, 4), choose.integer(0, 1)
    weight = net.weight(
        *((hidden, data.channels) if turned else (data.channels, hidden)), fan_in=data.channels
    )
    net.add("Gemm", [data, weight, *_own_or_shared(net, [], hidden)], (hidden,), transB=turned)
    activation(net)
    back: str | Value = weight
    if choose.one_in(3):
        rows = net.current
        back = net.fresh((data.channels, hidden) if turned else (hidden, data.channels))
        net.append("Transpose", [weight], [back], perm=[1, 0])
        net.live.remove(back)
        net.current = rows
        if turned:
            net.add("Gemm", [rows, back], data.dims, transB=1)
        else:
            net.add("MatMul", [rows, back], data.dims)
        return
    net.add("Gemm", [net.current, back], data.dims, transB=1 - turned)
