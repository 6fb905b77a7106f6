"""Compression without training: `compress` and what it is made of."""

from __future__ import annotations

from ..measure.metrics import Quality
from ..network.costs import Costs
from .allocate import ALLOCATIONS, SELECTIONS, UnreachableTarget
from .options import CompressOptions
from .result import CompressionResult, GroupChange, LayerChange
from .run import COMPENSATIONS, compress

__all__ = [
    "ALLOCATIONS",
    "COMPENSATIONS",
    "SELECTIONS",
    "CompressOptions",
    "CompressionResult",
    "Costs",
    "GroupChange",
    "LayerChange",
    "Quality",
    "UnreachableTarget",
    "compress",
]
