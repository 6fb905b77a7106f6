"""Operators that are not native: what must come through import and export unharmed."""

from __future__ import annotations

import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.onnx_models import (
    INT64,
    assert_same,
    dims_of,
    info,
    model,
    node,
    round_trip,
    tensor,
    types_of,
    values,
    weights,
)
from onnx import TensorProto, helper


# --- what is not native ---------------------------------------------------------------------------------------------
def test_an_operator_that_is_not_native_is_kept_with_its_dims_and_exported_unchanged() -> None:
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("CenterCropPad", ["h", "size"], ["r"], name="up", axes=[2, 3]),
        node("Sigmoid", ["r"], ["y"]),
    ]
    size = tensor("size", [6, 8], np.int64)
    source = model(nodes, [size], inputs=[info("x", ("N", 2, 3, 4))], opset=18)
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["ReLU", "CenterCropPad", "Sigmoid"]
    assert graph.get_node("up").get_operator().attr.output_dims == [4, -1, 2, 6, 8]
    shapes = graph.infer_shapes([[5, 2, 3, 4]])
    assert shapes[graph.get_node("up")][0][0] == [5, 2, 6, 8]
    exported = aidge_onnx.to_model_proto(graph)
    assert [entry.version for entry in exported.opset_import] == [18]
    assert_same(source, exported, {"x": values(3, 2, 3, 4)})


def test_compiling_lists_the_operators_that_are_not_native() -> None:
    import aidge_backend_cpu  # noqa: F401

    nodes = [
        node("Foo", ["x"], ["h"], name="one", domain="my.own"),
        node("Bar", ["h"], ["y"], name="two", domain="my.own"),
    ]
    graph = aidge_onnx.load_onnx(
        model(nodes, outputs=[info("y")], domains=[helper.make_opsetid("my.own", 1)])
    )
    with pytest.raises(aidge_core.UnsupportedError, match=r"(?s)one.*two"):
        graph.compile("cpu", dims=[[2, 4]])


def test_operators_of_other_domains_are_kept() -> None:
    domains = [helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("my.own", 3)]
    nodes = [
        node("FusedThing", ["x", "w"], ["h"], domain="my.own", name="f", level=2),
        node("Relu", ["h"], ["y"]),
    ]
    source = model(nodes, [weights("w", 4)], domains=domains, outputs=[info("y", ("N", 9))])
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["my.own::FusedThing", "ReLU"]
    exported = aidge_onnx.to_model_proto(graph)
    assert {entry.domain: entry.version for entry in exported.opset_import} == {"": 17, "my.own": 3}
    assert next((n.op_type, n.domain, list(n.input)) for n in exported.graph.node) == (
        "FusedThing",
        "my.own",
        ["x", "w"],
    )
    assert dims_of(exported.graph.output[0]) == ["N", 9]


def test_unused_outputs_and_absent_inputs_keep_their_places() -> None:
    nodes = [node("Split", ["x", "parts"], ["a", "unused", "b"], axis=1), node("Add", ["a", "b"], ["h"]),
             node("LSTM", ["seq", "W", "R", "", "", "h0"], ["", "last"], hidden_size=2), node("Identity", ["h"], ["y"])]  # fmt: skip
    tensors = [
        tensor("parts", [1, 2, 1], np.int64),
        weights("W", 1, 8, 3),
        weights("R", 1, 8, 2),
        weights("h0", 1, 1, 2),
    ]
    source = model(
        nodes,
        tensors,
        inputs=[info("x"), info("seq", (5, 1, 3))],
        outputs=[info("y", None), info("last", None)],
    )
    graph = aidge_onnx.load_onnx(source)
    assert [spec.name for spec in graph.input_specs] == ["x", "seq"]
    exported = aidge_onnx.to_model_proto(graph)
    assert [list(n.output) for n in exported.graph.node if n.op_type == "LSTM"] == [["", "last"]]
    assert_same(source, exported, {"x": values(2, 4), "seq": values(5, 1, 3)})


