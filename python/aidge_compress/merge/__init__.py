"""Adjacent linear layers become one where that is exact and cheaper."""

from __future__ import annotations

from .result import MergeResult
from .run import merge_layers

__all__ = ["MergeResult", "merge_layers"]
