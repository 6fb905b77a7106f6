"""Inputs of other types than float32, several inputs, tensors of PyTorch of every kind, and float16 networks.

The right values are ONNX Runtime's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aidge_compress
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_core.data import as_batches
from aidge_core.data.arrays import converted, to_array
from helpers import onnx_models as om
from helpers.outcomes import ok
from onnx import TensorProto, helper

SAMPLES = 48
RNG = np.random.default_rng(0)


def saved(path: Path, model: Any) -> Path:
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """microsoft/onnxruntime#3890: uint8 pictures (N, H, W, C), an int64 and a bool input beside them."""
    nodes = [
        helper.make_node("Cast", ["image"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["f", "white"], ["g"]),
        helper.make_node("Transpose", ["g"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "k"], ["c"], "conv1", pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"], "relu1"),
        helper.make_node("Conv", ["r", "l"], ["d"], "conv2", pads=[1] * 4),
        helper.make_node("Relu", ["d"], ["s"], "relu2"),
        helper.make_node("GlobalAveragePool", ["s"], ["p"]),
        helper.make_node("Flatten", ["p"], ["v"]),
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("Cast", ["mask"], ["m"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["e", "m"], ["n"]),
        helper.make_node("Concat", ["v", "n"], ["j"], axis=1),
        helper.make_node("Gemm", ["j", "w"], ["y"], "fc"),
    ]
    weights = [
        om.tensor("white", 255.0),
        om.weights("k", 8, 3, 3, 3),
        om.weights("l", 12, 8, 3, 3),
        om.weights("table", 7, 6),
        om.weights("w", 18, 5),
    ]
    inputs = [
        om.info("image", ("N", 8, 8, 3), TensorProto.UINT8),
        om.info("ids", ("N",), TensorProto.INT64),
        om.info("mask", ("N", 6), TensorProto.BOOL),
    ]
    return saved(tmp_path_factory.mktemp("camera") / "net.onnx", om.model(nodes, weights, inputs=inputs))


IMAGES = RNG.integers(0, 256, (SAMPLES, 8, 8, 3), dtype=np.uint8)
IDS = RNG.integers(0, 7, SAMPLES)
MASK = RNG.random((SAMPLES, 6)) < 0.5


def camera_labels(path: Path) -> np.ndarray:
    feeds = {"image": IMAGES, "ids": IDS, "mask": MASK}
    labels: np.ndarray = onnxruntime.InferenceSession(path).run(None, feeds)[0].argmax(1)
    return labels


COMMANDS: dict[str, tuple[Any, ...]] = {
    "fibnlr": ("--ablation-threshold", 100, "--out", "{out}"),
    "compress": ("--macs", 0.7, "--out", "{out}"),
    "eval": (),
    "pfa": (),
    "sweep": ("--eval", "{data}"),
    "merge": ("--repeats", 1),
}


@pytest.mark.filterwarnings("ignore:layer .* fewer than units")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("names", [("image", "ids", "mask"), ("a", "b", "c")])
def test_inputs_of_several_types(command: str, names: tuple[str, ...], camera: Path, tmp_path: Path) -> None:
    arrays = dict(zip(names, (IMAGES, IDS, MASK), strict=True))
    np.savez(tmp_path / "d.npz", **arrays, labels=camera_labels(camera))
    values = {"{out}": tmp_path / "out.onnx", "{data}": tmp_path / "d.npz"}
    more = [values.get(str(part), part) for part in COMMANDS[command]]
    done = ok(command, camera, "--data", tmp_path / "d.npz", *more, "--json")
    if command == "eval":
        assert done.document["top1"] == SAMPLES


def test_integers_are_converted_if_no_value_changes(camera: Path) -> None:
    labels = camera_labels(camera)
    for ids, mask in (
        (IDS.astype(np.int32), MASK),
        (IDS.astype(np.uint8), MASK.astype(np.int64)),
        (IDS.astype(">i8"), MASK.astype(np.uint8)),
    ):
        assert aidge_compress.evaluate(camera, [[IMAGES, ids, mask, labels]]).top1 == SAMPLES
    with pytest.raises(ValueError, match=r"expected boolean .* 'mask'"):
        aidge_compress.evaluate(camera, [[IMAGES, IDS, MASK * 2, labels]])


def test_conversions_keep_every_value() -> None:
    wide = np.array([0, 300], np.int64)
    assert converted(wide, np.dtype(np.uint8)) is wide
    assert converted(wide, np.dtype(np.float32)) is wide
    assert converted(np.array([-1]), np.dtype(np.uint64)).dtype == np.int64
    large = np.array([1e300])
    assert converted(large, np.dtype(np.float32)) is large
    assert converted(np.array([np.inf]), np.dtype(np.float16)).dtype == np.float16
    swapped = np.arange(3, dtype=">f4")
    assert to_array(swapped).dtype == np.float32
    np.testing.assert_array_equal(to_array(swapped), [0, 1, 2])


# --- tensors of PyTorch ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w"], ["y"], "fc"),
    ]
    weights = [om.weights("k", 6, 3, 3, 3), om.weights("w", 6, 4)]
    ends = {"inputs": [om.info("x", ("N", 3, 8, 8))]}
    return saved(tmp_path_factory.mktemp("plain") / "net.onnx", om.model(nodes, weights, **ends))


def torch_forms(torch: Any) -> dict[str, Any]:
    """openvinotoolkit/nncf#1605 and what loaders give: the same values in other tensors."""
    x = torch.arange(16 * 3 * 8 * 8).reshape(16, 3, 8, 8).remainder(251).float() / 256
    return {
        "plain": x,
        "requires grad": x.clone().requires_grad_(),
        "result of a layer": x.clone().requires_grad_() * 1,
        "parameter": torch.nn.Parameter(x),
        "bfloat16": x.bfloat16(),
        "float16": x.half(),
        "double": x.double(),
        "channels last": x.to(memory_format=torch.channels_last),
        "not contiguous": x.flip(3).flip(3)[:, :, ::1],
        "expanded": x,
        "conjugate view": torch.view_as_real(torch.view_as_complex(x.reshape(16, 3, 8, 4, 2))).reshape(
            x.shape
        ),
    }


@pytest.mark.torch
def test_tensors_of_pytorch_are_the_same_batch(plain: Path) -> None:
    torch = pytest.importorskip("torch")
    specs = aidge_onnx.load_onnx(plain).input_specs
    forms = torch_forms(torch)
    expected = forms["plain"].numpy()
    for name, tensor in forms.items():
        (found,) = next(iter(as_batches([tensor], specs)))
        np.testing.assert_array_equal(np.asarray(found), expected, err_msg=name)


@pytest.mark.torch
def test_tensors_that_cannot_be_read_are_named(plain: Path) -> None:
    torch = pytest.importorskip("torch")
    for tensor in (torch.zeros(2, 3, 8, 8, device="meta"), torch.zeros(2, 3).to_sparse()):
        with pytest.raises(ValueError, match="got a Tensor of torch"):
            aidge_compress.evaluate(plain, [tensor])
    with pytest.raises(ValueError, match="expected float32"):
        aidge_compress.evaluate(plain, [torch.zeros(2, 3, 8, 8, dtype=torch.int64)])


# --- float16 networks -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ultralytics/yolov5#6560 and daquexian/onnx-simplifier#937: float16 inside, float32 at both ends."""
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["h", "k"], ["c"], "conv", pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w"], ["z"], "fc"),
        helper.make_node("Cast", ["z"], ["y"], to=TensorProto.FLOAT),
    ]
    kernel, matrix = RNG.standard_normal((8, 3, 3, 3)) / 5, RNG.standard_normal((8, 4))
    weights = [om.tensor("k", kernel, np.float16), om.tensor("w", matrix, np.float16)]
    ends = {"inputs": [om.info("x", ("N", 3, 8, 8))]}
    return saved(tmp_path_factory.mktemp("half") / "net.onnx", om.model(nodes, weights, **ends))


def test_a_float16_network_is_evaluated_as_onnx_runtime_does(half: Path, tmp_path: Path) -> None:
    x = RNG.standard_normal((SAMPLES, 3, 8, 8)).astype(np.float32)
    scores = onnxruntime.InferenceSession(half).run(None, {"x": x})[0]
    np.savez(tmp_path / "d.npz", x=x, labels=scores.argmax(1))
    assert ok("eval", half, "--data", tmp_path / "d.npz", "--json").document["top1"] >= SAMPLES - 1
