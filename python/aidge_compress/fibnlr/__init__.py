"""FIBNLR: activations whose input is almost never negative are removed."""

from __future__ import annotations

from .options import FibnlrOptions
from .result import ActivationRow, FibnlrResult
from .run import fibnlr_run, prune_activations

__all__ = ["ActivationRow", "FibnlrOptions", "FibnlrResult", "fibnlr_run", "prune_activations"]
