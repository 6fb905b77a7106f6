"""Options that several commands have; they are worded once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["BatchSizeOption", "JsonOption", "MeanOption", "StdOption", "ThreadsOption"]

BatchSizeOption = Annotated[int, typer.Option(min=1, help="Samples a batch.")]
MeanOption = Annotated[
    list[float] | None, typer.Option(help="Image folders: mean of a channel in [0, 1] (once a channel).")
]
StdOption = Annotated[
    list[float] | None, typer.Option(help="Image folders: deviation of a channel (once a channel).")
]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Threads (0: OpenMP's choice).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
