"""Frees the batch of a model whose file fixes it."""

from __future__ import annotations

from .source import Source

__all__ = ["free_batch"]


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
