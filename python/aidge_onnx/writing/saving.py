"""Writes files under a temporary name in the same directory and renames them when they are complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from aidge_core._files import replacing
from onnx import ModelProto, TensorProto

from ..tensors import onnx_type_of

__all__ = ["replace_files"]

_ALIGNMENT = 4096


def replace_files(
    path: Path, model: bytes | ModelProto, arrays: dict[str, np.ndarray[Any, Any]] | None = None
) -> None:
    """Writes the model; `arrays`, where given, become its initialisers in `<path>.data` beside it."""
    if isinstance(model, bytes):
        with replacing(path) as file:
            file.write(model)
        return
    data_path = path.with_name(path.name + ".data")
    with replacing(path) as file, replacing(data_path) as data:
        for name, array in (arrays or {}).items():
            model.graph.initializer.append(_store(data, array, name, data_path.name))
        file.write(model.SerializeToString(deterministic=True))


def _store(file: BinaryIO, array: np.ndarray[Any, Any], name: str, location: str) -> TensorProto:
    file.write(b"\0" * (-file.tell() % _ALIGNMENT))
    contiguous = np.ascontiguousarray(array)
    tensor = TensorProto(name=name, data_type=onnx_type_of(array.dtype), data_location=TensorProto.EXTERNAL)
    tensor.dims.extend(array.shape)
    entries = {"location": location, "offset": str(file.tell()), "length": str(contiguous.nbytes)}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    file.write(
        contiguous.astype(contiguous.dtype.newbyteorder("<"), copy=False).data.cast("B")
        if contiguous.size
        else b""
    )
    return tensor
