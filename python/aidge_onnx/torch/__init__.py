"""PyTorch modules become graphs, and graphs become PyTorch modules."""

from __future__ import annotations

from .reading import from_torch
from .writing import take_weights, to_torch

__all__ = ["from_torch", "take_weights", "to_torch"]
