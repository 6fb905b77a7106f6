"""quantize: int8 files by ONNX Runtime's quantiser, judged and verified; float16 weights; compress with int8."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aidge_compress
import numpy as np
import onnx
import pytest
from aidge_compress import QuantizeOptions, Stopped, quantize
from aidge_compress.quantization.calibrate import best_range
from helpers.commands import aidge
from helpers.low_rank import images, residual_network
from helpers.quantised import NETWORKS, feeds_for, run
from helpers.toy import model_of, save
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("onnxruntime")

QUICK: dict[str, Any] = {"latency": False, "calibration": "minmax"}


def types(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def data_for(model: Any, samples: int = 40) -> Any:
    fixed = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    parts = [feeds_for(model, 8, seed) for seed in range(samples // (fixed or 8))]
    return [list(part.values()) for part in parts]


@pytest.mark.parametrize("activations", ["uint8", "int8"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_quantised_network_gives_nearly_the_same_outputs_under_the_same_names(
    name: str, activations: str, tmp_path: Path
) -> None:
    model = NETWORKS[name]()
    model.metadata_props.add(key="author", value="somebody")
    result = quantize(model, data_for(model), activations=activations, **QUICK)
    made = result.model
    onnx.checker.check_model(made, full_check=True)
    assert "QuantizeLinear" in types(made)
    assert "BatchNormalization" not in types(made)
    assert list(made.graph.input) == list(model.graph.input)
    assert list(made.graph.output) == list(model.graph.output)
    assert [(entry.domain, entry.version) for entry in made.opset_import] == [("", 17)]
    assert {entry.key: entry.value for entry in made.metadata_props} == {"author": "somebody"}
    feeds = feeds_for(model, 16, seed=99)
    errors = []
    for expected, got in zip(run(model, feeds), run(made, feeds, optimised=True), strict=True):
        errors.append(np.sqrt(np.mean((expected - got) ** 2) / expected.var()))
    assert max(errors) < 0.1
    assert 0 < result.quality.error < 0.15
    result.save(tmp_path / "small.onnx")
    assert onnx.load(tmp_path / "small.onnx") == made


def test_weights_have_a_scale_for_each_channel_or_one() -> None:
    model = NETWORKS["plain"]()

    def scales(**changes: Any) -> int:
        made = quantize(model, data_for(model), **QUICK, **changes).model
        arrays = {entry.name: numpy_helper.to_array(entry) for entry in made.graph.initializer}
        return int(
            next(array.size for name, array in arrays.items() if name.startswith("w1") and "scale" in name)
        )

    assert scales() == 8
    assert scales(per_channel=False) == 1


def test_auto_uses_the_calibration_with_the_least_error() -> None:
    model = NETWORKS["residual"]()
    result = quantize(model, data_for(model, 64), latency=False)
    assert set(result.errors) == {"minmax", "percentile", "entropy", "mse"}
    assert result.errors[result.calibration] == min(result.errors.values())
    assert result.quality.error == pytest.approx(result.errors[result.calibration])


def test_the_best_range_clips_outliers_and_keeps_what_is_dense() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(size=1_000_000), [20.0]]).astype(np.float32)
    counts, edges = np.histogram(values, 2048, range=(-20, 20))
    low, high = best_range(counts, edges, values.min(), values.max())

    def error(bottom: float, top: float) -> float:
        step = (top - bottom) / 255
        rounded = np.clip(np.round(values / step) * step, bottom, top)
        return float(np.mean((values - rounded) ** 2))

    assert high < 12
    assert error(float(low), float(high)) < 0.5 * error(float(values.min()), float(values.max()))


def test_uniform_values_keep_their_whole_range() -> None:
    counts, edges = np.full(2048, 10), np.linspace(-1, 1, 2049)
    assert [float(entry) for entry in best_range(counts, edges, -1.0, 1.0)] == pytest.approx(
        [-1.0, 1.0], abs=0.02
    )


def spoiled() -> Any:
    """A classifier of which one layer suffers: its input has one huge value that its weights nearly ignore."""
    random = np.random.default_rng(0)
    weights = {
        f"w{number}": random.normal(size=shape)
        for number, shape in enumerate([(10, 16), (16, 12), (12, 8), (8, 5)], 1)
    }
    weights["w1"][:, 0] *= 300
    weights["w2"][0] /= 300
    nodes = []
    for number in range(1, 5):
        nodes.append(
            helper.make_node("MatMul", [f"r{number - 1}", f"w{number}"], [f"m{number}"], f"mm{number}")
        )
        nodes.append(helper.make_node("Relu", [f"m{number}"], [f"r{number}"], f"relu{number}"))
    return model_of(nodes[:-1], weights, {"r0": ("N", 10)}, {"m4": ("N", 5)})


def test_layers_that_cost_most_go_back_to_float_until_the_loss_is_small_enough() -> None:
    model = spoiled()
    data = data_for(model, 160)
    without = quantize(model, data, **QUICK)
    assert without.drop > 0.02
    result = quantize(model, data, max_drop=0.02, **QUICK)
    assert result.drop <= 0.02
    assert result.in_float
    assert len(result.in_float) < 4
    assert "QuantizeLinear" in types(result.model)


def test_a_loss_that_cannot_be_reached_is_refused() -> None:
    model = NETWORKS["upsampling"]()
    with pytest.raises(ValueError, match=r"expected a loss of at most 0 \(max_drop\), got"):
        quantize(model, data_for(model), max_drop=0.0, metric="relative_error", **QUICK)


def test_first_and_last_layers_named_nodes_and_biases_stay_in_float() -> None:
    model = NETWORKS["residual"]()
    data = data_for(model)
    result = quantize(model, data, first_layer="float", last_layer="float", keep_float="sum", **QUICK)
    assert result.in_float == ("conv1", "sum", "fc")
    producers = {name: node for node in result.model.graph.node for name in node.output}
    for node in result.model.graph.node:
        if node.name in ("conv1", "fc"):
            assert node.input[1] not in producers
    biases = list(quantize(model, data, biases="float", **QUICK).model.graph.initializer)
    assert all(entry.data_type != TensorProto.INT32 for entry in biases)
    assert any(
        entry.data_type == TensorProto.INT32
        for entry in quantize(model, data, **QUICK).model.graph.initializer
    )
    with pytest.raises(
        ValueError, match=r"expected keep_float as names of nodes, such as conv1, .*got conv9"
    ):
        quantize(model, data, keep_float="conv9", **QUICK)


def test_the_same_data_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    save(NETWORKS["residual"](), tmp_path / "net.onnx")
    program = (
        "import numpy as np, hashlib, aidge_compress\n"
        "x = np.random.default_rng(0).standard_normal((32, 3, 8, 8)).astype(np.float32)\n"
        "made = aidge_compress.quantize('net.onnx', (x,), latency=False, calibration='mse').model\n"
        "print(hashlib.sha256(made.SerializeToString(deterministic=True)).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_labels_give_the_accuracy_and_evaluation_data_does_not_calibrate() -> None:
    model = NETWORKS["plain"]()
    x = np.concatenate([batch[0] for batch in data_for(model, 48)])
    labels = run(model, {"image": x})[0].argmax(axis=1)
    result = quantize(model, (x[:24],), evaluation=(x[24:], labels[24:]), **QUICK)
    assert result.quality.original_accuracy == 1.0
    assert result.quality.samples == result.held_out == 24
    assert result.samples == 24
    assert result.quality.accuracy >= 0.9


def test_an_old_opset_is_raised_to_the_one_that_has_scales_per_channel() -> None:
    model = NETWORKS["plain"]()
    model.opset_import[0].version = 11
    assert quantize(model, data_for(model), **QUICK).model.opset_import[0].version == 13


def test_weights_in_float16_halve_the_file_and_every_engine_reads_it(tmp_path: Path) -> None:
    model = NETWORKS["residual"]()
    result = quantize(model, weights="float16", latency=False)
    assert result.columns[-1].name == "float16 weights"
    assert result.after.bytes < 0.55 * result.before.bytes
    result.save(tmp_path / "small.onnx")
    made = onnx.load(tmp_path / "small.onnx")
    assert set(types(made)) - set(types(model)) == {"Cast"}
    feeds = feeds_for(model, 4)
    expected = run(model, feeds)[0]
    assert np.abs(run(made, feeds)[0] - expected).max() < 2e-3 * np.abs(expected).max()
    assert aidge_compress.evaluate(made, [list(feeds.values())], reference=model).worst_difference < 5e-3


def test_values_beyond_float16_stay() -> None:
    model = spoiled()
    arrays = {entry.name: entry for entry in model.graph.initializer}
    weight = numpy_helper.to_array(arrays["w2"]) * np.float32(1e6)
    arrays["w2"].CopyFrom(numpy_helper.from_array(weight, "w2"))
    kinds = {
        entry.name: entry.data_type
        for entry in quantize(model, weights="float16", latency=False).model.graph.initializer
    }
    assert kinds["w2"] == TensorProto.FLOAT
    assert kinds["w1_float16"] == TensorProto.FLOAT16


def test_errors_say_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    model = NETWORKS["plain"]()
    made = quantize(model, data_for(model), **QUICK)
    with pytest.raises(ValueError, match="got one that is quantised already: it has QuantizeLinear"):
        quantize(made.model, data_for(model), **QUICK)
    with pytest.raises(ValueError, match="expected data to calibrate on, got none"):
        quantize(model)
    with pytest.raises(TypeError, match="train before it is quantised"):
        made.to_torch()
    poor = data_for(model)
    poor[0][0][0] = np.nan
    with pytest.raises(ValueError, match="expected finite values"):
        quantize(model, poor, evaluation=data_for(model), **QUICK)
    nothing = helper.make_node("Exp", ["x"], ["y"])
    graph = helper.make_graph(
        [nothing],
        "g",
        [helper.make_tensor_value_info("x", 1, ["N", 3])],
        [helper.make_tensor_value_info("y", 1, ["N", 3])],
    )
    bare = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ValueError, match="expected a network with nodes that can be quantised"):
        quantize(bare, [[np.ones((8, 3), np.float32)]], **QUICK)
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "aidge_compress.quantization.source.find_spec",
        lambda name: None if name == "onnxruntime" else real(name),
    )
    with pytest.raises(ImportError, match=r"pip install 'aidge-compress\[ort\]'"):
        quantize(model, data_for(model))


def test_progress_stops_it() -> None:
    model = NETWORKS["plain"]()
    with pytest.raises(Stopped):
        quantize(model, data_for(model), progress=lambda stage, done, total: stage != "calibrating")


def test_a_result_has_the_protocol_of_results(tmp_path: Path) -> None:
    model = NETWORKS["plain"]()
    result = quantize(model, data_for(model), **QUICK)
    document = json.loads(json.dumps(result.to_dict()))
    assert [column["name"] for column in document["columns"]] == ["float32", "int8"]
    assert document["calibration"] == "minmax"
    assert result.before.macs == result.after.macs > 0
    assert result.after.bytes < result.before.bytes
    assert "int8, file" in str(result)
    result.report(tmp_path / "report.html")
    assert "Quantised network" in (tmp_path / "report.html").read_text("utf-8")
    assert result.parameters == {**QuantizeOptions(**QUICK).__dict__}


def test_the_latency_of_both_files_is_measured_in_turn() -> None:
    model = NETWORKS["plain"]()
    result = quantize(model, data_for(model), calibration="minmax")
    assert [column.latency is not None and column.latency > 0 for column in result.columns] == [True, True]
    assert result.slower is not None
    assert any("slower than float32" in warning for warning in result.warnings) == result.slower


def test_compress_with_int8_compares_four_files_and_saves_the_smallest(tmp_path: Path) -> None:
    network = residual_network()
    result = aidge_compress.compress(network, (images(96),), keep_macs=0.7, int8=True, latency=False)
    assert result.int8 is not None
    assert [column.name for column in result.int8.columns] == ["float32", "cut", "int8", "cut and int8"]
    sizes = [column.bytes for column in result.int8.columns]
    assert sizes[3] == min(sizes)
    assert sizes[1] < sizes[0]
    assert sizes[2] < sizes[0]
    assert all(group.kept % 16 == 0 or group.kept == group.size for group in result.groups)
    result.save(tmp_path / "small.onnx")
    assert "QuantizeLinear" in types(onnx.load(tmp_path / "small.onnx"))
    assert result.to_dict()["int8"]["columns"][3]["name"] == "cut and int8"
    result.report(tmp_path / "report.html")
    assert "cut and int8" in (tmp_path / "report.html").read_text("utf-8")


def test_the_commands_write_int8_files(tmp_path: Path) -> None:
    model = NETWORKS["plain"]()
    save(model, tmp_path / "net.onnx")
    x = np.concatenate([batch[0] for batch in data_for(model, 96)])
    np.savez(tmp_path / "data.npz", image=x)
    words = ["quantize", "net.onnx", "--data", "data.npz", "--out", "small.onnx", "--no-timing", "--json"]
    document = json.loads(aidge(*words, folder=tmp_path).stdout)
    assert document["verification"]["passed"]
    assert document["calibration"] in ("minmax", "percentile", "entropy", "mse")
    assert "QuantizeLinear" in types(onnx.load(tmp_path / "small.onnx"))
    words = [
        "compress",
        "net.onnx",
        "--data",
        "data.npz",
        "--keep-macs",
        "0.8",
        "--multiple",
        "1",
        "--int8",
        "--out",
        "both.onnx",
        "--no-timing",
    ]
    shown = aidge(*words, folder=tmp_path).stdout
    assert "cut and int8" in shown
    assert "QuantizeLinear" in types(onnx.load(tmp_path / "both.onnx"))
