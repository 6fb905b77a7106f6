"""ONNX Runtime as the judge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime as ort

__all__ = ["TOLERANCE", "run_ort", "same"]

TOLERANCE = 2e-5
"""Of the largest output: two orders of summation in float32, over chains of a dozen layers."""
_LEAST = 1e-2
"""Outputs smaller than this everywhere are what is left of bigger numbers."""

_OPTIONS = ort.SessionOptions()
_OPTIONS.log_severity_level = 4
_OPTIONS.intra_op_num_threads = 1
_OPTIONS.inter_op_num_threads = 1
_OPTIONS.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
_OPTIONS.add_session_config_entry("session.intra_op.allow_spinning", "0")


def run_ort(model: onnx.ModelProto | bytes, *feeds: Mapping[str, np.ndarray]) -> list[list[np.ndarray]]:
    """For each of the feeds the model's outputs, computed without any optimisation."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    session = ort.InferenceSession(data, _OPTIONS, providers=["CPUExecutionProvider"])
    return [[np.asarray(out) for out in session.run(None, dict(feed))] for feed in feeds]


def same(expected: np.ndarray, got: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    """Equal dims, and values that differ by no more than the tolerance times the largest of them."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return False
    scale = max(float(np.abs(expected).max(initial=0.0)), _LEAST)
    return bool(np.abs(got - expected).max(initial=0.0) <= tolerance * scale)
