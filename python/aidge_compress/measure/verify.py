"""Checks a written ONNX file against the network in memory and, if it is installed, against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler
from aidge_core.data import as_batches

from ..network.opening import compile_model
from .metrics import relative_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aidge_core import GraphView

__all__ = [
    "TOLERANCE",
    "Verification",
    "VerificationError",
    "compare_networks",
    "verify_export",
    "write_verified",
]

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


class VerificationError(Exception):
    """A written file does not compute what the network in memory computes."""


def compare_networks(reference: GraphView, model: GraphView, provider: Any) -> float:
    """relative_difference of two compiled networks of the same inputs on the first batch of `provider`."""
    batch = next(iter(as_batches(provider, model.input_specs)))
    outputs = [
        [np.asarray(out).copy() for out in SequentialScheduler(graph).forward(data=batch)]
        for graph in (reference, model)
    ]
    return relative_difference(*outputs)


def _run_written(path: Path, feeds: dict[str, np.ndarray]) -> tuple[str, list[np.ndarray]]:
    try:
        import onnxruntime
    except ImportError:
        import aidge_onnx

        graph = aidge_onnx.load_onnx(path)
        compile_model(graph, dims=[array.shape for array in feeds.values()])
        return "aidge (onnxruntime is not installed)", [
            np.asarray(out) for out in SequentialScheduler(graph).forward(data=list(feeds.values()))
        ]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return f"ONNX Runtime {onnxruntime.__version__}", session.run(None, feeds)


def verify_export(path: Path, model: GraphView, batch: list[Any]) -> Verification:
    """Runs the file on one batch and compares every output with `model`'s."""
    names = [spec.name for spec in model.input_specs]
    feeds = {name: np.asarray(array) for name, array in zip(names, batch, strict=False)}
    expected = [np.asarray(out) for out in SequentialScheduler(model).forward(data=list(feeds.values()))]
    engine, got = _run_written(path, feeds)
    return Verification(engine, relative_difference(got, expected))


def write_verified(
    model: GraphView, out: Path, provider: Any, notes: Mapping[str, str] | None = None
) -> Verification:
    """Exports, with `notes` on the nodes, then verifies the file on the first batch of `provider`; a file that fails is not left behind."""
    import aidge_onnx

    batch = next(iter(as_batches(provider, model.input_specs)))
    draft = out.with_name(f".{out.name}.unverified")
    aidge_onnx.export_onnx(model, draft, notes=notes)
    try:
        verification = verify_export(draft, model, batch)
        if verification.passed:
            draft.replace(out)
        return verification
    finally:
        draft.unlink(missing_ok=True)
