"""The commands of docs/first-steps.md, on a network and a folder of pictures as a new user has them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.commands import aidge
from helpers.paths import ROOT
from helpers.toy import classifier, save

SKIPPED = {"doctor", "demo", "inspect", "bench"}  # have tests of their own


def commands() -> list[list[str]]:
    """What the page runs, in order."""
    text = (ROOT / "docs" / "first-steps.md").read_text("utf-8").replace("\\\n", " ")
    lines = re.findall(r"^    aidge (.+)$", text, re.MULTILINE)
    ((training,),) = [re.findall(r'^    training="(.+)"$', text, re.MULTILINE)]
    return [shlex.split(line.replace("$training", training), comments=True) for line in lines]


def write_network(path: Path, batch: int | str) -> None:
    """Two convolutions with ReLUs, of which the second sees hardly anything negative, and five classes."""
    random = np.random.default_rng(0)
    weights = {
        "w1": random.standard_normal((8, 3, 3, 3)) / 5,
        "w2": np.abs(random.standard_normal((12, 8, 3, 3))) / 9,
        "b2": np.full(12, 0.5),
        "w3": random.standard_normal((5, 12)),
    }
    save(classifier(weights, image=(batch, 3, 16, 16)), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(0)
    for name in ("ants", "bees"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(15):
            pixels = random.integers(0, 255, (24, 20, 3), dtype=np.uint8)
            image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number}.png")
    return tmp_path


def test_the_commands_of_the_first_steps_work_on_a_network_of_ones_own(folder: Path) -> None:
    write_network(folder / "model.onnx", "N")
    names = [arguments[0] for arguments in commands()]
    assert names == ["doctor", "inspect", "fibnlr", "fibnlr", "eval", "compress", "bench"]
    for arguments in commands():
        if arguments[0] not in SKIPPED:
            # So small a network may be called slower by chance (exit code 4).
            untimed = ["--no-timing"] if arguments[0] == "compress" else []
            aidge(*arguments, *untimed, folder=folder)
    for name in ("pruned.onnx", "small.onnx"):
        onnx.checker.check_model(onnx.load(folder / name))
    assert (folder / "report.html").exists()


def test_a_file_with_a_fixed_batch_says_how_to_measure_on_everything(folder: Path) -> None:
    write_network(folder / "model.onnx", 1)
    command = ["fibnlr", "model.onnx", "--data", "pictures", "--convergence-threshold"]
    assert "the file fixes its batch to 1" in aidge(*command, "1", folder=folder).stdout
    text = aidge(*command, "0", "--max-iteration", "0", folder=folder).stdout
    assert "30 samples" in text
    assert "fixes its batch" not in text
