"""Operators without a native kernel, run by ONNX Runtime within a graph of ours."""

from __future__ import annotations

import importlib.util
import threading
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_core.data import from_arrays
from helpers.networks import run_ort, same
from helpers.toy import model_of
from onnx import TensorProto, helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node
RANDOM = np.random.default_rng(3)


def values(*dims: int) -> np.ndarray:
    return RANDOM.standard_normal(dims).astype(np.float32)


def info(name: str, dims: Any, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, dims)


def model(nodes: list[Any], inputs: list[Any], outputs: list[Any], **parts: Any) -> onnx.ModelProto:
    constants = [
        onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in parts.get("constants", {}).items()
    ]
    opsets = [helper.make_opsetid("", parts.get("opset", 17))]
    opsets += [helper.make_opsetid(domain, 1) for domain in parts.get("domains", ())]
    return model_of(nodes, constants, inputs, outputs, opsets=opsets, ir_version=9)


def check(proto: onnx.ModelProto, *feeds: dict[str, np.ndarray]) -> aidge_core.SequentialScheduler:
    """Forward and export against ONNX Runtime, for each of the feeds in turn."""
    graph = aidge_onnx.load_onnx(proto)
    graph.compile("cpu", dims=[list(feeds[0][spec.name].shape) for spec in graph.input_specs])
    scheduler = aidge_core.SequentialScheduler(graph)
    expected = run_ort(proto, *feeds)
    for wanted, feed in zip(expected, feeds, strict=True):
        got = scheduler.forward([feed[spec.name] for spec in graph.input_specs])
        for one, other in zip(wanted, got, strict=True):
            assert np.asarray(other).dtype == one.dtype
            assert same(one, np.asarray(other))
    for wanted, again in zip(expected, run_ort(aidge_onnx.to_model_proto(graph), *feeds), strict=True):
        assert all(same(one, other) for one, other in zip(wanted, again, strict=True))
    return scheduler


def generic_steps(scheduler: aidge_core.SequentialScheduler) -> list[str]:
    return [step.type for step in scheduler.report().steps if step.implementation == "generic"]


def add_body() -> onnx.GraphProto:
    """A loop's body that adds the captured `w` to its state."""
    return helper.make_graph(
        [node("Add", ["s", "w"], ["s2"]), node("Identity", ["c"], ["c2"])],
        "body",
        [info("i", [], INT64), info("c", [], BOOL), info("s", [None, 4])],
        [info("c2", [], BOOL), info("s2", [None, 4])],
    )


# --- what runs ----------------------------------------------------------------------------------------------
def test_an_lstm_between_native_layers_runs_for_any_batch() -> None:
    constants = {"W": values(1, 20, 4), "R": values(1, 20, 5)}
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("LSTM", ["a", "W", "R"], ["o", "", "last"], hidden_size=5),
        node("Relu", ["o"], ["y"]),
    ]
    proto = model(
        nodes, [info("x", [6, "n", 4])], [info("y", [6, 1, "n", 5]), info("last", [1, "n", 5])],
        constants=constants
    )  # fmt: skip
    scheduler = check(proto, {"x": values(6, 2, 4)}, {"x": values(6, 5, 4)})
    assert generic_steps(scheduler) == ["LSTM"]


def test_captured_values_of_a_loop_are_inputs_and_its_state_has_any_dims() -> None:
    nodes = [
        node("Flatten", ["x"], ["f"]),
        node("Relu", ["f"], ["w"]),
        node("Loop", ["trips", "go", "f"], ["l"], body=add_body()),
        node("Relu", ["l"], ["y"]),
    ]
    constants = {"trips": np.int64(3), "go": np.bool_(True)}
    proto = model(nodes, [info("x", ["n", 4])], [info("y", ["n", 4])], constants=constants)
    graph = aidge_onnx.load_onnx(proto)
    loop = next(node for node in graph.get_ordered_nodes() if node.type() == "Loop")
    assert loop.get_operator().attr.onnx_captured == ["w"]
    assert "Loop" in generic_steps(check(proto, {"x": values(2, 4)}, {"x": values(3, 4)}))


