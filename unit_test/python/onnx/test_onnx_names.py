"""Names, shapes and constants: what must come through import and export unharmed."""

from __future__ import annotations

import math
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.onnx_models import (
    EXPORT_TOLERANCE,
    FLOAT,
    INT64,
    SCALARS,
    assert_same,
    dims_of,
    flattening,
    info,
    model,
    node,
    round_trip,
    run,
    tensor,
    types_of,
    values,
    weights,
)
from onnx import ModelProto


# --- names ----------------------------------------------------------------------------------------------------------
def test_names_of_inputs_outputs_nodes_and_initialisers_survive() -> None:
    nodes = [node("Gemm", ["in put", "fc.weight", "fc.bias"], ["h"], name="/fc/Gemm", transB=1),
             node("Relu", ["h"], ["out:0"], name="/relu")]  # fmt: skip
    source = model(
        nodes,
        [weights("fc.weight", 3, 4), weights("fc.bias", 3)],
        inputs=[info("in put")],
        outputs=[info("out:0", None)],
    )
    graph = aidge_onnx.load_onnx(source)
    assert graph.name() == "net"
    assert [spec.name for spec in graph.input_specs] == ["in put"]
    assert [spec.name for spec in graph.output_specs] == ["out:0"]
    assert {n.name() for n in graph.get_nodes()} == {"fc.weight", "fc.bias", "/fc/Gemm", "/relu"}
    exported = aidge_onnx.to_model_proto(graph)
    assert exported.graph.name == "net"
    assert [value.name for value in exported.graph.input] == ["in put"]
    assert [value.name for value in exported.graph.output] == ["out:0"]
    assert [n.name for n in exported.graph.node] == ["/fc/Gemm", "/relu"]
    assert sorted(t.name for t in exported.graph.initializer) == ["fc.bias", "fc.weight"]


def test_missing_and_repeated_node_names_become_unique_and_always_the_same() -> None:
    names = ["", "a", "", "a", "Relu_0"]
    edges = ["x", "1", "2", "3", "4", "y"]
    nodes = [node("Relu", [edges[i]], [edges[i + 1]], name=name) for i, name in enumerate(names)]
    found = [[n.name() for n in aidge_onnx.load_onnx(model(nodes)).get_ordered_nodes()] for _ in range(2)]
    assert found[0] == found[1] == ["Relu_0_1", "a", "Relu_2", "a_1", "Relu_0"]


def test_a_node_and_an_initialiser_of_one_name_both_find_a_place() -> None:
    source = model([node("Mul", ["x", "w"], ["y"], name="w")], [weights("w", 4)])
    graph = aidge_onnx.load_onnx(source)
    assert graph.get_node("w").type() == "Mul"
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(2, 4)})


def test_values_and_nodes_of_one_name_do_not_collide_in_the_export() -> None:
    nodes = [node("Relu", ["x"], ["h"], name="y"), node("Sigmoid", ["h"], ["y_output_0"], name="x"),
             node("Tanh", ["y_output_0"], ["y"], name="h")]  # fmt: skip
    source = model(nodes)
    assert_same(source, round_trip(source), {"x": values(2, 4)})


def test_initialisers_that_are_also_inputs_are_no_inputs() -> None:
    source = model(
        [node("MatMul", ["x", "w"], ["y"])],
        [weights("w", 4, 3)],
        inputs=[info("x"), info("w", (4, 3))],
        ir_version=3,
    )
    graph = aidge_onnx.load_onnx(source)
    assert [spec.name for spec in graph.input_specs] == ["x"]
    assert [value.name for value in aidge_onnx.to_model_proto(graph).graph.input] == ["x"]


def test_an_input_that_feeds_several_nodes_is_one_input() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Sigmoid", ["x"], ["b"]),
        node("Add", ["a", "b"], ["c"]),
        node("Mul", ["c", "x"], ["y"]),
    ]
    source = model(nodes)
    graph = aidge_onnx.load_onnx(source)
    assert [len(spec.targets) for spec in graph.input_specs] == [3]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(3, 4)})


def test_an_input_that_nothing_reads_comes_out_again_in_its_place() -> None:
    inputs = [info("a"), info("unused", ("N", 7, "W"), INT64), info("b")]
    source = model([node("Add", ["a", "b"], ["y"])], inputs=inputs)
    graph = aidge_onnx.load_onnx(source)
    assert [spec.name for spec in graph.input_specs] == ["a", "b"]
    exported = aidge_onnx.to_model_proto(graph)
    assert [(value.name, dims_of(value)) for value in exported.graph.input] == [
        ("a", ["N", 4]),
        ("unused", ["N", 7, "W"]),
        ("b", ["N", 4]),
    ]


