"""Networks of float16, bfloat16 and float64, also mixed: every command works on them, and what is written has the types of the file.

Reports: ultralytics/yolov5#6560 (export with --half), onnxsim/onnxsim#937 (float16 weights that no pattern takes). The right values are ONNX
Runtime's for the source file; for bfloat16 and float64, for which it has no convolutions, those of the same network in float32.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_compress.measure.feeds import session_feeds
from aidge_compress.measure.metrics import relative_difference
from helpers import onnx_models as om
from helpers.outcomes import ok
from onnx import TensorProto, helper

KINDS = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16, "float64": TensorProto.DOUBLE}
TOLERANCE = {"float16": 1e-2, "bfloat16": 8e-2, "float64": 1e-5}
SHAPES = {"k": (16, 3, 3, 3), "b": (16,), "l": (16, 16, 3, 3), "c": (16,), "w": (16, 5)}


def array_of(name: str, kind: int) -> np.ndarray[Any, Any]:
    plain = onnx.numpy_helper.to_array(om.weights(name, *SHAPES[name]))
    return plain.astype(helper.tensor_dtype_to_np_dtype(kind))


def network(kind: int, ends: str, second: int | None = None) -> onnx.ModelProto:
    """Two convolutions and a classifier. ends: "own" or "float32"; second: the type of the second half, if it is another."""
    last = second or kind
    first, final = (TensorProto.FLOAT, TensorProto.FLOAT) if ends == "float32" else (kind, last)
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], "into", to=kind),
        helper.make_node("Conv", ["h", "k", "b"], ["a"], "conv1", pads=[1] * 4, doc_string="edges"),
        helper.make_node("Relu", ["a"], ["r"], "relu1"),
        helper.make_node("Resize", ["r", "", "scales"], ["z"], "resize", mode="nearest"),
        helper.make_node("Cast", ["z"], ["m"], "between", to=last),
        helper.make_node("Conv", ["m", "l", "c"], ["d"], "conv2", pads=[1] * 4),
        helper.make_node("Relu", ["d"], ["s"], "relu2"),
        helper.make_node("GlobalAveragePool", ["s"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w"], ["g"], "fc"),
        helper.make_node("Cast", ["g"], ["y"], "out", to=final),
    ]
    kinds = {"k": kind, "b": kind, "l": last, "c": last, "w": last}
    weights = [onnx.numpy_helper.from_array(array_of(name, kinds[name]), name) for name in SHAPES]
    weights.append(om.tensor("scales", [1, 1, 1.5, 1.5]))
    return om.model(
        nodes,
        weights,
        inputs=[om.info("x", ("N", 3, 8, 8), first)],
        outputs=[om.info("y", ("N", 5), final)],
        opset=22,
        ir_version=10,
    )


def outputs_of(model: onnx.ModelProto | Path, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, session_feeds(session, {"x": x}))]


def plain_outputs(kind: str, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Of the same weights in float32."""
    model = network(TensorProto.FLOAT, "own")
    del model.graph.initializer[:]
    weights = {name: array_of(name, KINDS[kind]).astype(np.float32) for name in SHAPES}
    model.graph.initializer.extend(om.tensor(name, array) for name, array in weights.items())
    model.graph.initializer.append(om.tensor("scales", [1, 1, 1.5, 1.5]))
    return outputs_of(model, x)


