"""Checks a written ONNX file against the network in memory and, where it is installed, against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from aidge_core import GraphView

__all__ = [
    "TOLERANCE",
    "Verification",
    "compare_networks",
    "print_verification",
    "relative_difference",
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


def relative_difference(expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> float:
    """Largest difference of an output, relative to the largest value that is expected in it."""
    worst = 0.0
    for wanted, found in zip(expected, got, strict=True):
        wanted, found = wanted.astype(np.float64), found.astype(np.float64)
        scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-30)
        worst = max(worst, float(np.abs(found - wanted).max(initial=0.0)) / scale)
    return worst


def compare_networks(reference: GraphView, model: GraphView, provider: Any) -> float:
    """relative_difference of two compiled networks of the same inputs on the first batch of `provider`."""
    from aidge_core import SequentialScheduler
    from aidge_core.data import as_batches

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
    return Verification(engine, relative_difference(got, expected))


def write_verified(model: GraphView, out: Path, provider: Any) -> Verification:
    """Exports, then verifies the file on the first batch of `provider`; a file that fails is not left behind."""
    import aidge_onnx

    from aidge_core.data import as_batches

    batch = next(iter(as_batches(provider, model.input_specs)))
    draft = out.with_name(f".{out.name}.unverified")
    aidge_onnx.export_onnx(model, draft)
    try:
        verification = verify_export(draft, model, batch)
        if verification.passed:
            draft.replace(out)
        return verification
    finally:
        draft.unlink(missing_ok=True)


def print_verification(out: Console, path: Path, verification: Verification) -> None:
    """Says what was written and who confirmed it, or why nothing was."""
    if verification.passed:
        kilobytes = path.stat().st_size / 1000
        out.print(
            f"wrote {path} ({kilobytes:.0f} kB), same outputs as in memory by {verification.engine} "
            f"(largest difference {verification.difference:.1e} of the largest output)",
            markup=False,
        )
    else:
        out.print(
            f"{path} was not written: {verification.engine} gives other outputs than the network in memory "
            f"(difference {verification.difference:.1e} of the largest output)",
            markup=False,
        )
