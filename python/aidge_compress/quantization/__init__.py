"""Quantisation: a float32 network becomes an int8 file with QuantizeLinear and DequantizeLinear, by ONNX Runtime's quantiser."""

from __future__ import annotations

from .options import QuantizeOptions
from .result import Column, QuantizeResult
from .run import quantize, quantize_cut

__all__ = ["Column", "QuantizeOptions", "QuantizeResult", "quantize", "quantize_cut"]
