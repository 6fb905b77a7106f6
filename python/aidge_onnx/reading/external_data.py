"""Reads tensors that live outside the model file, from inside the model's own directory and from nowhere
else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]
from onnx import ModelProto, TensorProto

from ..errors import InvalidModelError
from ..tensors import byte_count, check_tensor
from .checks import tensors_of

__all__ = ["ExternalData", "internalize", "model_files"]

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_HAS_DIR_FD = os.open in os.supports_dir_fd and bool(_NO_FOLLOW)
_OPEN_FILE = (
    os.O_RDONLY
    | _NO_FOLLOW
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


@dataclass(frozen=True)
class ExternalData:
    """Where a tensor's bytes are: a path relative to the model, and a range in that file (`length` None: as
    many as it needs)."""

    parts: tuple[str, ...]
    offset: int
    length: int | None

    @classmethod
    def parse(cls, tensor: TensorProto, where: str) -> ExternalData:
        """Reads and checks the entry.

        InvalidModelError on a path that leaves the directory or on bad numbers.
        """
        entries: dict[str, str] = {}
        for entry in tensor.external_data:
            if entry.key in entries:
                raise InvalidModelError(f"{where}: external data names {entry.key!r} twice")
            entries[entry.key] = entry.value
        length = entries.get("length")
        return cls(
            _checked_parts(entries.get("location", ""), where),
            _number(entries.get("offset", "0"), "offset", where),
            None if length is None else _number(length, "length", where),
        )


def model_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the file of a model and, behind it, the files that its external data is in, each once.

    A file that is not an ONNX model, and data that is not there, add nothing. OSError if the file cannot be read.
    """
    file = Path(path)
    model = ModelProto()
    with suppress(DecodeError, InvalidModelError):
        model.ParseFromString(file.read_bytes())
        tensors = (tensor for part in [model.graph, *model.functions] for tensor, _ in tensors_of(part))
        outside = [tensor for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL]
        places = (file.parent.joinpath(*ExternalData.parse(tensor, tensor.name).parts) for tensor in outside)
        return [file, *dict.fromkeys(place for place in places if place.is_file())]
    return [file]


def _number(text: str, what: str, where: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise InvalidModelError(f"{where}: bad {what} {text[:40]!r} of external data")
    return int(text)


def _checked_parts(location: str, where: str) -> tuple[str, ...]:
    windows = PureWindowsPath(location)
    parts = PurePosixPath(location).parts
    if (
        not location
        or "\0" in location
        or "\\" in location
        or windows.drive
        or windows.root
        or location.startswith("/")
    ):
        raise InvalidModelError(
            f"{where}: external data at {location[:80]!r}, expected a relative path with forward slashes"
        )
    if not parts or any(part in ("..", ".", "") for part in parts):
        raise InvalidModelError(
            f"{where}: external data at {location[:80]!r} leaves the model's directory or names no file"
        )
    return parts


@contextmanager
def _opened(base: Path, parts: tuple[str, ...], where: str) -> Iterator[int]:
    """A descriptor of the regular, singly linked file; no step of the way below `base` is followed through
    a link."""
    handles: list[int] = []
    try:
        try:
            if _HAS_DIR_FD:
                handles.append(os.open(base, os.O_RDONLY | os.O_DIRECTORY))
                for part in parts[:-1]:
                    handles.append(
                        os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW, dir_fd=handles[-1])
                    )
                handles.append(os.open(parts[-1], _OPEN_FILE, dir_fd=handles[-1]))
            else:
                for depth in range(1, len(parts) + 1):
                    if base.joinpath(*parts[:depth]).is_symlink():
                        raise InvalidModelError(
                            f"{where}: external data {'/'.join(parts)!r} leads through a symbolic link"
                        )
                handles.append(os.open(base.joinpath(*parts), _OPEN_FILE))
        except OSError as error:
            raise InvalidModelError(
                f"{where}: external data {'/'.join(parts)!r} cannot be opened without following links: "
                f"{error.strerror}"
            ) from error
        status = os.fstat(handles[-1])
        if not stat.S_ISREG(status.st_mode):
            raise InvalidModelError(f"{where}: external data {'/'.join(parts)!r} is not a regular file")
        if status.st_nlink > 1:
            raise InvalidModelError(f"{where}: external data {'/'.join(parts)!r} is a hard link")
        yield handles[-1]
    finally:
        for handle in reversed(handles):
            os.close(handle)


def _read_exactly(handle: int, count: int, where: str) -> bytes:
    with os.fdopen(os.dup(handle), "rb", buffering=0) as file:
        data = bytearray(count)
        view = memoryview(data)
        done = 0
        while done < count:
            got = file.readinto(view[done:])
            if not got:
                raise InvalidModelError(f"{where}: external data ends after {done} of {count} bytes")
            done += got
    return bytes(data)


def internalize(tensor: TensorProto, base: Path | None, where: str) -> None:
    """Brings the tensor's external bytes into its raw data (in place).

    InvalidModelError if anything is not as it must be.
    """
    check_tensor(tensor, where, external=True)
    entry = ExternalData.parse(tensor, where)
    if base is None:
        raise InvalidModelError(
            f"{where}: external data in {'/'.join(entry.parts)!r}, but the model was not read from a file; "
            "pass base_dir"
        )
    needed = byte_count(tensor, where)
    if entry.length is not None and entry.length != needed:
        raise InvalidModelError(
            f"{where}: {entry.length} bytes of external data, but type and dims {list(tensor.dims)} "
            f"need {needed}"
        )
    with _opened(base, entry.parts, where) as handle:
        size = os.fstat(handle).st_size
        if entry.offset + needed > size:
            raise InvalidModelError(
                f"{where}: external data up to byte {entry.offset + needed} of a file of {size}"
            )
        os.lseek(handle, entry.offset, os.SEEK_SET)
        data = _read_exactly(handle, needed, where)
    del tensor.external_data[:]
    tensor.ClearField("data_location")
    tensor.raw_data = data
