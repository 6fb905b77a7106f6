"""Networks with QuantizeLinear and DequantizeLinear: they run natively, every method works on them, and what is written is quantised again."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_compress.measure.verify import write_verified
from helpers.commands import aidge
from helpers.quantised import NETWORKS, feeds_for, qdq, run
from helpers.toy import info, model_of, save
from onnx import TensorProto, helper, numpy_helper

onnxruntime: Any = pytest.importorskip("onnxruntime")

FORMS: dict[str, dict[str, Any]] = {
    "uint8": {},
    "int8": {"activations": "int8"},
    "symmetric": {"activations": "int8", "symmetric": True},
    "one scale": {"per_channel": False},
}


def load(model: Any, feeds: dict[str, np.ndarray]) -> Any:
    graph = aidge_onnx.load_onnx(model)
    graph.compile("cpu", dims=[list(feeds[spec.name].shape) for spec in graph.input_specs])
    return graph


def forward(graph: Any, feeds: dict[str, np.ndarray]) -> np.ndarray:
    inputs = [feeds[spec.name] for spec in graph.input_specs]
    return np.array(aidge_core.SequentialScheduler(graph).forward(data=inputs)[0])


def integers(model: Any) -> dict[str, np.ndarray]:
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    return {name: array for name, array in arrays.items() if array.dtype.kind in "iu" and array.size > 1}


def kernels(model: Any, folder: Path) -> collections.Counter[str]:
    """Operators after ONNX Runtime's optimisations."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return collections.Counter(node.op_type for node in onnx.load(folder / "optimised.onnx").graph.node)


def batches(model: Any, count: int = 20) -> list[list[np.ndarray]]:
    return [list(feeds_for(model, 8, seed).values()) for seed in range(count)]


# --- the operators ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("dims", [(2, 3, 4), (2, 3, 4, 5)])
def test_both_operators_compute_what_numpy_computes(
    axis: int | None, kind: str, dims: tuple[int, ...]
) -> None:
    random = np.random.default_rng(0)
    limits = np.iinfo(kind)
    count = 1 if axis is None else dims[axis]
    scale = random.uniform(0.01, 0.1, count).astype(np.float32)
    zero = random.integers(limits.min // 2, limits.max // 2, count).astype(kind)
    values = (random.standard_normal(dims) * 10).astype(np.float32)
    values.flat[:4] = [1e30, -1e30, 2.5 * scale[0], 0.0]
    if axis is None:
        scale, zero = scale.reshape(()), zero.reshape(())
    attributes = {} if axis is None else {"axis": axis}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **attributes),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **attributes),
    ]
    outputs = [info("q", dims, helper.np_dtype_to_tensor_dtype(np.dtype(kind))), info("y", dims)]
    model = model_of(nodes, {"s": scale, "z": zero}, {"x": dims}, outputs, opset=21, ir_version=10)
    graph = load(model, {"x": values})
    steps, floats = (np.array(out) for out in aidge_core.SequentialScheduler(graph).forward(data=[values]))
    shape = [] if axis is None else [-1 if i == axis % len(dims) else 1 for i in range(len(dims))]
    wanted = np.rint(values / scale.reshape(shape)).astype(np.float64) + zero.reshape(shape)
    np.testing.assert_array_equal(steps, np.clip(wanted, limits.min, limits.max).astype(kind))
    offset = steps.astype(np.int64) - zero.astype(np.int64).reshape(shape)
    np.testing.assert_array_equal(floats, offset.astype(np.float32) * scale.reshape(shape))
    assert not any(node.get_operator().is_generic() for node in graph.get_nodes())
    assert not any("onnx" in node.type() for node in graph.get_nodes())
    again = aidge_onnx.to_model_proto(graph)
    np.testing.assert_array_equal(run(again, {"x": values})[0], steps)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_quantised_network_runs_natively_and_is_written_as_it_was(
    name: str, form: str, tmp_path: Path
) -> None:
    model = qdq(NETWORKS[name](), **FORMS[form])
    feeds = feeds_for(model, 16, seed=99)
    graph = load(model, feeds)
    assert not any(node.get_operator().is_generic() for node in graph.get_nodes())
    expected, found = run(model, feeds)[0], forward(graph, feeds)
    step = np.abs(expected).max() / 127
    assert np.abs(found - expected).max() <= 1.01 * step
    written = aidge_onnx.to_model_proto(graph)
    before, after = integers(model), integers(written)
    assert before.keys() - after.keys() <= {name for name in before if "zero_point" in name}
    for key in before.keys() & after.keys():
        was_transposed = after[key].shape != before[key].shape  # a Gemm is written in the form transB=1
        np.testing.assert_array_equal(after[key].T if was_transposed else after[key], before[key])
        assert after[key].dtype == before[key].dtype
    np.testing.assert_array_equal(run(written, feeds)[0], expected)
    np.testing.assert_array_equal(
        run(written, feeds, optimised=True)[0], run(model, feeds, optimised=True)[0]
    )
    assert kernels(written, tmp_path) == kernels(model, tmp_path)


