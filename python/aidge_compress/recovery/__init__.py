"""Recovery: a network that a method has made smaller learns what the original one gives. Needs PyTorch when it runs."""

from __future__ import annotations

from .options import RecoverOptions
from .result import RecoverResult, Round
from .run import recover

__all__ = ["RecoverOptions", "RecoverResult", "Round", "recover"]