def test_branches_of_different_shape_are_planned_when_they_are_known() -> None:
    def branch(name: str, axis: int) -> onnx.GraphProto:
        out = info(f"{name}_out", None)
        return helper.make_graph([node("Concat", ["a", "a"], [f"{name}_out"], axis=axis)], name, [], [out])

    nodes = [
        node("Relu", ["x"], ["a"]),
        node("ReduceMax", ["x"], ["m"], keepdims=0),
        node("Greater", ["m", "zero"], ["positive"]),
        node("If", ["positive"], ["b"], then_branch=branch("yes", 0), else_branch=branch("no", 1)),
        node("Sigmoid", ["b"], ["y"]),
    ]
    proto = model(nodes, [info("x", [2, 4])], [info("y", ["p", "q"])], constants={"zero": np.float32(0)})
    positive = np.abs(values(2, 4))
    check(proto, {"x": positive}, {"x": -positive}, {"x": positive})


def test_dims_that_depend_on_values_are_planned_for_when_they_are_known() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("NonZero", ["a"], ["i"]),
        node("Transpose", ["i"], ["t"], perm=[1, 0]),
        node("GatherND", ["a", "t"], ["v"]),
        node("Sigmoid", ["v"], ["y"]),
    ]
    proto = model(nodes, [info("x", ["n", 4])], [info("y", ["k"]), info("i", [2, "k"], INT64)])
    feeds = [{"x": values(3, 4)} for _ in range(3)] + [{"x": values(5, 4)}]
    scheduler = check(proto, *feeds)
    assert "NonZero" in generic_steps(scheduler)


def test_a_network_that_begins_with_such_a_node_runs() -> None:
    proto = model([node("NonZero", ["x"], ["y"])], [info("x", ["n", 4])], [info("y", [2, "k"], INT64)])
    check(proto, {"x": values(3, 4)}, {"x": np.zeros((2, 4), np.float32)})


def test_operators_that_only_onnx_runtime_has_run() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Gelu", ["a"], ["b"], domain="com.microsoft"),
        node("Sigmoid", ["b"], ["y"]),
    ]
    proto = model(nodes, [info("x", ["n", 4])], [info("y", ["n", 4])], domains=["com.microsoft"])
    assert generic_steps(check(proto, {"x": values(3, 4)})) == ["com.microsoft::Gelu"]


def test_quantised_operators_run_on_their_integers() -> None:
    constants = {
        "s": np.float32(0.02), "z": np.uint8(128), "w": RANDOM.integers(0, 255, (4, 3, 3, 3)).astype(np.uint8),
        "sw": np.float32(0.01), "zw": np.uint8(120), "sy": np.float32(0.05), "zy": np.uint8(100),
    }  # fmt: skip
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("QuantizeLinear", ["a", "s", "z"], ["q"]),
        node("QLinearConv", ["q", "s", "z", "w", "sw", "zw", "sy", "zy"], ["c"]),
        node("DequantizeLinear", ["c", "sy", "zy"], ["d"]),
        node("Relu", ["d"], ["y"]),
    ]
    proto = model(nodes, [info("x", ["n", 3, 6, 6])], [info("y", ["n", 4, 4, 4])], constants=constants)
    assert "QLinearConv" in generic_steps(check(proto, {"x": values(2, 3, 6, 6)}))


# --- what does not ------------------------------------------------------------------------------------------
def unknown() -> onnx.ModelProto:
    nodes = [
        node("Relu", ["x"], ["a"], name="first"),
        node("Foo", ["a"], ["b"], name="foo", domain="my.domain"),
        node("Bar", ["b"], ["y"], name="bar", domain="my.domain"),
    ]
    return model(nodes, [info("x", ["n", 4])], [info("y", ["n", 4])], domains=["my.domain"])


def test_operators_that_nobody_knows_are_all_listed() -> None:
    graph = aidge_onnx.load_onnx(unknown())
    with pytest.raises(aidge_core.UnsupportedError) as raised:
        graph.compile("cpu", dims=[[2, 4]])
    for name in ("foo", "bar"):
        assert f'"{name}" (my.domain::{name.capitalize()}): ' in str(raised.value)
    assert "first" not in str(raised.value)
    assert aidge_onnx.to_model_proto(graph).graph.node[1].op_type == "Foo"


def test_without_onnx_runtime_all_such_nodes_are_listed_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else find(name, *rest)
    )
    nodes = [
        node("NonZero", ["x"], ["i"], name="one"),
        node("Cast", ["i"], ["f"], name="two", to=FLOAT),
        node("Erf", ["f"], ["y"], name="three"),
    ]
    proto = model(nodes, [info("x", ["n", 4])], [info("y", [2, "k"])])
    with pytest.raises(aidge_core.UnsupportedError) as raised:
        aidge_onnx.load_onnx(proto).compile("cpu", dims=[[2, 4]])
    assert '"one" (NonZero)' in str(raised.value)
    assert "pip install 'aidge-compress[ort]'" in str(raised.value)


