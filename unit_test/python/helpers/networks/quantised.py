"""Layers whose weights are integers behind DequantizeLinear."""

from __future__ import annotations

import math

import numpy as np

from .net import Net, Value

__all__ = ["integer_weights"]


def integer_weights(net: Net) -> None:
    """A convolution with weights of 8 bits, one scale or one for each output, with zero points or without."""
    data, choose = net.current, net.choices
    if not data.sizes or net.opset < 13:
        return
    out = choose.pick([data.channels, 2, 4, 8])
    kernel = [choose.integer(1, min(3, size)) for size in data.sizes]
    sizes = tuple(size - length + 1 for size, length in zip(data.sizes, kernel, strict=True))
    kind = choose.pick([np.int8, np.uint8])
    scales = (out,) if choose.one_in(2) else ()
    fan_in = data.channels * math.prod(kernel)
    limits = np.iinfo(kind)
    steps = net.random.integers(limits.min, limits.max + 1, (out, data.channels, *kernel)).astype(kind)
    scale = net.random.uniform(0.5, 1.0, scales) * math.sqrt(3.0 / fan_in) / 128
    inputs: list[str | Value] = [net.array(steps), net.array(np.asarray(scale, np.float32))]
    if kind is np.uint8 or choose.one_in(2):
        inputs.append(net.array(np.full(scales, 128 if kind is np.uint8 else 0, kind)))
    weight = Value(f"n{len(net.nodes)}_out", (data.channels, *kernel))
    net.append("DequantizeLinear", inputs, [weight], **({"axis": 0} if scales else {}))
    net.live.remove(weight)  # its first axis is no batch
    bias = [net.constant(out)] if choose.one_in(2) else []
    net.add("Conv", [data, weight, *bias], (out, *sizes))
