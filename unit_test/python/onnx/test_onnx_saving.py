"""Awkward weights that are allowed, and what writing leaves behind."""

from __future__ import annotations

import os
from pathlib import Path

import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.toy import model_of
from onnx import helper

node = helper.make_node


def model(weight: np.ndarray) -> onnx.ModelProto:
    return model_of(
        [node("Add", ["x", "w"], ["y"])], {"w": weight}, {"x": ["n", 3]}, {"y": None}, ir_version=9
    )


def weight_of(path: Path) -> np.ndarray:
    return onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])


def test_weights_that_are_not_numbers_come_through_bit_by_bit(tmp_path: Path) -> None:
    weight = np.asarray([np.nan, np.inf, -0.0], np.float32)
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(model(weight)), tmp_path / "a.onnx")
    assert weight_of(tmp_path / "a.onnx").tobytes() == weight.tobytes()


def test_weights_without_elements_come_through(tmp_path: Path) -> None:
    proto = model(np.empty((0, 3), np.float32))
    proto.graph.node[0].CopyFrom(node("Concat", ["x", "w"], ["y"], axis=0))
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(proto), tmp_path / "a.onnx")
    assert weight_of(tmp_path / "a.onnx").shape == (0, 3)


@pytest.mark.parametrize("external", [False, True])
def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path, external: bool) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    for name in ("a.onnx", "a.onnx.data"):
        (outside / name).write_bytes(b"precious")
        (inside / name).symlink_to(outside / name)
    graph = aidge_onnx.load_onnx(model(np.ones(3, np.float32)))
    aidge_onnx.export_onnx(graph, inside / "a.onnx", external_data=external)
    assert not (inside / "a.onnx").is_symlink()
    assert all(path.read_bytes() == b"precious" for path in outside.iterdir())
    if external:
        assert not (inside / "a.onnx.data").is_symlink()


def test_a_full_disk_is_told_with_the_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    path = tmp_path / "a.onnx"
    with pytest.raises(OSError, match="No space left on device") as caught:
        aidge_onnx.export_onnx(aidge_onnx.load_onnx(model(np.ones(3, np.float32))), path)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, external: bool, failing: str
) -> None:
    graph = aidge_onnx.load_onnx(model(np.ones(3, np.float32)))
    (tmp_path / "a.onnx").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="no space"):
        aidge_onnx.export_onnx(graph, tmp_path / "a.onnx", external_data=external)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.onnx": b"old"}