def test_outputs_that_are_also_used_inside_or_twice_or_inputs_or_constants_survive() -> None:
    nodes = [node("Relu", ["x"], ["mid"], name="relu"), node("Sigmoid", ["mid"], ["y"])]
    outputs = [info("mid"), info("x"), info("y"), info("w", (3,))]
    source = model([*nodes, node("Identity", ["x"], ["same"]), node("Identity", ["mid"], ["again"])], [weights("w", 3)],
                   outputs=[*outputs, info("same"), info("again")])  # fmt: skip
    exported = round_trip(source)
    assert [value.name for value in exported.graph.output] == ["mid", "x", "y", "w", "same", "again"]
    assert all(node.output[0] != "x" for node in exported.graph.node)
    assert_same(source, exported, {"x": values(2, 4)})


def test_two_outputs_of_one_node_are_written_with_an_identity() -> None:
    relu = aidge_core.make_node("ReLU", {}, "relu")
    graph = aidge_core.GraphView("g")
    graph.add(relu)
    graph.set_inputs([aidge_core.GraphInput("x", [(relu, 0)], [None, 3])])
    graph.set_outputs([aidge_core.GraphOutput("a", relu), aidge_core.GraphOutput("b", relu)])
    exported = aidge_onnx.to_model_proto(graph)
    data = values(2, 3)
    first, second = run(exported, {"x": data})
    np.testing.assert_array_equal(first, np.maximum(data, 0))
    np.testing.assert_array_equal(second, first)


def test_value_names_are_the_same_every_time() -> None:
    source = model([node("Softmax", ["x"], ["h"], axis=1), node("Gelu", ["h"], ["y"])], opset=20)
    graph = aidge_onnx.load_onnx(source)
    exports = [
        aidge_onnx.to_model_proto(graph, opset=13).SerializeToString(deterministic=True) for _ in range(3)
    ]
    assert len(set(exports)) == 1


# --- shapes ---------------------------------------------------------------------------------------------------------
def test_free_dims_keep_their_names() -> None:
    source = model([node("Relu", ["x"], ["y"])], inputs=[info("x", ("samples", 3, "height", None))])
    graph = aidge_onnx.load_onnx(source)
    assert graph.input_specs[0].dims == [None, 3, None, None]
    exported = aidge_onnx.to_model_proto(graph)
    assert dims_of(exported.graph.input[0]) == ["samples", 3, "height", "x_dim3"]
    assert dims_of(exported.graph.output[0])[:3] == ["samples", 3, "height"]


def test_fixed_dims_stay_fixed() -> None:
    exported = round_trip(model([node("Relu", ["x"], ["y"])], inputs=[info("x", (2, 3))]))
    assert dims_of(exported.graph.input[0]) == dims_of(exported.graph.output[0]) == [2, 3]


def test_the_batch_of_a_fixed_model_can_be_freed() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Reshape", ["c", "s"], ["r"]),
        node("Gemm", ["r", "v"], ["h"]),
        node("Softmax", ["h"], ["y"]),
    ]
    tensors = [weights("w", 2, 3, 3, 3), tensor("s", [1, 72], np.int64), weights("v", 72, 5)]
    source = model(nodes, tensors, inputs=[info("x", (1, 3, 8, 8))], opset=11)
    exported = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(source, dynamic_batch=True))
    assert dims_of(exported.graph.input[0]) == ["batch", 3, 8, 8]
    data = values(3, 3, 8, 8)
    (together,) = run(exported, {"x": data})
    alone = [run(source, {"x": data[index : index + 1]})[0] for index in range(3)]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=EXPORT_TOLERANCE, atol=EXPORT_TOLERANCE)


def test_an_input_without_shape_needs_dims_for_the_export() -> None:
    source = model([node("Relu", ["x"], ["y"])])
    source.graph.input[0].type.tensor_type.ClearField("shape")
    source.graph.output[0].type.tensor_type.ClearField("shape")
    graph = aidge_onnx.load_onnx(source)
    assert graph.input_specs[0].dims is None
    with pytest.raises(ValueError, match="'x'"):
        aidge_onnx.to_model_proto(graph)
    exported = aidge_onnx.to_model_proto(graph, input_dims=[[None, 5]])
    assert dims_of(exported.graph.input[0]) == ["batch", 5]


