"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

__all__ = ["write_npz", "write_text"]


def write_text(path: str | os.PathLike[str], document: str) -> None:
    """Writes the whole file or nothing. OSError that names the file where there is no such folder, or no space in it."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(document, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = str(target), None
        raise
    finally:
        draft.unlink(missing_ok=True)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz file under a temporary name, then rename it: there is no partial file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