def test_graphs_inside_operators_keep_what_they_capture() -> None:
    then = helper.make_graph([node("Add", ["h", "w"], ["t"])], "then", [], [info("t", None)])
    inner = helper.make_graph([node("Mul", ["h", "w"], ["n"])], "inner", [], [info("n", None)])
    other = helper.make_graph(
        [node("If", ["flag"], ["e"], then_branch=inner, else_branch=then)], "else", [], [info("e", None)]
    )
    nodes = [node("Relu", ["x"], ["h"], name="w"), node("If", ["flag"], ["z"], then_branch=then, else_branch=other, name="if"),
             node("Sigmoid", ["z"], ["y"], name="t")]  # fmt: skip
    source = model(nodes, [weights("w", 4)], inputs=[info("x"), info("flag", (), TensorProto.BOOL)])
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["ReLU", "If", "Sigmoid"]
    assert [parent.name() for parent in graph.get_node("if").get_parents() if parent] == ["w", "w_1"]
    exported = aidge_onnx.to_model_proto(graph)
    for flag in (True, False):
        assert_same(source, exported, {"x": values(2, 4), "flag": np.asarray(flag)})


def test_weights_of_types_that_only_onnx_has_are_kept() -> None:
    packed = helper.make_tensor("q", TensorProto.INT4, [4], [1, -2, 3, -4])
    nodes = [node("DequantizeLinear", ["q", "s"], ["w"]), node("Add", ["x", "w"], ["y"])]
    source = model(nodes, [packed, tensor("s", 0.5)], opset=21, ir_version=10)
    exported = round_trip(source)
    assert_same(source, exported, {"x": values(2, 4)})


@pytest.mark.parametrize("kind", [TensorProto.DOUBLE, INT64])
def test_operators_on_types_that_their_kernels_do_not_take_are_kept_as_they_are(kind: int) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    source = model([node("MatMul", ["x", "w"], ["y"])], [tensor("w", np.ones((4, 3)), dtype)], inputs=[info("x", kind=kind)],
                   outputs=[info("y", kind=kind)])  # fmt: skip
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["onnx::MatMul"]
    (kept,) = (item for item in graph.get_nodes() if item.get_operator().is_generic())
    assert kept.get_operator().attr.output_types == [np.dtype(dtype).name]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": (values(2, 4) * 5).astype(dtype)})


@pytest.mark.parametrize("kind", [TensorProto.DOUBLE, TensorProto.INT32, INT64])
def test_operators_on_other_types_than_float32_run_natively(kind: int) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    nodes = [
        node("Add", ["x", "w"], ["s"]),
        node("Identity", ["s"], ["y"]),
        node("Cast", ["s"], ["c"], to=TensorProto.FLOAT16),
    ]
    source = model(nodes, [tensor("w", [1, 2, 3, 4], dtype)], inputs=[info("x", kind=kind)],
                   outputs=[info("y", kind=kind), info("c", kind=TensorProto.FLOAT16)])  # fmt: skip
    graph = aidge_onnx.load_onnx(source, cleaning=False)
    assert types_of(graph) == ["Add", "Identity", "Cast"]
    data = (values(2, 4) * 5).astype(dtype)
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": data})
    graph.compile("cpu", dims=[[2, 4]])
    same, halves = aidge_core.SequentialScheduler(graph).forward(data=[data])
    expected = data + np.array([1, 2, 3, 4], dtype)
    np.testing.assert_array_equal(np.asarray(same), expected)
    np.testing.assert_array_equal(np.asarray(halves), expected.astype(np.float16))


def test_a_convolution_whose_weight_is_computed_is_kept() -> None:
    source = model(
        [node("Conv", ["x", "w"], ["y"])], inputs=[info("x", ("N", 2, 5, 5)), info("w", (3, 2, 3, 3))]
    )
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["Conv"]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(2, 2, 5, 5), "w": values(3, 2, 3, 3)})
