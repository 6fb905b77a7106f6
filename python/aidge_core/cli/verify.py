"""Checks a written ONNX file against the network in memory and, where it is installed, against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from aidge_core import GraphView

__all__ = ["Verification", "verify_export"]

TOLERANCE = 1e-4
"""Largest difference that counts as the same, relative to the largest output."""


@dataclass(frozen=True)
class Verification:
    """Who ran the written file ("ONNX Runtime 1.31.1" or "aidge"), and the largest difference relative to the largest output."""

    engine: str
    difference: float

    @property
    def passed(self) -> bool:
        """Whether every output is the same to 1e-4 of the largest."""
        return self.difference <= TOLERANCE


def _run_written(path: Path, feeds: dict[str, np.ndarray]) -> tuple[str, list[np.ndarray]]:
    try:
        import onnxruntime
    except ImportError:
        import aidge_onnx

        from aidge_core import SequentialScheduler
        from aidge_core.cli.common import compile_model

        graph = aidge_onnx.load_onnx(path)
        compile_model(graph, dims=[array.shape for array in feeds.values()])
        return "aidge (onnxruntime is not installed)", [
            np.asarray(out) for out in SequentialScheduler(graph).forward(data=list(feeds.values()))
        ]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return f"ONNX Runtime {onnxruntime.__version__}", session.run(None, feeds)


def verify_export(path: Path, model: GraphView, batch: list[Any]) -> Verification:
    """Runs the file on one batch and compares every output with `model`'s."""
    from aidge_core import SequentialScheduler

    names = [spec.name for spec in model.input_specs]
    feeds = {name: np.asarray(array) for name, array in zip(names, batch, strict=False)}
    expected = [np.asarray(out) for out in SequentialScheduler(model).forward(data=list(feeds.values()))]
    engine, got = _run_written(path, feeds)
    worst = 0.0
    for ours, theirs in zip(expected, got, strict=True):
        scale = max(float(np.abs(theirs).max(initial=0.0)), 1e-30)
        worst = max(worst, float(np.abs(ours - theirs).max(initial=0.0)) / scale)
    return Verification(engine, worst)
