"""External data is read from beside the model, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.hostile_models import FLOAT, model, node, refused
from onnx import ModelProto, TensorProto

# --- external data --------------------------------------------------------------------------------------------------
VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


def external(location: str, **entries: str) -> ModelProto:
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return model([node("MatMul", ["x", "w"], ["y"])], [tensor])


def saved(directory: Path, location: str, **entries: str) -> Path:
    path = directory / "model.onnx"
    path.write_bytes(external(location, **entries).SerializeToString())
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with weights in and outside of the model's own directory."""
    inside = tmp_path / "home"
    (inside / "sub").mkdir(parents=True)
    for path in (inside / "w.bin", inside / "sub" / "w.bin", tmp_path / "secret.bin"):
        path.write_bytes(b"\xee" * 8 + VALUES.tobytes() + b"\xdd" * 4)
    return inside


def weight_of(graph: aidge_core.GraphView) -> np.ndarray[Any, Any]:
    return np.asarray(graph.get_node("w").get_operator().get_output(0))


@pytest.mark.parametrize("location", ["w.bin", "sub/w.bin"])
@pytest.mark.parametrize("entries", [{"offset": "8", "length": "48"}, {"offset": "8"}])
def test_external_data_beside_the_model_is_read(home: Path, location: str, entries: dict[str, str]) -> None:
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx(saved(home, location, **entries))), VALUES)


def test_external_data_is_found_from_any_working_directory(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(home, "w.bin", offset="8")
    monkeypatch.chdir(home)
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx("model.onnx")), VALUES)
    monkeypatch.chdir(home.parent)
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx("home/model.onnx")), VALUES)


def test_bytes_and_protos_with_external_data_need_a_directory(home: Path) -> None:
    proto = external("w.bin", offset="8")
    refused(proto, "base_dir")
    refused(proto.SerializeToString(), "base_dir")
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx(proto, base_dir=home)), VALUES)
    np.testing.assert_array_equal(
        weight_of(aidge_onnx.load_onnx(proto.SerializeToString(), base_dir=home)), VALUES
    )
    assert proto.graph.initializer[0].data_location == TensorProto.EXTERNAL


@pytest.mark.parametrize("location", [
    "", ".", "..", "../secret.bin", "sub/../../secret.bin", "sub/../w.bin", "./../secret.bin", "/etc/hostname", "//etc/hostname",
    "..\\secret.bin", "C:\\secret.bin", "C:secret.bin", "\\\\host\\share", "sub", "sub/", "w.bin\0", "file:w.bin", "none.bin",
    "w.bin/..", "sub/none.bin", "w.bin/w.bin", "~/secret.bin", "$HOME/secret.bin", "x" * 5000,
])  # fmt: skip
def test_external_data_anywhere_else_is_refused(home: Path, location: str) -> None:
    refused(saved(home, location, offset="8"), "external data")


def test_an_absolute_path_into_the_own_directory_is_refused_too(home: Path) -> None:
    refused(saved(home, str(home / "w.bin"), offset="8"), "external data")


def test_a_symbolic_link_is_refused(home: Path) -> None:
    (home / "link.bin").symlink_to(home.parent / "secret.bin")
    refused(saved(home, "link.bin", offset="8"), "external data")
    (home / "near.bin").symlink_to("w.bin")
    refused(saved(home, "near.bin", offset="8"), "external data")


def test_a_directory_that_is_a_symbolic_link_is_refused(home: Path) -> None:
    (home / "out").symlink_to(home.parent)
    refused(saved(home, "out/secret.bin", offset="8"), "external data")


def test_a_hard_link_is_refused(home: Path) -> None:
    os.link(home.parent / "secret.bin", home / "hard.bin")
    refused(saved(home, "hard.bin", offset="8"), "hard link")


def test_a_pipe_is_refused_without_waiting(home: Path) -> None:
    os.mkfifo(home / "pipe.bin")
    refused(saved(home, "pipe.bin"), "regular file")


@pytest.mark.parametrize("entries", [
    {"offset": "16"}, {"offset": "61"}, {"offset": "-8"}, {"offset": "8.0"}, {"offset": "eight"}, {"offset": ""}, {"offset": "0x8"},
    {"offset": str(1 << 70)}, {"offset": str(1 << 62)}, {"offset": "8", "length": "47"}, {"offset": "8", "length": "52"},
    {"offset": "8", "length": "-1"}, {"offset": "8", "length": str(1 << 62)}, {"offset": "8", "length": ""}, {"offset": "٨"},
])  # fmt: skip
def test_a_range_outside_the_file_is_refused(home: Path, entries: dict[str, str]) -> None:
    refused(saved(home, "w.bin", **entries), "external data")


def test_sizes_are_checked_before_anything_is_read(home: Path) -> None:
    proto = external("w.bin")
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend([1 << 19, 1 << 19])
    refused(proto, "external data", base_dir=home)


def test_external_data_beside_data_of_its_own_is_refused(home: Path) -> None:
    proto = external("w.bin", offset="8")
    proto.graph.initializer[0].raw_data = bytes(48)
    refused(proto, "external data", base_dir=home)


def test_an_entry_given_twice_is_refused(home: Path) -> None:
    proto = external("w.bin", offset="8")
    proto.graph.initializer[0].external_data.add(key="offset", value="0")
    refused(proto, "twice", base_dir=home)


def test_external_data_in_an_attribute_is_read_by_the_same_rules(home: Path) -> None:
    proto = external("w.bin", offset="8")
    value = TensorProto()
    value.CopyFrom(proto.graph.initializer[0])
    del proto.graph.initializer[:]
    proto.graph.node.insert(0, node("Constant", [], ["w"], value=value))
    np.testing.assert_array_equal(weight_of(aidge_onnx.load_onnx(proto, base_dir=home)), VALUES)
    value.external_data[0].value = "../secret.bin"
    proto.graph.node[0].attribute[0].t.CopyFrom(value)
    refused(proto, "external data", base_dir=home)
