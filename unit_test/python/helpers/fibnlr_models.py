"""Small networks and their batches that the tests of FIBNLR share."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import onnx

from helpers.toy import model_of

RELATIVE = 1e-6

Parameters = aidge_core.fibnlr_Parameters


def small_model(*activations: aidge_core.Node) -> aidge_core.GraphView:
    """A chain of activations over inputs of (4, 2, 3, 3), compiled."""
    nodes = list(activations) or [aidge_core.ReLU(name="a"), aidge_core.ReLU(name="b")]
    model = aidge_core.sequential(nodes)
    model.compile("cpu", dims=[[4, 2, 3, 3]])
    return model


def small_batches(count: int = 5, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(0.1, 1.0, (4, 2, 3, 3)).astype(np.float32) for _ in range(count)]


def endless(**options: Any) -> Parameters:
    return Parameters(convergence_threshold=0.0, **options)


def relu_network(seed: int) -> onnx.ModelProto:
    """Conv, ReLU, Conv, LeakyReLU, residual Add, ReLU, with random weights."""
    random = np.random.default_rng(seed)

    def weight(name: str, *dims: int) -> onnx.TensorProto:
        values = random.normal(0, 0.4, dims).astype(np.float32)
        return onnx.numpy_helper.from_array(values, name)

    make = onnx.helper.make_node
    nodes = [
        make("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        make("Relu", ["c1"], ["r1"], "relu1"),
        make("Conv", ["r1", "w2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        make("LeakyRelu", ["c2"], ["r2"], "leaky", alpha=0.1),
        make("Add", ["r1", "r2"], ["s"], "sum"),
        make("Relu", ["s"], ["y"], "relu2"),
    ]
    weights = [weight("w1", 6, 3, 3, 3), weight("b1", 6), weight("w2", 6, 6, 3, 3)]
    return model_of(nodes, weights, {"x": ["batch", 3, 9, 7]}, {"y": ["batch", 6, 9, 7]})
