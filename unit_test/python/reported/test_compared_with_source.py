"""What is written is compared with what ONNX Runtime makes of the file that was read, not with our memory of it.

Reports: daquexian/onnx-simplifier#216 (quantised weights), daquexian/onnx-simplifier#1284 (a pattern that looks alike)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aidge_compress
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_compress.cli import main
from aidge_compress.measure.metrics import relative_difference
from aidge_compress.measure.verify import VerificationError
from helpers.toy import model_of, save
from onnx import TensorProto, helper

node = helper.make_node
RANDOM = np.random.default_rng(7)


def weights(*dims: int) -> np.ndarray:
    return (RANDOM.standard_normal(dims) * (2.0 / max(1, int(np.prod(dims[1:])))) ** 0.5).astype(np.float32)


def saved(path: Path, nodes: list[Any], constants: dict[str, Any], dims: list[Any]) -> Path:
    model = model_of(nodes, constants, {"x": dims}, {"y": None})
    return save(onnx.shape_inference.infer_shapes(model), path)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Two convolutions with nothing between them, then a ReLU and a third."""
    nodes = [
        node("Conv", ["x", "a"], ["p"], name="first"),
        node("Conv", ["p", "b"], ["q"], name="second"),
        node("Relu", ["q"], ["r"], name="relu"),
        node("Conv", ["r", "c"], ["y"], name="third"),
    ]
    constants = {"a": weights(8, 3, 1, 1), "b": weights(8, 8, 3, 3), "c": weights(4, 8, 1, 1)}
    np.save(tmp_path / "data.npy", RANDOM.standard_normal((32, 3, 8, 8)).astype(np.float32))
    return saved(tmp_path / "model.onnx", nodes, constants, ["n", 3, 8, 8])


def run(*arguments: str | Path) -> int:
    """Exit code of the command line in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["aidge", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


@pytest.fixture
def misreading(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the importer: a ReLU is read as a leaky one."""

    def mistake(source: Any) -> None:
        for entry in source.nodes:
            if entry.op == "Relu":
                entry.rewrite("LeakyRelu", entry.inputs, {"alpha": 0.5})

    monkeypatch.setattr("aidge_onnx.load.find_activations", mistake)


COMMANDS: dict[str, tuple[str, ...]] = {
    "merge": ("merge",),
    "fibnlr": ("fibnlr", "--data", "DATA"),
    "compress": ("compress", "--data", "DATA", "--macs", "0.7", "--no-timing"),
}


