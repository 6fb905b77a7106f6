"""Texts and arrays in files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO

import numpy as np
from aidge_core import _files
from aidge_core._files import check_writable

__all__ = ["check_writable", "replacing", "write_npz", "write_text"]


def replacing(path: str | os.PathLike[str]) -> AbstractContextManager[BinaryIO]:
    """A file that replaces `path`, or the target of a symbolic link there, when it is complete; see aidge_core._files.replacing."""
    return _files.replacing(path, follow=True)


def write_text(path: str | os.PathLike[str], document: str) -> None:
    """Writes the whole file or nothing. OSError that names the file if it cannot be written."""
    with replacing(path) as file:
        file.write(document.encode("utf-8"))


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an .npz file, whole or not at all. OSError that names the file if it cannot be written."""
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
