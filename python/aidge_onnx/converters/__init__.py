"""Operators in both directions, one file a family.

IMPORTERS: ONNX operator → function(node, builder), which emits native nodes or raises NotNative.
EXPORTERS: operator type → function(node, writer), which emits ONNX nodes."""

from __future__ import annotations

from ..registry import EXPORTERS, IMPORTERS
from . import (
    activation,
    convolution,
    elementwise,
    expansion,
    functions,
    indexing,
    linear,
    normalization,
    pooling,
    quantization,
    reduction,
    resize,
    sequence,
    shape,
)

__all__ = [
    "EXPORTERS",
    "IMPORTERS",
    "activation",
    "convolution",
    "elementwise",
    "expansion",
    "functions",
    "indexing",
    "linear",
    "normalization",
    "pooling",
    "quantization",
    "reduction",
    "resize",
    "sequence",
    "shape",
]
