"""The progress bar of all commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from ..progress import Progress

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(quiet: bool, *outer: str) -> Iterator[Progress]:
    """Yields a progress function that draws on standard error, if that is a terminal, and leaves nothing behind.

    Args:
        quiet: draw nothing.
        outer: stages that have a bar to themselves, above the one of the other stages.
    """
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Bars(*columns, console=console, transient=True, disable=hidden) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> bool | None:
            key = stage if stage in outer else ""
            if key not in tasks:
                tasks[key] = bars.add_task(stage, total=None, count="")
            count = f"{done}/{total}" if total > 1 else str(done or "")
            known = total if total > 1 else None
            bars.update(tasks[key], description=stage, completed=done, total=known, count=count)
            return None

        yield show
