"""From files to networks that can run."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aidge_core import GraphView, dtype
from aidge_core.data import as_batches, as_provider

from .layers import warn_of_broken_layers
from .sources import batches_of

if TYPE_CHECKING:
    from typing import TypeAlias

    import torch
    from onnx import ModelProto

    NetworkSource: TypeAlias = str | os.PathLike[str] | bytes | ModelProto | GraphView | torch.nn.Module
    """What every verb takes as a network."""

__all__ = ["compile_for", "compile_model", "load_and_compile", "naming_free_dims", "open_network", "prepare"]


def load_and_compile(path: str | os.PathLike[str]) -> GraphView:
    """Return the network of an ONNX file, compiled for the CPU."""
    import aidge_onnx

    graph = aidge_onnx.load_onnx(path, in_float32=True)
    warn_of_broken_layers(graph)
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


def compile_for(model: GraphView, provider: Any, threads: int = 0) -> None:
    """Compile as `compile_model`; dims behind the batch that the file leaves free are those of the first batch of `provider`.

    Raises:
        ValueError: if `provider` has no batches, the first one does not fit, or the network takes other sizes.
    """
    if not any(entry.dims is None or None in list(entry.dims)[1:] for entry in model.input_specs):
        compile_model(model, threads)
        return
    first = next(iter(as_batches(provider, model.input_specs)), None)
    if first is None:
        raise ValueError("[network::open] expected data with at least one batch, got none")
    dims = []
    for tensor, entry in zip(first, model.input_specs, strict=True):
        batch = (
            tensor.dims[:1] if entry.dims is None else [1 if dim is None else dim for dim in entry.dims[:1]]
        )
        dims.append([*batch, *tensor.dims[1:]])
    compile_model(model, threads, dims)


@contextmanager
def naming_free_dims(model: GraphView, given: Sequence[Any], cure: str) -> Iterator[None]:
    """If no dims were given, adds to a ValueError that free dims behind the batch may be its cause, and how to set them."""
    try:
        yield
    except ValueError as error:
        free = [entry.name for entry in model.input_specs if entry.dims and None in list(entry.dims)[1:]]
        if given or not free:
            raise
        raise ValueError(
            f"{error}; the file leaves dims of {', '.join(free)} free, which were taken as 1: {cure}"
        ) from error


def open_network(source: NetworkSource, data: Any = None, dims: Sequence[Sequence[int]] = ()) -> GraphView:
    """Return a network in memory that is the caller's own, from any form of source; the source is not changed.

    Args:
        source: the path of an ONNX file, its bytes, an onnx.ModelProto, a GraphView (a copy is returned, compiled as the source is), or a
            torch.nn.Module.
        data: for a module: batches; the leading entries of the first one are the example inputs.
        dims: for a module without data: one list per input; zeros in float32 of these dims are the example inputs.

    Raises:
        TypeError: if `source` is none of these.
        ValueError: for a module without data and dims.
        InvalidModelError, OSError: as aidge_onnx.load_onnx raises them. UnsupportedError: as aidge_onnx.torch.from_torch does.
    """
    import aidge_onnx
    from onnx import ModelProto

    if isinstance(source, GraphView):
        copy = source.clone()
        if source.is_compiled:
            copy.compile(source.backend, dims=source.compiled_dims)
        return copy
    if isinstance(source, (str, os.PathLike, bytes, ModelProto)):
        graph = aidge_onnx.load_onnx(source, in_float32=True)
        warn_of_broken_layers(graph)
        return graph
    loaded = sys.modules.get("torch")
    if loaded is not None and isinstance(source, loaded.nn.Module):
        return _from_module(source, data, dims)
    raise TypeError(
        "[network::open] expected the path or the bytes of an ONNX file, a ModelProto, a GraphView or a torch.nn.Module, got "
        f"{type(source).__name__}"
    )


def _from_module(module: Any, data: Any, dims: Sequence[Sequence[int]]) -> GraphView:
    import numpy as np
    import torch
    from aidge_onnx.torch import from_torch

    if data is None and dims:
        return from_torch(module, tuple(torch.zeros(*entry) for entry in dims))
    if data is None:
        raise ValueError(
            "[network::open] expected dims or data from which to take example inputs of the module, got none: "
            "aidge_compress.from_torch(module, example_inputs)"
        )
    batch = next(iter(as_provider(data)))
    entries = list(batch) if isinstance(batch, (list, tuple)) else [batch]
    parameters = inspect.signature(module.forward).parameters.values()
    count = sum(
        entry.default is entry.empty and entry.kind is entry.POSITIONAL_OR_KEYWORD for entry in parameters
    )
    examples = tuple(torch.as_tensor(np.asarray(entry)) for entry in entries[: max(1, count)])
    return from_torch(module, examples)


def prepare(source: NetworkSource, data: Any) -> tuple[GraphView, Any]:
    """Return (network, provider of batches): the network is a copy, compiled as the source is or else for the first batch.

    Raises as open_network and batches_of do; ValueError if the data has no batches.
    """
    if data is not None and not isinstance(data, (str, os.PathLike)):
        data = as_provider(data)
        data = list(data) if isinstance(data, Iterator) else data  # an iterator can be read only once
    graph = open_network(source, data)
    provider = batches_of(data, graph)
    if not graph.is_compiled:
        first = next(iter(as_batches(provider, graph.input_specs)), None)
        if first is None:
            raise ValueError("[network::open] expected data with at least one batch, got none")
        graph.compile("cpu", dims=[list(tensor.dims) for tensor in first])
    return graph, provider
