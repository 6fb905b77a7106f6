"""NaN in, NaN out: operators lose NaN nowhere where NumPy and ONNX Runtime keep it, whatever the size and the place.

Not here: what is documented to lose it (docs/execution.md), a rectifier that is computed together with a layer, and MaxPool.
"""

from __future__ import annotations

from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers import onnx_models as om
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

UNARY: dict[str, dict[str, Any]] = {
    name: {}
    for name in [
        "Relu",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Celu",
        "HardSigmoid",
        "HardSwish",
        "Sigmoid",
        "Tanh",
        "Softplus",
        "Softsign",
        "Gelu",
        "Mish",
        "Abs",
        "Neg",
        "Sqrt",
        "Exp",
        "Log",
        "Erf",
        "Floor",
        "Ceil",
        "Round",
        "Sign",
        "Reciprocal",
        "Sin",
        "Cos",
        "Tan",
        "Atan",
        "Sinh",
        "Cosh",
        "Asinh",
        "Identity",
        "Softmax",
        "LogSoftmax",
    ]
}
BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mean", "Sum")
EXTRA: dict[str, list[tuple[str, Any]]] = {
    "Clip": [("low", np.float32(0)), ("high", np.float32(6))],
    "PRelu": [("slope", np.full((1,), 0.25, np.float32))],
}


def outputs(nodes: list[Any], weights: list[Any], feeds: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of ONNX Runtime and of our own engine."""
    names = ["x", "z"][: len(feeds)]
    inputs = [om.info(name, ("N", *array.shape[1:])) for name, array in zip(names, feeds, strict=True)]
    model = om.model(nodes, weights, inputs=inputs, outputs=[om.info("y", None)], opset=20)
    (wanted,) = om.run(model, dict(zip(names, feeds, strict=True)))
    graph = aidge_onnx.load_onnx(model.SerializeToString())
    graph.compile("cpu", dims=[list(array.shape) for array in feeds])
    (got,) = aidge_core.SequentialScheduler(graph).forward(data=list(feeds))
    return wanted, np.asarray(got).copy()


def values(seed: int, shape: tuple[int, ...], share: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = rng.uniform(0.1, 3.0, shape) * rng.choice([-1.0, 1.0], shape)
    return np.where(rng.random(shape) < share, np.nan, array).astype(np.float32)


SIZES = st.integers(1, 70)
"""Also no multiples of a vector's length."""
SEEDS = st.integers(0, 2**31)


@pytest.mark.parametrize("name", [*UNARY, *EXTRA])
@settings(max_examples=6, deadline=None)
@given(size=SIZES, seed=SEEDS)
def test_functions_of_one_value_keep_nan(name: str, size: int, seed: int) -> None:
    extra = EXTRA.get(name, [])
    node = helper.make_node(name, ["x", *(key for key, _ in extra)], ["y"], "f", **UNARY.get(name, {}))
    data = values(seed, (3, size), 0.2)
    wanted, got = outputs([node], [om.tensor(*entry) for entry in extra], [data])
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    assert np.isnan(got[np.isnan(data)]).all()


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=6, deadline=None)
@given(size=SIZES, seed=SEEDS, wide=st.booleans())
def test_functions_of_two_values_keep_nan(name: str, size: int, seed: int, wide: bool) -> None:
    one, two = np.abs(values(seed, (3, size), 0.2)), values(seed + 1, (3, size if wide else 1), 0.2)
    wanted, got = outputs([helper.make_node(name, ["x", "z"], ["y"], "f")], [], [one, two])
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))


@pytest.mark.parametrize("name", ["AveragePool", "LpPool", "GlobalAveragePool", "GlobalLpPool"])
@settings(max_examples=4, deadline=None)
@given(channels=st.integers(1, 20), seed=SEEDS)
def test_poolings_that_add_keep_nan(name: str, channels: int, seed: int) -> None:
    attributes = {} if name.startswith("Global") else {"kernel_shape": [2, 2], "strides": [2, 2]}
    data = values(seed, (2, channels, 6, 6), 0.05)
    wanted, got = outputs([helper.make_node(name, ["x"], ["y"], "pool", **attributes)], [], [data])
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))


@pytest.mark.parametrize(
    "name", ["LeakyRelu", "Elu", "HardSwish", "Sigmoid", "Tanh", "Gelu", "Mish", "Softplus", "Abs"]
)
@pytest.mark.parametrize("layer", ["Conv", "Gemm"])
def test_activations_that_are_computed_with_a_layer_keep_nan(name: str, layer: str) -> None:
    data = values(5, (3, 8, 6, 6), 0.0)
    data[1, 2, 3, 3] = np.nan
    rng = np.random.default_rng(1)
    if layer == "Conv":
        weights = [om.tensor("w", rng.standard_normal((16, 8, 3, 3)))]
        nodes = [helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1])]
    else:
        weights = [om.tensor("w", rng.standard_normal((288, 16)))]
        nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("Gemm", ["f", "w"], ["c"], "fc")]
    wanted, got = outputs([*nodes, helper.make_node(name, ["c"], ["y"], "act")], weights, [data])
    assert np.isnan(wanted).any()
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))


def test_what_onnx_runtime_loses_is_kept() -> None:
    """ThresholdedRelu: ONNX Runtime gives 0 for NaN, PyTorch NaN; ours keeps it."""
    node = helper.make_node("ThresholdedRelu", ["x"], ["y"], "f")
    _, got = outputs([node], [], [np.array([[np.nan, 2.0]], np.float32)])
    assert np.isnan(got[0, 0])
