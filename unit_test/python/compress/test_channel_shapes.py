"""Networks of open sizes: computed targets of Reshape, Resize, Expand, Tile, Pad and Slice; group norms; sums over a radix axis. The masked original against the
cut file, in float64, at sizes for which it was not cut, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers import cutting
from helpers.cutting import Builder
from helpers.networks import run_exactly

EXACT = 1e-12
"""In float64."""
CUT_AT = [2, 3, 6, 6]
SIZES = [(2, 6, 6), (3, 8, 12)]
"""Batch, height, width."""


def dim(b: Builder, x: str, axis: int) -> str:
    """One dim of a tensor, as a list."""
    return str(b.add("Gather", [b.add("Shape", [x]), b.integers(axis)]))


def target(b: Builder, *parts: str) -> str:
    return str(b.add("Concat", list(parts), axis=0))


def half(b: Builder, number: str) -> str:
    return str(b.add("Div", [number, b.integers(2)]))


# --- a network each, with the sizes of its groups that can be cut --------------------------------------------------------


def resized_to_another(b: Builder) -> tuple[str, list[int]]:
    """F.interpolate(x, y.shape[2:])."""
    x, y = b.conv("x", 3, 8), b.add("MaxPool", [b.conv("x", 3, 6)], kernel_shape=[2, 2], strides=[2, 2])
    start = b.add("Slice", [b.add("Shape", [y]), b.integers(0), b.integers(2)])
    end = b.add("Slice", [b.add("Shape", [x]), b.integers(2), b.integers(4)])
    y = b.add(
        "Resize",
        [y, "", "", target(b, start, end)],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return b.conv(b.add("Concat", [x, y], axis=1), 14, 5), [8, 6]


def resized_to_a_literal_count(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    double = [b.add("Mul", [dim(b, x, axis), b.integers(2)]) for axis in (2, 3)]
    sizes = target(b, dim(b, x, 0), b.integers(8), *double)
    x = b.add("Resize", [x, "", "", sizes], mode="linear", coordinate_transformation_mode="half_pixel")
    return b.conv(b.relu(x), 8, 5), [8]


def windows(b: Builder) -> tuple[str, list[int]]:
    """Partition of a channels-last tensor into windows of 2 x 2, a layer on them, and back."""
    x = b.add("Transpose", [b.conv("x", 3, 8)], perm=[0, 2, 3, 1])
    n, h, w = (dim(b, x, axis) for axis in range(3))
    two, one = b.integers(2), b.integers(-1)
    x = b.add("Reshape", [x, target(b, n, half(b, h), two, half(b, w), two, b.integers(8))])
    x = b.add("Transpose", [x], perm=[0, 1, 3, 2, 4, 5])
    x = b.add("Reshape", [x, target(b, one, b.integers(4, 8))])
    x = b.add("MatMul", [b.relu(x), b.constant(8, 6)])
    x = b.add("Reshape", [x, target(b, n, half(b, h), half(b, w), two, two, b.integers(6))])
    x = b.add("Transpose", [x], perm=[0, 5, 1, 3, 2, 4])
    x = b.add("Reshape", [x, target(b, n, b.integers(6), h, w)])
    return b.conv(x, 6, 5), [8, 6]


def channel_shuffle(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    n, h, w = (dim(b, x, axis) for axis in (0, 2, 3))
    x = b.add("Reshape", [x, target(b, n, b.integers(2, 4), h, w)])
    x = b.add("Transpose", [x], perm=[0, 2, 1, 3, 4])
    x = b.add("Reshape", [x, target(b, n, b.integers(8), h, w)])
    return b.conv(x, 8, 5, 3), [4]


def class_token(b: Builder) -> tuple[str, list[int]]:
    x = b.add("Reshape", [b.conv("x", 3, 8), b.integers(0, 8, -1)])
    x = b.add("Transpose", [x], perm=[0, 2, 1])
    token = b.add("Expand", [b.constant(1, 1, 8), target(b, dim(b, x, 0), b.integers(1, 8))])
    x = b.add("Concat", [token, x], axis=1)
    return b.add("MatMul", [x, b.constant(8, 5)]), [8]


def tiled_token(b: Builder) -> tuple[str, list[int]]:
    x = b.add("Reshape", [b.conv("x", 3, 8), b.integers(0, 8, -1)])
    token = b.add("Tile", [b.constant(1, 8, 1), target(b, dim(b, x, 0), b.integers(1, 1))])
    x = b.add("Transpose", [b.add("Concat", [token, x], axis=2)], perm=[0, 2, 1])
    return b.add("MatMul", [x, b.constant(8, 5)]), [8]


def expanded_gate(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    gate = b.add("Sigmoid", [b.add("GlobalAveragePool", [x])])
    gate = b.add("Expand", [gate, b.add("Shape", [x])])
    return b.conv(b.add("Mul", [x, gate]), 8, 5), [8]


def padded_to_a_multiple(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    missing = [b.add("Mod", [dim(b, x, axis), b.integers(5)]) for axis in (2, 3)]
    x = b.add("Pad", [x, target(b, b.integers(0, 0, 0, 0, 0, 0), *missing)])
    return b.conv(x, 8, 5, 3), [8]


def cropped(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    ends = target(b, half(b, dim(b, x, 2)), b.integers(5))
    x = b.add("Slice", [x, b.integers(0, 2), ends, b.integers(2, 1)])
    return b.conv(x, 3, 5), [8]


def taken_by_number(b: Builder) -> tuple[str, list[int]]:
    """q, k, v = qkv[0], qkv[1], qkv[2]: the same places go in all of them."""
    x = b.add("Reshape", [b.conv("x", 3, 24), b.integers(0, 3, 8, -1)])
    parts = []
    for index in range(3):
        name = f"index{index}"
        b.constants[name] = np.asarray(index, np.int64)
        parts.append(b.add("Gather", [x, name], axis=1))
    x = b.add("Add", [b.add("Mul", parts[:2]), parts[2]])
    return b.add("MatMul", [b.add("Transpose", [x], perm=[0, 2, 1]), b.constant(8, 5)]), [8]


def group_norm(b: Builder) -> tuple[str, list[int]]:
    x = b.add("GroupNormalization", [b.conv("x", 3, 12), b.constant(12), b.constant(12)], num_groups=4)
    return b.conv(b.relu(x), 12, 5), [4]


def group_norm_of_pytorch(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 12)
    y = b.add("Reshape", [x, b.integers(0, 4, -1)])
    y = b.add("InstanceNormalization", [y, b.constant(4, low=0.5), b.constant(4)])
    y = b.add("Reshape", [y, b.add("Shape", [x])])
    y = b.add("Add", [b.add("Mul", [y, b.constant(12, 1, 1)]), b.constant(12, 1, 1)])
    return b.conv(b.relu(y), 12, 5), [4]


def split_attention(b: Builder) -> tuple[str, list[int]]:
    """ResNeSt and SKNet: a softmax and sums across the radix axis."""
    x = b.conv("x", 3, 16, 3)
    h, w = dim(b, x, 2), dim(b, x, 3)
    x = b.add("Reshape", [x, target(b, b.integers(-1, 2, 8), h, w)])
    s = b.add("GlobalAveragePool", [b.add("ReduceSum", [x, b.integers(1)], keepdims=0)])
    s = b.conv(b.relu(b.conv(s, 8, 6)), 6, 16)
    s = b.add("Softmax", [b.add("Reshape", [s, b.integers(0, 2, 8, 1, 1)])], axis=1)
    x = b.add("ReduceSum", [b.add("Mul", [x, s]), b.integers(1)], keepdims=0)
    return b.conv(x, 8, 5), [8, 6]


CASES = [
    resized_to_another,
    resized_to_a_literal_count,
    windows,
    channel_shuffle,
    class_token,
    tiled_token,
    expanded_gate,
    padded_to_a_multiple,
    cropped,
    taken_by_number,
    group_norm,
    group_norm_of_pytorch,
    split_attention,
]


def built(case: Callable[[Builder], tuple[str, list[int]]]) -> tuple[onnx.ModelProto, list[int]]:
    b = Builder(opset=21 if case is group_norm else 17)
    end, sizes = case(b)
    return b.model({"x": ["n", 3, "h", "w"]}, [end]), sizes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_computed_targets_leave_the_channels_that_they_should(case: Any) -> None:
    model, sizes = built(case)
    groups = aidge_core.channel_groups(aidge_onnx.load_onnx(model), dims=[CUT_AT])
    assert [group.size for group in groups if group.can_be_cut()] == sizes, groups


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_network_of_open_sizes_is_cut_for_all_of_them(case: Any, seed: int) -> None:
    graph = aidge_onnx.load_onnx(built(case)[0])
    original = aidge_onnx.to_model_proto(graph)
    groups = aidge_core.channel_groups(graph, dims=[CUT_AT])
    gone = cutting.choose(groups, np.random.default_rng(seed))
    report = aidge_core.remove_channels(graph, cutting.request(groups, gone), dims=[CUT_AT])
    assert not report.refused, report.refused
    assert len(report.removed) == len(gone)
    cut = aidge_onnx.to_model_proto(graph)
    masked = cutting.masked(original, groups, gone)
    random = np.random.default_rng(seed)
    feeds = [{"x": random.standard_normal((n, 3, h, w), dtype=np.float32)} for n, h, w in SIZES]
    for feed in feeds:
        wanted = cutting.run_ort(masked, feed)
        assert cutting.difference(cutting.run_ort(cut, feed), wanted) <= cutting.TOLERANCE
        assert cutting.difference(cutting.run_ours(graph, [feed["x"]]), wanted) <= cutting.TOLERANCE
    exact, expected = run_exactly(cut, *feeds), run_exactly(masked, *feeds)
    assert exact is not None
    assert expected is not None
    for found, wanted in zip(exact, expected, strict=True):
        assert cutting.difference(found, wanted) <= EXACT
