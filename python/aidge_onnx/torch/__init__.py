"""PyTorch modules become graphs."""

from __future__ import annotations

from .reading import from_torch

__all__ = ["from_torch"]
