"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["check_writable", "replacing"]


def _draft_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")


def check_writable(path: str | os.PathLike[str]) -> None:
    """Makes sure that `replacing` can write this file, by making an empty one beside it and removing that; an existing file is not changed.

    Raises:
        OSError: as `replacing` does, and if the path is that of a folder or a device.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(2, "no such folder", str(target.parent))
    if target.exists() and not target.is_file():
        raise OSError(17, "expected the name of a file to write, got a folder or a device", str(path))
    draft = _draft_of(target)
    try:
        draft.open("xb").close()
    except OSError as error:
        raise OSError(
            error.errno, f"expected a file that can be written: {error.strerror}", str(path)
        ) from error
    draft.unlink()


@contextmanager
def replacing(path: str | os.PathLike[str], *, follow: bool = False) -> Iterator[BinaryIO]:
    """A file under a temporary name in the same folder that takes the place of `path` at the end of the block, and vanishes if the block raises.

    follow: keep a symbolic link, and replace the file that it leads to; otherwise the link is replaced.

    Raises:
        OSError: if there is no such folder, no space in it, or no right to write there; it names `path`.
    """
    target = Path(os.path.realpath(path) if follow else path)
    draft = _draft_of(target)
    try:
        with open(draft, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise
