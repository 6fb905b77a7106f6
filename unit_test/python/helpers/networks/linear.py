"""Layers that are linear maps: convolutions, norms, constants, averages, padding, fully connected ones."""

from __future__ import annotations

import math

from .net import MAX_ELEMENTS, Net

__all__ = [
    "affine",
    "average_pool",
    "batch_norm",
    "conv",
    "conv_auto_pad",
    "conv_transpose",
    "depthwise",
    "gemm",
    "global_average",
    "identity",
    "matmul",
    "pad",
    "pointwise",
]


def divisors(value: int) -> list[int]:
    return [d for d in range(1, value + 1) if value % d == 0]


def _finish(net: Net, op: str, weight: str, out: int, sizes: tuple[int, ...], **attributes: object) -> None:
    bias = [net.constant(out)] if net.choices.one_in(2) else []
    net.add(op, [net.current, weight, *bias], (out, *sizes), **attributes)


def conv(net: Net, same: bool = False, out: int | None = None) -> None:
    """A convolution of any form that fits; `same` keeps the spatial dims."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    kernel, stride, dilation, begin, end = [], [], [], [], []
    for size in data.sizes:
        d, p, q = choose.integer(1, 2), choose.integer(0, 2), choose.integer(0, 2)
        if same:
            k = choose.pick([1, 1, 3, 5])
            p = choose.integer(0, (k - 1) * d)
            q = (k - 1) * d - p
        else:
            k = choose.integer(1, max(1, min(5, (size + p + q - 1) // d + 1)))
        kernel.append(k)
        stride.append(1 if same else choose.integer(1, 3))
        dilation.append(d)
        begin.append(p)
        end.append(q)
    if not same and choose.one_in(3):
        begin, end = [0] * data.spatial, [0] * data.spatial
        kernel = [
            max(1, min(k, (n - 1) // d + 1)) for k, n, d in zip(kernel, data.sizes, dilation, strict=True)
        ]
    out = out or choose.pick([data.channels, 1, 2, 4, 6])
    groups = choose.pick([1, *divisors(math.gcd(data.channels, out))])
    sizes = tuple(
        (n + p + q - (k - 1) * d - 1) // s + 1
        for n, p, q, k, d, s in zip(data.sizes, begin, end, kernel, dilation, stride, strict=True)
    )
    inner = data.channels // groups
    weight = net.weight(out, inner, *kernel, fan_in=inner * math.prod(kernel))
    given = {"kernel_shape": kernel} if choose.one_in(2) else {}
    _finish(
        net, "Conv", weight, out, sizes, **given, strides=stride, dilations=dilation, pads=begin + end, group=groups
    )  # fmt: skip


def conv_auto_pad(net: Net) -> None:
    """A convolution whose padding follows from the input."""
    data, choose = net.current, net.choices
    mode = choose.pick(["SAME_UPPER", "SAME_LOWER", "VALID"])
    kernel = [choose.integer(1, 3 if mode != "VALID" else min(3, n)) for n in data.sizes]
    stride = [choose.integer(1, 2) for _ in data.sizes]
    if not kernel:
        return
    if mode == "VALID":
        sizes = tuple((n - k) // s + 1 for n, k, s in zip(data.sizes, kernel, stride, strict=True))
    else:
        sizes = tuple(-(-n // s) for n, s in zip(data.sizes, stride, strict=True))
    out = choose.pick([data.channels, 2, 4])
    weight = net.weight(out, data.channels, *kernel, fan_in=data.channels * math.prod(kernel))
    _finish(net, "Conv", weight, out, sizes, auto_pad=mode, strides=stride)


def depthwise(net: Net) -> None:
    """One or two filters a channel."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    kernel = [choose.pick([3, 1, 5]) for _ in data.sizes]
    stride = [choose.integer(1, 2) for _ in data.sizes]
    sizes = tuple((n - 1) // s + 1 for n, s in zip(data.sizes, stride, strict=True))
    out = data.channels * choose.integer(1, 2 if data.channels <= 4 else 1)
    weight = net.weight(out, 1, *kernel, fan_in=math.prod(kernel))
    pads = [k // 2 for k in kernel] * 2
    _finish(net, "Conv", weight, out, sizes, strides=stride, pads=pads, group=data.channels)


def pointwise(net: Net, out: int | None = None) -> None:
    """A 1x1 convolution with a bias and no more channels: one that admits a shift of the input."""
    data = net.current
    if not data.sizes:
        return
    out = out or net.choices.integer(1, data.channels)
    weight = net.weight(out, data.channels, *[1] * data.spatial, fan_in=data.channels)
    net.add("Conv", [data, weight, net.constant(out)], (out, *data.sizes))


def conv_transpose(net: Net) -> None:
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    kernel, stride, dilation, begin, end, extra, sizes = [], [], [], [], [], [], []
    for size in data.sizes:
        k, s, d = choose.integer(1, 3), choose.integer(1, 2), choose.integer(1, 2)
        full = (size - 1) * s + (k - 1) * d + 1
        p = choose.integer(0, min(1, full - 1))
        q = choose.integer(0, min(1, full - 1 - p))
        e = choose.integer(0, s - 1)
        for part, value in zip(
            (kernel, stride, dilation, begin, end, extra), (k, s, d, p, q, e), strict=True
        ):
            part.append(value)
        sizes.append(full - p - q + e)
    out = choose.pick([2, 1, 4])
    groups = choose.pick(divisors(math.gcd(data.channels, out)))
    if out * math.prod(sizes) > MAX_ELEMENTS:
        return
    weight = net.weight(data.channels, out // groups, *kernel, fan_in=data.channels // groups * 2)
    _finish(
        net, "ConvTranspose", weight, out, tuple(sizes), kernel_shape=kernel, strides=stride,
        dilations=dilation, pads=begin + end, output_padding=extra, group=groups
    )  # fmt: skip


def batch_norm(net: Net) -> None:
    c = net.current.channels
    inputs = [net.constant(c), net.constant(c), net.constant(c), net.constant(c, low=0.5)]
    options = {"epsilon": 1e-2} if net.choices.one_in(2) else {}
    net.add("BatchNormalization", [net.current, *inputs], **options)


def affine(net: Net) -> None:
    """Arithmetic with a constant: a scalar, one value a channel, or a whole tensor."""
    data, choose = net.current, net.choices
    op = choose.pick(["Mul", "Add", "Sub", "Div"])
    shapes = [(), (1,), (data.channels, *[1] * data.spatial), (1, data.channels, *[1] * data.spatial)]
    whole = choose.one_in(8)
    constant = net.constant(*(data.dims if whole else choose.pick(shapes)), low=0.5, high=1.5)
    net.free &= not whole
    swapped = op != "Div" and choose.one_in(2)
    net.add(op, [constant, data] if swapped else [data, constant])


def pooled(net: Net, op: str, **options: int) -> None:
    """A window that moves over the data; kernel, strides, pads and rounding at random."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    kernel = [choose.integer(1, min(3, n)) for n in data.sizes]
    stride = [choose.integer(1, 2) for _ in data.sizes]
    pads = [choose.integer(0, k - 1) for k in kernel * 2]
    if choose.one_in(2):
        pads = [0] * len(pads)
    # ONNX's own shape inference is wrong about ceil_mode with padding, and where a stride skips elements.
    may_round_up = not any(pads) and all(s <= k for s, k in zip(stride, kernel, strict=True))
    up = bool(choose.integer(0, int(may_round_up)))
    begin, end = pads[: data.spatial], pads[data.spatial :]
    sizes = []
    for n, p, q, k, s in zip(data.sizes, begin, end, kernel, stride, strict=True):
        steps = -(-(n + p + q - k) // s) if up else (n + p + q - k) // s
        sizes.append(steps + 1 - int(up and steps * s >= n + p))
    net.add(
        op, [data], (data.channels, *sizes), kernel_shape=kernel, strides=stride, pads=pads, ceil_mode=int(up),
        **options
    )  # fmt: skip


def average_pool(net: Net) -> None:
    pooled(net, "AveragePool", count_include_pad=net.choices.integer(0, 1))


def global_average(net: Net) -> None:
    if net.current.sizes:
        net.add("GlobalAveragePool", [net.current], (net.current.channels, *[1] * net.current.spatial))


def pad(net: Net, modes: tuple[str, ...] = ("constant",)) -> None:
    data, choose = net.current, net.choices
    mode = choose.pick(modes)
    room = [min(2, n - 1) if mode == "reflect" else 2 for n in data.sizes] * 2
    pads = [choose.integer(0, most) for most in room]
    begin, end = pads[: data.spatial], pads[data.spatial :]
    value = [net.scalar(0.5)] if mode == "constant" and len(modes) > 1 and choose.one_in(3) else []
    if data.sizes:
        sizes = tuple(n + p + q for n, p, q in zip(data.sizes, begin, end, strict=True))
        amounts = net.integers(0, 0, *begin, 0, 0, *end)
        net.add("Pad", [data, amounts, *value], (data.channels, *sizes), mode=mode)


def identity(net: Net) -> None:
    net.add("Identity", [net.current])


# --- on rows ------------------------------------------------------------------------------------------------
def gemm(net: Net) -> None:
    data, choose = net.current, net.choices
    if data.sizes:
        return
    out, turned = choose.integer(1, 5), choose.integer(0, 1)
    weight = net.weight(*((out, data.channels) if turned else (data.channels, out)), fan_in=data.channels)
    shape = choose.pick([None, (out,), (1, out), ()])
    bias = [] if shape is None else [net.constant(*shape)]
    options = {"alpha": 0.5, "beta": 2.0} if choose.one_in(4) else {}
    net.add("Gemm", [data, weight, *bias], (out,), transB=turned, **options)


def matmul(net: Net) -> None:
    """x W, mostly with a bias after it; over the last axis of data with several."""
    data, choose = net.current, net.choices
    out = choose.integer(1, 5)
    weight = net.weight(data.dims[-1], out, fan_in=data.dims[-1])
    net.free = False
    net.add("MatMul", [data, weight], (*data.dims[:-1], out))
    if not choose.one_in(3):
        net.add("Add", [net.current, net.constant(out)])
