"""Networks whose file leaves height and width free: the data says the size.

daquexian/onnx-simplifier#117, inisis/OnnxSlim#192, microsoft/onnxruntime#12178. The right figures are those of the same network with the
size in its file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from helpers import onnx_models as om
from helpers.outcomes import ok, refused
from onnx import helper

Image = pytest.importorskip("PIL.Image")

INPUTS = np.random.default_rng(0).standard_normal((24, 3, 16, 16)).astype(np.float32)


def network(path: Path, *size: Any, batch: Any = "N", kernel: int = 3) -> Path:
    """Two convolutions, of which the second halves the size; the last window needs more than 1 by 1 if `kernel` is 5."""
    nodes = [
        helper.make_node("Conv", ["x", "k", "a"], ["c"], "conv1", pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"], "relu1"),
        helper.make_node("Conv", ["r", "l", "b"], ["d"], "conv2", strides=[2, 2], pads=[1] * 4),
        helper.make_node("Relu", ["d"], ["s"], "relu2"),
        helper.make_node("Conv", ["s", "m"], ["e"], "conv3"),
        helper.make_node("GlobalAveragePool", ["e"], ["g"]),
        helper.make_node("Flatten", ["g"], ["y"]),
    ]
    weights = [
        om.weights("k", 6, 3, 3, 3),
        om.tensor("a", np.linspace(-1, 1, 6)),
        om.weights("l", 8, 6, 3, 3),
        om.tensor("b", np.linspace(0, 2, 8)),
        om.weights("m", 4, 8, kernel, kernel),
    ]
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", (batch, 3, *size))]), path)
    return path


COMMANDS: dict[str, tuple[Any, ...]] = {
    "fibnlr": ("--group", "image_size"),
    "eval": (),
    "pfa": (),
    "compress": ("--macs", 0.7, "--no-timing"),
    "sweep": ("--no-timing",),
    "merge": ("--repeats", 0),
}


@pytest.mark.filterwarnings("ignore:layer .* fewer than units")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kernel", [3, 5])
def test_the_figures_are_those_of_the_fixed_size(command: str, kernel: int, tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", INPUTS)
    found = []
    for size in ((16, 16), ("H", "W"), (None, None)):
        path = network(tmp_path / "net.onnx", *size, kernel=kernel)
        more = ("--eval", tmp_path / "d.npy") if command == "sweep" else ()
        arguments = (command, path, "--data", tmp_path / "d.npy", *more, *COMMANDS[command], "--json")
        document = ok(*arguments).document
        found.append(
            {
                key: value
                for key, value in document.items()
                if key not in ("seconds", "sha256", "bytes_before")
            }
        )
    if command in ("fibnlr", "eval", "pfa"):
        assert found[0] == found[1] == found[2]


def folder(path: Path, *sizes: tuple[int, int]) -> Path:
    path.mkdir()
    for number, size in enumerate(sizes):
        Image.new("RGB", size, (number * 20, 90, 200 - number)).save(path / f"{number}.png")
    return path


def test_images_keep_their_size(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx", "H", "W")
    same = folder(tmp_path / "same", *[(20, 12)] * 6)
    assert ok("fibnlr", path, "--data", same, "--json").document["iterations"] == 1
    mixed = folder(tmp_path / "mixed", (20, 12), (12, 20), (16, 16), (33, 9))
    done = ok("eval", path, "--data", mixed, "--json")
    assert done.document["samples"] == 4
    assert "4 sizes: each forms a separate batch" in done.err
    fixed = network(tmp_path / "fixed.onnx", "H", "W", batch=2)
    assert "images of one size" in refused("eval", fixed, "--data", mixed)
