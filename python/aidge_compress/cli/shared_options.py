"""Options that several commands have; they are worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..measure.registry import METRIC_HELP
from .generated import EXPERT

__all__ = [
    "DATA_PANEL",
    "BatchSizeOption",
    "DataOption",
    "DimsOption",
    "EvalOption",
    "JsonOption",
    "LimitOption",
    "MeanOption",
    "MetricOption",
    "ModelArgument",
    "OutOption",
    "ReportOption",
    "SchedulerOption",
    "SeedOption",
    "ShuffleOption",
    "StdOption",
    "ThreadsOption",
    "WorkersOption",
    "epilog",
]

DATA_PANEL = "Reading the data"

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
BatchSizeOption = Annotated[
    int, typer.Option(min=1, help="Samples per batch.", metavar="N", rich_help_panel=DATA_PANEL)
]
LimitOption = Annotated[
    int | None,
    typer.Option(min=0, help="Use at most N samples. Default: all.", metavar="N", rich_help_panel=DATA_PANEL),
]
ShuffleOption = Annotated[
    bool, typer.Option("--shuffle", help="Shuffle the samples.", rich_help_panel=DATA_PANEL)
]
SeedOption = Annotated[
    int | None,
    typer.Option(help="Random seed of --shuffle.", metavar="N", rich_help_panel=DATA_PANEL),
]
MeanOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Images: mean of each channel, for pixel values in [0, 1], such as 0.485,0.456,0.406.",
        metavar="X,…",
        rich_help_panel=DATA_PANEL,
    ),
]
StdOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Images: standard deviation of each channel, such as 0.229,0.224,0.225.",
        metavar="X,…",
        rich_help_panel=DATA_PANEL,
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
