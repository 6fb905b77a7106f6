"""The batch size of a model: frees one that the file fixes, and finds the only one that a model takes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import aidge_core
import numpy as np

from .source import OnnxNode, Source

__all__ = ["fix_batch", "free_batch"]


def free_batch(source: Source) -> None:
    """Makes the first dim of every graph input free under one name, and the first element of Reshape
    targets that start with it 0.

    Models whose inputs do not agree on the first dim are left as they are."""
    shapes = [value.type.tensor_type.shape for value in source.inputs]
    fixed = {
        shape.dim[0].dim_value for shape in shapes if len(shape.dim) and shape.dim[0].HasField("dim_value")
    }
    if len(fixed) != 1 or any(not len(shape.dim) for shape in shapes):
        return
    (size,) = fixed
    taken = {dim.dim_param for shape in shapes for dim in shape.dim}
    name = next(name for name in ("batch", "batch_size", "N", "batch_") if name not in taken)
    for shape in shapes:
        if shape.dim[0].HasField("dim_value"):
            shape.dim[0].dim_param = name
    for value in source.outputs:
        dims = value.type.tensor_type.shape.dim
        if len(dims) and dims[0].dim_value == size:
            dims[0].dim_param = name
    source.freed_batch = (name, size)


def fix_batch(graph: aidge_core.GraphView, source: Source, name_of: Callable[[OnnxNode], str]) -> None:
    """Fixes a free batch if the target of a Reshape allows one size only, as `x.view(8, -1)` does, and warns.

    `name_of` gives the name that a node has in the graph. Nothing changes if a batch of 1 fits, if another dim of an input is free, or if no size fits.
    """
    specs = graph.input_specs
    if not specs or any(not spec.dims or spec.dims[0] is not None or None in spec.dims[1:] for spec in specs):
        return
    reshapes = {
        size: node for node in reversed(source.nodes) if (size := _fixed_size(node, source)) is not None
    }
    if not reshapes or _fits(graph, 1):
        return
    for size, node in reshapes.items():
        for batch in _divisors(size):
            if _fits(graph, batch):
                graph.set_inputs(
                    [
                        aidge_core.GraphInput(
                            spec.name, spec.targets, [batch, *(spec.dims or [])[1:]], spec.dtype
                        )
                        for spec in specs
                    ]
                )
                warnings.warn(
                    f'the file leaves the batch size free, but node "{name_of(node)}" (Reshape) needs a batch of {batch}: the network is read with this size',
                    stacklevel=5,
                )
                return


def _fixed_size(node: OnnxNode, source: Source) -> int | None:
    """The first dim of a Reshape's constant target if it is above 1."""
    if node.op != "Reshape" or node.domain or len(node.inputs) < 2:
        return None
    target = source.constants.get(node.inputs[1])
    size = 0 if target is None or not target.size else int(np.ravel(target)[0])
    return size if size > 1 else None


def _divisors(size: int) -> list[int]:
    """The divisors above 1, the largest first; a batch is often the whole of the first dim."""
    small = [number for number in range(1, math.isqrt(size) + 1) if size % number == 0]
    return [
        number
        for number in sorted({*small, *(size // number for number in small)}, reverse=True)
        if number > 1
    ]


def _fits(graph: aidge_core.GraphView, batch: int) -> bool:
    """True if the shapes of the graph can be inferred for this batch size, or if only a run can tell them."""
    try:
        graph.infer_shapes(
            [[batch, *(dim or 1 for dim in (spec.dims or [])[1:])] for spec in graph.input_specs]
        )
    except aidge_core.UnsupportedError:
        return batch == 1
    except ValueError:
        return False
    return True
