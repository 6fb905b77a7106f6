"""What the commands share: consoles, loading and compiling, formatting of numbers, writing JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ..numbers import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aidge_core import GraphView

__all__ = [
    "console",
    "load",
    "parse_dims",
    "percent",
    "plain_table",
    "print_json",
    "quantity",
]


def console(quiet: bool = False) -> Console:
    """Where people read: standard output, or nothing at all for --json."""
    return Console(quiet=quiet, highlight=False)


def plain_table() -> Table:
    """A table without lines, narrow enough for the usual names in 80 columns."""
    return Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)


def load(path: Path) -> GraphView:
    """The network in an ONNX file. Raises FileNotFoundError, InvalidModelError."""
    import aidge_onnx

    try:
        return aidge_onnx.load_onnx(path)
    except aidge_onnx.InvalidModelError as error:
        raise aidge_onnx.InvalidModelError(f"{path} is no ONNX model that can be used: {error}") from error


def parse_dims(texts: Sequence[str]) -> list[list[int]]:
    """["1,3,224,224"] → [[1, 3, 224, 224]]. Raises ValueError where that is no list of positive integers."""
    result = []
    for text in texts:
        parts = text.replace("x", ",").split(",")
        if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
            raise ValueError(f"[cli::dims] expected positive integers such as 1,3,224,224, got {text}")
        result.append([int(part) for part in parts])
    return result


def quantity(value: float) -> str:
    """A count as people read it: 12_345_678 → "12.35 M"."""
    return shown(value, "count")


def percent(rate: float | None) -> str:
    """A fraction as people read it: 0.9941 → "99.41 %"."""
    return shown(rate, "share")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, indent=2, allow_nan=False, default=str))
