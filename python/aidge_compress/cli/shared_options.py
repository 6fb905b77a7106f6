"""Options that several commands have; they are worded once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..measure.registry import METRIC_HELP
from ..network.sources import DataOptions
from .generated import EXPERT, options_of

__all__ = [
    "DATA_PANEL",
    "READING",
    "UNSEEDED_READING",
    "DataOption",
    "DimsOption",
    "EvalOption",
    "JsonOption",
    "MetricOption",
    "ModelArgument",
    "OutOption",
    "ReportOption",
    "SchedulerOption",
    "ThreadsOption",
    "WorkersOption",
    "epilog",
]

DATA_PANEL = "Reading the data"

READING = [
    replace(entry, many=entry.info.name in ("mean", "std"))
    for entry in options_of(DataOptions, DATA_PANEL, flags={"shuffle": "--shuffle"})
]
"""How a command reads its data: the group `reading` of `takes`, from which `reading_of` makes DataOptions."""
UNSEEDED_READING = [entry for entry in READING if entry.dest != "seed"]
"""The same for commands that have --seed already, which then seeds --shuffle, too."""

ModelArgument = Annotated[Path, typer.Argument(help="The network, an ONNX file.", metavar="MODEL")]
DataOption = Annotated[
    str,
    typer.Option(
        help="Data: a folder of images (sub-folders are labels; or with masks or boxes), an .npz, .npy, .parquet or COCO .json file, or mnist:train, "
        "mnist:validation, mnist:test.",
        metavar="DATA",
    ),
]
EvalOption = Annotated[
    str | None,
    typer.Option(
        "--eval",
        help="Compare both networks on this data, with labels or without. Default: not done.",
        metavar="DATA",
    ),
]
MetricOption = Annotated[str | None, typer.Option(help=f"{METRIC_HELP}.", metavar="NAME")]
OutOption = Annotated[
    Path | None,
    typer.Option(
        help="Write the smaller network to this ONNX file, and verify it. Default: only print.",
        metavar="FILE",
    ),
]
ReportOption = Annotated[
    Path | None, typer.Option(help="Write a report with charts: one HTML file.", metavar="FILE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
DimsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Dims of an input that the file leaves free, such as 1,3,224,224. Repeat for several inputs.",
        metavar="N,…",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Number of threads. Default: OMP_NUM_THREADS, else all processors.",
        metavar="N",
        rich_help_panel=EXPERT,
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="Measure in N processes on this machine (needs dask.distributed). 0: in this one.",
        metavar="N",
        rich_help_panel=EXPERT,
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        help="Measure on the workers of a running dask scheduler, such as tcp://10.0.0.1:8786.",
        metavar="ADDRESS",
        rich_help_panel=EXPERT,
    ),
]


def epilog(*examples: str) -> str:
    """Examples at the end of a command's help."""
    title = "Example:" if len(examples) == 1 else "Examples:"
    return "\n".join([title, *(f"  {example}" for example in examples)])
