"""What the commands share: the screen with its headlines and tables, loading, and writing JSON."""

from __future__ import annotations

import json
import math
import textwrap
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..network.layers import warn_of_broken_layers
from ..network.sources import DataOptions, channel_values, check_dims
from ..numbers import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aidge_core import GraphView

    from ..measure.metrics import Quality
    from ..network.costs import Costs

__all__ = [
    "Screen",
    "larger",
    "load",
    "parse_dims",
    "percent",
    "print_json",
    "quality_rows",
    "quantity",
    "ratio",
    "reading_of",
]


class Screen:
    """Where people read: standard output, or nothing at all for --json.

    Texts are printed as they are: brackets in names are not markup. Lines are broken between words, never inside a name.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._out = Console(quiet=quiet, highlight=False)

    def say(self, text: str = "", style: str = "") -> None:
        """Prints a paragraph, broken between words to the width of the terminal."""
        for line in text.split("\n"):
            parts = textwrap.wrap(line, self._out.width, break_long_words=False, break_on_hyphens=False) or [
                ""
            ]
            for part in parts:
                self._out.print(Text(part, style=style), soft_wrap=True)

    def headline(self, text: str) -> None:
        """Prints the result in bold."""
        self.say(text, "bold")

    def table(
        self,
        titles: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        left: Sequence[str] = (),
        styles: Sequence[str] = (),
    ) -> None:
        """Prints columns of figures behind a name; a name that does not fit beside them has its own line. Empty columns are left out.

        Args:
            titles: of all columns; the first is that of the names.
            rows: one text per column.
            left: titles of columns that are aligned to the left, as the names are.
            styles: one per row, e.g. "bold".
        """
        used = [i for i in range(len(titles)) if i == 0 or any(row[i] for row in rows)]
        titles, rows = [titles[i] for i in used], [[row[i] for i in used] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip(titles, *rows, strict=True)]
        wide = sum(widths) + 2 * (len(widths) - 1) <= self._out.width
        gap = "  " if wide else " "
        free = self._out.width - sum(width + len(gap) for width in widths[1:])
        widths[0] = min(widths[0], max(free, cell_len(titles[0]), 8))

        def line(name: str, cells: Sequence[str]) -> str:
            padded = [
                _pad(cell, width, title in left)
                for cell, width, title in zip(cells, widths[1:], titles[1:], strict=True)
            ]
            return gap.join([_pad(name, widths[0], True), *padded])

        self._line(line(titles[0], titles[1:]), "bold")
        for index, row in enumerate(rows):
            style = styles[index] if index < len(styles) else ""
            first, *more = _broken(row[0], widths[0])
            if cell_len(first) > widths[0]:
                self._line(first, style)
                first = ""
            self._line(line(first, row[1:]), style)
            for text in more:
                self._line(text, style)

    def _line(self, text: str, style: str = "") -> None:
        self._out.print(Text(text.rstrip(), style=style), soft_wrap=True)

    def before_and_after(self, rows: Sequence[tuple[str, str, str, str]]) -> None:
        """Prints (what, before, after, ratio or change) in bold."""
        if rows:
            self.table(["", "before", "after", ""], rows, styles=["bold"] * len(rows))


def _pad(text: str, width: int, left: bool) -> str:
    space = " " * max(width - cell_len(text), 0)
    return f"{text}{space}" if left else f"{space}{text}"


def _broken(name: str, width: int) -> list[str]:
    """A text with spaces in several lines if each word fits; a name is never broken."""
    lines = textwrap.wrap(name, width, break_long_words=False, break_on_hyphens=False)
    return lines if lines and all(cell_len(line) <= width for line in lines) else [name]


def load(path: Path) -> GraphView:
    """The network in an ONNX file. Raises FileNotFoundError, InvalidModelError."""
    import aidge_onnx

    try:
        graph = aidge_onnx.load_onnx(path, in_float32=True)
    except aidge_onnx.InvalidModelError as error:
        raise aidge_onnx.InvalidModelError(f"{path} is not a usable ONNX model: {error}") from error
    warn_of_broken_layers(graph)
    return graph


def parse_dims(texts: Sequence[str] | None, model: GraphView) -> list[list[int]]:
    """["1,3,224,224"] → [[1, 3, 224, 224]]. Raises ValueError if that is not a list of positive integers, or does not fit the network."""
    result: list[list[int]] = []
    for text in texts or ():
        parts = text.replace("x", ",").split(",")
        if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
            raise ValueError(
                f"[cli::dims] expected dims as positive integers such as 1,3,224,224, got {text}"
            )
        result.append([int(part) for part in parts])
    if result:
        check_dims(model, result)
    return result


def reading_of(model: GraphView, reading: Mapping[str, Any], seed: int | None = None) -> DataOptions:
    """How data is read, from the options of shared_options.READING that the user gave; `seed` is that of a command whose --seed is for more.

    Raises:
        ValueError: if a value is not what it must be, or the dims do not fit the network.
    """
    dims = tuple(tuple(entry) for entry in parse_dims(reading.get("dims"), model))
    values = {name: channel_values(reading[name]) for name in ("mean", "std") if name in reading}
    return DataOptions(**{"seed": seed, **reading, **values, "dims": dims})


def quantity(value: float) -> str:
    """A count as people read it: 12_345_678 → "12.35 M"."""
    return shown(value, "count")


def percent(rate: float | None) -> str:
    """A fraction as people read it: 0.9941 → "99.41 %"."""
    return shown(rate, "share")


def quality_rows(quality: Quality) -> list[tuple[str, str, str, str]]:
    """All figures, the chosen one first, for Screen.before_and_after."""
    rows = []
    for figure in quality.figures:
        change = ""
        if figure.labelled and figure.before is not None:
            percent_points = figure.unit == "share"
            lost = (100 if percent_points else 1) * (figure.after - figure.before)
            change = f"{lost:+.2f} points" if percent_points else f"{lost:+.4g}"
        before = shown(figure.before, figure.unit) if figure.labelled else ""
        rows.append((figure.title, before, shown(figure.after, figure.unit), change))
    return rows


def ratio(before: float | None, after: float | None) -> str:
    """After over before: "0.50×"; nothing if one of them is not known."""
    return f"{after / before:.2f}×" if before and after is not None else ""


def larger(before: Costs, after: Costs) -> str:
    """What a headline has to say of a network that has grown; "" if it has not."""
    if after.parameters <= before.parameters:
        return ""
    return f", with more parameters than before ({quantity(before.parameters)}, now {quantity(after.parameters)})"


def print_json(document: Any) -> None:
    """One JSON document on standard output; JSON has no infinity and no NaN, which become strings."""
    print(json.dumps(_without_infinity(document), indent=2, allow_nan=False, default=str))


def _without_infinity(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_infinity(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinity(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
