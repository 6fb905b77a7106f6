"""Operators in both directions, one file a family.

IMPORTERS: ONNX operator → function(node, builder), which emits native nodes or raises NotNative.
EXPORTERS: operator type → function(node, writer), which emits ONNX nodes."""

from __future__ import annotations

from . import (
    activation,
    convolution,
    elementwise,
    functions,
    linear,
    normalization,
    pooling,
    reduction,
    shape,
)
from .registry import EXPORTERS, IMPORTERS

__all__ = [
    "EXPORTERS",
    "IMPORTERS",
    "activation",
    "convolution",
    "elementwise",
    "functions",
    "linear",
    "normalization",
    "pooling",
    "reduction",
    "shape",
]
