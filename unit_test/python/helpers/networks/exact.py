"""The same model in float64, by ONNX's own reference evaluator: what a comparison in float32 loses to rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from .oracle import run_ort

__all__ = ["run_exactly"]

_USABLE = 1e-4
"""Of the largest output: the evaluator is wrong about some ConvTranspose and convolutions of one axis; those it does not judge."""
_FLOAT, _DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE


class BatchNormalization(OpRun):
    """In place of the evaluator's, which forgets epsilon."""

    op_domain = ""

    def _run(
        self, x: Any, scale: Any, bias: Any, mean: Any, var: Any, epsilon: float = 1e-5, **_: Any
    ) -> tuple[Any]:
        shape = (-1, *[1] * (x.ndim - 2))
        factor = scale / np.sqrt(var + epsilon)
        return (x * factor.reshape(shape) + (bias - mean * factor).reshape(shape),)


class LRN(OpRun):
    """In place of the evaluator's, whose windows are others."""

    op_domain = ""

    def _run(
        self, x: Any, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, size: int = 1
    ) -> tuple[Any]:
        square = x * x
        before, after = (size - 1) // 2, size // 2
        windows = [
            square[:, max(0, c - before) : c + after + 1].sum(axis=1, keepdims=True)
            for c in range(x.shape[1])
        ]
        return (x / (bias + alpha / size * np.concatenate(windows, axis=1)) ** beta,)


def _widen(tensor: onnx.TensorProto) -> None:
    if tensor.data_type == _FLOAT:
        values = onnx.numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


def _in_double(model: onnx.ModelProto) -> onnx.ModelProto:
    model = onnx.ModelProto.FromString(model.SerializeToString())
    narrow = {name for node in model.graph.node if node.op_type == "Resize" for name in node.input[1:]}
    for tensor in model.graph.initializer:
        if tensor.name not in narrow:
            _widen(tensor)
    for node in model.graph.node:
        for entry in node.attribute:
            if entry.name == "value" and node.op_type == "Constant" and node.output[0] not in narrow:
                _widen(entry.t)
            if entry.name == "to" and entry.i == _FLOAT:
                entry.i = _DOUBLE
    for value in [*model.graph.input, *model.graph.output]:
        if value.type.tensor_type.elem_type == _FLOAT:
            value.type.tensor_type.elem_type = _DOUBLE
    return model


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def run_exactly(model: onnx.ModelProto, *feeds: Mapping[str, np.ndarray]) -> list[list[np.ndarray]] | None:
    """The outputs for each of the feeds in float64; None if the evaluator cannot run the model, or is far from ONNX Runtime."""
    try:
        evaluator = ReferenceEvaluator(_in_double(model), new_ops=[BatchNormalization, LRN])
        results = [evaluator.run(None, {name: _wide(x) for name, x in feed.items()}) for feed in feeds]
    except (ValueError, IndexError, RuntimeError, TypeError, NotImplementedError):
        return None
    for exact, rounded in zip(results, run_ort(model, *feeds), strict=True):
        for x, y in zip(exact, rounded, strict=True):
            if x.shape != y.shape or (x.dtype != np.float64 and y.dtype == np.float32):
                return None
            if np.abs(x - y).max(initial=0.0) > _USABLE * max(np.abs(x).max(initial=0.0), 1e-2):
                return None
    return results