@pytest.mark.usefixtures("misreading")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_network_that_was_read_wrongly_is_not_written(
    name: str, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *options = [str(tmp_path / "data.npy") if part == "DATA" else part for part in COMMANDS[name]]
    assert run(command, plain, *options, "--out", tmp_path / "out.onnx") == 1
    assert not (tmp_path / "out.onnx").exists()
    assert "model.onnx" in " ".join(capsys.readouterr().out.split()).split("was not written", 1)[1]


@pytest.mark.usefixtures("misreading")
def test_save_raises_for_a_network_that_was_read_wrongly(plain: Path, tmp_path: Path) -> None:
    merged = aidge_compress.merge_layers(plain, dims=[[2, 3, 8, 8]])
    with pytest.raises(
        VerificationError, match=r"the network as it was read gives other outputs than model\.onnx"
    ):
        merged.save(tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_merge_compares_with_the_file(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("merge", plain, "--policy", "always", "--out", tmp_path / "out.onnx") == 0
    assert "same outputs as model.onnx by ONNX Runtime" in " ".join(capsys.readouterr().out.split())
    assert len(onnx.load(tmp_path / "out.onnx").graph.node) == 3


def test_a_file_that_has_changed_is_named_and_not_compared_with(plain: Path, tmp_path: Path) -> None:
    merged = aidge_compress.merge_layers(plain, dims=[[2, 3, 8, 8]])
    plain.write_bytes(plain.read_bytes() + b"\x3a\x00")
    verification = merged.save(tmp_path / "out.onnx")
    assert verification is not None
    assert verification.note == "model.onnx has changed since it was read"


def test_a_difference_of_nan_or_dims_is_infinite() -> None:
    one = [np.float32([1.0, np.nan, np.inf])]
    assert relative_difference(one, [one[0].copy()]) == 0.0
    assert relative_difference(one, [np.float32([1.0, 2.0, np.inf])]) == np.inf
    assert relative_difference(one, [np.float32([np.nan, np.nan, np.inf])]) == np.inf
    assert relative_difference(one, [np.float32([1.0, np.nan, -np.inf])]) == np.inf
    assert relative_difference(one, [np.zeros((1, 3), np.float32)]) == np.inf


# --- quantised networks: weights and activations behind QuantizeLinear and DequantizeLinear -----------------
@pytest.fixture
def quantised(tmp_path: Path) -> Path:
    nodes: list[Any] = []
    constants: dict[str, Any] = {}

    def through_bytes(value: str, name: str, scale: float) -> str:
        constants[f"{name}_scale"], constants[f"{name}_zero"] = np.float32(scale), np.uint8(128)
        parameters = [f"{name}_scale", f"{name}_zero"]
        nodes.append(node("QuantizeLinear", [value, *parameters], [f"{name}_q"]))
        nodes.append(node("DequantizeLinear", [f"{name}_q", *parameters], [name]))
        return name

    value, before = through_bytes("x", "image", 0.03), 3
    for index, channels in enumerate((16, 24)):
        weight = weights(channels, before, 3, 3)
        scale = np.float32(np.abs(weight).max() / 127)
        constants[f"w{index}"] = np.round(weight / scale).astype(np.int8)
        constants[f"s{index}"], constants[f"z{index}"] = scale, np.int8(0)
        nodes.append(node("DequantizeLinear", [f"w{index}", f"s{index}", f"z{index}"], [f"f{index}"]))
        nodes.append(node("Conv", [value, f"f{index}"], [f"c{index}"], name=f"conv{index}", pads=[1] * 4))
        nodes.append(node("Relu", [f"c{index}"], [f"r{index}"], name=f"relu{index}"))
        value, before = through_bytes(f"r{index}", f"a{index}", 0.05), channels
    nodes += [node("GlobalAveragePool", [value], ["g"]), node("Flatten", ["g"], ["y"])]
    np.save(tmp_path / "data.npy", RANDOM.standard_normal((64, 3, 16, 16)).astype(np.float32))
    return saved(tmp_path / "quantised.onnx", nodes, constants, ["n", 3, 16, 16])


def test_a_quantised_network_is_written_as_it_is_and_stays_quantised(quantised: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    data = ("--data", tmp_path / "data.npy")
    assert run("fibnlr", quantised, *data, "--ablation-method", "none", "--out", out) == 0
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    feed = {"x": np.load(tmp_path / "data.npy")[:8]}
    expected, got = (
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(None, feed)
        for path in (quantised, out)
    )
    np.testing.assert_allclose(got[0], expected[0], rtol=0, atol=1e-6)
    kinds = [entry.data_type for entry in onnx.load(out).graph.initializer if len(entry.dims) == 4]
    assert kinds == [TensorProto.INT8] * 2
    assert run("fibnlr", quantised, *data, "--ablation-threshold", "10", "--out", out) == 0


def test_a_quantised_network_is_cut_and_stays_quantised(quantised: Path, tmp_path: Path) -> None:
    data = np.load(tmp_path / "data.npy")
    result = aidge_compress.compress(quantised, data, keep_macs=0.5, latency=False)
    result.save(tmp_path / "small.onnx")
    kinds = [
        entry.data_type
        for entry in onnx.load(tmp_path / "small.onnx").graph.initializer
        if len(entry.dims) == 4
    ]
    assert kinds == [TensorProto.INT8] * 2
    assert (tmp_path / "small.onnx").stat().st_size < quantised.stat().st_size
    assert list(aidge_compress.recommend_channels(quantised, data).recipes) == ["conv0"]


def test_merge_leaves_layers_between_which_values_are_rounded(
    quantised: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "merged.onnx"
    assert run("merge", quantised, "--out", out) == 0
    assert "same outputs as quantised.onnx" in " ".join(capsys.readouterr().out.split())
    assert sum(entry.data_type == TensorProto.INT8 for entry in onnx.load(out).graph.initializer) >= 2
