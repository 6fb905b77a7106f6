"""Options that several commands have; they are worded once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["BatchSizeOption", "JsonOption", "MeanOption", "StdOption", "ThreadsOption"]

BatchSizeOption = Annotated[int, typer.Option(min=1, help="Samples a batch.")]
MeanOption = Annotated[
    list[str] | None,
    typer.Option(help="Image folders: mean of each channel in [0, 1], such as 0.485,0.456,0.406."),
]
StdOption = Annotated[
    list[str] | None,
    typer.Option(help="Image folders: deviation of each channel, such as 0.229,0.224,0.225."),
]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Threads (0: OpenMP's choice).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
