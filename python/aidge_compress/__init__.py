"""Makes trained networks smaller and faster: ONNX in, smaller verified ONNX out, no training framework needed.

One verb each: `compress`, `prune_activations` (FIBNLR), `merge_layers`, `recommend_channels` (PFA), `quantize`, `sweep`, `evaluate`, `profile` and
`inspect`. They take a path, bytes, an onnx.ModelProto, a GraphView or a torch module, leave it as it is, and return a result.

The methods are the packages fibnlr, merge, pfa, channels and quantization; sweeps and distributed run them with many settings or on many machines;
network, measure and report serve them all. Names are loaded when they are used for the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aidge_core import __version__, data
from aidge_core._lazy import lazy_names as _lazy_names

from .report.notebook import attach as _attach

if TYPE_CHECKING:
    from aidge_onnx import export_onnx, load_onnx
    from aidge_onnx.torch import from_torch, take_weights, to_torch

    from . import distributed, pfa
    from .channels import CompressionResult, CompressOptions, UnreachableTarget, compress
    from .fibnlr import FibnlrOptions, FibnlrResult, fibnlr_run, prune_activations
    from .measure.evaluate import EvaluationResult, evaluate, evaluate_model
    from .measure.metrics import Quality
    from .measure.profile import ModelProfile, profile, profile_model
    from .measure.result import Result
    from .measure.verify import VerificationError
    from .merge import MergeOptions, MergeResult, merge_layers
    from .network.costs import Costs
    from .network.inspecting import inspect
    from .network.mermaid import to_mermaid
    from .network.opening import open_network
    from .network.sources import DataOptions, open_data
    from .network.summary import ModelSummary, summarize
    from .pfa import PFA, PfaOptions, PFARecommendation, recommend_channels
    from .progress import Progress, Stopped
    from .quantization import QuantizeOptions, QuantizeResult, quantize
    from .recovery import RecoverOptions, RecoverResult, recover
    from .report import Measured
    from .stepwise import StepwiseResult, prune_step_by_step
    from .sweeps import CompressGrid, FibnlrGrid, PfaGrid, SweepResult, sweep
else:
    _HOMES = {
        ".": ("distributed", "pfa"),
        ".channels": ("CompressOptions", "CompressionResult", "UnreachableTarget", "compress"),
        ".fibnlr": ("FibnlrOptions", "FibnlrResult", "fibnlr_run", "prune_activations"),
        ".measure.evaluate": ("EvaluationResult", "evaluate", "evaluate_model"),
        ".measure.metrics": ("Quality",),
        ".measure.profile": ("ModelProfile", "profile", "profile_model"),
        ".measure.result": ("Result",),
        ".measure.verify": ("VerificationError",),
        ".merge": ("MergeOptions", "MergeResult", "merge_layers"),
        ".network.costs": ("Costs",),
        ".network.inspecting": ("inspect",),
        ".network.mermaid": ("to_mermaid",),
        ".network.opening": ("open_network",),
        ".network.sources": ("DataOptions", "open_data"),
        ".network.summary": ("ModelSummary", "summarize"),
        ".pfa": ("PFA", "PFARecommendation", "PfaOptions", "recommend_channels"),
        ".progress": ("Progress", "Stopped"),
        ".quantization": ("QuantizeOptions", "QuantizeResult", "quantize"),
        ".recovery": ("RecoverOptions", "RecoverResult", "recover"),
        ".report": ("Measured",),
        ".stepwise": ("StepwiseResult", "prune_step_by_step"),
        ".sweeps": ("CompressGrid", "FibnlrGrid", "PfaGrid", "SweepResult", "sweep"),
        "aidge_onnx": ("export_onnx", "load_onnx"),
        "aidge_onnx.torch": ("from_torch", "take_weights", "to_torch"),
    }
    __getattr__, __dir__ = _lazy_names(__name__, _HOMES)

_attach()

__all__ = [
    "PFA",
    "CompressGrid",
    "CompressOptions",
    "CompressionResult",
    "Costs",
    "DataOptions",
    "EvaluationResult",
    "FibnlrGrid",
    "FibnlrOptions",
    "FibnlrResult",
    "Measured",
    "MergeOptions",
    "MergeResult",
    "ModelProfile",
    "ModelSummary",
    "PFARecommendation",
    "PfaGrid",
    "PfaOptions",
    "Progress",
    "Quality",
    "QuantizeOptions",
    "QuantizeResult",
    "RecoverOptions",
    "RecoverResult",
    "Result",
    "StepwiseResult",
    "Stopped",
    "SweepResult",
    "UnreachableTarget",
    "VerificationError",
    "__version__",
    "compress",
    "data",
    "distributed",
    "evaluate",
    "evaluate_model",
    "export_onnx",
    "fibnlr_run",
    "from_torch",
    "inspect",
    "load_onnx",
    "merge_layers",
    "open_data",
    "open_network",
    "pfa",
    "profile",
    "profile_model",
    "prune_activations",
    "prune_step_by_step",
    "quantize",
    "recommend_channels",
    "recover",
    "summarize",
    "sweep",
    "take_weights",
    "to_mermaid",
    "to_torch",
]
