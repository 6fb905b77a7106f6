"""The one exception of this package."""

from __future__ import annotations

__all__ = ["InvalidModelError"]


class InvalidModelError(ValueError):
    """The file, the bytes or the proto is not a valid ONNX model, or its external data is in a place that is
    not allowed."""
