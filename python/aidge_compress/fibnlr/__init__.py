"""FIBNLR: activations whose input is almost never negative are removed."""

from __future__ import annotations

from .result import ActivationRow, FibnlrResult
from .run import fibnlr_run

__all__ = ["ActivationRow", "FibnlrResult", "fibnlr_run"]
