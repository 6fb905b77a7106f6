"""Checks a written ONNX file, in ONNX Runtime if that is installed, against the network in memory and the file that was read."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler, UnsupportedError
from aidge_core.data import as_batches
from aidge_onnx.tensors import dtype_name

from ..files import check_writable
from ..network.opening import compile_model
from .feeds import open_session, run_session, runtime_name
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
_QUANTISED_TOLERANCE = 2.0 / 255.0
_TOLERANCES = {"float16": 10 * 2.0**-10, "bfloat16": 10 * 2.0**-7}


_IN_MEMORY = "the network in memory"


@dataclass(frozen=True)
class Verification:
    """How a written file compares.

    Attributes:
        engine: who ran the file, "ONNX Runtime 1.31.1" or "aidge".
        difference: the largest one, relative to the largest output.
        tolerance: the largest difference that passes.
        tested, reference: whose outputs were compared.
        note: why nothing was compared with the file that was read; "" if that was done, or no file is known.
    """

    engine: str
    difference: float
    tolerance: float = TOLERANCE
    tested: str = "the written file"
    reference: str = _IN_MEMORY
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether every output is the same within the tolerance."""
        return self.difference <= self.tolerance

    @property
    def failure(self) -> str:
        """What differs, in words."""
        return (
            f"{self.tested} gives other outputs than {self.reference} by {self.engine} "
            f"(difference {self.difference:.1e} of the largest output)"
        )


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


def _run_file(path: Path, feeds: Mapping[str, np.ndarray], narrow: str = "") -> tuple[str, list[np.ndarray]]:
    """(who ran it, outputs). Without optimisations: those of quantised networks change what is computed.

    narrow: the type of the network's layers if it is not float32; ONNX Runtime may have no kernels for it.
    """
    try:
        session = open_session(path, optimised=False)
    except ImportError:
        return "aidge (onnxruntime is not installed)", _run_here(path, feeds)
    except UnsupportedError:
        if not narrow:
            raise
        return f"aidge (ONNX Runtime cannot run {narrow})", _run_here(path, feeds)
    return runtime_name(), run_session(session, feeds)


def _run_here(path: Path, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    import aidge_onnx

    graph = aidge_onnx.load_onnx(path, in_float32=True)
    compile_model(graph, dims=[array.shape for array in feeds.values()])
    data = [feeds[spec.name] for spec in graph.input_specs]
    return [np.asarray(out).copy() for out in SequentialScheduler(graph).forward(data=data)]


def _source_of(model: GraphView) -> tuple[Path | None, str]:
    """(the file that the network was read from, why it cannot be compared with)."""
    text = dict(model.metadata).get("onnx.source")
    if text is None:
        return None, ""
    name, size, time = json.loads(text)
    path = Path(name)
    try:
        state = path.stat()
    except OSError:
        return None, f"{path.name}, which was read, is not there any more"
    if (state.st_size, state.st_mtime_ns) != (size, time):
        return None, f"{path.name} has changed since it was read"
    return path, ""


def _float_type(model: GraphView) -> str:
    """The type of the layers in the file that the network was read from; "" for float32."""
    text = dict(model.metadata).get("onnx.float_types")
    return "" if text is None else dtype_name(json.loads(text)["default"])


def _tolerance(model: GraphView) -> float:
    """1e-4; ten roundings of float16 or bfloat16; two steps of 8 bits for quantised networks, in which rounding takes a value to a neighbour."""
    quantised = any(node.type().endswith("QuantizeLinear") for node in model.get_ordered_nodes())
    return max(_TOLERANCES.get(_float_type(model), TOLERANCE), _QUANTISED_TOLERANCE if quantised else 0.0)


def verify_export(path: Path, model: GraphView, batch: list[Any], *, exact: bool = False) -> Verification:
    """Run the file on one batch, and compare every output.

    exact: with the outputs of the file that `model` was read from, if that is known. Otherwise with those of `model`, after a check that the
        file was read as ONNX Runtime understands it.
    """
    names = [spec.name for spec in model.input_specs]
    feeds = {name: np.asarray(array) for name, array in zip(names, batch, strict=False)}
    tolerance = _tolerance(model)
    narrow = _float_type(model)
    engine, got = _run_file(path, feeds, narrow)
    source, note = _source_of(model) if engine.startswith("ONNX Runtime") else (None, "")
    expected = None
    if source is not None:
        try:
            expected = _run_file(source, feeds)[1]
        except UnsupportedError as error:
            note = str(error)
    if source is not None and expected is not None:
        if exact:
            return Verification(engine, relative_difference(expected, got), tolerance, reference=source.name)
        read = relative_difference(expected, _run_here(source, feeds))
        if not read <= tolerance:
            return Verification(engine, read, tolerance, "the network as it was read", source.name)
    here = [np.asarray(out) for out in SequentialScheduler(model).forward(data=list(feeds.values()))]
    return Verification(engine, relative_difference(here, got), tolerance, note=note)


def _as_written(model: GraphView) -> GraphView:
    """The network itself, or a compiled copy with its integer constants rounded as a file has them."""
    import aidge_onnx

    if "onnx.quantised" not in dict(model.metadata):
        return model
    copy = model.clone()
    aidge_onnx.requantise(copy)
    copy.compile(model.backend, dims=model.compiled_dims)
    return copy


def write_verified(
    model: GraphView,
    out: Path,
    provider: Any,
    notes: Mapping[str, str] | None = None,
    *,
    exact: bool = False,
) -> Verification:
    """Exports, with `notes` on the nodes, then verifies the file on the first batch of `provider`; a file that fails is not left behind.

    exact: see verify_export. Constants that the file holds as integers are compared as it holds them.
    """
    import aidge_onnx

    model = _as_written(model)
    batch = next(iter(as_batches(provider, model.input_specs)))
    check_writable(out)
    target = Path(os.path.realpath(out))
    with tempfile.TemporaryDirectory(prefix=".unverified.", dir=target.parent) as folder:
        draft = (
            Path(folder) / target.name
        )  # external data is named after the file, so that it has its last name from the start
        aidge_onnx.export_onnx(model, draft, notes=notes)
        verification = verify_export(draft, model, batch, exact=exact)
        if verification.passed:
            for file in reversed(aidge_onnx.model_files(draft)):
                file.replace(target.with_name(file.name))
    return verification
