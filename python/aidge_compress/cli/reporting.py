"""What --report needs beside the result: the command line, the files, and figures that only the commands measure."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..report import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView

    from ..measure.evaluate import EvaluationResult
    from ..report.reportable import Reportable

__all__ = [
    "check_folders",
    "file_sizes",
    "latencies",
    "quality",
    "say_written",
    "write_report",
]


def check_folders(*paths: Path | None) -> None:
    """Raises OSError for a file that cannot be written where it should go, before any work is done."""
    for path in paths:
        if path is None:
            continue
        if not path.parent.is_dir():
            raise FileNotFoundError(2, "no such folder", str(path.parent))
        if path.exists() and not path.is_file():
            raise OSError(17, "expected the name of a file to write, got a folder or a device", str(path))
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "expected a folder that can be written to", str(path.parent))


def latencies(before: GraphView, after: GraphView) -> Measured:
    """Median seconds of a pass of both compiled networks, measured alternately."""
    from ..measure.latency import latencies as measure

    old, new = measure([before, after])
    return Measured("latency, aidge", old, new, "seconds")


def file_sizes(before: Path, after: Path | None) -> Measured:
    """Bytes of the ONNX files; the second is None where nothing was written."""
    size = after.stat().st_size if after is not None and after.exists() else None
    return Measured("file", before.stat().st_size, size, "bytes")


def quality(before: EvaluationResult, after: EvaluationResult) -> list[Measured]:
    """Accuracy where there are labels, and agreement."""
    figures = [Measured("accuracy, without retraining", before.accuracy, after.accuracy, "share")]
    return [*figures, Measured("agreement with the original", None, after.agreement, "share")]


def write_report(
    path: Path | None,
    result: Reportable,
    model: Path,
    data: dict[str, Any],
    measured: Sequence[Measured] = (),
) -> None:
    """The report of a command, where one is wanted; data sources are as the user named them, None where not given."""
    if path is None:
        return
    given = {name: source for name, source in data.items() if source is not None}
    command = shlex.join(["aidge", *sys.argv[1:]])
    result.report(path, model=model, data=given, measured=measured, command=command)
    say_written(path)


def say_written(*paths: Path | None) -> None:
    """Names the files that were written beside the network, on standard error, where no --json is disturbed."""
    for path in paths:
        if path is not None:
            Console(stderr=True, highlight=False, markup=False).print(f"wrote {path}", soft_wrap=True)
