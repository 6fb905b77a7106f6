"""ONNX files in and out: `load_onnx` makes a graph of a model, `export_onnx` a model of a graph."""

from __future__ import annotations

import aidge_core

from .errors import InvalidModelError
from .export import export_onnx, to_model_proto
from .load import load_onnx
from .reading.external_data import model_files
from .requantising import requantise
from .running.runtime import OnnxRuntime

__all__ = ["InvalidModelError", "export_onnx", "load_onnx", "model_files", "requantise", "to_model_proto"]

aidge_core.set_generic_provider(OnnxRuntime())
