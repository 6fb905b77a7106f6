"""Masked original against cut network: what the tests of channel removal share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort

from helpers.toy import model_of

TOLERANCE = 1e-5
"""Of the largest output."""


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    found = [onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name]
    return found[0] if found else default


def masked_weight(node: onnx.NodeProto, weight: np.ndarray, dead: np.ndarray) -> np.ndarray:
    """The weight of a Conv, ConvTranspose, Gemm or MatMul with zeros where it meets dead input channels."""
    weight = weight.copy()
    if node.op_type == "Conv":
        groups = attribute(node, "group", 1)
        per, outputs = weight.shape[1], weight.shape[0] // groups
        for i in np.flatnonzero(dead):
            weight[i // per * outputs : (i // per + 1) * outputs, i % per] = 0
    elif node.op_type == "ConvTranspose" or not attribute(node, "transB", 0):
        weight[dead] = 0
    else:
        weight[:, dead] = 0
    return weight


def masked_integers(
    model: onnx.ModelProto, node: onnx.NodeProto, dead: np.ndarray, constants: dict[str, onnx.TensorProto]
) -> None:
    """Gives the layer its weight behind a DequantizeLinear of its own, with zero points where it meets dead input channels."""
    places = {name: index for index, maker in enumerate(model.graph.node) for name in maker.output}
    place = places[node.input[1]]
    maker = onnx.NodeProto.FromString(model.graph.node[place].SerializeToString())
    values = onnx.numpy_helper.to_array(constants[maker.input[0]])
    zero = (
        onnx.numpy_helper.to_array(constants[maker.input[2]])
        if len(maker.input) > 2
        else np.zeros((), values.dtype)
    )
    shape = [1] * values.ndim
    if zero.ndim:
        shape[attribute(maker, "axis", 1)] = -1
    kept = masked_weight(node, np.ones_like(values), dead) == 1
    integers = np.where(kept, values, np.broadcast_to(zero.reshape(shape), values.shape))
    name = f"masked_{len(constants)}"
    constants[name] = onnx.numpy_helper.from_array(integers, name)
    model.graph.initializer.append(constants[name])
    maker.name, maker.input[0], maker.output[0] = f"{name}_maker", name, f"{name}_out"
    node.input[1] = maker.output[0]
    model.graph.node.insert(place, maker)


def masked(
    model: onnx.ModelProto, groups: Sequence[Any], gone: Mapping[int, Sequence[int]]
) -> onnx.ModelProto:
    """The model with zero weights where a layer reads a channel that goes, each layer with weights of its own."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    constants = {c.name: c for c in model.graph.initializer}
    nodes = {node.name: node for node in model.graph.node}
    for number, channels in gone.items():
        for use in groups[number].uses:
            node = nodes[use.node.name()]
            if node.input[1] not in constants:
                masked_integers(model, node, np.isin(use.channels, list(channels)), constants)
                continue
            weight = onnx.numpy_helper.to_array(constants[node.input[1]])
            masked = masked_weight(node, weight, np.isin(use.channels, list(channels)))
            node.input[1] = f"masked_{len(constants)}"
            constants[node.input[1]] = onnx.numpy_helper.from_array(masked, node.input[1])
            model.graph.initializer.append(constants[node.input[1]])
    return model


def run_ort(model: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(y) for y in session.run(None, dict(feeds))]


def run_ours(graph: Any, feeds: Sequence[np.ndarray]) -> list[np.ndarray]:
    graph.compile("cpu", dims=[list(x.shape) for x in feeds])
    outputs = aidge_core.SequentialScheduler(graph).forward(data=[aidge_core.Tensor(x) for x in feeds])
    return [np.asarray(y) for y in outputs]


