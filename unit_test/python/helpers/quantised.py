"""Small networks, and QDQ files that ONNX Runtime's own quantiser makes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, helper

from .toy import classifier, model_of

__all__ = ["NETWORKS", "feeds_for", "qdq", "run"]


def _random(*shape: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng([seed, *shape]).standard_normal(shape)
    return (values / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)


def plain() -> ModelProto:
    """Conv, ReLU, Conv, ReLU, mean, Gemm."""
    return classifier(
        {"w1": _random(8, 3, 3, 3), "b1": _random(8), "w2": _random(12, 8, 3, 3), "b2": _random(12), "w3": _random(5, 12), "b3": _random(5)}
    )  # fmt: skip


def residual() -> ModelProto:
    """BatchNorm, a residual sum, a Concat, a MaxPool and a Gemm."""
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["c1"], "conv1", pads=[1] * 4),
        helper.make_node("BatchNormalization", ["c1", "scale", "shift", "mean", "var"], ["n1"], "bn1"),
        helper.make_node("Relu", ["n1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1] * 4),
        helper.make_node("Add", ["c2", "r1"], ["s"], "sum"),
        helper.make_node("Relu", ["s"], ["r2"], "relu2"),
        helper.make_node("Conv", ["r2", "w3"], ["c3"], "conv3", group=8, pads=[1] * 4),
        helper.make_node("Concat", ["c3", "r1"], ["j"], "join", axis=1),
        helper.make_node("MaxPool", ["j"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w4", "b4"], ["logits"], "fc", transB=1),
    ]
    constants = {
        "w1": _random(8, 3, 3, 3), "w2": _random(8, 8, 3, 3), "b2": _random(8), "w3": _random(8, 1, 3, 3), "w4": _random(5, 256),
        "b4": _random(5), "scale": 1 + _random(8), "shift": _random(8, seed=2), "mean": _random(8, seed=3), "var": 1 + _random(8, seed=4) ** 2,
    }  # fmt: skip
    return model_of(nodes, constants, {"image": ("N", 3, 8, 8)}, {"logits": ("N", 5)})


def upsampling() -> ModelProto:
    """A ConvTranspose that makes a larger map."""
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], "down", strides=[2, 2], pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node(
            "ConvTranspose", ["r1", "w2", "b2"], ["u"], "up", strides=[2, 2], kernel_shape=[2, 2]
        ),
        helper.make_node("Relu", ["u"], ["r2"], "relu2"),
        helper.make_node("Conv", ["r2", "w3"], ["map"], "last"),
    ]
    constants = {
        "w1": _random(8, 3, 3, 3),
        "b1": _random(8),
        "w2": _random(8, 6, 2, 2),
        "b2": _random(6),
        "w3": _random(2, 6, 1, 1),
    }
    return model_of(nodes, constants, {"image": ("N", 3, 8, 8)}, {"map": ("N", 2, 8, 8)})


def perceptron() -> ModelProto:
    """MatMul with and without a sum behind it, and a fixed batch."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m1"], "mm1"),
        helper.make_node("Add", ["m1", "b1"], ["a1"], "bias1"),
        helper.make_node("Relu", ["a1"], ["r1"], "relu1"),
        helper.make_node("MatMul", ["r1", "w2"], ["m2"], "mm2"),
        helper.make_node("Sigmoid", ["m2"], ["g"], "gate"),
        helper.make_node("Mul", ["g", "m2"], ["s"], "swish"),
        helper.make_node("MatMul", ["s", "w3"], ["y"], "mm3"),
    ]
    constants = {
        "w1": _random(10, 16).T.copy().T,
        "b1": _random(16),
        "w2": _random(16, 12),
        "w3": _random(12, 4),
    }
    return model_of(nodes, constants, {"x": (4, 10)}, {"y": (4, 4)})


def two_inputs() -> ModelProto:
    """Two inputs that go through the same weights."""
    nodes = [
        helper.make_node("Conv", ["left", "w1", "b1"], ["c1"], "conv_left", pads=[1] * 4),
        helper.make_node("Conv", ["right", "w1", "b1"], ["c2"], "conv_right", pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], "relu_left"),
        helper.make_node("Relu", ["c2"], ["r2"], "relu_right"),
        helper.make_node("Add", ["r1", "r2"], ["s"], "sum"),
        helper.make_node("GlobalAveragePool", ["s"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w2", "b2"], ["logits"], "fc", transB=1),
    ]
    constants = {"w1": _random(8, 3, 3, 3), "b1": _random(8), "w2": _random(4, 8), "b2": _random(4)}
    image = ("N", 3, 6, 6)
    return model_of(nodes, constants, {"left": image, "right": image}, {"logits": ("N", 4)})


NETWORKS: dict[str, Callable[[], ModelProto]] = {
    "plain": plain,
    "residual": residual,
    "upsampling": upsampling,
    "perceptron": perceptron,
    "two_inputs": two_inputs,
}


def feeds_for(model: ModelProto, samples: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random inputs by name; a file with a fixed batch gets that many samples."""
    random = np.random.default_rng(seed)
    feeds = {}
    for entry in model.graph.input:
        dims = [dim.dim_value or samples for dim in entry.type.tensor_type.shape.dim]
        feeds[entry.name] = random.standard_normal(dims).astype(np.float32)
    return feeds


def run(model: ModelProto, feeds: Mapping[str, np.ndarray], *, optimised: bool = False) -> list[np.ndarray]:
    """All outputs by ONNX Runtime; without optimisations, in float arithmetic between the QuantizeLinear nodes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, dict(feeds)))


class _Reader:
    def __init__(self, batches: list[dict[str, np.ndarray]]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def qdq(
    model: ModelProto,
    *,
    per_channel: bool = True,
    activations: str = "uint8",
    symmetric: bool = False,
    batches: int = 4,
    **extra: Any,
) -> ModelProto:
    """A QDQ model by ONNX Runtime's quantize_static on random data, BatchNorm folded before."""
    import contextlib
    import io
    import logging

    from onnxruntime.quantization import QuantFormat, QuantType, quant_pre_process, quantize_static

    kinds = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    data = [feeds_for(model, 8, seed) for seed in range(batches)]
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            paths = [str(Path(folder) / name) for name in ("a.onnx", "b.onnx", "c.onnx")]
            onnx.save(model, paths[0])
            quant_pre_process(paths[0], paths[1], skip_symbolic_shape=True)
            quantize_static(
                paths[1], paths[2], _Reader(data), quant_format=QuantFormat.QDQ, per_channel=per_channel, activation_type=kinds[activations],
                weight_type=QuantType.QInt8, extra_options={"ActivationSymmetric": symmetric, **extra},
            )  # fmt: skip
            return onnx.load(paths[2])
    finally:
        logging.disable(logging.NOTSET)
