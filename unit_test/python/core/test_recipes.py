"""Graph recipes from Python, checked against ONNX Runtime."""

from __future__ import annotations

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from aidge_compress.network.summary import summarize
from helpers.cutting import Builder
from helpers.toy import model_of


def network(kind: str, bias: bool, seed: int = 0) -> onnx.ModelProto:
    """A layer, BatchNormalization, Identity, Relu, Dropout with random constants."""
    random = np.random.default_rng(seed)
    shapes = {"Conv": (4, 3, 3, 3), "ConvTranspose": (3, 4, 3, 3), "Gemm": (4, 3)}
    weights = {
        "w": random.normal(size=shapes[kind]),
        "scale": random.normal(size=4),
        "shift": random.normal(size=4),
    }
    weights |= {"mean": random.normal(size=4), "var": random.uniform(0.2, 2.0, 4)}
    if bias:
        weights["b"] = random.normal(size=4)
    make = onnx.helper.make_node
    options = {"transB": 1} if kind == "Gemm" else {}
    nodes = [
        make(kind, ["x", "w", *(["b"] if bias else [])], ["c"], "layer", **options),
        make("BatchNormalization", ["c", "scale", "shift", "mean", "var"], ["n"], "norm", epsilon=1e-3),
        make("Identity", ["n"], ["i"], "same"),
        make("Relu", ["i"], ["r"], "relu"),
        make("Dropout", ["r"], ["y"], "drop"),
    ]
    rank = 2 if kind == "Gemm" else 4
    return model_of(nodes, weights, {"x": ["n", 3, 8, 8][:rank]}, {"y": [None] * rank})


def test_all_reports_count_the_same_parameters() -> None:
    b = Builder()
    x = b.add("Gather", [b.conv("x", 3, 8), b.integers(0, 2, 3)], axis=2)  # indices are no parameters
    model = b.model({"x": ["n", 3, 6, 6]}, [b.conv(x, 8, 5)])
    count = (8 * 3 + 8) + (5 * 8 + 5)
    assert summarize(aidge_onnx.load_onnx(model), [(1, 3, 6, 6)]).parameters == count
    assert aidge_core.remove_channels(aidge_onnx.load_onnx(model), {}).parameters_before == count
    assert aidge_core.fuse_convolution(aidge_onnx.load_onnx(model)).parameters_before == count


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose", "Gemm"])
def test_folding_and_removing_keep_the_outputs(kind: str, bias: bool) -> None:
    proto = network(kind, bias)
    x = np.random.default_rng(1).normal(size=(2, 3, 8, 8)[: 2 if kind == "Gemm" else 4]).astype(np.float32)
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = np.asarray(session.run(None, {"x": x})[0])
    model = aidge_onnx.load_onnx(proto)
    before = [node.type() for node in model.get_ordered_nodes()]
    foldable = {"Conv": "Conv2D", "ConvTranspose": "ConvTranspose2D", "Gemm": "FC"}[kind] in before
    assert aidge_core.fuse_batchnorm(model) == int(foldable)
    assert aidge_core.fuse_batchnorm(model) == 0
    aidge_core.remove_identity(model)
    aidge_core.remove_dropout(model)
    types = [node.type() for node in model.get_ordered_nodes()]
    assert "Identity" not in types
    assert "Dropout" not in types
    if foldable:
        assert not any(name.startswith("BatchNorm") for name in types)
    model.compile("cpu", dims=[list(x.shape)])
    got = np.asarray(aidge_core.SequentialScheduler(model).forward(data=[x])[0])
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_identities_and_dropouts_are_counted() -> None:
    nodes = [
        aidge_core.Identity(name="i"),
        aidge_core.ReLU(name="a"),
        aidge_core.Dropout(name="d"),
        aidge_core.Identity(name="j"),
    ]
    model = aidge_core.sequential(nodes)
    assert aidge_core.remove_identity(model) == 2
    assert aidge_core.remove_dropout(model) == 1
    assert aidge_core.remove_identity(model) == 0
    assert [node.name() for node in model.get_ordered_nodes()] == ["a"]


def test_recipes_want_a_graph() -> None:
    for recipe in (aidge_core.remove_identity, aidge_core.remove_dropout, aidge_core.fuse_batchnorm):
        with pytest.raises(ValueError, match="expected a graph"):
            recipe(None)
