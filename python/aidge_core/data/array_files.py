"""Reads .npz and .npy files; one that is damaged is a ValueError that names it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from .arrays import Array

__all__ = ["is_array_file", "naming_damage", "read_arrays"]

_SUFFIXES = (".npz", ".npy")
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")


def is_array_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends in .npz or .npy, in capitals or not."""
    return os.fspath(path).lower().endswith(_SUFFIXES)


def read_arrays(path: str | os.PathLike[str], names: Sequence[str] | None = None) -> dict[str, Array]:
    """Return the arrays of an .npz file by name, or the only array of an .npy file under the name "".

    Args:
        path: the file. Arrays of Python objects are refused.
        names: which arrays of an .npz file; None: all in the file's order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is empty, damaged or another kind of file, or if a name is missing.
    """
    with open(path, "rb") as file:  # opened here: NumPy leaves a broken file open
        with naming_damage(path):
            loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"": loaded}
        missing = [name for name in names or () if name not in loaded.files]
        if missing or not loaded.files:
            raise ValueError(
                f"[data::from_npz] expected {missing or 'arrays'} in {os.fspath(path)}, got {loaded.files}"
            )
        with naming_damage(path):
            return {name: loaded[name] for name in (names or loaded.files)}


@contextmanager
def naming_damage(path: str | os.PathLike[str]) -> Iterator[None]:
    """What np.load raises for a file that is not what it should be becomes a ValueError that names the file."""
    try:
        yield
    except Exception as error:  # NumPy, zipfile and tokenize raise a dozen types for a changed byte
        raise ValueError(
            f"[data::from_npz] expected an .npz or .npy file of numbers, got {os.fspath(path)}: {_damage(path, error)}"
        ) from error


def _damage(path: str | os.PathLike[str], error: Exception) -> str:
    """What is wrong with a file that could not be read."""
    with open(path, "rb") as file:
        start = file.read(6)
    if not start:
        return "it is empty"
    if not start.startswith(_MAGIC):
        return "it is not a NumPy file"
    if "allow_pickle" in str(error):
        return "it holds Python objects, which are not read"
    return f"it is damaged ({error})"
