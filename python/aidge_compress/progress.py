"""One protocol of progress for everything that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar

__all__ = ["Clock", "Progress", "Stopped", "report_to"]

Progress: TypeAlias = Callable[[str, int, int], "bool | None"]
"""(stage, done, total) → False to stop. `total` is 0 if it is not known."""

T = TypeVar("T")


class Stopped(Exception):
    """The progress function has returned False: the call ended early, and has changed nothing."""


def report_to(progress: Progress | None, stage: str, done: int, total: int) -> None:
    """Tells `progress`, if there is one. Raises Stopped if it returns False."""
    if progress is not None and progress(stage, done, total) is False:
        raise Stopped(f"stopped by the progress function: {stage}, {done} of {total or 'an unknown number'}")


class Clock:
    """Times the stages of a run and reports them. Every report raises Stopped if the progress function returns False.

    Attributes:
        seconds: stage → seconds spent in it so far.
    """

    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    def run(self, stage: str, work: Callable[[], T]) -> T:
        """Do the work of a stage and return its result."""
        begin = time.perf_counter()
        report_to(self._progress, stage, 0, 1)
        result = work()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin
        return result

    def step(self, stage: str, done: int, total: int) -> None:
        """Report progress within a stage."""
        report_to(self._progress, stage, done, total)