# --- methods ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["uint8", "symmetric"])
@pytest.mark.parametrize("name", NETWORKS)
def test_compress_cuts_a_quantised_network_and_the_file_is_quantised_again(
    name: str, form: str, tmp_path: Path
) -> None:
    model = qdq(NETWORKS[name](), **FORMS[form])
    result = aidge_compress.compress(
        model, batches(model), keep_macs=0.6, latency=False, min_channels=2, allocation="energy"
    )
    assert result.after.macs < 0.75 * result.before.macs
    result.save(tmp_path / "small.onnx")
    written = onnx.load(tmp_path / "small.onnx")
    assert sum(array.nbytes for array in integers(written).values()) < sum(
        array.nbytes for array in integers(model).values()
    )
    floats = [
        entry
        for entry in written.graph.initializer
        if entry.data_type == TensorProto.FLOAT and len(entry.dims) > 1
    ]
    assert not floats
    feeds = feeds_for(model, 16, seed=99)
    before, after = run(model, feeds)[0], run(written, feeds)[0]
    assert np.sqrt(np.mean((before - after) ** 2) / before.var()) < 0.3
    integer = run(written, feeds, optimised=True)[0]
    assert np.sqrt(np.mean((integer - after) ** 2) / after.var()) < 0.05
    ours, theirs = kernels(written, tmp_path), kernels(model, tmp_path)
    for operator in ("Conv", "ConvTranspose", "Gemm", "MatMul") if form == "uint8" else ():
        assert ours[operator] <= theirs[operator]  # what ONNX Runtime leaves in float itself


def test_channels_that_stay_keep_their_integers_and_scales() -> None:
    model = qdq(NETWORKS["plain"]())
    graph = load(model, feeds_for(model, 2))
    groups = aidge_core.channel_groups(graph, dims=[[2, 3, 8, 8]])
    gone = [1, 4, 6]
    first = next(group for group in groups if group.sources[0].node.name() == "conv1")
    assert first.can_be_cut()
    aidge_core.remove_channels(graph, {first.sources[0].node: gone}, dims=[[2, 3, 8, 8]])
    before = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    after = {
        entry.name: numpy_helper.to_array(entry)
        for entry in aidge_onnx.to_model_proto(graph).graph.initializer
    }
    stay = [place for place in range(8) if place not in gone]
    for name in ("w1_quantized", "w1_scale", "w1_zero_point", "b1_quantized", "b1_quantized_scale"):
        np.testing.assert_array_equal(after[name], before[name][stay], err_msg=name)
    np.testing.assert_array_equal(after["w2_quantized"], before["w2_quantized"][:, stay])
    for name in ("w2_scale", "b2_quantized", "w3_quantized", "b3_quantized"):
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)


def test_scales_of_activations_along_the_channels_are_cut_with_them() -> None:
    random = np.random.default_rng(0)
    constants = {
        "w1": random.normal(size=(6, 3, 1, 1)), "w2": random.normal(size=(4, 6, 1, 1)), "s": np.linspace(0.01, 0.06, 6).astype(np.float32),
        "z": np.arange(6, dtype=np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "one"),
        helper.make_node("QuantizeLinear", ["a", "s", "z"], ["q"], axis=1),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=1),
        helper.make_node("Conv", ["d", "w2"], ["y"], "two"),
    ]
    graph = aidge_onnx.load_onnx(model_of(nodes, constants, {"x": ("N", 3, 4, 4)}, {"y": ("N", 4, 4, 4)}))
    aidge_core.remove_channels(graph, {graph.get_node("one"): [0, 3]}, dims=[[2, 3, 4, 4]])
    arrays = {
        entry.name: numpy_helper.to_array(entry)
        for entry in aidge_onnx.to_model_proto(graph).graph.initializer
    }
    np.testing.assert_array_equal(arrays["s"], constants["s"][[1, 2, 4, 5]])
    np.testing.assert_array_equal(arrays["z"], [1, 2, 4, 5])


