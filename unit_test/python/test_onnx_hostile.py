"""Files that are wrong, by accident or on purpose, end in InvalidModelError: no crash, no hang, no huge allocation."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
node = helper.make_node
MAX_SECONDS = 20.0
MAX_EXTRA_KIB = 512 * 1024


def info(name: str, dims: Any = ("N", 4), kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, None if dims is None else list(dims))


def model(nodes: list[Any], initialisers: list[Any] | None = None, **parts: Any) -> ModelProto:
    inputs, outputs = parts.pop("inputs", [info("x")]), parts.pop("outputs", [info("y", None)])
    graph = helper.make_graph(nodes, "g", inputs, outputs, initialisers or [])
    for output in graph.output:
        output.type.tensor_type.shape.SetInParent()
    opsets = parts.pop("opsets", [helper.make_opsetid("", parts.pop("opset", 17))])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **parts)


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


# --- bytes ----------------------------------------------------------------------------------------------------------
def test_the_model_that_the_others_are_made_from_is_good() -> None:
    assert [n.type() for n in aidge_onnx.load_onnx(relu()).get_ordered_nodes()] == ["ReLU"]


def test_the_error_is_a_value_error() -> None:
    assert issubclass(aidge_onnx.InvalidModelError, ValueError)


def test_no_bytes_are_refused() -> None:
    refused(b"", "no bytes")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(64), b"hello, world\n" * 9, b"PK\x03\x04" + bytes(90), bytes(1000)]
)
def test_other_kinds_of_files_are_refused(data: bytes) -> None:
    refused(data)


def test_every_truncation_is_refused() -> None:
    data = model([node("Gemm", ["x", "w"], ["y"])], [weights("w", 4, 3)]).SerializeToString()
    for end in range(len(data)):
        try:
            aidge_onnx.load_onnx(data[:end])
        except aidge_onnx.InvalidModelError:
            continue
        # What is cut off must have been after all that counts: the opset import stands last in the file.
        pytest.fail(f"the first {end} of {len(data)} bytes were accepted")


def test_flipped_bytes_never_end_in_anything_but_a_graph_or_an_error() -> None:
    data = model([node("Conv", ["x", "w"], ["h"]), node("Relu", ["h"], ["y"])], [weights("w", 2, 3, 1, 1)],
                 inputs=[info("x", ("N", 3, 4, 4))]).SerializeToString()  # fmt: skip
    for position in range(len(data)):
        for value in (0x00, 0x7F, 0xFF, data[position] ^ 1):
            changed = bytearray(data)
            changed[position] = value
            with contextlib.suppress(aidge_onnx.InvalidModelError, aidge_core.UnsupportedError):
                aidge_onnx.load_onnx(bytes(changed))


def test_a_missing_file_is_no_invalid_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        aidge_onnx.load_onnx(tmp_path / "no.onnx")


def test_a_wrong_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="path, bytes or a ModelProto"):
        aidge_onnx.load_onnx(3.5)  # type: ignore[arg-type]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    refused(path, "no bytes")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    refused(path, "2 GiB")


# --- header ---------------------------------------------------------------------------------------------------------
def test_a_model_without_graph_is_refused() -> None:
    refused(ModelProto(ir_version=8), "no graph")


@pytest.mark.parametrize("version", [0, -1, 2, 99, 1 << 40])
def test_an_unknown_ir_version_is_refused(version: int) -> None:
    broken = relu()
    broken.ir_version = version
    refused(broken, "IR version")


@pytest.mark.parametrize("opset", [0, -3, 99, 1 << 40])
def test_an_unknown_opset_is_refused(opset: int) -> None:
    refused(model([node("Relu", ["x"], ["y"])], opset=opset), "opset")


def test_a_model_without_opset_is_refused() -> None:
    broken = relu()
    del broken.opset_import[:]
    refused(broken, "opset")


def test_a_domain_imported_twice_is_refused() -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx", 13)]
    refused(model([node("Relu", ["x"], ["y"])], opsets=opsets), "repeated opset")


def test_a_graph_without_outputs_is_refused() -> None:
    refused(model([node("Relu", ["x"], ["y"])], outputs=[]), "output")


# --- tensors --------------------------------------------------------------------------------------------------------
def with_weight(change: Callable[[TensorProto], None]) -> ModelProto:
    tensor = weights("w", 4, 3)
    change(tensor)
    return model([node("MatMul", ["x", "w"], ["y"])], [tensor])


def raw(data: bytes) -> Callable[[TensorProto], None]:
    return lambda tensor: setattr(tensor, "raw_data", data)


def dims(*values: int) -> Callable[[TensorProto], None]:
    def change(tensor: TensorProto) -> None:
        del tensor.dims[:]
        tensor.dims.extend(values)

    return change


@pytest.mark.parametrize(("change", "pattern"), [
    (raw(b""), "need 48"), (raw(bytes(47)), "need 48"), (raw(bytes(52)), "need 48"), (dims(4, 4), "need 64"),
    (dims(-4, 3), "negative"), (dims(-4, -3), "negative"), (dims(1 << 31, 1 << 31), "overflow"), (dims(1 << 40), "need"),
    (dims(1 << 62, 1 << 62), "overflow"), (dims(0, 1 << 62), "overflow"), (dims(*[2] * 70), "overflow"),
    (lambda t: setattr(t, "data_type", 0), "element type"), (lambda t: setattr(t, "data_type", 77), "element type"),
    (lambda t: t.float_data.extend([1.0] * 12), "two stores"), (lambda t: setattr(t, "name", ""), "without a name"),
])  # fmt: skip
def test_a_weight_that_contradicts_itself_is_refused(
    change: Callable[[TensorProto], None], pattern: str
) -> None:
    refused(with_weight(change), pattern)


def test_typed_data_of_the_wrong_length_or_kind_is_refused() -> None:
    for field, values in (("float_data", [1.0] * 11), ("int64_data", [1] * 12), ("double_data", [1.0] * 12)):
        tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3])
        getattr(tensor, field).extend(values)
        refused(model([node("MatMul", ["x", "w"], ["y"])], [tensor]))


def test_a_segmented_weight_is_refused() -> None:
    def change(tensor: TensorProto) -> None:
        tensor.segment.begin = 0

    refused(with_weight(change), "segment")


def test_a_sparse_weight_is_refused() -> None:
    broken = model([node("MatMul", ["x", "w"], ["y"])])
    sparse = broken.graph.sparse_initializer.add()
    sparse.values.CopyFrom(weights("w", 1))
    sparse.dims.extend([1 << 40, 1 << 20])
    refused(broken, "sparse")


def test_a_constant_of_the_wrong_length_is_refused() -> None:
    value = TensorProto(name="v", data_type=FLOAT, dims=[1 << 20], raw_data=b"1234")
    refused(model([node("Constant", [], ["c"], value=value), node("Add", ["x", "c"], ["y"])]), "need")


def test_a_constant_without_value_is_refused() -> None:
    refused(model([node("Constant", [], ["c"]), node("Add", ["x", "c"], ["y"])]), "Constant")


@pytest.mark.parametrize("size", [-2, 1 << 60])
def test_an_input_of_absurd_dims_is_refused(size: int) -> None:
    refused(model([node("Relu", ["x"], ["y"])], inputs=[info("x", (size, 3))]), "dimension")


def test_an_input_of_unknown_type_is_refused() -> None:
    refused(model([node("Relu", ["x"], ["y"])], inputs=[info("x", kind=99)]), "element type")


# --- names and edges ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("nodes", "pattern"), [
    ([("Relu", ["nothing"], ["y"])], "defined nowhere"),
    ([("Relu", ["x"], ["h"])], "defined nowhere"),
    ([("Add", ["x", "b"], ["a"]), ("Relu", ["a"], ["b"]), ("Relu", ["a"], ["y"])], "cycle"),
    ([("Add", ["x", "y"], ["y"])], "cycle"),
    ([("Relu", ["x"], ["y"]), ("Sigmoid", ["x"], ["y"])], "twice"),
    ([("Relu", ["x"], ["x"]), ("Relu", ["x"], ["y"])], "twice"),
    ([("Relu", ["x"], ["w"]), ("Add", ["w", "x"], ["y"])], "twice"),
    ([("Relu", ["x"], [])], "defined nowhere"),
    ([("", ["x"], ["y"])], "operator type"),
    ([("NoSuchOperator", ["x"], ["y"])], "NoSuchOperator"),
    ([("Relu", ["x", "x"], ["y"])], "checker"),
    ([("Add", ["x"], ["y"])], "checker"),
    ([("Upsample", ["x", "w"], ["y"])], "checker"),
])  # fmt: skip
def test_a_graph_whose_edges_make_no_sense_is_refused(
    nodes: list[tuple[str, list[str], list[str]]], pattern: str
) -> None:
    refused(model([node(*entry) for entry in nodes], [weights("w", 4)]), pattern)


def test_repeated_inputs_outputs_and_initialisers_are_refused() -> None:
    refused(model([node("Relu", ["x"], ["y"])], inputs=[info("x"), info("x")]), "twice")
    refused(model([node("Relu", ["x"], ["y"])], outputs=[info("y"), info("y")]), "twice")
    refused(model([node("Add", ["x", "w"], ["y"])], [weights("w", 4), weights("w", 4)]), "twice")


def test_nodes_out_of_order_are_sorted() -> None:
    graph = aidge_onnx.load_onnx(model([node("Relu", ["h"], ["y"]), node("Sigmoid", ["x"], ["h"])]))
    assert [n.type() for n in graph.get_ordered_nodes()] == ["Sigmoid", "ReLU"]


def test_a_name_that_is_no_text_is_refused() -> None:
    data = relu().SerializeToString().replace(b"\x01y", b"\x01\xff")
    refused(data)


# --- attributes -----------------------------------------------------------------------------------------------------
def conv(**attributes: Any) -> ModelProto:
    inputs, tensors = [info("x", (1, 3, 8, 8))], [weights("w", 4, 3, 3, 3)]
    return model([node("Conv", ["x", "w"], ["y"], **attributes)], tensors, inputs=inputs)


@pytest.mark.parametrize("attributes", [
    {"strides": [0, 1]}, {"strides": [-1, 1]}, {"strides": [1 << 62, 1]}, {"strides": [1]}, {"strides": [1] * 9},
    {"dilations": [0, 0]}, {"dilations": [1 << 40, 1]}, {"kernel_shape": [0, 3]}, {"kernel_shape": [3, 3, 3]},
    {"kernel_shape": [5, 5]}, {"pads": [-1, 0, 0, 0]}, {"pads": [1 << 62] * 4}, {"pads": [1]}, {"group": 0},
    {"group": -1}, {"group": 1 << 62}, {"group": 3}, {"group": 4}, {"auto_pad": "SAME"}, {"auto_pad": b"\xff\xfe"},
    {"strides": 1.5}, {"strides": "wide"}, {"no_such_attribute": 1},
])  # fmt: skip
def test_a_convolution_with_absurd_attributes_is_refused(attributes: dict[str, Any]) -> None:
    refused(conv(**attributes))


@pytest.mark.parametrize(("op", "attributes"), [
    ("MaxPool", {}), ("MaxPool", {"kernel_shape": [2] * 4}), ("MaxPool", {"kernel_shape": [0, 0]}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [0, 0]}), ("AveragePool", {"kernel_shape": [1 << 62, 1]}),
    ("AveragePool", {"kernel_shape": [2, 2], "pads": [-5, 0, 0, 0]}), ("LRN", {}), ("LRN", {"size": 0}),
    ("Flatten", {"axis": 9}), ("Flatten", {"axis": -(1 << 62)}), ("Softmax", {"axis": 7}), ("Softmax", {"axis": 1 << 62}),
    ("Transpose", {"perm": [0, 0, 1, 2]}), ("Transpose", {"perm": [0, 1]}), ("Transpose", {"perm": [0, 1, 2, 9]}),
    ("Concat", {"axis": 4}), ("Concat", {}), ("LeakyRelu", {"alpha": float("nan")}), ("Cast", {"to": 99}),
    ("DepthToSpace", {"blocksize": 0}), ("ReduceMean", {"axes": [9]}),
])  # fmt: skip
def test_other_operators_with_absurd_attributes_are_refused(op: str, attributes: dict[str, Any]) -> None:
    refused(model([node(op, ["x"], ["y"], **attributes)], inputs=[info("x", (1, 3, 8, 8))]))


def test_a_repeated_attribute_is_refused() -> None:
    broken = conv(group=1)
    broken.graph.node[0].attribute.append(helper.make_attribute("group", 1))
    refused(broken, "attribute")


def test_channels_that_do_not_fit_are_refused() -> None:
    inputs = [info("x", ("N", 5, 8, 8))]
    refused(model([node("Conv", ["x", "w"], ["y"])], [weights("w", 4, 3, 3, 3)], inputs=inputs), "channels")
    refused(
        model(
            [node("Conv", ["x", "w", "b"], ["y"])], [weights("w", 4, 5, 3, 3), weights("b", 3)], inputs=inputs
        ),
        "bias",
    )
    parameters = [weights(name, 4) for name in "sbmv"]
    refused(model([node("BatchNormalization", ["x", *"sbmv"], ["y"])], parameters, inputs=inputs))


def test_shapes_that_contradict_each_other_are_refused() -> None:
    refused(model([node("Add", ["x", "w"], ["y"])], [weights("w", 5)]), "shape inference")
    refused(model([node("MatMul", ["x", "w"], ["y"])], [weights("w", 5, 2)]), "shape inference")
    target = numpy_helper.from_array(np.asarray([7, 13], np.int64), "s")
    refused(model([node("Reshape", ["x", "s"], ["y"])], [target], inputs=[info("x", (2, 3))]))


def test_negative_batch_dims_do_not_crash_shape_inference() -> None:
    indices = numpy_helper.from_array(np.zeros((2, 1), np.int64), "i")
    inputs = [info("x", (2, 2, 2))]
    refused(
        model([node("GatherND", ["x", "i"], ["y"], batch_dims=-2)], [indices], inputs=inputs), "batch_dims"
    )


@pytest.mark.parametrize("parts", [1, 2, 4, 0, 1 << 20])
def test_a_split_into_more_parts_than_outputs_does_not_crash_shape_inference(parts: int) -> None:
    split = node("Split", ["x"], ["a", "y", "b"], num_outputs=parts)
    refused(model([split], inputs=[info("x", (6,))], opset=18), "num_outputs|parts")


# --- bombs ----------------------------------------------------------------------------------------------------------
def shape_of(*values: int) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, np.int64), "s")


@pytest.mark.parametrize("sizes", [(1 << 40,), (1 << 20, 1 << 20), (1 << 62, 4), (1 << 31,)])
def test_a_small_file_cannot_ask_for_huge_constants(sizes: tuple[int, ...]) -> None:
    """They stay in the graph as the operators that would make them."""
    nodes = [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        graph = aidge_onnx.load_onnx(
            model(nodes, [shape_of(*sizes)], inputs=[info("x", ("N",) * len(sizes))])
        )
        assert "ConstantOfShape" in [n.type() for n in graph.get_ordered_nodes()]
    except aidge_onnx.InvalidModelError:
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_EXTRA_KIB


def test_the_bound_of_computed_constants_can_be_set() -> None:
    nodes = [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])]
    source = model(nodes, [shape_of(100)], inputs=[info("x", ("N",))])
    assert "ConstantOfShape" not in [n.type() for n in aidge_onnx.load_onnx(source).get_ordered_nodes()]
    kept = aidge_onnx.load_onnx(source, max_constant_bytes=64)
    assert "ConstantOfShape" in [n.type() for n in kept.get_ordered_nodes()]


def test_constants_that_double_at_every_step_stop_at_the_bound() -> None:
    nodes = [node("ConstantOfShape", ["s"], ["c0"])]
    nodes += [node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(50)]
    nodes.append(node("Add", ["x", "c50"], ["y"]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    aidge_onnx.load_onnx(model(nodes, [shape_of(4)], inputs=[info("x", ("N",))]), max_constant_bytes=1 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_EXTRA_KIB


def test_shape_arithmetic_that_doubles_at_every_step_ends() -> None:
    nodes = [node("Shape", ["x"], ["s0"])]
    nodes += [node("Sub" if i % 2 else "Div", [f"s{i}", f"t{i}"], [f"s{i + 1}"]) for i in range(60)]
    nodes = [
        n
        for i, n in enumerate(nodes)
        for n in ([node("Add", [f"s{i - 1}", "one"], [f"t{i - 1}"]), n] if i else [n])
    ]
    nodes.append(node("Reshape", ["x", "s60"], ["y"]))
    one = numpy_helper.from_array(np.asarray([1], np.int64), "one")
    start = time.monotonic()
    aidge_onnx.load_onnx(model(nodes, [one], inputs=[info("x", ("N", "M"))]))
    assert time.monotonic() - start < MAX_SECONDS


def test_inference_on_huge_dims_takes_no_memory() -> None:
    nodes = [node("Gather", ["x", "i"], ["g"]), node("Add", ["g", "g"], ["y"])]
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "i")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    aidge_onnx.load_onnx(model(nodes, [indices], inputs=[info("x", (1_000_000_000,), TensorProto.INT64)],
                               outputs=[info("y", None, TensorProto.INT64)]))  # fmt: skip
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_EXTRA_KIB


def lengthy(op: str, source: str) -> ModelProto:
    """An operator that gives its output as many dims as a list has elements, and the list is long."""
    nodes = {
        "input": [],
        "identity": [node("Identity", ["s"], ["i"])],
        "constant": [
            node("ConstantOfShape", ["n"], ["i"], value=helper.make_tensor("v", TensorProto.INT64, [1], [1]))
        ],
        "flat": [node("Reshape", ["t", "minus"], ["i"])],
    }[source]
    long = "s" if source == "input" else "i"
    consumer = node(op, [long] if op == "ConstantOfShape" else ["x", long], ["y"])
    tensors = [
        numpy_helper.from_array(np.asarray(value, np.int64), name)
        for name, value in (("n", [1 << 29]), ("minus", [-1]))
    ]
    inputs = [
        info("x"),
        info("s", (500_000_000,), TensorProto.INT64),
        info("t", (30_000, 30_000), TensorProto.INT64),
    ]
    return model([*nodes, consumer], tensors, inputs=inputs)


@pytest.mark.parametrize("op", ["Reshape", "Expand", "ConstantOfShape"])
@pytest.mark.parametrize("source", ["input", "identity", "constant", "flat"])
def test_a_value_of_millions_of_dims_is_refused(op: str, source: str) -> None:
    refused(lengthy(op, source), "dims")


def nested(depth: int) -> ModelProto:
    inner = helper.make_graph([node("Identity", ["x"], ["o"])], "deepest", [], [info("o")])
    for level in range(depth):
        choice = node("If", ["c"], [f"r{level}"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([choice], "level", [], [info(f"r{level}")])
        if inner.ByteSize() > 1 << 20:
            break
    branch = node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    return model([branch], inputs=[info("x"), info("c", (), TensorProto.BOOL)])


def chain(depth: int) -> ModelProto:
    """Loops inside each other, one graph a level."""
    inner = helper.make_graph([node("Identity", ["x"], ["o"])], "deepest", [], [info("o")])
    for level in range(depth):
        holder = onnx.NodeProto(op_type="Loop", input=["", "c"], output=[f"r{level}"])
        holder.attribute.append(helper.make_attribute("body", inner))
        inner = helper.make_graph([holder], "level", [], [info(f"r{level}")])
    return model(
        [*list(inner.node), node("Relu", ["x"], ["y"])], inputs=[info("x"), info("c", (), TensorProto.BOOL)]
    )


def test_graphs_nested_too_deep_are_refused() -> None:
    built = chain(26)
    refused(built, "nested")
    refused(built.SerializeToString())


def field_of(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    length, size = len(payload), bytearray()
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + payload


@pytest.mark.parametrize("depth", [40, 1000, 20000])
def test_bytes_nested_absurdly_deep_are_refused(depth: int) -> None:
    graph = b""
    for _ in range(depth):
        graph = field_of(
            1, field_of(5, field_of(6, graph))
        )  # a graph of a node with an attribute that is the graph before
    refused(b"\x08\x08" + field_of(7, graph) + field_of(8, b"\x10\x11"))


def test_graphs_nested_a_little_are_kept() -> None:
    graph = aidge_onnx.load_onnx(nested(3))
    assert [n.type() for n in graph.get_ordered_nodes()] == ["If"]


def test_a_chain_of_many_nodes_is_no_problem() -> None:
    count = 3000
    nodes = [
        node("Relu", ["x" if i == 0 else f"v{i - 1}"], ["y" if i == count - 1 else f"v{i}"])
        for i in range(count)
    ]
    start = time.monotonic()
    graph = aidge_onnx.load_onnx(model(nodes))
    assert len(graph) == count
    assert time.monotonic() - start < MAX_SECONDS


# --- functions ------------------------------------------------------------------------------------------------------
def function(name: str, calls: list[str]) -> onnx.FunctionProto:
    names = ["a"] + [f"v{index}" for index in range(len(calls))]
    nodes = [
        node(call, [names[i]], [names[i + 1]], domain="" if call == "Relu" else "local")
        for i, call in enumerate(calls)
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, ["a"], [names[-1]], nodes, opsets)


def with_functions(functions: list[onnx.FunctionProto]) -> ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return model([node("F", ["x"], ["y"], domain="local")], functions=functions, opsets=opsets)


def test_functions_are_inlined() -> None:
    graph = aidge_onnx.load_onnx(
        with_functions([function("F", ["G", "Relu"]), function("G", ["Relu", "Relu"])])
    )
    assert [n.type() for n in graph.get_ordered_nodes()] == ["ReLU"] * 3


def test_recursive_functions_are_refused() -> None:
    refused(with_functions([function("F", ["F"])]), "calls itself")
    refused(with_functions([function("F", ["G"]), function("G", ["Relu", "F"])]), "calls itself")


def test_functions_that_multiply_are_refused() -> None:
    functions = [function("F", ["G0"] * 4)]
    functions += [function(f"G{i}", [f"G{i + 1}"] * 4) for i in range(30)] + [function("G30", ["Relu"])]
    refused(with_functions(functions), "expand")


def test_functions_that_call_each_other_too_deep_are_refused() -> None:
    functions = (
        [function("F", ["G0"])]
        + [function(f"G{i}", [f"G{i + 1}"]) for i in range(100)]
        + [function("G100", ["Relu"])]
    )
    refused(with_functions(functions), "deep")


def test_a_function_defined_twice_is_refused() -> None:
    refused(with_functions([function("F", ["Relu"]), function("F", ["Relu"])]), "twice")


# --- external data --------------------------------------------------------------------------------------------------
VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


def external(location: str, **entries: str) -> ModelProto:
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return model([node("MatMul", ["x", "w"], ["y"])], [tensor])


def saved(directory: Path, location: str, **entries: str) -> Path:
    path = directory / "model.onnx"
    path.write_bytes(external(location, **entries).SerializeToString())
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with weights in and outside of the model's own directory."""
    inside = tmp_path / "home"
    (inside / "sub").mkdir(parents=True)
    for path in (inside / "w.bin", inside / "sub" / "w.bin", tmp_path / "secret.bin"):
        path.write_bytes(b"\xee" * 8 + VALUES.tobytes() + b"\xdd" * 4)
    return inside


