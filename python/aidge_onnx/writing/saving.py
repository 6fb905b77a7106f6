"""Writes files under a temporary name in the same directory and renames them when they are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from onnx import ModelProto, TensorProto

from ..tensors import onnx_type_of

__all__ = ["replace_files"]

_ALIGNMENT = 4096


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` at the end of the block, and vanishes if the block raises. An OSError names `path`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise


def replace_files(
    path: Path, model: bytes | ModelProto, arrays: dict[str, np.ndarray[Any, Any]] | None = None
) -> None:
    """Writes the model; `arrays`, where given, become its initialisers in `<path>.data` beside it."""
    if isinstance(model, bytes):
        with _replacing(path) as file:
            file.write(model)
        return
    data_path = path.with_name(path.name + ".data")
    with _replacing(path) as file, _replacing(data_path) as data:
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
