"""Adjacent linear layers become one if that is exact and cheaper."""

from __future__ import annotations

from .options import MergeOptions
from .result import MergeResult
from .run import merge_layers

__all__ = ["MergeOptions", "MergeResult", "merge_layers"]
