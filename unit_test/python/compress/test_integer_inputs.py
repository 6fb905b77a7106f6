"""Networks whose input is not float32: an embedding, from the command line and from Python."""

from __future__ import annotations

from pathlib import Path

import aidge_compress
import numpy as np
import pytest
from aidge_compress.measure.latency import latencies, random_inputs
from helpers.commands import run
from helpers.toy import info, model_of, save
from onnx import TensorProto, helper, numpy_helper

WORDS, LENGTH, WIDTH = 20, 5, 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ids (int64) → embedding → mean → Gemm → ReLU → Gemm, and data for it."""
    rng = np.random.default_rng(0)
    place = tmp_path_factory.mktemp("ids")

    def constant(name: str, *dims: int) -> TensorProto:
        return numpy_helper.from_array(rng.normal(size=dims).astype(np.float32), name)

    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"], "embedding"),
        helper.make_node("ReduceMean", ["words"], ["mean"], "mean", axes=[1], keepdims=0),
        helper.make_node("Gemm", ["mean", "w1", "b1"], ["hidden"], "first"),
        helper.make_node("Relu", ["hidden"], ["active"], "relu"),
        helper.make_node("Gemm", ["active", "w2", "b2"], ["scores"], "last"),
    ]
    constants = [
        constant("table", WORDS, WIDTH),
        *(constant("w1", WIDTH, 32), constant("b1", 32), constant("w2", 32, 4), constant("b2", 4)),
    ]
    ids = [info("ids", ["N", LENGTH], TensorProto.INT64)]
    save(model_of(nodes, constants, ids, {"scores": ["N", 4]}, opset=13), place / "ids.onnx")
    np.savez(place / "ids.npz", ids=rng.integers(0, WORDS, (200, LENGTH)))
    return place


@pytest.mark.parametrize(
    "command",
    [
        ["compress", "{}/ids.onnx", "--data", "{}/ids.npz", "--macs", "0.6", "--out", "{}/compressed.onnx"],
        ["fibnlr", "{}/ids.onnx", "--data", "{}/ids.npz", "--out", "{}/f.onnx", "--report", "{}/f.html"],
        ["merge", "{}/ids.onnx", "--out", "{}/m.onnx"],
        ["sweep", "{}/ids.onnx", "--data", "{}/ids.npz", "--eval", "{}/ids.npz"],
        ["bench", "{}/ids.onnx", "--passes", "1"],
    ],
)
def test_every_command_runs_on_a_network_of_integer_inputs(folder: Path, command: list[str]) -> None:
    done = run(*(part.format(folder) for part in command))
    assert done.returncode in (0, 3, 4), done.stderr
    for part in command[1:]:
        assert Path(part.format(folder)).exists() or not part.startswith("{}")


def test_made_up_inputs_have_the_types_and_shapes_of_the_network(folder: Path) -> None:
    model = aidge_compress.load_onnx(folder / "ids.onnx")
    model.compile("cpu", dims=[[3, LENGTH]])
    (ids,) = random_inputs(model)
    assert (ids.dtype, ids.shape) == (np.dtype(np.int64), (3, LENGTH))
    (ids,) = random_inputs(model, [[1, LENGTH]])
    assert ids.shape == (1, LENGTH)
    assert all(seconds > 0 for seconds in latencies([model, model], limit=0.0))
