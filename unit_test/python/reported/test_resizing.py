"""Resize with scales that are no whole numbers, in all modes, as ONNX Runtime and PyTorch do it.

Reports: onnx/onnx#2462 and microsoft/onnxruntime#17564: with aligned corners and a length that is rounded down, ONNX's reference implementation
goes by the length before rounding, ONNX Runtime and PyTorch by the one after it, so that the last output is the last input. The right values
are theirs.
"""

from __future__ import annotations

import itertools
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers import onnx_models as om
from onnx import helper

TOLERANCE = 5e-6
SIZES = ((5, 7), (1, 6), (8, 3))
SCALES = ((2.0, 2.0), (0.6, 0.6), (1.3, 0.7), (2.6, 3.3), (64 / 26, 1.5), (0.5, 0.9), (1.0, 1.7))
TARGETS = ((7, 9), (3, 2), (1, 1), (11, 5))
WITHOUT_TIES = ((2.0, 2.0), (1.3, 0.7), (2.6, 3.3), (0.45, 0.9), (1.0, 1.7), (7, 9), (11, 5))
"""No coordinate lies halfway between two elements but for rounding: nearest would depend on its last bit."""
TRANSFORMATIONS = (
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "half_pixel_symmetric",
    "tf_crop_and_resize",
)


def model(dims: tuple[int, ...], to: tuple[float, ...], attributes: dict[str, Any]) -> onnx.ModelProto:
    """Of one Resize by scales (floats) or to sizes (ints)."""
    inputs, constants = ["x", "", "", ""], []
    if attributes["coordinate_transformation_mode"] == "tf_crop_and_resize":
        constants.append(om.tensor("roi", [0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9]))
        inputs[1] = "roi"
    if isinstance(to[0], float):
        constants.append(om.tensor("scales", [1, 1, *to]))
        inputs = [*inputs[:2], "scales"]
    else:
        constants.append(om.tensor("sizes", [*dims[:2], *to], np.int64))
        inputs[3] = "sizes"
    nodes = [helper.make_node("Resize", inputs, ["y"], "resize", **attributes)]
    return om.model(nodes, constants, inputs=[om.info("x", dims)], opset=19, ir_version=9)


def ours(source: onnx.ModelProto, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    graph = aidge_onnx.load_onnx(source)
    assert om.types_of(graph) == ["Resize"]
    graph.compile("cpu", dims=[list(x.shape)])
    return np.asarray(aidge_core.SequentialScheduler(graph).forward(data=[x])[0]).copy()


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_resize_agrees_with_onnx_runtime(mode: str, transformation: str) -> None:
    roundings = (
        ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else ("floor",)
    )
    compared = 0
    targets = WITHOUT_TIES if mode == "nearest" else SCALES + TARGETS
    for size, to, rounding in itertools.product(SIZES, targets, roundings):
        if isinstance(to[0], float) and any(
            int(np.float32(a) * b) < 1 for a, b in zip(to, size, strict=True)
        ):
            continue
        if transformation == "tf_crop_and_resize" and 1.0 in to:
            continue  # ONNX Runtime does not crop an axis that keeps its length
        attributes = {
            "mode": mode,
            "coordinate_transformation_mode": transformation,
            "nearest_mode": rounding,
        }
        x = om.values(1, 2, *size)
        source = model(x.shape, to, attributes)
        (expected,) = om.run(source, {"x": x})
        got = ours(source, x)
        assert got.shape == expected.shape, (size, to)
        np.testing.assert_allclose(got, expected, atol=TOLERANCE, err_msg=f"{size} {to} {rounding}")
        compared += 1
    assert compared >= 24


def test_the_last_output_of_aligned_corners_is_the_last_input() -> None:
    """The case of onnx/onnx#2462: 4.0, where ONNX's reference gives 3.142857."""
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 2, 4)
    attributes = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    np.testing.assert_allclose(ours(model(x.shape, (0.6, 0.6), attributes), x), [[[[1.0, 4.0]]]])


@pytest.mark.torch
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_resize_agrees_with_pytorch(mode: str, aligned: bool) -> None:
    torch = pytest.importorskip("torch")
    attributes = {
        "mode": {"bilinear": "linear", "bicubic": "cubic"}[mode],
        "coordinate_transformation_mode": "align_corners" if aligned else "pytorch_half_pixel",
    }
    for size, to in itertools.product(SIZES, SCALES + TARGETS[:2] + TARGETS[3:]):
        x = om.values(1, 2, *size)
        scaled = isinstance(to[0], float)
        lengths = [int(a * b) for a, b in zip(to, size, strict=True)] if scaled else list(to)
        if min(lengths) < 2:  # pytorch_half_pixel of ONNX takes the first element there, PyTorch does not
            continue
        chosen = {"scale_factor": to} if scaled else {"size": to}
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(x), mode=mode, align_corners=aligned, **chosen
        )
        got = ours(model(x.shape, to, attributes), x)
        np.testing.assert_allclose(got, expected.numpy(), atol=1e-5, err_msg=f"{size} {to}")


@pytest.mark.torch
def test_nearest_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    attributes = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    for size, to in itertools.product(SIZES, ((2.0, 3.0), (1.5, 2.5), (0.5, 0.75), (2.75, 1.5))):
        if any(int(a * b) < 1 for a, b in zip(to, size, strict=True)):
            continue
        x = om.values(1, 2, *size)
        expected = torch.nn.functional.interpolate(torch.from_numpy(x), mode="nearest", scale_factor=to)
        np.testing.assert_array_equal(ours(model(x.shape, to, attributes), x), expected.numpy())