@pytest.mark.parametrize(
    "zero", [np.uint8([100, 140, 90]), np.uint8([128, 128, 128]), np.int8([0, 0, 0]), np.int8([5, -7, 0])]
)
def test_changed_weights_are_quantised_by_the_rule_of_the_file(zero: np.ndarray) -> None:
    random = np.random.default_rng(1)
    limits = np.iinfo(zero.dtype)
    steps = random.integers(limits.min, limits.max + 1, (3, 4, 2, 2)).astype(zero.dtype)
    scale = np.float32([0.01, 0.02, 0.03])
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0),
        helper.make_node("Conv", ["x", "w"], ["y"], "conv"),
    ]
    model = model_of(nodes, {"q": steps, "s": scale, "z": zero}, {"x": ("N", 4, 4, 4)}, {"y": ("N", 3, 3, 3)})
    graph = aidge_onnx.load_onnx(model)
    weight = graph.get_node("conv").get_parent(1)
    values = (np.asarray(weight.get_operator().get_output(0)) * np.float32(1.37)).astype(np.float32)
    values[1] = (steps[1].astype(np.float32) - np.float32(zero[1])) * scale[1]  # this channel is as it was
    weight.get_operator().set_output(0, values)
    arrays = {
        entry.name: numpy_helper.to_array(entry)
        for entry in aidge_onnx.to_model_proto(graph).graph.initializer
    }
    assert arrays["q"].dtype == zero.dtype
    np.testing.assert_array_equal(arrays["q"][1], steps[1])
    assert arrays["s"][1] == scale[1]
    shape = (3, 1, 1, 1)
    held = (arrays["q"].astype(np.float32) - arrays["z"].astype(np.float32).reshape(shape)) * arrays[
        "s"
    ].reshape(shape)
    assert (np.abs(held - values).max(axis=(1, 2, 3)) <= 0.501 * arrays["s"]).all()
    assert (arrays["s"] < 3 * scale).all()
    assert aidge_onnx.requantise(graph)
    np.testing.assert_allclose(np.asarray(weight.get_operator().get_output(0)), held, rtol=1e-6)
    again = {
        entry.name: numpy_helper.to_array(entry)
        for entry in aidge_onnx.to_model_proto(graph).graph.initializer
    }
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)


def test_what_is_written_is_verified_with_its_integers(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=0),
        helper.make_node("Conv", ["x", "w"], ["y"], "conv"),
    ]
    steps = np.random.default_rng(0).integers(-127, 128, (3, 4, 2, 2)).astype(np.int8)
    model = model_of(
        nodes, {"q": steps, "s": np.float32([0.01, 0.02, 0.03])}, {"x": ("N", 4, 4, 4)}, {"y": ("N", 3, 3, 3)}
    )
    graph = aidge_onnx.load_onnx(model)
    weight = graph.get_node("conv").get_parent(1).get_operator()
    weight.set_output(0, (np.asarray(weight.get_output(0)) + np.float32(0.0137)).astype(np.float32))
    graph.compile("cpu", dims=[[1, 4, 4, 4]])
    before = np.asarray(weight.get_output(0)).copy()
    data = [np.ones((1, 4, 4, 4), np.float32)]
    assert write_verified(graph, tmp_path / "out.onnx", [data]).passed
    assert [
        entry.data_type
        for entry in onnx.load(tmp_path / "out.onnx").graph.initializer
        if len(entry.dims) == 4
    ] == [TensorProto.INT8]
    np.testing.assert_array_equal(np.asarray(weight.get_output(0)), before)


