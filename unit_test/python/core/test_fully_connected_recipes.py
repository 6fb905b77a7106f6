"""matmul_to_fc and remove_flatten: the same outputs with FC in the place of products, and without Flatten before it."""

from __future__ import annotations

from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

RANDOM = np.random.default_rng(0)
CONSTANTS = {
    "w": RANDOM.standard_normal((12, 5), dtype=np.float32),
    "b": RANDOM.standard_normal((1, 5), dtype=np.float32),
    "v": RANDOM.standard_normal((5, 3), dtype=np.float32),
    "u": RANDOM.standard_normal((4, 4), dtype=np.float32),
}


def network(nodes: list[Any], dims: list[Any], outputs: list[Any]) -> aidge_core.GraphView:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", *dims])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", *outputs])],
        [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return aidge_onnx.load_onnx(model.SerializeToString())


def outputs(graph: aidge_core.GraphView, x: np.ndarray) -> np.ndarray:
    graph.compile("cpu", dims=[list(x.shape)])
    return np.array(aidge_core.SequentialScheduler(graph).forward(data=[x])[0])


def types(graph: aidge_core.GraphView) -> list[str]:
    return [node.type() for node in graph.get_ordered_nodes() if node.type() != "Producer"]


def perceptron() -> aidge_core.GraphView:
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"], name="flat"),
        helper.make_node("MatMul", ["f", "w"], ["m"], name="first"),
        helper.make_node("Add", ["b", "m"], ["a"], name="bias"),
        helper.make_node("Relu", ["a"], ["r"], name="relu"),
        helper.make_node("MatMul", ["r", "v"], ["y"], name="second"),
    ]
    return network(nodes, [3, 2, 2], [3])


def test_products_become_fully_connected_layers_of_their_names() -> None:
    graph, x = perceptron(), RANDOM.standard_normal((4, 3, 2, 2), dtype=np.float32)
    wanted = outputs(graph, x)
    assert aidge_core.matmul_to_fc(graph) == 2
    assert aidge_core.remove_flatten(graph) == 1
    assert types(graph) == ["FC", "ReLU", "FC"]
    np.testing.assert_allclose(outputs(graph, x), wanted, rtol=1e-5, atol=1e-5)
    assert graph.get_node("first").type() == "FC"
    assert graph.get_node("second").get_parent(2) is None
    assert aidge_core.matmul_to_fc(graph) == aidge_core.remove_flatten(graph) == 0


def test_products_over_more_axes_and_shared_matrices_stay() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "u"], ["m"], name="first"),
        helper.make_node("MatMul", ["m", "u"], ["y"], name="second"),
    ]
    for dims in ([4], [3, 4]):
        graph = network(nodes, dims, dims)
        graph.compile("cpu", dims=[[2, *dims]])
        assert aidge_core.matmul_to_fc(graph) == 0
    tokens = network([nodes[0], helper.make_node("Relu", ["m"], ["y"])], [3, 4], [3, 4])
    tokens.compile("cpu", dims=[[2, 3, 4]])
    assert aidge_core.matmul_to_fc(tokens) == 0


def test_a_flatten_that_others_read_stays() -> None:
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"], name="flat"),
        helper.make_node("Relu", ["f"], ["y"], name="relu"),
    ]
    graph = network(nodes, [2, 3], [6])
    assert aidge_core.remove_flatten(graph) == 0


def test_unknown_dims_are_said() -> None:
    with pytest.raises(ValueError, match="call compile or forward_dims first"):
        aidge_core.matmul_to_fc(perceptron())
