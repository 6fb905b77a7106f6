"""Small files that ask for much, by computed constants, depth or functions, end in InvalidModelError or soon."""

from __future__ import annotations

import resource
import time

import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.hostile_models import MAX_EXTRA_KIB, MAX_SECONDS, info, model, node, refused, shape_of
from onnx import ModelProto, TensorProto, helper, numpy_helper


# --- bombs ----------------------------------------------------------------------------------------------------------
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
