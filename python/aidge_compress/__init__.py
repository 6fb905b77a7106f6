"""Makes trained networks smaller and faster: ONNX in, smaller verified ONNX out, no training framework needed.

The methods are the packages fibnlr, merge, pfa and channels; sweeps and distributed run them with many settings or on many machines;
network, measure and report serve them all. Names are loaded when they are used for the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aidge_core import __version__, data
from aidge_core._lazy import lazy_names as _lazy_names

from .report.notebook import attach as _attach

if TYPE_CHECKING:
    from aidge_onnx import export_onnx, load_onnx
    from aidge_onnx.torch import from_torch

    from . import distributed, pfa
    from .channels import CompressionResult, UnreachableTarget, compress
    from .fibnlr import FibnlrResult, fibnlr_run
    from .measure.evaluate import EvaluationResult, evaluate_model
    from .measure.profile import ModelProfile, profile_model
    from .merge import MergeResult, merge_layers
    from .network.mermaid import to_mermaid
    from .network.summary import ModelSummary, summarize
    from .pfa import PFA, PFARecommendation
    from .progress import Progress, Stopped
    from .report import Measured
    from .sweeps import CompressGrid, FibnlrGrid, PfaGrid, SweepResult, sweep
else:
    _HOMES = {
        ".": ("distributed", "pfa"),
        ".channels": ("CompressionResult", "UnreachableTarget", "compress"),
        ".fibnlr": ("FibnlrResult", "fibnlr_run"),
        ".measure.evaluate": ("EvaluationResult", "evaluate_model"),
        ".measure.profile": ("ModelProfile", "profile_model"),
        ".merge": ("MergeResult", "merge_layers"),
        ".network.mermaid": ("to_mermaid",),
        ".network.summary": ("ModelSummary", "summarize"),
        ".pfa": ("PFA", "PFARecommendation"),
        ".progress": ("Progress", "Stopped"),
        ".report": ("Measured",),
        ".sweeps": ("CompressGrid", "FibnlrGrid", "PfaGrid", "SweepResult", "sweep"),
        "aidge_onnx": ("export_onnx", "load_onnx"),
        "aidge_onnx.torch": ("from_torch",),
    }
    __getattr__, __dir__ = _lazy_names(__name__, _HOMES)

_attach()

__all__ = [
    "PFA",
    "CompressGrid",
    "CompressionResult",
    "EvaluationResult",
    "FibnlrGrid",
    "FibnlrResult",
    "Measured",
    "MergeResult",
    "ModelProfile",
    "ModelSummary",
    "PFARecommendation",
    "PfaGrid",
    "Progress",
    "Stopped",
    "SweepResult",
    "UnreachableTarget",
    "__version__",
    "compress",
    "data",
    "distributed",
    "evaluate_model",
    "export_onnx",
    "fibnlr_run",
    "from_torch",
    "load_onnx",
    "merge_layers",
    "pfa",
    "profile_model",
    "summarize",
    "sweep",
    "to_mermaid",
]
