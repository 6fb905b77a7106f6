"""Sessions of ONNX Runtime: how they are opened, what they are fed with, and how they fail."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aidge_core
import numpy as np

__all__ = ["open_session", "run_session", "runtime_name", "session_feeds"]

_TYPES = {"float": "float32", "double": "float64"}


def session_feeds(session: Any, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """An array for every input of an onnxruntime.InferenceSession, in the type that it declares.

    given: arrays by name; those that are not inputs are left out. Inputs that are not given, which nothing reads, become zeros.
    """
    feeds = {}
    for entry in session.get_inputs():
        text = entry.type.removeprefix("tensor(").removesuffix(")")
        dtype = np.dtype(_TYPES.get(text, text))
        shape = [dim if isinstance(dim, int) else 1 for dim in entry.shape]
        array = given.get(entry.name)
        feeds[entry.name] = np.zeros(shape, dtype) if array is None else array.astype(dtype, copy=False)
    return feeds


def open_session(source: str | os.PathLike[str] | bytes, *, threads: int = 0, optimised: bool = True) -> Any:
    """Return an onnxruntime.InferenceSession on the CPU that prints nothing.

    Args:
        source: the path or the bytes of an ONNX file.
        threads: threads of an operator; 0: as ONNX Runtime chooses.
        optimised: False turns off the optimisations of the graph; those of quantised networks change what is computed.

    Raises:
        ImportError: if ONNX Runtime is not installed.
        UnsupportedError: if ONNX Runtime cannot run the model, with its reason.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "[measure::open_session] expected ONNX Runtime, got none: pip install 'aidge-compress[ort]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = source if isinstance(source, bytes) else os.fspath(source)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own types, which have no common ancestor
        name = "the model" if isinstance(model, bytes) else Path(model).name
        raise _refused(name, error) from error


def runtime_name() -> str:
    """Return "ONNX Runtime" with its version. ImportError if it is not installed."""
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"


def run_session(session: Any, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the outputs for these arrays by name; see session_feeds. UnsupportedError if ONNX Runtime fails, with its reason."""
    try:
        return [np.asarray(array) for array in session.run(None, session_feeds(session, given))]
    except Exception as error:  # as above
        raise _refused("the model", error) from error


def _refused(name: str, error: Exception) -> aidge_core.UnsupportedError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return aidge_core.UnsupportedError(f"{runtime_name()} cannot run {name}: {reason}")
