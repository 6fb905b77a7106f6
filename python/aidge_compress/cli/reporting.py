"""What --report needs beside the result: the command line, the files, and figures that only the commands measure."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..files import check_writable
from ..network.files import file_bytes
from ..report import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aidge_core import GraphView

    from ..report.reportable import Reportable

__all__ = [
    "check_outputs",
    "file_sizes",
    "latencies",
    "say_written",
    "write_report",
]


def check_outputs(outputs: Mapping[str, Path | None], *read: str | Path | None) -> None:
    """Makes sure, before any work is done, that the files that a command is to write can be written, and are not those that it reads.

    Args:
        outputs: option → file, None if it is not given.
        read: networks and data; names that are not files are passed over. External data of a network counts as read.

    Raises:
        OSError: if a file cannot be written at its path.
        ValueError: if it is read, also by another name or through a link, or two options name one file.
    """
    given = {option: path for option, path in outputs.items() if path is not None}
    sources = [
        file for entry in read if entry is not None and Path(entry).is_file() for file in _files(Path(entry))
    ]
    for option, path in given.items():
        check_writable(path)
        written = [path, path.with_name(f"{path.name}.data")] if option == "--out" else [path]
        for source in sources:
            if any(file.exists() and file.samefile(source) for file in written):
                raise ValueError(
                    f"[cli::files] expected another file than {source}, which is read, for {option}, got {path}"
                )
        for other, taken in given.items():
            if other != option and os.path.realpath(taken) == os.path.realpath(path):
                raise ValueError(
                    f"[cli::files] expected different files for {option} and {other}, got {path} for both"
                )


def _files(path: Path) -> list[Path]:
    from aidge_onnx import model_files

    return model_files(path) if path.suffix.lower() == ".onnx" else [path]


def latencies(before: GraphView, after: GraphView) -> Measured:
    """Median seconds of a pass of both compiled networks, measured alternately."""
    from ..measure.latency import latencies as measure

    old, new = measure([before, after])
    return Measured("latency, aidge", old, new, "seconds")


def file_sizes(before: Path, after: Path | None) -> Measured:
    """Bytes of the ONNX files; the second is None if nothing was written."""
    size = file_bytes(after) if after is not None and after.exists() else None
    return Measured("file", file_bytes(before), size, "bytes")


def write_report(
    path: Path | None,
    result: Reportable,
    model: Path,
    data: dict[str, Any],
    measured: Sequence[Measured] = (),
) -> None:
    """Writes the report of a command, if one is wanted; data sources are as the user named them, None if not given."""
    if path is None:
        return
    given = {name: source for name, source in data.items() if source is not None}
    command = shlex.join(["aidge", *sys.argv[1:]])
    result.report(path, model=model, data=given, measured=measured, command=command)
    say_written(path)


def say_written(*paths: Path | None) -> None:
    """Names the files that were written beside the network, on standard error, so that the output of --json remains valid."""
    for path in paths:
        if path is not None:
            Console(stderr=True, highlight=False, markup=False).print(f"wrote {path}", soft_wrap=True)