def weight_of(graph: aidge_core.GraphView) -> np.ndarray[Any, Any]:
    return np.asarray(graph.get_node("w").get_operator().get_output(0))


@pytest.mark.parametrize("location", ["w.bin", "sub/w.bin"])
@pytest.mark.parametrize("entries", [{"offset": "8", "length": "48"}, {"offset": "8"}])
def test_external_data_beside_the_model_is_read(home: Path, location: str, entries: dict[str, str]) -> None:
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx(saved(home, location, **entries))), VALUES)


def test_external_data_is_found_from_any_working_directory(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(home, "w.bin", offset="8")
    monkeypatch.chdir(home)
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx("model.onnx")), VALUES)
    monkeypatch.chdir(home.parent)
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx("home/model.onnx")), VALUES)


def test_bytes_and_protos_with_external_data_need_a_directory(home: Path) -> None:
    proto = external("w.bin", offset="8")
    refused(proto, "base_dir")
    refused(proto.SerializeToString(), "base_dir")
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx(proto, base_dir=home)), VALUES)
    np.testing.assert_array_equal(
        weight_of(aidge_onnx.load_onnx(proto.SerializeToString(), base_dir=home)), VALUES
    )
    assert proto.graph.initializer[0].data_location == TensorProto.EXTERNAL


