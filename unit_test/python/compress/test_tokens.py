"""compress on products with constant matrices: MLPs of transformers and mixers, and classifiers that are a MatMul."""

from __future__ import annotations

from typing import Any

import aidge_compress
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from aidge_compress.channels.tokens import to_layers, to_products
from aidge_compress.measure.metrics import compare
from aidge_core.data import from_arrays
from onnx import helper, numpy_helper

WIDTH, HIDDEN, TOKENS = 12, 40, 7


def low_rank(random: np.random.Generator, rows: int, columns: int, rank: int) -> np.ndarray:
    """(rows, columns), some columns of which tell of the others."""
    values = random.normal(size=(rows, rank)) @ random.normal(size=(rank, columns)) / np.sqrt(rank * rows)
    return (values + 0.02 * random.normal(size=(rows, columns))).astype(np.float32)


def block_network(axes: tuple[int, ...] = (TOKENS,), *, bias: bool = True, seed: int = 0) -> onnx.ModelProto:
    """(n, *axes, 12) → LayerNorm → MatMul → bias → Gelu → MatMul → bias → + the input → mean over the axes → MatMul of 5 classes."""
    random = np.random.default_rng(seed)
    constants = {
        "scale": np.ones(WIDTH, np.float32),
        "shift": np.zeros(WIDTH, np.float32),
        "w1": low_rank(random, WIDTH, HIDDEN, 4),
        "b1": (0.1 * random.normal(size=HIDDEN)).astype(np.float32),
        "w2": random.normal(size=(HIDDEN, WIDTH)).astype(np.float32) / 6,
        "b2": (0.1 * random.normal(size=(1, WIDTH))).astype(np.float32),
        "w3": random.normal(size=(WIDTH, 5)).astype(np.float32),
    }
    places = list(range(1, 1 + len(axes)))
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale", "shift"], ["n"], name="norm"),
        helper.make_node("MatMul", ["n", "w1"], ["m1"], name="up"),
        helper.make_node("Add", ["b1", "m1"] if bias else ["m1", "zero"], ["a1"], name="up_bias"),
        helper.make_node("Gelu", ["a1"], ["g"], name="gelu"),
        helper.make_node("MatMul", ["g", "w2"], ["m2"], name="down"),
        helper.make_node("Add", ["m2", "b2"], ["a2"], name="down_bias"),
        helper.make_node("Add", ["a2", "x"], ["s"], name="sum"),
        helper.make_node("ReduceMean", ["s", "places"], ["p"], name="mean", keepdims=0),
        helper.make_node("MatMul", ["p", "w3"], ["y"], name="head"),
    ]
    if not bias:
        nodes[1].output[0] = "a1"
        del nodes[2]
    initialisers = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    initialisers.append(numpy_helper.from_array(np.array(places, np.int64), "places"))
    graph = helper.make_graph(
        nodes,
        "block",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", *axes, WIDTH])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 5])],
        initialisers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def tokens(count: int, axes: tuple[int, ...] = (TOKENS,), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, *axes, WIDTH), dtype=np.float32)


