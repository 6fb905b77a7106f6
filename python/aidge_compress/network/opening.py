"""From files to networks that can run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aidge_core import dtype

if TYPE_CHECKING:
    from aidge_core import GraphView

__all__ = ["compile_model", "load_and_compile", "naming_free_dims"]


def load_and_compile(path: str | os.PathLike[str]) -> GraphView:
    """Return the network of an ONNX file, compiled for the CPU."""
    import aidge_onnx

    graph = aidge_onnx.load_onnx(path)
    graph.compile("cpu")
    return graph


def compile_model(
    model: GraphView, threads: int = 0, dims: Sequence[Sequence[int]] = (), **options: str
) -> None:
    """Compiles for the CPU with the backend's `options`; `threads` 0 leaves their number to OpenMP."""
    if threads:
        import aidge_backend_cpu

        aidge_backend_cpu.set_num_threads(threads)
    with naming_free_dims(
        model, dims, "fix them in the file (python -m onnxruntime.tools.make_dynamic_shape_fixed)"
    ):
        model.compile("cpu", dtype.float32, 0, [list(entry) for entry in dims], **options)


@contextmanager
def naming_free_dims(model: GraphView, given: Sequence[Any], cure: str) -> Iterator[None]:
    """Where no dims were given, adds to a ValueError that some behind the batch are free, which may be why, and what to do."""
    try:
        yield
    except ValueError as error:
        free = [entry.name for entry in model.input_specs if entry.dims and None in list(entry.dims)[1:]]
        if given or not free:
            raise
        raise ValueError(
            f"{error}; the file leaves dims of {', '.join(free)} free, which were taken as 1: {cure}"
        ) from error