@pytest.mark.parametrize("location", [
    "", ".", "..", "../secret.bin", "sub/../../secret.bin", "sub/../w.bin", "./../secret.bin", "/etc/hostname", "//etc/hostname",
    "..\\secret.bin", "C:\\secret.bin", "C:secret.bin", "\\\\host\\share", "sub", "sub/", "w.bin\0", "file:w.bin", "none.bin",
    "w.bin/..", "sub/none.bin", "w.bin/w.bin", "~/secret.bin", "$HOME/secret.bin", "x" * 5000,
])  # fmt: skip
def test_external_data_anywhere_else_is_refused(home: Path, location: str) -> None:
    refused(saved(home, location, offset="8"), "external data")


def test_an_absolute_path_into_the_own_directory_is_refused_too(home: Path) -> None:
    refused(saved(home, str(home / "w.bin"), offset="8"), "external data")


def test_a_symbolic_link_is_refused(home: Path) -> None:
    (home / "link.bin").symlink_to(home.parent / "secret.bin")
    refused(saved(home, "link.bin", offset="8"), "external data")
    (home / "near.bin").symlink_to("w.bin")
    refused(saved(home, "near.bin", offset="8"), "external data")


def test_a_directory_that_is_a_symbolic_link_is_refused(home: Path) -> None:
    (home / "out").symlink_to(home.parent)
    refused(saved(home, "out/secret.bin", offset="8"), "external data")