def shrunk(model: onnx.ModelProto, data: np.ndarray, **options: Any) -> aidge_compress.CompressionResult:
    return aidge_compress.compress(model, from_arrays(data, batch_size=20), latency=False, **options)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("axes", [(7,), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_hidden_units_of_an_mlp_are_removed(axes: tuple[int, ...], bias: bool) -> None:
    model = block_network(axes, bias=bias)
    result = shrunk(model, tokens(160, axes), keep_macs=0.45)
    kept = {group.layers[0]: group.kept for group in result.groups}
    assert 4 <= kept["up"] < 0.5 * HIDDEN
    channels = {layer.name: layer.channels for layer in result.layers}
    assert channels["up"] == (HIDDEN, kept["up"])
    assert channels["down"] == (WIDTH, WIDTH)
    written = aidge_onnx.to_model_proto(result.model)
    operators = [node.op_type for node in written.graph.node]
    assert "Transpose" not in operators
    assert "Conv" not in operators
    x = tokens(60, axes, seed=1)
    wanted, got = run(model, x), run(written, x)
    assert np.sqrt(((wanted - got) ** 2).mean() / wanted.var()) < 0.1


def test_the_fit_is_better_than_leaving_weights_as_they_are() -> None:
    errors = {}
    for how in ("none", "covariance", "least_squares"):
        result = shrunk(block_network(), tokens(160), keep_macs=0.35, compensation=how, allocation="uniform")
        data = from_arrays(tokens(100, seed=1), batch_size=20)
        errors[how] = compare(result.model, result.original, data).error
    assert errors["covariance"] < 0.7 * errors["none"]
    assert errors["least_squares"] <= 1.01 * errors["covariance"]


@pytest.mark.parametrize("axes", [(7,), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_layers_and_back_is_the_same_network(axes: tuple[int, ...], bias: bool) -> None:
    model = aidge_onnx.load_onnx(block_network(axes, bias=bias).SerializeToString())
    before = [(node.name(), node.type()) for node in model.get_ordered_nodes() if node.type() != "Producer"]
    x = tokens(3, axes)
    model.compile("cpu", dims=[list(x.shape)])
    wanted = np.array(aidge_core.SequentialScheduler(model).forward(data=[x])[0])
    products = to_layers(model)
    model.compile("cpu", dims=[list(x.shape)])
    changed = np.array(aidge_core.SequentialScheduler(model).forward(data=[x])[0])
    np.testing.assert_allclose(changed, wanted, atol=1e-5)
    assert {product.name for product in products} == {"up", "down"}  # the head becomes an FC
    to_products(model, products)
    model.compile("cpu", dims=[list(x.shape)])
    after = [(node.name(), node.type()) for node in model.get_ordered_nodes() if node.type() != "Producer"]
    assert [entry if entry[0] != "head" else ("head", "MatMul") for entry in after] == before
    np.testing.assert_allclose(
        np.array(aidge_core.SequentialScheduler(model).forward(data=[x])[0]), wanted, atol=1e-5
    )


def classifier(kind: str) -> onnx.ModelProto:
    """Conv → Relu → mean → MatMul, or the same as a Gemm with a bias of zeros."""
    random = np.random.default_rng(3)
    values = {
        "c": low_rank(random, 24, 27, 5).reshape(24, 3, 3, 3),
        "w": random.normal(size=(24, 6)).astype(np.float32),
        "z": np.zeros(6, np.float32),
    }
    last = ["p", "w"] if kind == "MatMul" else ["p", "w", "z"]
    nodes = [
        helper.make_node("Conv", ["x", "c"], ["h"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["q"], name="pool"),
        helper.make_node("Flatten", ["q"], ["p"], name="flat"),
        helper.make_node(kind, last, ["y"], name="head"),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 6, 6])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 6])],
        [numpy_helper.from_array(v, k) for k, v in values.items() if k != "z" or kind == "Gemm"],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_matmul_at_the_end_is_fitted_as_a_gemm_is() -> None:
    x = np.random.default_rng(0).standard_normal((120, 3, 6, 6), dtype=np.float32)
    results = {kind: shrunk(classifier(kind), x, keep_macs=0.4) for kind in ("MatMul", "Gemm")}
    assert results["MatMul"].quality.error == pytest.approx(results["Gemm"].quality.error, rel=1e-4)
    head = next(layer for layer in results["MatMul"].layers if layer.name == "head")
    assert head.error is not None


def test_a_matrix_of_two_products_stays_one() -> None:
    model = block_network()
    model.graph.node.insert(5, helper.make_node("MatMul", ["x", "w1"], ["m4"], name="again"))
    model.graph.node.insert(6, helper.make_node("MatMul", ["m4", "w2"], ["m5"], name="back"))
    model.graph.node.insert(7, helper.make_node("Add", ["m2", "m5"], ["m6"], name="both"))
    model.graph.node[8].input[0] = "m6"
    network = aidge_onnx.load_onnx(model.SerializeToString())
    network.compile("cpu", dims=[[2, TOKENS, WIDTH]])
    assert to_layers(network) == []
    assert len(network.get_node("up").get_parent(1).get_children()) == 2


def test_layers_without_a_bias_take_over_too() -> None:
    """They get a bias: the errors are those of the same network with a bias of zeros."""
    x = np.random.default_rng(0).standard_normal((120, 3, 6, 6), dtype=np.float32)
    errors = {
        (kind, how): shrunk(
            classifier(kind), x, keep_macs=0.4, compensation=how, allocation="uniform"
        ).quality.error
        for kind in ("MatMul", "Gemm")
        for how in ("none", "covariance")
    }
    assert errors["MatMul", "covariance"] == pytest.approx(errors["Gemm", "covariance"], rel=1e-4)
    assert errors["MatMul", "covariance"] < 0.5 * errors["MatMul", "none"]
