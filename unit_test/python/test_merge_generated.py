"""Merged networks against ONNX Runtime: chains of linear layers made at random."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("AIDGE_MERGE_EXAMPLES", "300"))
TOLERANCE = 2e-5
"""Of the largest output: two orders of summation in float32, over chains of up to six layers."""


@dataclass
class Net:
    """An ONNX graph as it grows: the tensor at its end, its channels and its spatial dims."""

    dim: int
    channels: int
    sizes: list[int]
    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    tensor: str = "x"
    free: bool = False
    outputs: list[str] = field(default_factory=list)

    def constant(self, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = self.random.uniform(low, high, shape).astype(np.float32)
        return name

    def add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(op, inputs, [f"{name}_out"], name, **attributes))
        self.tensor = f"{name}_out"
        return self.tensor

    def model(self) -> onnx.ModelProto:
        sizes: list[Any] = [f"s{i}" for i in range(self.dim)] if self.free else list(self.start[1])
        x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", self.start[0], *sizes])
        ys = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            for name in [self.tensor, *self.outputs]
        ]
        constants = [onnx.numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, "net", [x], ys, constants)
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)

    def __post_init__(self) -> None:
        self.start = (self.channels, list(self.sizes))


def divisors(value: int) -> list[int]:
    return [d for d in range(1, value + 1) if value % d == 0]


def conv(net: Net, draw: Any, same: bool = False, channels: int | None = None) -> None:
    """A convolution of any form that fits; `same` keeps the spatial dims."""
    kernel, stride, dilation, begin, end = [], [], [], [], []
    for size in net.sizes:
        d = draw(st.integers(1, 2))
        p, q = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        if same:
            k = draw(st.sampled_from([1, 1, 3, 5]))
            p = draw(st.integers(0, (k - 1) * d))
            q = (k - 1) * d - p
        else:
            most = max(1, min(5, (size + p + q - 1) // d + 1))
            k = draw(st.integers(1, most))
        s = 1 if same else draw(st.integers(1, 3))
        kernel.append(k)
        stride.append(s)
        dilation.append(d)
        begin.append(p)
        end.append(q)
    if draw(st.integers(0, 2)) == 0 and not same:
        begin, end = [0] * net.dim, [0] * net.dim
        kernel = [
            max(1, min(k, (size - 1) // d + 1))
            for k, size, d in zip(kernel, net.sizes, dilation, strict=True)
        ]
    out = channels or draw(st.sampled_from([net.channels, 1, 2, 4, 6]))
    groups = draw(st.sampled_from([1, *divisors(np.gcd(net.channels, out).item())]))
    inputs = [net.tensor, net.constant(out, net.channels // groups, *kernel)]
    if draw(st.booleans()):
        inputs.append(net.constant(out))
    net.add(
        "Conv",
        inputs,
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        pads=begin + end,
        group=groups,
    )
    net.channels = out
    net.sizes = [
        (n + p + q - (k - 1) * d - 1) // s + 1
        for n, p, q, k, d, s in zip(net.sizes, begin, end, kernel, dilation, stride, strict=True)
    ]


def norm(net: Net, draw: Any) -> None:
    c = net.channels
    inputs = [net.tensor, net.constant(c), net.constant(c), net.constant(c), net.constant(c, low=0.5)]
    net.add("BatchNormalization", inputs)


def affine(net: Net, draw: Any) -> None:
    op = draw(st.sampled_from(["Mul", "Add", "Sub", "Div"]))
    shape = draw(
        st.sampled_from([(), (1,), (net.channels, *[1] * net.dim), (1, net.channels, *[1] * net.dim)])
    )
    constant = net.constant(*shape, low=0.5, high=1.5)
    swapped = op != "Div" and draw(st.booleans())
    net.add(op, [constant, net.tensor] if swapped else [net.tensor, constant])


def pool(net: Net, draw: Any) -> None:
    kernel = [draw(st.integers(1, min(3, size))) for size in net.sizes]
    stride = [draw(st.integers(1, 2)) for _ in net.sizes]
    pads = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    included = draw(st.booleans())
    if draw(st.booleans()):
        pads = [0] * len(pads)
    # ONNX's own shape inference is wrong about ceil_mode with padding, and where a stride skips elements.
    may_round_up = not any(pads) and all(s <= k for s, k in zip(stride, kernel, strict=True))
    options = {"count_include_pad": int(included), "ceil_mode": draw(st.integers(0, int(may_round_up)))}
    net.add("AveragePool", [net.tensor], kernel_shape=kernel, strides=stride, pads=pads, **options)
    room = [n + p + q - k for n, p, q, k in zip(net.sizes, pads, pads[net.dim :], kernel, strict=False)]
    sizes = []
    for n, p, r, s in zip(net.sizes, pads, room, stride, strict=False):
        steps = -(-r // s) if options["ceil_mode"] else r // s
        sizes.append(steps + 1 - int(bool(options["ceil_mode"]) and steps * s >= n + p))
    net.sizes = sizes


def pad(net: Net, draw: Any) -> None:
    pads = [draw(st.integers(0, 2)) for _ in range(2 * net.dim)]
    name = f"c{len(net.constants)}"
    net.constants[name] = np.array([0, 0, *pads[: net.dim], 0, 0, *pads[net.dim :]], np.int64)
    net.add("Pad", [net.tensor, name])
    net.sizes = [n + p + q for n, p, q in zip(net.sizes, pads, pads[net.dim :], strict=False)]


def identity(net: Net, draw: Any) -> None:
    net.add("Identity", [net.tensor])


def block(net: Net, draw: Any) -> None:
    """x + f(x), f(x) + g(x) or x + x."""
    start, channels = net.tensor, net.channels
    ends = []
    out = channels if draw(st.booleans()) else None
    for _ in range(2):
        net.tensor, net.channels = start, channels
        if out is None or draw(st.booleans()):
            for _ in range(draw(st.integers(1, 2))):
                conv(net, draw, same=True, channels=4 if out is None else out)
                if draw(st.integers(0, 3)) == 0:
                    norm(net, draw)
        ends.append(net.tensor)
    net.add("Add", ends)


def head(net: Net, draw: Any) -> None:
    """A global mean or not, Flatten, and one or two Gemms."""
    if draw(st.booleans()):
        net.add("GlobalAveragePool", [net.tensor])
        net.sizes = [1] * net.dim
        if draw(st.booleans()):
            conv(net, draw, same=True)
    net.add("Flatten", [net.tensor])
    features = net.channels * int(np.prod(net.sizes))
    for _ in range(draw(st.integers(1, 2))):
        out = draw(st.integers(1, 4))
        inputs = [
            net.tensor,
            net.constant(out, features),
            *([net.constant(out)] if draw(st.booleans()) else []),
        ]
        net.add("Gemm", inputs, transB=1)
        features = out


def pointwise(net: Net, draw: Any) -> None:
    """A 1x1 convolution with a bias and fewer channels: one that admits a shift of the input."""
    out = draw(st.integers(1, net.channels))
    net.add("Conv", [net.tensor, net.constant(out, net.channels, *[1] * net.dim), net.constant(out)])
    net.channels = out


LAYERS = [conv, conv, conv, conv, pointwise, pointwise, norm, affine, pool, pad, identity, block]


def side(net: Net, draw: Any) -> None:
    """A tensor on the way is also a graph output, or feeds an activation that is."""
    if not net.nodes or net.tensor in net.outputs:
        return
    tensor = net.tensor
    if draw(st.booleans()):
        net.outputs.append(net.add("Relu", [tensor]))
        net.tensor = tensor
    else:
        net.outputs.append(tensor)
        identity(net, draw)


@st.composite
def networks(draw: Any) -> Net:
    dim = draw(st.sampled_from([1, 2, 2, 3]))
    sizes = [draw(st.integers(1, {1: 24, 2: 14, 3: 7}[dim])) for _ in range(dim)]
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    net = Net(dim, draw(st.sampled_from([1, 2, 4, 6])), sizes, random)
    for _ in range(draw(st.integers(1, 6))):
        draw(st.sampled_from(LAYERS))(net, draw)
        if draw(st.integers(0, 7)) == 0:
            side(net, draw)
    if draw(st.integers(0, 3)) == 0:
        head(net, draw)
    elif draw(st.booleans()):
        net.free = True
    return net


def run_ort(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(out) for out in session.run(None, {"x": x})]


def requires_equal(expected: np.ndarray, got: np.ndarray, tolerance: float = TOLERANCE) -> None:
    assert got.shape == expected.shape
    assert np.abs(got - expected).max(initial=0.0) <= tolerance * max(np.abs(expected).max(initial=0.0), 1e-3)


def sizes_to_try(net: Net) -> list[list[int]]:
    """The sizes of the network, and others where they are free."""
    first = list(net.start[1])
    return [first, [n + 1 for n in first], [n + 4 for n in first]] if net.free else [first]


@pytest.mark.parametrize("policy", ["exact_and_cheaper", "always"])
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
          phases=[Phase.generate, Phase.shrink])  # fmt: skip
@given(net=networks(), border=st.sampled_from(["refuse", "shift", "image"]))
def test_a_merged_network_computes_the_same(policy: str, net: Net, border: str) -> None:
    proto = net.model()
    channels, sizes = net.start
    graph = aidge_onnx.load_onnx(proto)
    report = aidge_core.fuse_convolution(
        graph, policy=policy, border=border, dims=[[1, channels, *sizes]], repeats=0
    )
    written = aidge_onnx.to_model_proto(graph)
    if policy == "exact_and_cheaper":
        assert report.macs_after <= report.macs_before
        assert all(merge.macs_after < merge.macs_before for merge in report.merged)
        again = aidge_core.fuse_convolution(
            graph, policy=policy, border=border, dims=[[1, channels, *sizes]], repeats=0
        )
        assert len(again) == 0
        assert again.macs_before == pytest.approx(report.macs_after)
    for shape in sizes_to_try(net):
        x = net.random.uniform(-1.0, 1.0, (2, channels, *shape)).astype(np.float32)
        for expected, got in zip(run_ort(proto, x), run_ort(written, x), strict=True):
            requires_equal(expected, got)