def test_a_hard_link_is_refused(home: Path) -> None:
    os.link(home.parent / "secret.bin", home / "hard.bin")
    refused(saved(home, "hard.bin", offset="8"), "hard link")


def test_a_pipe_is_refused_without_waiting(home: Path) -> None:
    os.mkfifo(home / "pipe.bin")
    refused(saved(home, "pipe.bin"), "regular file")


@pytest.mark.parametrize("entries", [
    {"offset": "16"}, {"offset": "61"}, {"offset": "-8"}, {"offset": "8.0"}, {"offset": "eight"}, {"offset": ""}, {"offset": "0x8"},
    {"offset": str(1 << 70)}, {"offset": str(1 << 62)}, {"offset": "8", "length": "47"}, {"offset": "8", "length": "52"},
    {"offset": "8", "length": "-1"}, {"offset": "8", "length": str(1 << 62)}, {"offset": "8", "length": ""}, {"offset": "٨"},
])  # fmt: skip
def test_a_range_outside_the_file_is_refused(home: Path, entries: dict[str, str]) -> None:
    refused(saved(home, "w.bin", **entries), "external data")


def test_sizes_are_checked_before_anything_is_read(home: Path) -> None:
    proto = external("w.bin")
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend([1 << 19, 1 << 19])
    refused(proto, "external data", base_dir=home)