def difference(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """Largest difference relative to the largest value of an output."""
    worst = 0.0
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape
        worst = max(worst, float(np.abs(a - b).max(initial=0) / max(float(np.abs(b).max(initial=0)), 1e-6)))
    return worst


def choose(groups: Sequence[Any], random: np.random.Generator, share: float = 0.5) -> dict[int, list[int]]:
    """Some removable channels of every group that can be cut, never all of them."""
    gone = {}
    for number, group in enumerate(groups):
        free = [c for c in range(group.size) if c not in group.fixed]
        count = min(int(random.binomial(len(free), share)), group.size - 1)
        if free and count > 0:
            gone[number] = sorted(random.choice(free, count, replace=False).tolist())
    return gone


def request(groups: Sequence[Any], gone: Mapping[int, Sequence[int]]) -> dict[Any, list[int]]:
    """What remove_channels wants: output channels of one source of each group that have these channels."""
    wanted: dict[Any, list[int]] = {}
    for number, channels in gone.items():
        for source in groups[number].sources:
            wanted[source.node] = [i for i, c in enumerate(source.channels) if c in channels]
    return wanted


def check_cut(
    model: onnx.ModelProto | bytes | str,
    feeds: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
    share: float = 0.5,
    dims: Sequence[Sequence[int]] = (),
    ours: bool = True,
    tolerance: float = TOLERANCE,
) -> tuple[Any, Any]:
    """Cut half of all channels, compare with the masked original, and return the cut graph and the report."""
    graph = aidge_onnx.load_onnx(model)
    original = aidge_onnx.to_model_proto(graph)
    groups = aidge_core.channel_groups(graph, dims=dims)
    gone = choose(groups, np.random.default_rng(seed), share)
    wanted = run_ort(masked(original, groups, gone), feeds)
    report = aidge_core.remove_channels(graph, request(groups, gone), dims=dims)
    assert not report.refused, report.refused
    assert len(report.removed) == len(gone)
    cut = aidge_onnx.to_model_proto(graph)
    assert difference(run_ort(cut, feeds), wanted) <= tolerance
    if ours:
        order = [value.name for value in cut.graph.input]
        assert difference(run_ours(graph, [feeds[name] for name in order]), wanted) <= tolerance
    return graph, report


class Builder:
    """An ONNX graph under construction: every method adds a node and returns the name of its output."""

    def __init__(self, seed: int = 0, opset: int = 17) -> None:
        self.random = np.random.default_rng(seed)
        self.opset = opset
        self.batch: int | str = "n"
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = self.random.uniform(low, high, shape).astype(np.float32)
        return name

    def integers(self, *values: int) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values, np.int64)
        return name

    def scalar(self, value: float) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, np.float32)
        return name

    def add(self, op: str, inputs: Sequence[str], outputs: int = 1, name: str = "", **attributes: Any) -> Any:
        name = name or f"{op.lower()}{len(self.nodes)}"
        ends = [f"{name}_out{i}" for i in range(outputs)]
        self.nodes.append(onnx.helper.make_node(op, list(inputs), ends, name, **attributes))
        return ends[0] if outputs == 1 else ends

    def conv(
        self, x: str, inputs: int, outputs: int, kernel: int = 1, group: int = 1, **attributes: Any
    ) -> str:
        """2-D, of the same size, with a bias."""
        bound = float(np.sqrt(3 / (inputs // group * kernel * kernel)))
        weight = self.constant(outputs, inputs // group, kernel, kernel, low=-bound, high=bound)
        pads = [kernel // 2] * 4
        return str(
            self.add("Conv", [x, weight, self.constant(outputs)], group=group, pads=pads, **attributes)
        )

    def norm(self, x: str, channels: int) -> str:
        parameters = [self.constant(channels) for _ in range(3)] + [self.constant(channels, low=0.5)]
        return str(self.add("BatchNormalization", [x, *parameters]))

    def relu(self, x: str) -> str:
        return str(self.add("Relu", [x]))

    def gemm(self, x: str, inputs: int, outputs: int, **attributes: Any) -> str:
        bound = float(np.sqrt(3 / inputs))
        weight = self.constant(outputs, inputs, low=-bound, high=bound)
        return str(self.add("Gemm", [x, weight, self.constant(outputs)], transB=1, **attributes))

    def model(self, inputs: Mapping[str, Sequence[Any]], outputs: Sequence[str]) -> onnx.ModelProto:
        ends = dict.fromkeys(outputs)
        return model_of(self.nodes, self.constants, inputs, ends, opset=self.opset, ir_version=9)