def test_a_graph_from_scratch_is_written_for_opset_17_with_a_free_batch() -> None:
    graph = aidge_core.sequential([
        aidge_core.PaddedConv2D(3, 8, [3, 3], name="conv", padding_dims=[1, 1, 1, 1]), aidge_core.BatchNorm2D(8, name="bn"),
        aidge_core.ReLU(name="relu"), aidge_core.FC(8 * 6 * 6, 5, name="fc"),
    ])  # fmt: skip
    graph.forward_dims([[1, 3, 6, 6]])
    exported = aidge_onnx.to_model_proto(graph, input_dims=[[None, 3, 6, 6]])
    assert [entry.version for entry in exported.opset_import] == [17]
    assert exported.ir_version == 8
    assert [n.op_type for n in exported.graph.node] == [
        "Conv",
        "BatchNormalization",
        "Relu",
        "Flatten",
        "Gemm",
    ]
    assert dims_of(exported.graph.output[0]) == ["batch", 5]
    assert run(exported, {exported.graph.input[0].name: values(3, 3, 6, 6)})[0].shape == (3, 5)


def test_meta_operators_are_written_as_what_is_in_them() -> None:
    inner = aidge_core.sequential([aidge_core.ReLU(name="relu"), aidge_core.Sigmoid(name="twin")])
    outer = aidge_core.sequential(
        [
            aidge_core.Tanh(name="twin"),
            aidge_core.meta_operator("Block", inner, "block"),
            aidge_core.ReLU(name="last"),
        ]
    )
    exported = aidge_onnx.to_model_proto(outer, input_dims=[[None, 4]])
    assert [(n.op_type, n.name) for n in exported.graph.node] == [
        ("Tanh", "twin"),
        ("Relu", "relu"),
        ("Sigmoid", "twin_1"),
        ("Relu", "last"),
    ]
    data = values(2, 4)
    expected = 1 / (1 + np.exp(-np.maximum(np.tanh(data), 0)))
    np.testing.assert_allclose(run(exported, {exported.graph.input[0].name: data})[0], expected, rtol=1e-5)


# --- constants and computed shapes ----------------------------------------------------------------------------------
def test_weights_behind_constants_identities_and_casts_become_producers() -> None:
    nodes = [
        node("Constant", [], ["w0"], value=weights("t", 4, 3)), node("Identity", ["w0"], ["w1"]),
        node("Constant", [], ["b0"], value_floats=[0.1, 0.2, 0.3]), node("Identity", ["b0"], ["b1"]),
        node("Gemm", ["x", "w1", "b1"], ["y"], name="fc"),
    ]  # fmt: skip
    source = model(nodes)
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["FC"]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(2, 4)})


def test_arithmetic_on_constants_is_done_at_import() -> None:
    nodes = [
        node("Mul", ["a", "b"], ["p"]), node("Sqrt", ["p"], ["r"]), node("Unsqueeze", ["r", "axes"], ["u"]),
        node("Transpose", ["u"], ["t"], perm=[1, 0]), node("Cast", ["n"], ["f"], to=FLOAT), node("Div", ["t", "f"], ["c"]), node("Add", ["x", "c"], ["y"]),
    ]  # fmt: skip
    tensors = [
        tensor("a", [1, 2, 3, 4]),
        tensor("b", [4, 3, 2, 5]),
        tensor("axes", [1], np.int64),
        tensor("n", 7, np.int64),
    ]
    source = model(nodes, tensors)
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["Add"]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(2, 4)})


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 21])
@pytest.mark.parametrize("batch", [None, "N", 3])
def test_a_flattening_by_shape_arithmetic_becomes_one_reshape(opset: int, batch: Any) -> None:
    source = model(
        [node("Relu", ["x"], ["h"]), *flattening(opset)],
        SCALARS,
        inputs=[info("x", (batch, 2, 5, 3))],
        opset=opset,
    )
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["ReLU", "Reshape"]
    assert graph.get_ordered_nodes()[-1].get_operator().attr.shape == [3 if batch == 3 else 0, -1]
    for size in (3,) if batch == 3 else (1, 3):
        assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(size, 2, 5, 3)})