def test_external_data_beside_data_of_its_own_is_refused(home: Path) -> None:
    proto = external("w.bin", offset="8")
    proto.graph.initializer[0].raw_data = bytes(48)
    refused(proto, "external data", base_dir=home)


def test_an_entry_given_twice_is_refused(home: Path) -> None:
    proto = external("w.bin", offset="8")
    proto.graph.initializer[0].external_data.add(key="offset", value="0")
    refused(proto, "twice", base_dir=home)


def test_external_data_in_an_attribute_is_read_by_the_same_rules(home: Path) -> None:
    proto = external("w.bin", offset="8")
    value = TensorProto()
    value.CopyFrom(proto.graph.initializer[0])
    del proto.graph.initializer[:]
    proto.graph.node.insert(0, node("Constant", [], ["w"], value=value))
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx(proto, base_dir=home)), VALUES)
    value.external_data[0].value = "../secret.bin"
    proto.graph.node[0].attribute[0].t.CopyFrom(value)
    refused(proto, "external data", base_dir=home)


# --- what a graph cannot hold ---------------------------------------------------------------------------------------
def test_inputs_that_are_no_tensors_of_numbers_are_refused_in_words() -> None:
    sequence = helper.make_tensor_sequence_value_info("x", FLOAT, None)
    with pytest.raises(aidge_core.UnsupportedError, match="'x'"):
        aidge_onnx.load_onnx(model([node("SequenceAt", ["x", "i"], ["y"])], [*[shape_of(0)][:0], numpy_helper.from_array(np.asarray(0, np.int64), "i")], inputs=[sequence]))  # fmt: skip
    text = info("x", (1,), TensorProto.STRING)
    with pytest.raises(aidge_core.UnsupportedError, match="STRING"):
        aidge_onnx.load_onnx(
            model(
                [node("Identity", ["x"], ["y"])], inputs=[text], outputs=[info("y", (1,), TensorProto.STRING)]
            )
        )
