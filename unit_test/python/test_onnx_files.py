"""Names, shapes, headers, generic operators and files: what must come through import and export unharmed."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
EXPORT_TOLERANCE = 1e-6
node = helper.make_node


def info(name: str, dims: Any = ("N", 4), kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, None if dims is None else list(dims))


def tensor(name: str, values: Any, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def weights(name: str, *shape: int) -> TensorProto:
    rng = np.random.default_rng(len(name) + sum(map(ord, name)))
    return tensor(name, rng.standard_normal(shape) / math.sqrt(max(1, math.prod(shape[1:]))))


def model(nodes: list[Any], initialisers: list[Any] | None = None, **parts: Any) -> ModelProto:
    inputs, outputs = parts.pop("inputs", [info("x")]), parts.pop("outputs", [info("y", None)])
    opset, ir_version = parts.pop("opset", 17), parts.pop("ir_version", 8)
    domains = [helper.make_opsetid("", opset), *parts.pop("domains", [])]
    graph = helper.make_graph(nodes, parts.pop("name", "net"), inputs, outputs, initialisers or [])
    made = helper.make_model(graph, opset_imports=domains, ir_version=ir_version, **parts)
    return onnx.shape_inference.infer_shapes(made)


def run(
    source: ModelProto | bytes | str, feeds: dict[str, np.ndarray[Any, Any]]
) -> list[np.ndarray[Any, Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    data = source.SerializeToString() if isinstance(source, ModelProto) else source
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, feeds)]


def assert_same(source: ModelProto, exported: ModelProto, feeds: dict[str, np.ndarray[Any, Any]]) -> None:
    for one, other in zip(run(exported, feeds), run(source, feeds), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=EXPORT_TOLERANCE, atol=EXPORT_TOLERANCE)


def values(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def types_of(graph: aidge_core.GraphView) -> list[str]:
    return [n.type() for n in graph.get_ordered_nodes() if not n.get_operator().is_producer()]


def dims_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param
        for dim in value.type.tensor_type.shape.dim
    ]


def round_trip(source: ModelProto, **options: Any) -> ModelProto:
    return aidge_onnx.to_model_proto(aidge_onnx.load_onnx(source), **options)


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


def flattening(opset: int) -> list[Any]:
    """x.view(x.size(0), -1) as torch writes it."""
    if opset < 13:
        unsqueeze = [
            node("Unsqueeze", ["n"], ["n1"], axes=[0]),
            node("Unsqueeze", ["minus"], ["m1"], axes=[0]),
        ]
    else:
        unsqueeze = [node("Unsqueeze", ["n", "zero1"], ["n1"]), node("Unsqueeze", ["minus", "zero1"], ["m1"])]
    return [
        node("Shape", ["h"], ["s"]), node("Gather", ["s", "zero"], ["n"]), *unsqueeze,
        node("Concat", ["n1", "m1"], ["t"], axis=0), node("Reshape", ["h", "t"], ["y"]),
    ]  # fmt: skip


SCALARS = [tensor("zero", 0, np.int64), tensor("minus", -1, np.int64), tensor("zero1", [0], np.int64)]


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


# --- versions -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        "Conv2d",
        "BatchNorm2d_eval",
        "Linear",
        "MaxPool2d",
        "ConstantPad2d",
        "PReLU_2d_multiparam",
        "Softmax",
        "GLU_dim",
    ],
)
def test_models_from_before_opset_7_are_converted(name: str) -> None:
    """The onnx package has such files, with the values that PyTorch computed."""
    directory = (
        Path(onnx.__file__).parent / "backend" / "test" / "data" / "pytorch-converted" / f"test_{name}"
    )
    given, expected = (
        numpy_helper.to_array(onnx.load_tensor(directory / "test_data_set_0" / f"{kind}_0.pb"))
        for kind in ("input", "output")
    )
    source = onnx.load(directory / "model.onnx")
    assert [entry.version for entry in source.opset_import] == [6]
    exported = round_trip(source)
    assert [entry.version for entry in exported.opset_import] == [13]
    (entry,) = exported.graph.input
    (result,) = run(exported, {entry.name: given})
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_generic_operators_pin_the_opset_unless_they_mean_the_same_in_the_wished_one() -> None:
    old = model(
        [node("MaxUnpool", ["x", "places"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        [tensor("places", [[[[0, 3], [9, 15]]], [[[16, 18], [25, 31]]]], np.int64)],
        inputs=[info("x", ("N", 1, 2, 2))],
        opset=9,
    )
    graph = aidge_onnx.load_onnx(old)
    exported = aidge_onnx.to_model_proto(graph)
    assert [entry.version for entry in exported.opset_import] == [9]
    assert_same(old, exported, {"x": values(2, 1, 2, 2)})
    with pytest.raises(ValueError, match="MaxUnpool"):
        aidge_onnx.to_model_proto(graph, opset=13)
    same = aidge_onnx.load_onnx(model([node("Selu", ["x"], ["y"])], opset=9))
    assert [entry.version for entry in aidge_onnx.to_model_proto(same, opset=13).opset_import] == [13]


@pytest.mark.parametrize(("make", "first"), [
    (lambda: aidge_core.make_node("Pad", {"pads": [0, 1, 0, 1], "mode": "wrap"}, "n"), 19),
    (lambda: aidge_core.make_node("Reshape", {"shape": [0, 4], "allowzero": True}, "n"), 14),
    (lambda: aidge_core.make_node("GeLU", {}, "n"), 9),
])  # fmt: skip
def test_a_form_that_the_opset_lacks_is_an_error_that_names_the_node_and_the_opset(
    make: Any, first: int
) -> None:
    graph = aidge_core.sequential([make()])
    with pytest.raises(ValueError, match=rf"opset {first} or newer.* n \("):
        aidge_onnx.to_model_proto(graph, opset=first - 1, input_dims=[[None, 4]])


def test_the_default_opset_rises_to_what_the_graph_needs() -> None:
    graph = aidge_core.sequential([aidge_core.make_node("Pad", {"pads": [0, 1, 0, 1], "mode": "wrap"}, "n")])
    assert [
        entry.version for entry in aidge_onnx.to_model_proto(graph, input_dims=[[None, 4]]).opset_import
    ] == [19]


@pytest.mark.parametrize("opset", [0, 6, 999])
def test_an_opset_that_cannot_be_written_is_refused(opset: int) -> None:
    with pytest.raises(ValueError, match="opset"):
        round_trip(model([node("Relu", ["x"], ["y"])]), opset=opset)


@pytest.mark.parametrize(("opset", "ir_version"), [(13, 8), (17, 8), (20, 9), (21, 10)])
def test_the_ir_version_is_the_oldest_that_fits_and_at_least_8(opset: int, ir_version: int) -> None:
    source = model([node("Relu", ["x"], ["y"])])
    assert round_trip(source, opset=opset).ir_version == ir_version
    assert round_trip(source, opset=opset, ir_version=11).ir_version == 11


def test_the_header_of_the_source_survives() -> None:
    source = model(
        [node("Relu", ["x"], ["y"])],
        producer_name="maker",
        producer_version="1.2",
        domain="here",
        model_version=7,
        doc_string="words",
    )
    source.graph.doc_string = "more words"
    source.metadata_props.add(key="classes", value="cat, dog")
    exported = round_trip(source)
    assert (exported.producer_name, exported.producer_version, exported.domain) == ("maker", "1.2", "here")
    assert (exported.model_version, exported.doc_string, exported.graph.doc_string) == (
        7,
        "words",
        "more words",
    )
    assert [(entry.key, entry.value) for entry in exported.metadata_props] == [("classes", "cat, dog")]


def test_a_proto_that_is_loaded_is_left_as_it_is() -> None:
    source = model([node("Gemm", ["x", "w"], ["h"]), *flattening(17)], [weights("w", 4, 3), *SCALARS])
    before = source.SerializeToString(deterministic=True)
    aidge_onnx.load_onnx(source, dynamic_batch=True)
    assert source.SerializeToString(deterministic=True) == before


def test_paths_bytes_and_protos_give_the_same_graph(tmp_path: Path) -> None:
    source = model([node("Gemm", ["x", "w"], ["y"])], [weights("w", 4, 3)])
    path = tmp_path / "m.onnx"
    path.write_bytes(source.SerializeToString())
    exports = {aidge_onnx.to_model_proto(aidge_onnx.load_onnx(form)).SerializeToString(deterministic=True)
               for form in (path, str(path), source.SerializeToString(), bytearray(source.SerializeToString()), source)}  # fmt: skip
    assert len(exports) == 1


# --- a trained network ---------------------------------------------------------------------------------------------
GOLDEN = Path(__file__).parents[1] / "data" / "fibnlr" / "net.onnx"


def golden_feeds(source: ModelProto) -> dict[str, np.ndarray[Any, Any]]:
    constants = {initialiser.name for initialiser in source.graph.initializer}
    feeds = {}
    for value in source.graph.input:
        if value.name not in constants:
            feeds[value.name] = values(*(int(dim) if isinstance(dim, int) else 3 for dim in dims_of(value)))
    return feeds


def test_the_golden_network_of_fibnlr_survives() -> None:
    source = onnx.load(GOLDEN)
    graph = aidge_onnx.load_onnx(GOLDEN)
    assert [n.name() for n in graph.get_nodes() if n.get_operator().is_generic()] == []
    named = {n.name for n in source.graph.node if n.name}
    assert named & {n.name() for n in graph.get_nodes()} == named
    assert_same(source, aidge_onnx.to_model_proto(graph), golden_feeds(source))


def test_a_network_from_which_activations_were_taken_exports_with_its_names() -> None:
    source = onnx.load(GOLDEN)
    graph = aidge_onnx.load_onnx(GOLDEN)
    activations = [n for n in graph.get_ordered_nodes() if n.type() == "ReLU"]
    for activation in activations:
        graph.bypass(activation)
    exported = aidge_onnx.to_model_proto(graph)
    assert [value.name for value in exported.graph.output] == [value.name for value in source.graph.output]
    assert len(exported.graph.node) <= len(source.graph.node) - len(activations) + 1
    expected = {n.name for n in exported.graph.node}
    assert expected.isdisjoint(n.name() for n in activations)
    run(exported, golden_feeds(source))


# --- writing --------------------------------------------------------------------------------------------------------
def test_a_file_is_written_whole_and_alone(tmp_path: Path) -> None:
    source = model([node("Gemm", ["x", "w"], ["y"])], [weights("w", 4, 3)])
    path = tmp_path / "out.onnx"
    path.write_bytes(b"old")
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(source), path)
    assert os.listdir(tmp_path) == ["out.onnx"]
    onnx.checker.check_model(str(path), full_check=True)
    data = values(3, 4)
    np.testing.assert_allclose(
        run(str(path), {"x": data})[0], run(source, {"x": data})[0], rtol=EXPORT_TOLERANCE
    )


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    path.write_bytes(b"old")
    graph = aidge_core.sequential([aidge_core.GenericOperator("Unknown", 1, nb_out=1, name="strange")])
    with pytest.raises(ValueError, match="strange"):
        aidge_onnx.export_onnx(graph, path, input_dims=[[None, 4]])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.onnx"]


def test_an_invalid_graph_is_not_written(tmp_path: Path) -> None:
    graph = aidge_core.sequential([aidge_core.FC(4, 3, name="fc")])
    with pytest.raises(ValueError, match="fit"):
        aidge_onnx.export_onnx(graph, tmp_path / "out.onnx", input_dims=[[None, 5]])
    assert os.listdir(tmp_path) == []


def test_an_error_in_the_middle_of_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = aidge_onnx.load_onnx(model([node("Relu", ["x"], ["y"])]))

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    for external in (False, True):
        with pytest.raises(OSError, match="disk full"):
            aidge_onnx.export_onnx(graph, tmp_path / "out.onnx", external_data=external)
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        aidge_onnx.export_onnx(
            aidge_onnx.load_onnx(model([node("Relu", ["x"], ["y"])])), tmp_path / "no" / "out.onnx"
        )


def test_weights_can_be_written_beside_the_model(tmp_path: Path) -> None:
    source = model([node("Gemm", ["x", "w", "b"], ["y"])], [weights("w", 4, 3), weights("b", 3)])
    path = tmp_path / "out.onnx"
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(source), path, external_data=True)
    assert sorted(os.listdir(tmp_path)) == ["out.onnx", "out.onnx.data"]
    onnx.checker.check_model(str(path), full_check=True)
    data = values(3, 4)
    expected = run(source, {"x": data})[0]
    np.testing.assert_allclose(run(str(path), {"x": data})[0], expected, rtol=EXPORT_TOLERANCE)
    again = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(path))
    np.testing.assert_allclose(run(again, {"x": data})[0], expected, rtol=EXPORT_TOLERANCE)


def test_weights_that_change_in_the_graph_change_in_the_file() -> None:
    graph = aidge_onnx.load_onnx(model([node("Add", ["x", "w"], ["y"])], [weights("w", 4)]))
    graph.get_node("w").get_operator().set_output(0, np.full(4, 2.5, np.float32))
    exported = aidge_onnx.to_model_proto(graph)
    np.testing.assert_array_equal(
        numpy_helper.to_array(exported.graph.initializer[0]), np.full(4, 2.5, np.float32)
    )
