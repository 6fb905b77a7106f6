"""Toy networks: nodes and constants become an ONNX model in one place, and so does the small classifier that most tests make smaller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

__all__ = ["classifier", "info", "model_of", "save"]

Ends = Mapping[str, Any] | Sequence[ValueInfoProto]


def info(name: str, dims: Any = None, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    """An input or output; dims None: its rank is not said."""
    return helper.make_tensor_value_info(name, kind, None if dims is None else list(dims))


def _constant(name: str, value: Any) -> TensorProto:
    array = np.asarray(value)
    return numpy_helper.from_array(array.astype(np.float32) if array.dtype == np.float64 else array, name)


def _ends(ends: Ends) -> list[ValueInfoProto]:
    return [info(name, dims) for name, dims in ends.items()] if isinstance(ends, Mapping) else list(ends)


def model_of(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, Any] | Sequence[TensorProto],
    inputs: Ends,
    outputs: Ends,
    *,
    opset: int = 17,
    ir_version: int = 8,
    name: str = "net",
    opsets: Sequence[Any] | None = None,
    **parts: Any,
) -> ModelProto:
    """A model of one graph.

    Args:
        nodes: in order.
        constants: arrays by name (float64 becomes float32), or tensors.
        inputs, outputs: dims by name (None: unknown), or what `info` returns.
        opset, ir_version, name: of the model and its graph.
        opsets: several operator sets in the place of `opset`.
        parts: further arguments of onnx.helper.make_model, e.g. functions.
    """
    made = [_constant(*item) for item in constants.items()] if isinstance(constants, Mapping) else constants
    graph = helper.make_graph(list(nodes), name, _ends(inputs), _ends(outputs), list(made))
    sets = [helper.make_opsetid("", opset)] if opsets is None else list(opsets)
    return helper.make_model(graph, opset_imports=sets, ir_version=ir_version, **parts)


def save(model: ModelProto, path: Path) -> Path:
    """Write a model and return where it is."""
    onnx.save(model, path)
    return path


def classifier(
    weights: Mapping[str, Any],
    *,
    image: Sequence[Any] = ("N", 3, 8, 8),
    names: Sequence[str] = ("conv1", "relu1", "conv2", "relu2", "fc"),
) -> ModelProto:
    """Conv–ReLU twice, the global mean and a fully connected layer: `image` → `logits`.

    `weights` has w1 and w2 (outputs, inputs, 3, 3), w3 (classes, channels), and biases b1, b2, b3 for layers that have one.
    """

    def fed(source: str, number: int) -> list[str]:
        return [source, *(name for name in (f"w{number}", f"b{number}") if name in weights)]

    conv1, relu1, conv2, relu2, fc = names
    nodes = [
        helper.make_node("Conv", fed("image", 1), ["c1"], conv1, pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], relu1),
        helper.make_node("Conv", fed("r1", 2), ["c2"], conv2, pads=[1] * 4),
        helper.make_node("Relu", ["c2"], ["r2"], relu2),
        helper.make_node("GlobalAveragePool", ["r2"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", fed("f", 3), ["logits"], fc, transB=1),
    ]
    classes = np.shape(weights["w3"])[0]
    return model_of(nodes, weights, {"image": image}, {"logits": (image[0], classes)})
