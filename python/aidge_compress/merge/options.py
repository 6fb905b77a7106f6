"""The options of merging layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..options import check, option

__all__ = ["MergeOptions"]


@dataclass(frozen=True)
class MergeOptions:
    """Which layers are merged, and how; see docs/merging.md.

    `policy` may also be a function that is given each possible aidge_core.ConvolutionMerge and says whether it may be made.

    Raises:
        ValueError: if a value is out of range or not one of the choices.
    """

    policy: Literal["exact_and_cheaper", "always"] | Callable[[Any], Any] = option(
        "exact_and_cheaper", "always: the fewest layers, whatever they cost"
    )
    border: Literal["refuse", "shift", "image", "approximate"] = option(
        "refuse", "What to do if padding makes plain merging inexact"
    )
    cost: Literal["macs", "latency"] = option("macs", "What merging must lower")
    repeats: int = option(
        7, "Time the median of this many passes; 0: do not measure latency", "N", least=0, expert=True
    )

    def __post_init__(self) -> None:
        check(self, "merge::options")
