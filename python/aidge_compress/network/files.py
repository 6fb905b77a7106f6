"""The files that a network is in, and how large they are together."""

from __future__ import annotations

import os

from ..numbers import shown

__all__ = ["file_bytes", "file_text"]


def file_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes of an ONNX file and of its external data."""
    from aidge_onnx import model_files

    return sum(file.stat().st_size for file in model_files(path))


def file_text(path: str | os.PathLike[str]) -> str:
    """The size as people read it: "1.20 MB", "1.20 MB with model.onnx.data"."""
    from aidge_onnx import model_files

    beside = [file.name for file in model_files(path)[1:]]
    return shown(file_bytes(path), "bytes") + (f" with {', '.join(beside)}" if beside else "")
