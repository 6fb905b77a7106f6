"""Models to spoil, and the refusal that the tests of hostile files require."""

from __future__ import annotations

import resource
import time
from typing import Any

import aidge_onnx
import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from helpers import toy
from helpers.onnx_models import info

FLOAT = TensorProto.FLOAT
node = helper.make_node
MAX_SECONDS = 20.0
MAX_EXTRA_KIB = 512 * 1024


def model(nodes: list[Any], initialisers: list[Any] | None = None, **parts: Any) -> ModelProto:
    inputs, outputs = parts.pop("inputs", [info("x")]), parts.pop("outputs", [info("y", None)])
    opsets = parts.pop("opsets", [helper.make_opsetid("", parts.pop("opset", 17))])
    made = toy.model_of(nodes, initialisers or [], inputs, outputs, opsets=opsets, name="g", **parts)
    for output in made.graph.output:
        output.type.tensor_type.shape.SetInParent()
    return made


def relu() -> ModelProto:
    return model([node("Relu", ["x"], ["y"])])


def weights(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def refused(source: Any, pattern: str = "", **options: Any) -> None:
    """InvalidModelError with this text, soon, and without much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    with pytest.raises(aidge_onnx.InvalidModelError, match=pattern or None):
        aidge_onnx.load_onnx(source, **options)
    assert time.monotonic() - start < MAX_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_EXTRA_KIB


def shape_of(*values: int) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, np.int64), "s")
