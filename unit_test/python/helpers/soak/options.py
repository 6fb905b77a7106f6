"""Random values for the options of a command, read off the command itself: a new option is drawn as soon as it exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer.main
from aidge_compress.cli.app import app

__all__ = ["COMMANDS", "Scene", "draw"]

COMMANDS: dict[str, Any] = getattr(typer.main.get_command(app), "commands")  # noqa: B009  (of every group)

_NEVER = {
    "help": "ends before it begins",
    "workers": "starts processes",
    "scheduler": "needs a cluster",
}
"""Parameters that are left out, and why."""
_ALWAYS = {"passes": "2", "pairs": "2", "repeats": "1"}
"""Numbers that only make a command slow."""
_OFTEN = {"out": 0.7, "as_json": 0.5, "keep_macs": 0.5, "latency": 0.9, "timing": 0.9, "data": 0.8}
_SELDOM = {"threads": 0.1, "report": 0.15, "chart": 0.1, "layers": 0.1, "limit": 0.1, "mean": 0.05, "std": 0.05, "dims": 0.15,
           "min_kept": 0.05, "size": 0.05, "keep_parameters": 0.1, "keep_latency": 0.05, "retrained": 0.05, "multiple": 0.1,
           "protect": 0.1, "prunable_types": 0.1, "group_assignments": 0.05}  # fmt: skip
_CHANCE = 0.2
_OFF = 0.95
"""How often timing is switched off where it can be."""
_WRONG = 0.06
_NUMBERS = (1, 2, 3, 4, 8)
_SHARES = ("0.5", "0.8", "0.3", "0.9", "0.65", "0.99")
_ODD_NUMBERS = (0, 16, -1, 100_000)
_MINUTES = ("0.01", "0.005")
"""Training uses all the time that it is given."""
_ODD_MINUTES = ("0", "-0.5", "nan", "1e-9")
_ODD_SHARES = ("1", "0", "0.01", "1.5", "-0.5", "nan", "1e-9")
_PERCENTS = ("99.999", "99", "90")
_ODD_PERCENTS = ("100", "50", "10", "101", "nan")
_RANGES: dict[str, tuple[Sequence[Any], Sequence[Any]]] = {
    "N": (_NUMBERS, _ODD_NUMBERS),
    "MINUTES": (_MINUTES, _ODD_MINUTES),
    "PERCENT": (_PERCENTS, _ODD_PERCENTS),
}
_BYTES = (1, 1000, 1_000_000, 2_000_000_000)
_SUFFIXES = {"report": ".html", "chart": ".png", "mermaid": ".md", "state": ".json", "statistics": ".npz"}
_NEEDS = {
    ("pfa", "energy"): ("--strategy", "energy"),
    ("pfa", "size"): ("--strategy", "size"),
    ("pfa", "keep_macs"): ("--strategy", "budget"),
    ("pfa", "min_kept"): ("--strategy", "energy"),
}
"""What an option makes sense with."""
_READ = ("reference", "retrained")


@dataclass(frozen=True)
class Scene:
    """What a case may name: files, nodes, dims."""

    folder: Path
    model: Path
    data: Path
    nodes: Sequence[str]
    types: Sequence[str]
    dims: Sequence[Sequence[int]]


def _pick(random: np.random.Generator, values: Sequence[Any]) -> Any:
    return values[int(random.integers(len(values)))]


def draw(
    command: str, scene: Scene, random: np.random.Generator, *, odd: bool
) -> tuple[list[str], list[Path]]:
    """Arguments behind the command's name, and the files that it is told to write. odd: also values at the limits and beyond."""
    arguments: list[str] = []
    written: list[Path] = []
    for entry in COMMANDS[command].params:
        if entry.name in _NEVER:
            continue
        if entry.param_type_name == "argument":
            arguments.append(str(scene.model))
            continue
        usual = _SELDOM.get(entry.name, _OFTEN.get(entry.name, _CHANCE))
        chance = 1.0 if entry.required or entry.name in _ALWAYS else usual * (0.2 if entry.hidden else 1.0)
        if random.random() >= chance:
            continue
        if entry.is_flag:
            off = bool(entry.secondary_opts) and random.random() < _OFF
            arguments.append(_pick(random, entry.secondary_opts if off else entry.opts))
            continue
        if entry.name == "dims" and not odd:
            arguments += [text for dims in scene.dims for text in ("--dims", ",".join(map(str, dims)))]
            continue
        value = _value(command, entry, scene, random, odd)
        arguments += [_pick(random, entry.opts), value]
        if not odd:
            arguments += _NEEDS.get((command, entry.name), ())
        if entry.metavar == "FILE" and entry.name not in _READ:
            written.append(scene.folder / value)
    return arguments, written


def _value(command: str, entry: Any, scene: Scene, random: np.random.Generator, odd: bool) -> str:
    described = entry.type_descriptor
    info, word = described.parameter_info, (entry.metavar or "").removesuffix(",…")
    if odd and random.random() < _WRONG:
        return str(_pick(random, ["x", "", "-1", "[b]", "no/such/file", "1e400"]))
    if entry.name in _ALWAYS:
        return _ALWAYS[entry.name]
    if info.autocompletion is not None:
        return _several(entry, lambda: str(_pick(random, info.autocompletion(""))), random)
    if word == "FILE":
        return _file(command, entry.name, scene)
    if word == "DATA":
        return str(scene.data)
    if word in ("NODE", "NAME"):
        return _several(entry, lambda: str(_pick(random, scene.nodes)), random)
    if word == "TYPE":
        return _several(entry, lambda: str(_pick(random, scene.types)), random)
    if word == "NAME=GROUP":
        return ",".join(f"{_pick(random, scene.nodes)}={number}" for number in range(2))
    if word == "BYTES":
        return str(_pick(random, _BYTES))
    if entry.name == "dims":
        return ",".join(map(str, _pick(random, scene.dims)))
    if entry.name in ("mean", "std"):
        return str(_pick(random, ["0.5", "0.2,0.3,0.4", "0"]))
    if word in ("N", "X", "FRACTION", "PERCENT", "NNPR", "MINUTES"):
        usual, unusual = _RANGES.get(word, (_SHARES, _ODD_SHARES))
        numbers: Sequence[Any] = unusual if odd and random.random() < 0.3 else usual
        return _several(entry, lambda: str(_pick(random, numbers)), random)
    raise LookupError(
        f"expected an option whose values can be drawn, got {entry.opts[0]} {entry.metavar} of aidge {command}: add it to helpers/soak/options.py"
    )


def _several(entry: Any, make: Any, random: np.random.Generator) -> str:
    """One value, or two with a comma where the option takes lists."""
    listed = (entry.metavar or "").endswith(",…") and random.random() < 0.4
    return f"{make()},{make()}" if listed else str(make())


def _file(command: str, name: str, scene: Scene) -> str:
    if name in _READ:
        return str(scene.model)
    suffix = ".json" if command == "pfa" else ".onnx"
    return f"{name}{_SUFFIXES.get(name, suffix)}"
