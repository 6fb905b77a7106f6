"""Matrices above 64 MiB are read in place: no packed copy is made, and the result is the same as below that size."""

from __future__ import annotations

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.toy import model_of
from onnx import helper

pytestmark = [pytest.mark.instruction_set, pytest.mark.slow]

INNER = 4100


@pytest.mark.parametrize("outputs", [4080, 4200])
@pytest.mark.parametrize("kind", ["fully connected", "transposed", "product"])
def test_a_weight_above_64_mebibytes_is_not_held_twice(kind: str, outputs: int) -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((INNER, outputs), dtype=np.float32)
    data = rng.standard_normal((3, INNER), dtype=np.float32)
    stored = np.ascontiguousarray(weight.T) if kind == "transposed" else weight
    node = (
        helper.make_node("MatMul", ["x", "w"], ["y"])
        if kind == "product"
        else helper.make_node("Gemm", ["x", "w"], ["y"], transB=int(kind == "transposed"))
    )
    file = model_of([node], {"w": stored}, {"x": ["n", INNER]}, {"y": ["n", outputs]})
    model = aidge_onnx.load_onnx(file.SerializeToString())
    model.compile("cpu", dims=[[3, INNER]])
    scheduler = aidge_core.SequentialScheduler(model)
    (result,) = scheduler.forward(data=[data])
    expected = data.astype(np.float64) @ weight
    assert np.abs(np.asarray(result) - expected).max() / np.abs(expected).max() < 2e-6
    if (
        weight.nbytes > 64 << 20
    ):  # whether a smaller one is packed depends on oneDNN's kernel for the instruction set
        assert scheduler.report().weight_bytes == 0