def test_an_operator_that_did_not_come_from_onnx_says_so() -> None:
    graph = aidge_core.GraphView("g")
    graph.add(aidge_core.GenericOperator("Mystery", nb_data=1, nb_out=1, name="m"))
    with pytest.raises(aidge_core.UnsupportedError, match="did not come from ONNX"):
        graph.compile("cpu", dims=[[2, 4]])


def test_values_that_the_operator_cannot_take_are_an_error_that_names_it() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Gather", ["table", "i"], ["g"], name="look"),
        node("Add", ["a", "g"], ["y"]),
    ]
    proto = model(
        nodes, [info("x", ["n", 4]), info("i", ["n"], INT64)], [info("y", ["n", 4])],
        constants={"table": values(3, 4)}
    )  # fmt: skip
    graph = aidge_onnx.load_onnx(proto)
    graph.compile("cpu", dims=[[2, 4], [2]])
    scheduler = aidge_core.SequentialScheduler(graph)
    with pytest.raises((RuntimeError, ValueError), match="look"):
        scheduler.forward([values(2, 4), np.asarray([0, 7])])
    scheduler.forward([values(2, 4), np.asarray([0, 2])])


def test_reading_a_model_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from aidge_onnx.running import runtime

    monkeypatch.setattr(runtime, "_session", lambda *_: pytest.fail("a session while reading"))
    nodes = [node("Gelu", ["x"], ["y"], domain="com.microsoft")]
    proto = model(nodes, [info("x", [2, 4])], [info("y", [2, 4])], domains=["com.microsoft"])
    aidge_onnx.load_onnx(proto)


# --- recipes around them ------------------------------------------------------------------------------------
def around() -> onnx.ModelProto:
    """Convolutions, BatchNorms and activations before and after an operator that is not native."""
    constants = {"k": values(4, 3, 3, 3), "k2": values(4, 4, 1, 1)}
    for name in ("one", "two"):
        constants |= {f"{name}_{part}": np.abs(values(4)) + 0.5 for part in ("scale", "shift", "mean", "var")}
    nodes = []
    for name, data, weight in (("one", "x", "k"), ("two", "e", "k2")):
        norm = [f"{name}_{part}" for part in ("scale", "shift", "mean", "var")]
        nodes += [
            node("Conv", [data, weight], [f"{name}_c"], name=f"{name}_conv"),
            node("BatchNormalization", [f"{name}_c", *norm], [f"{name}_n"], name=f"{name}_norm"),
            node("Relu", [f"{name}_n"], [f"{name}_r"], name=f"{name}_relu"),
        ]
        if name == "one":
            nodes += [node("NhwcMaxPool", [], [])][:0]
            nodes.append(node("Gelu", ["one_r"], ["e"], name="generic", domain="com.microsoft"))
    nodes.append(node("Identity", ["two_r"], ["y"], name="last"))
    return model(
        nodes, [info("x", ["n", 3, 6, 6])], [info("y", ["n", 4, 4, 4])], constants=constants,
        domains=["com.microsoft"]
    )  # fmt: skip


def test_folding_merging_pruning_and_observing_work_around_such_a_node() -> None:
    proto = around()
    x = values(4, 3, 6, 6)
    graph = aidge_onnx.load_onnx(proto)
    graph.compile("cpu", dims=[[4, 3, 6, 6]])
    scheduler = aidge_core.SequentialScheduler(graph)
    (expected,) = run_ort(proto, {"x": x})[0]
    assert aidge_core.fuse_batchnorm(graph) == 2
    aidge_core.remove_identity(graph)
    aidge_core.fuse_convolution(graph, dims=[[4, 3, 6, 6]], repeats=0)
    assert same(expected, np.asarray(scheduler.forward([x])[0]))
    params = aidge_core.fibnlr_Parameters(ablation_threshold=2.0)
    pruned = aidge_core.fibnlr(graph, from_arrays(x, batch_size=2), params)
    assert {node.name() for node in pruned} == {"one_relu", "two_relu"}
    written = aidge_onnx.to_model_proto(graph)
    assert [n.op_type for n in written.graph.node if n.domain] == ["Gelu"]
    assert same(run_ort(written, {"x": x})[0][0], np.asarray(scheduler.forward([x])[0]))


