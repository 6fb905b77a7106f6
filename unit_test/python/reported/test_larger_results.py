"""A result that is larger than the network that went in is said, is not written, and is not called done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from helpers.commands import run
from helpers.toy import model_of, save
from onnx import helper, numpy_helper


def shared_head(path: Path) -> None:
    """A detection head whose two convolutions run on three levels with the same weights, as in RetinaNet and FCOS."""
    rng = np.random.default_rng(0)

    def weight(name: str, *dims: int) -> onnx.TensorProto:
        return numpy_helper.from_array(
            (rng.standard_normal(dims) / np.sqrt(np.prod(dims[1:]))).astype(np.float32), name
        )

    weights = [weight("stem", 16, 3, 3, 3), weight("head", 48, 16, 3, 3), weight("out", 8, 48, 3, 3)]
    nodes = [
        helper.make_node("Conv", ["x", "stem"], ["s"], pads=[1] * 4),
        helper.make_node("Relu", ["s"], ["level0"]),
    ]
    for level in range(3):
        if level:
            pooled = helper.make_node(
                "MaxPool", [f"level{level - 1}"], [f"level{level}"], kernel_shape=[2, 2], strides=[2, 2]
            )
            nodes.append(pooled)
        nodes += [
            helper.make_node("Conv", [f"level{level}", "head"], [f"h{level}"], pads=[1] * 4),
            helper.make_node("Relu", [f"h{level}"], [f"r{level}"]),
            helper.make_node("Conv", [f"r{level}", "out"], [f"y{level}"], pads=[1] * 4),
        ]
    outputs = {f"y{level}": ["n", 8, 16 >> level, 16 >> level] for level in range(3)}
    save(model_of(nodes, weights, {"x": ["n", 3, 16, 16]}, outputs), path)


def test_a_network_with_shared_weights_does_not_grow_without_a_word(tmp_path: Path) -> None:
    shared_head(tmp_path / "head.onnx")
    np.savez(
        tmp_path / "data.npz", x=np.random.default_rng(1).standard_normal((40, 3, 16, 16)).astype(np.float32)
    )
    out = tmp_path / "small.onnx"
    common = [
        "compress",
        str(tmp_path / "head.onnx"),
        "--data",
        str(tmp_path / "data.npz"),
        "--keep-macs",
        "0.8",
    ]
    done = run(*common, "--no-timing", "--out", str(out), "--json")
    document = json.loads(done.stdout)
    parameters = (document["before"]["parameters"], document["after"]["parameters"])
    if parameters[1] > parameters[0]:
        assert done.returncode == document["exit_code"] == 1
        assert not out.exists()
        said = run(*common, "--no-timing", "--out", str(out))
        assert said.returncode == 1
        first = said.stdout.split("\n\n")[0]
        assert "was not written" in first, said.stdout
        assert "more parameters than before" in first
    else:
        assert done.returncode == 0
        assert onnx.load(out).ByteSize() < onnx.load(tmp_path / "head.onnx").ByteSize()
