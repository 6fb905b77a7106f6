"""FIBNLR step by step: an activation goes, the network is trained again, and so on while the loss is small."""

from __future__ import annotations

from .result import Step, StepwiseResult
from .run import prune_step_by_step

__all__ = ["Step", "StepwiseResult", "prune_step_by_step"]
