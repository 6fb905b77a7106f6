"""Networks to merge, and what the tests of fuse_convolution require of the outcome."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort

from helpers.toy import model_of

TOLERANCE = 1e-5
"""Of the largest output: float32, weights composed in double."""


class Net:
    """An ONNX graph under construction; `x` goes in, `y` comes out."""

    def __init__(self, *dims: Any, seed: int = 0) -> None:
        self.dims, self.random = dims, np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.outputs = ["y"]
        self.inputs: dict[str, list[int]] = {}

    def constant(self, name: str, *shape: int, low: float = -1.0) -> str:
        self.constants[name] = self.random.uniform(low, 1.0, shape).astype(np.float32)
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(onnx.helper.make_node(op, inputs, [output], f"{op.lower()}_{output}", **attributes))

    def conv(
        self,
        name: str,
        source: str,
        output: str,
        weight: tuple[int, ...],
        bias: bool = True,
        **attributes: Any,
    ) -> None:
        inputs = [source, self.constant(f"{name}_w", *weight)]
        if bias:
            inputs.append(self.constant(f"{name}_b", weight[0]))
        self.nodes.append(onnx.helper.make_node("Conv", inputs, [output], name, **attributes))

    def norm(self, source: str, output: str, channels: int) -> None:
        low = {"scale": -1.0, "shift": -1.0, "mean": -1.0, "var": 0.2}
        names = [self.constant(f"{output}_{what}", channels, low=value) for what, value in low.items()]
        self.add("BatchNormalization", [source, *names], output)

    def gemm(self, name: str, source: str, output: str, shape: tuple[int, int], bias: bool = True) -> None:
        inputs = [source, self.constant(f"{name}_w", *shape)]
        if bias:
            inputs.append(self.constant(f"{name}_b", shape[0]))
        self.nodes.append(onnx.helper.make_node("Gemm", inputs, [output], name, transB=1))

    def model(self) -> onnx.ModelProto:
        inputs = {"x": self.dims, **self.inputs}
        ends = dict.fromkeys(self.outputs)
        return model_of(self.nodes, self.constants, inputs, ends, opset=19, ir_version=9)

    def graph(self) -> Any:
        return aidge_onnx.load_onnx(self.model())

    def feed(self) -> dict[str, np.ndarray]:
        free = [2, *[8] * (len(self.dims) - 1)]
        dims = [size if isinstance(dim, str) else dim for dim, size in zip(self.dims, free, strict=True)]
        feed = {"x": self.random.normal(size=dims).astype(np.float32)}
        return feed | {name: self.random.normal(size=d).astype(np.float32) for name, d in self.inputs.items()}


def run_ort(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(out) for out in session.run(None, feed)]


def layers(graph: Any) -> list[str]:
    return [node.type() for node in graph.get_ordered_nodes() if node.type() != "Producer"]


def difference(net: Net, graph: Any) -> float:
    """Largest difference from ONNX Runtime on the original, of the largest output: written out, and by our own engine."""
    feed = net.feed()
    expected = run_ort(net.model(), feed)
    written = run_ort(aidge_onnx.to_model_proto(graph), feed)
    graph.compile("cpu", dims=[list(value.shape) for value in feed.values()])
    ours = [
        np.asarray(out) for out in aidge_core.SequentialScheduler(graph).forward(data=list(feed.values()))
    ]
    worst = 0.0
    for got in (written, ours):
        for a, b in zip(expected, got, strict=True):
            assert a.shape == b.shape
            worst = max(worst, float(np.abs(a - b).max()) / float(np.abs(a).max()))
    return worst


def merged(net: Net, expected: list[str], **options: Any) -> Any:
    """Merges, and requires these layers, the same outputs and idempotence."""
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, **{"policy": "always", "repeats": 0, **options})
    assert layers(graph) == expected
    assert difference(net, graph) <= TOLERANCE
    if options.get("border") != "approximate":
        assert len(aidge_core.fuse_convolution(graph, **{"policy": "always", "repeats": 0, **options})) == 0
    return report


def refused(net: Net, reason: str, **options: Any) -> Any:
    """Requires that nothing changes, and that the reason is given."""
    graph = net.graph()
    before = aidge_onnx.to_model_proto(graph).SerializeToString()
    report = aidge_core.fuse_convolution(graph, **{"policy": "always", "repeats": 0, **options})
    assert len(report) == 0
    assert aidge_onnx.to_model_proto(graph).SerializeToString() == before
    assert any(reason in pair.reason for pair in report.refused), report.refused
    return report


def padded_pair(size: Any, bias: bool, k_a: int = 1, p_a: int = 0, s_a: int = 1) -> Net:
    net = Net(1, 3, size, size)
    net.conv("a", "x", "h", (2, 3, k_a, k_a), bias, pads=[p_a] * 4, strides=[s_a] * 2)
    net.conv("b", "h", "y", (4, 2, 3, 3), pads=[1, 1, 1, 1])
    return net


def pair() -> Net:
    net = Net(1, 3, 8, 8)
    net.conv("a", "x", "h", (4, 3, 1, 1))
    net.conv("b", "h", "y", (2, 4, 3, 3))
    return net