def test_activations_behind_dims_that_only_a_run_tells_are_measured_and_pruned() -> None:
    nodes = [
        node("Relu", ["x"], ["a"], name="before"),
        node("NonZero", ["a"], ["i"]),
        node("Transpose", ["i"], ["t"], perm=[1, 0]),
        node("GatherND", ["x", "t"], ["v"]),
        node("Relu", ["v"], ["y"], name="after"),
    ]
    graph = aidge_onnx.load_onnx(model(nodes, [info("x", ["n", 4])], [info("y", ["k"])]))
    graph.compile("cpu", dims=[[4, 4]])
    x = values(8, 4)
    params = aidge_core.fibnlr_Parameters(
        method=aidge_core.Method.LOOSE, ablation_threshold=0.1, max_iteration=2
    )
    aidge_core.fibnlr_prepare(graph, params)
    aidge_core.fibnlr_compute(graph, from_arrays(x, batch_size=4), params)
    npr = aidge_core.fibnlr_get_npr(graph.get_node("after"))
    assert npr.neg == 0.0
    assert npr.pos == pytest.approx(np.maximum(x, 0).sum(), rel=1e-5)
    assert [node.name() for node in aidge_core.fibnlr_prune(graph, params)] == ["after"]


def test_hooks_of_such_nodes_see_inputs_and_outputs_once() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("NonZero", ["a"], ["i"], name="nz"),
        node("Transpose", ["i"], ["y"]),
    ]
    graph = aidge_onnx.load_onnx(model(nodes, [info("x", ["n", 4])], [info("y", ["k", 2], INT64)]))
    graph.compile("cpu", dims=[[3, 4]])
    seen: list[Any] = []
    node_ = graph.get_node("nz")
    node_.add_before_forward(lambda n: seen.append(np.asarray(n.get_operator().get_input(0)).copy()))
    node_.add_after_forward(lambda n: seen.append(np.asarray(n.get_operator().get_output(0)).copy()))
    x = values(3, 4)
    aidge_core.SequentialScheduler(graph).forward([x])
    assert len(seen) == 2
    np.testing.assert_array_equal(seen[0], np.maximum(x, 0))
    np.testing.assert_array_equal(seen[1], np.stack(np.nonzero(np.maximum(x, 0))))


def test_two_threads_run_two_schedulers_with_such_nodes() -> None:
    proto = around()
    x = values(2, 3, 6, 6)
    (expected,) = run_ort(proto, {"x": x})[0]
    results: list[bool] = []

    def work() -> None:
        graph = aidge_onnx.load_onnx(proto)
        graph.compile("cpu", dims=[[2, 3, 6, 6]])
        scheduler = aidge_core.SequentialScheduler(graph)
        results.extend(same(expected, np.asarray(scheduler.forward([x])[0])) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [True] * 10


def test_sequences_between_nodes_stay_inside_one_step_and_come_out_as_they_were() -> None:
    nodes = [
        node("Relu", ["x"], ["a"], name="first"),
        node("SplitToSequence", ["a"], ["s"], name="split", axis=1, keepdims=1),
        node("SequenceAt", ["s", "one"], ["e"], name="at"),
        node("Relu", ["e"], ["e2"], name="between"),
        node("SequenceInsert", ["s", "e2"], ["s2"], name="insert"),
        node("ConcatFromSequence", ["s2"], ["c"], name="join", axis=1),
        node("Tanh", ["c"], ["y"], name="last"),
    ]
    proto = model(nodes, [info("x", ["n", 4])], [info("y", ["n", 5])], constants={"one": np.int64(1)})
    scheduler = check(proto, {"x": values(2, 4)}, {"x": values(3, 4)})
    assert [step.node for step in scheduler.report().steps] == ["first", "join_region", "last"]
    written = aidge_onnx.to_model_proto(scheduler.graph_view)
    assert [(n.name, n.op_type) for n in written.graph.node] == [(n.name, n.op_type) for n in nodes]


def test_strings_within_a_network_stay_inside_one_step() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Cast", ["a"], ["text"], to=TensorProto.STRING),
        node("Cast", ["text"], ["b"], to=FLOAT),
        node("Tanh", ["b"], ["y"]),
    ]
    check(model(nodes, [info("x", ["n", 4])], [info("y", ["n", 4])]), {"x": np.round(values(2, 4), 2)})