def types_of(path: Path) -> dict[str, str]:
    graph = onnx.load(path).graph
    entries = {tensor.name: tensor.data_type for tensor in graph.initializer}
    entries |= {value.name: value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]}
    return {name: TensorProto.DataType.Name(kind).lower() for name, kind in entries.items()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.save(tmp_path / "data.npy", om.values(64, 3, 8, 8))
    return tmp_path / "data.npy"


COMMANDS = {
    "fibnlr": ("fibnlr", "--ablation-threshold", "9", "--data"),
    "compress": ("compress", "--keep-macs", "0.7", "--held-out", "0", "--data"),
    "merge": ("merge", "--data"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("ends", ["own", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_has_the_types_of_the_file(
    tmp_path: Path, data: Path, kind: str, ends: str, command: str
) -> None:
    source, out = tmp_path / "net.onnx", tmp_path / "small.onnx"
    onnx.save(network(KINDS[kind], ends), source)
    name, *options = COMMANDS[command]
    done = ok(name, source, *options, data, "--out", out, "--json")
    end = {"float64": "double"}.get(kind, kind)
    types = types_of(out)
    assert types["x"] == types["y"] == (end if ends == "own" else "float")
    weights = [types[name] for name in types if name not in ("x", "y") and "scales" not in name]
    assert weights == [end] * len(weights)
    assert len(weights) >= 3
    assert types[next(name for name in types if "scales" in name)] == "float"
    if command == "compress":
        assert done.document["bytes_after"] < done.document["bytes_before"]
    stem = next(node for node in onnx.load(out).graph.node if node.name == "conv1")
    assert "edges" in stem.doc_string
    x = om.values(4, 3, 8, 8, seed=3)
    if kind != "float16":
        assert np.isfinite(aidge_outputs(out, x)[0]).all()
        return
    got = outputs_of(out, x)
    assert got[0].shape == (4, 5)
    if command == "merge":
        assert relative_difference(outputs_of(source, x), got) < TOLERANCE[kind]


def aidge_outputs(path: Path, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    graph = aidge_compress.open_network(path)
    graph.compile("cpu", dims=[list(x.shape)])
    return [np.asarray(out).copy() for out in aidge_core.SequentialScheduler(graph).forward(data=[x])]


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_in_float32_gives_what_the_file_gives(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "net.onnx"
    onnx.save(network(KINDS[kind], "own"), source)
    x = om.values(4, 3, 8, 8, seed=5)
    expected = outputs_of(source, x) if kind == "float16" else plain_outputs(kind, x)
    assert relative_difference(expected, aidge_outputs(source, x)) < TOLERANCE[kind]
    written = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(source, in_float32=True))
    if kind == "float16":
        np.testing.assert_array_equal(outputs_of(written, x)[0], outputs_of(source, x)[0])
    plain = aidge_onnx.load_onnx(source)
    assert plain.input_specs[0].dtype.name == kind  # only read so if it is asked for


def test_each_half_of_a_mixed_network_keeps_its_type(tmp_path: Path, data: Path) -> None:
    for first, second in ((TensorProto.FLOAT16, TensorProto.FLOAT), (TensorProto.FLOAT, TensorProto.FLOAT16)):
        source, out = tmp_path / "net.onnx", tmp_path / "small.onnx"
        onnx.save(network(first, "float32", second), source)
        ok("fibnlr", source, "--data", data, "--ablation-method", "none", "--out", out)
        types = types_of(out)
        names = {first: ("conv1", 2), second: ("conv2", 2)}
        for kind, (name, count) in names.items():
            node = next(node for node in onnx.load(out).graph.node if node.name == name)
            wanted = TensorProto.DataType.Name(kind).lower()
            assert [types[entry] for entry in node.input[1:]] == [wanted] * count
        x = om.values(4, 3, 8, 8, seed=4)
        assert relative_difference(outputs_of(source, x), outputs_of(out, x)) < 1e-3


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect",),
        ("bench", "--passes", "1", "--against", "ort", "--pairs", "2"),
        ("eval", "--data", "data.npy", "--reference", "net.onnx"),
        ("pfa", "--data", "data.npy"),
        ("sweep", "--data", "data.npy", "--eval", "data.npy", "--no-timing", "--report", "r.html"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_other_commands_take_float16(
    tmp_path: Path, data: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(network(TensorProto.FLOAT16, "own"), tmp_path / "net.onnx")
    monkeypatch.chdir(tmp_path)
    ok(arguments[0], "net.onnx", *arguments[1:], "--json")


def test_a_weight_that_is_too_large_for_the_type_is_named(tmp_path: Path) -> None:
    model = network(TensorProto.FLOAT16, "own", TensorProto.FLOAT)
    large = next(tensor for tensor in model.graph.initializer if tensor.name == "l")
    large.CopyFrom(om.tensor("l", np.full(SHAPES["l"], 1e6)))
    onnx.save(model, tmp_path / "net.onnx")
    graph = aidge_onnx.load_onnx(tmp_path / "net.onnx", in_float32=True)
    graph.metadata = {
        **graph.metadata,
        "onnx.float_types": json.dumps({"default": 10, "nodes": {}, "values": {}}),
    }
    with pytest.raises(ValueError, match=r"expected values that float16 holds, got 1e\+06 in l"):
        aidge_onnx.export_onnx(graph, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_float16_that_is_not_read_in_float32_names_the_cure(tmp_path: Path, data: Path) -> None:
    onnx.save(network(TensorProto.FLOAT16, "own"), tmp_path / "net.onnx")
    graph = aidge_onnx.load_onnx(tmp_path / "net.onnx")
    graph.compile("cpu", dims=[[4, 3, 8, 8]])
    samples = [om.values(4, 3, 8, 8).astype(np.float16)]
    cure = r"load_onnx\(path, in_float32=True\)"
    with pytest.raises(ValueError, match=cure):
        aidge_core.fibnlr(graph, samples, aidge_core.fibnlr_Parameters())
    for call in (
        lambda: aidge_compress.compress(graph, samples, keep_macs=0.5),
        lambda: aidge_compress.prune_activations(graph, samples),
        lambda: aidge_compress.recommend_channels(graph, samples),
    ):
        with pytest.raises(ValueError, match=cure):
            call()
    assert "in_float32=True" in aidge_compress.merge_layers(graph).warnings[0]


def test_float16_inside_control_flow_stays_as_it_is(tmp_path: Path) -> None:
    half = TensorProto.FLOAT16
    then = helper.make_graph([helper.make_node("Relu", ["a"], ["t"])], "then", [], [om.info("t", None, half)])
    other = helper.make_graph([helper.make_node("Abs", ["a"], ["e"])], "else", [], [om.info("e", None, half)])
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["a"], "conv"),
        helper.make_node("If", ["flag"], ["y"], "branch", then_branch=then, else_branch=other),
    ]
    model = om.model(
        nodes,
        [onnx.numpy_helper.from_array(array_of("k", half), "k")],
        inputs=[om.info("x", ("N", 3, 8, 8), half), om.info("flag", (), TensorProto.BOOL)],
        outputs=[om.info("y", None, half)],
    )
    graph = aidge_onnx.load_onnx(model, in_float32=True)
    assert graph.input_specs[0].dtype.name == "float16"
    onnx.save(model, tmp_path / "net.onnx")
    assert ok("inspect", tmp_path / "net.onnx", "--json").document["macs"] >= 0
