"""Weights that hold NaN or infinity, as a training run that diverged leaves them: the layers are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers import onnx_models as om
from helpers.outcomes import refused, run
from onnx import helper


@pytest.fixture(params=[np.nan, np.inf, -np.inf])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A network with one bad value in the weight of "second" and one in the scale of "norm", and data for it."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((6, 6, 3, 3)).astype(np.float32)
    scale = np.ones(6, np.float32)
    weight[2, 1, 0, 0] = scale[3] = request.param
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "first", pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("Conv", ["r", "l"], ["d"], "second", pads=[1] * 4),
        helper.make_node("BatchNormalization", ["d", "s", "b", "b", "v"], ["n"], "norm"),
        helper.make_node("GlobalAveragePool", ["n"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "w"], ["y"], "fc"),
    ]
    arrays = {"l": weight, "s": scale, "b": np.zeros(6, np.float32), "v": np.ones(6, np.float32)}
    weights = [om.weights("k", 6, 3, 3, 3), om.weights("w", 6, 4)]
    weights += [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 8, 8))]), tmp_path / "net.onnx")
    np.save(tmp_path / "x.npy", rng.standard_normal((16, 3, 8, 8)).astype(np.float32))
    return tmp_path


NAMED = "second (1 of 324 values), norm (1 of 24 values)"


def test_every_command_names_the_layers(broken: Path) -> None:
    data = ("--data", broken / "x.npy")
    for line in (["inspect"], ["eval", *data], ["fibnlr", *data], ["pfa", *data], ["merge", "--repeats", 0]):
        done = run(line[0], broken / "net.onnx", *line[1:])
        assert f"weights of these layers hold NaN or infinity: {NAMED}" in done.err, line


def test_compress_refuses_and_writes_nothing(broken: Path) -> None:
    out = broken / "small.onnx"
    line = refused("compress", broken / "net.onnx", "--data", broken / "x.npy", "--macs", 0.5, "--out", out)
    assert line == f"error: expected finite weights, got NaN or infinity in the weights of {NAMED}"
    assert not out.exists()


def test_infinity_in_a_mask_is_no_broken_weight(tmp_path: Path) -> None:
    mask = np.triu(np.full((4, 4), -np.inf, np.float32), 1)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "scores"),
        helper.make_node("Add", ["h", "mask"], ["m"], "causal"),
        helper.make_node("Softmax", ["m"], ["y"], "softmax"),
    ]
    weights = [om.weights("w", 8, 4), onnx.numpy_helper.from_array(mask, "mask")]
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", ("N", 4, 8))]), tmp_path / "net.onnx")
    assert run("inspect", tmp_path / "net.onnx").err == ""