@pytest.mark.parametrize("name", ["plain", "residual", "two_inputs"])
def test_files_that_quantise_float_weights_are_read_like_those_with_integers(name: str) -> None:
    model = qdq(NETWORKS[name](), AddQDQPairToWeight=True)
    assert "w2" in {node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    feeds = feeds_for(model, 16, seed=99)
    graph = load(model, feeds)
    assert not any(node.get_operator().is_generic() for node in graph.get_nodes())
    expected = run(model, feeds)[0]
    assert np.abs(forward(graph, feeds) - expected).max() <= 1.01 * np.abs(expected).max() / 127
    written = aidge_onnx.to_model_proto(graph)
    np.testing.assert_array_equal(run(written, feeds)[0], expected)
    assert len(written.SerializeToString()) < 0.9 * len(model.SerializeToString())


def test_a_quantised_network_is_not_quantised_again(tmp_path: Path) -> None:
    model = qdq(NETWORKS["plain"]())
    path = save(model, tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="got one that is quantised already: it has"):
        aidge_compress.compress(path, batches(model), keep_macs=0.5, int8=True)
    np.save(tmp_path / "data.npy", batches(model)[0][0])
    words = ["compress", "net.onnx", "--data", "data.npy", "--int8", "--out", "out.onnx"]
    assert "quantised already" in aidge(*words, expect=2, folder=tmp_path).stderr


def test_a_network_without_integers_is_not_requantised() -> None:
    graph = aidge_onnx.load_onnx(NETWORKS["plain"]())
    before = aidge_onnx.to_model_proto(graph)
    assert not aidge_onnx.requantise(graph)
    assert aidge_onnx.to_model_proto(graph) == before


def test_every_verb_takes_a_quantised_network(tmp_path: Path) -> None:
    model = qdq(NETWORKS["residual"](), activations="int8", symmetric=True)
    path = save(model, tmp_path / "net.onnx")
    data = batches(model)
    assert aidge_compress.evaluate(path, data, reference=NETWORKS["residual"]()).agreement >= 0.8
    found = aidge_compress.recommend_channels(path, data)
    assert list(found.recipes) == ["conv1", "conv2", "conv3"]
    pruned = aidge_compress.prune_activations(path, data, ablation_threshold=1e30)
    assert {row.name for row in pruned.rows} == {"relu1", "relu2"}
    pruned.save(tmp_path / "pruned.onnx")
    np.savez(tmp_path / "data.npz", image=np.concatenate([batch[0] for batch in data]))
    for words in (
        ["inspect", "net.onnx"],
        ["bench", "net.onnx", "--passes", "1"],
        ["eval", "net.onnx", "--data", "data.npz"],
    ):
        assert "onnx::" not in aidge(*words, folder=tmp_path).stdout


@pytest.mark.parametrize("operator", ["QLinearConv", "ConvInteger"])
def test_other_quantised_forms_run_and_are_refused_by_name_with_the_cure(operator: str) -> None:
    random = np.random.default_rng(0)
    constants = {"s": np.float32(0.02), "z": np.uint8(128), "w": random.integers(0, 255, (8, 3, 3, 3)).astype(np.uint8),
                 "sw": np.float32(0.01), "zw": np.uint8(120)}  # fmt: skip
    quantize = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], "enter")
    if operator == "QLinearConv":
        layer = helper.make_node(operator, ["q", "s", "z", "w", "sw", "zw", "s", "z"], ["c"], "layer")
        leave = helper.make_node("DequantizeLinear", ["c", "s", "z"], ["y"], "leave")
    else:
        layer = helper.make_node(operator, ["q", "w", "z", "zw"], ["c"], "layer")
        leave = helper.make_node("Cast", ["c"], ["y"], "leave", to=TensorProto.FLOAT)
    model = model_of([quantize, layer, leave], constants, {"x": ("N", 3, 6, 6)}, {"y": ("N", 8, 4, 4)})
    feeds = {"x": random.standard_normal((2, 3, 6, 6)).astype(np.float32)}
    np.testing.assert_allclose(forward(load(model, feeds), feeds), run(model, feeds)[0], rtol=1e-6)
    with pytest.raises(
        ValueError,
        match=rf"layer: {operator}, .*write the network in the form QDQ, for example by aidge quantize",
    ):
        aidge_compress.compress(model, [[feeds["x"]]] * 4, keep_macs=0.5, latency=False)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan, 3e38])
def test_scales_that_make_no_numbers_stay_as_they_are(scale: float) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    constants = {"q": np.int8([1, -100, 5]), "s": np.float32(scale)}
    model = model_of(nodes, constants, {"x": ("N", 3)}, {"y": ("N", 3)})
    feeds = {"x": np.ones((2, 3), np.float32)}
    graph = load(model, feeds)
    np.testing.assert_array_equal(forward(graph, feeds), run(model, feeds)[0])
    written = aidge_onnx.to_model_proto(graph)
    np.testing.assert_array_equal(run(written, feeds)[0], run(model, feeds)[0])
    assert TensorProto.INT8 in {entry.data_type for entry in written.graph.initializer}


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32])
def test_integer_constants_that_are_no_weights_are_written_as_integers_again(kind: Any) -> None:
    steps = np.random.default_rng(0).integers(0, 100, (1, 4, 1, 1)).astype(kind)
    constants = {"q": steps, "s": np.float32([0.1, 0.2, 0.3, 0.4]), "w": np.ones((4, 3, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "conv"),
        helper.make_node("DequantizeLinear", ["q", "s"], ["c"], axis=1),
        helper.make_node("Mul", ["a", "c"], ["y"], "scaled"),
        helper.make_node("Conv", ["y", "v"], ["z"], "last"),
    ]
    constants["v"] = np.ones((2, 4, 1, 1), np.float32)
    graph = aidge_onnx.load_onnx(
        model_of(nodes, constants, {"x": ("N", 3, 2, 2)}, {"z": ("N", 2, 2, 2)}, opset=21, ir_version=10)
    )
    aidge_core.remove_channels(graph, {graph.get_node("conv"): [1]}, dims=[[1, 3, 2, 2]])
    arrays = {
        entry.name: numpy_helper.to_array(entry)
        for entry in aidge_onnx.to_model_proto(graph).graph.initializer
    }
    assert arrays["q"].dtype == kind
    np.testing.assert_array_equal(arrays["q"], steps[:, [0, 2, 3]])
    np.testing.assert_array_equal(arrays["s"], constants["s"][[0, 2, 3]])