def test_a_channel_shuffle_with_free_batch_and_extents_keeps_its_reshapes_where_they_are_decided() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "i0"], ["n"]), node("Gather", ["s", "i1"], ["c"]),
        node("Gather", ["s", "i2"], ["h"]), node("Gather", ["s", "i3"], ["w"]), node("Div", ["c", "two"], ["half"]),
        *[node("Unsqueeze", [name, "axis"], [name + "1"]) for name in ("n", "two", "half", "h", "w", "c")],
        node("Concat", ["n1", "two1", "half1", "h1", "w1"], ["t5"], axis=0), node("Reshape", ["x", "t5"], ["r5"]),
        node("Transpose", ["r5"], ["p"], perm=[0, 2, 1, 3, 4]),
        node("Concat", ["n1", "c1", "h1", "w1"], ["t4"], axis=0), node("Reshape", ["p", "t4"], ["y"]),
    ]  # fmt: skip
    tensors = [tensor(f"i{index}", index, np.int64) for index in range(4)] + [
        tensor("two", 2, np.int64),
        tensor("axis", [0], np.int64),
    ]
    source = model(nodes, tensors, inputs=[info("x", ("N", 6, 4, 5))])
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["Reshape", "Transpose", "Reshape"]
    exported = aidge_onnx.to_model_proto(graph)
    assert_same(source, exported, {"x": values(1, 6, 4, 5)})
    assert_same(source, exported, {"x": values(3, 6, 4, 5)})
    free = model(nodes, tensors, inputs=[info("x", ("N", 6, "H", "W"))])
    kept = aidge_onnx.load_onnx(free)
    assert_same(free, aidge_onnx.to_model_proto(kept), {"x": values(3, 6, 4, 5)})


def test_arithmetic_on_the_batch_that_cancels_is_seen_through() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero1"], ["n"]), node("Mul", ["n", "six"], ["n6"]), node("Div", ["n6", "six"], ["again"]),
        node("Concat", ["again", "six", "minus1"], ["t"], axis=0), node("Reshape", ["x", "t"], ["y"]),
    ]  # fmt: skip
    source = model(
        nodes,
        [*SCALARS, tensor("six", [6], np.int64), tensor("minus1", [-1], np.int64)],
        inputs=[info("x", ("N", 3, 4))],
    )
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["Reshape"]
    assert graph.get_ordered_nodes()[-1].get_operator().attr.shape == [0, 6, -1]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(5, 3, 4)})


def test_a_shape_that_cannot_be_decided_stays_computed() -> None:
    nodes = [node("Shape", ["z"], ["s"]), node("Reshape", ["x", "s"], ["y"])]
    source = model(nodes, inputs=[info("x", ("N", 6)), info("z", ("A", "B"))])
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["Shape", "Reshape"]
    assert graph.get_ordered_nodes()[-1].get_nb_inputs() == 2
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(2, 6), "z": values(3, 4)})


def test_dead_branches_are_dropped() -> None:
    nodes = [
        node("Relu", ["x"], ["y"]),
        node("Sigmoid", ["x"], ["dead"]),
        node("Add", ["dead", "w"], ["deader"]),
    ]
    graph = aidge_onnx.load_onnx(model(nodes, [weights("w", 4)]))
    assert [n.name() for n in graph.get_nodes()] == ["Relu_0"]


def test_a_product_that_is_almost_a_gelu_is_none() -> None:
    def written(factor: float) -> ModelProto:
        nodes = [node("Div", ["x", "root"], ["i"]), node("Erf", ["i"], ["e"]), node("Add", ["e", "one"], ["a"]),
                 node("Mul", ["x", "a"], ["p"]), node("Mul", ["p", "half"], ["y"])]  # fmt: skip
        return model(nodes, [tensor("root", math.sqrt(2)), tensor("one", 1), tensor("half", factor)])

    assert types_of(aidge_onnx.load_onnx(written(0.5))) == ["GeLU"]
    assert types_of(aidge_onnx.load_onnx(written(0.51))) == ["Div", "Erf", "Add", "Mul", "Mul"]


def test_a_gelu_of_which_an_inner_value_is_used_elsewhere_stays_written_out() -> None:
    nodes = [node("Div", ["x", "root"], ["i"]), node("Erf", ["i"], ["e"]), node("Add", ["e", "one"], ["a"]),
             node("Mul", ["x", "a"], ["p"]), node("Mul", ["p", "half"], ["y"])]  # fmt: skip
    source = model(
        nodes,
        [tensor("root", math.sqrt(2)), tensor("one", 1), tensor("half", 0.5)],
        outputs=[info("y"), info("e")],
    )
    graph = aidge_onnx.load_onnx(source)
    assert types_of(graph) == ["Div", "Erf", "Add", "Mul", "Mul"]
    assert_same(source, aidge_onnx.to_model_proto(graph), {"x": values(2, 4)})
