"""Depthwise and grouped convolutions make up for removed channels: each group is a least-squares problem of its own."""

from __future__ import annotations

from typing import Any

import aidge_compress
import aidge_core
import numpy as np
import pytest
from aidge_compress.measure.metrics import compare
from aidge_core.data import from_arrays
from helpers.low_rank import images, outputs, set_weight

pytestmark = pytest.mark.instruction_set

_PADDING = {"padding_dims": [1, 1, 1, 1]}
_DIMS = [[4, 3, 8, 8]]


def parameter(graph: aidge_core.GraphView, name: str, index: int) -> np.ndarray:
    return np.array(graph.get_node(name).get_parent(index).get_operator().get_output(0))


def set_parameter(graph: aidge_core.GraphView, name: str, index: int, values: np.ndarray) -> None:
    graph.get_node(name).get_parent(index).get_operator().set_output(0, values.astype(np.float32))


def one_convolution(inputs: int, groups: int, *, multiplier: int = 1, **options: Any) -> aidge_core.GraphView:
    """A convolution named "layer" and nothing else; its weights are random."""
    layer = aidge_core.PaddedConv2D(
        inputs, inputs * multiplier, [3, 3], "layer", groups=groups, **_PADDING, **options
    )
    set_weight(layer, np.random.default_rng(groups))
    graph = aidge_core.sequential([layer])
    graph.compile("cpu", dims=[[5, inputs, 8, 8]])
    return graph


def patches(x: np.ndarray, stride: int) -> np.ndarray:
    """(rows, channels, 9) of 3x3 windows with a padding of 1."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.moveaxis(windows, 1, 3).reshape(-1, x.shape[1], 9)


@pytest.mark.parametrize(
    ("groups", "multiplier", "stride"), [(6, 1, 1), (6, 2, 2), (3, 1, 1), (2, 2, 1), (1, 1, 2)]
)
def test_each_group_gets_numpys_least_squares(groups: int, multiplier: int, stride: int) -> None:
    """A full convolution, as near as one of several groups can come to it."""
    random = np.random.default_rng(1)
    x = random.normal(size=(40, 6, 8, 8)) @ random.normal(size=(8, 8)) + 0.5
    x = x.astype(np.float32)
    full = one_convolution(6, 1, multiplier=multiplier, stride_dims=[stride, stride])
    fitted = one_convolution(6, groups, multiplier=multiplier, stride_dims=[stride, stride])
    set_parameter(fitted, "layer", 1, np.zeros_like(parameter(fitted, "layer", 1)))
    data = aidge_core.CalibrationData(full, from_arrays(x, batch_size=5))
    report = aidge_core.compensate_layers(full, fitted, data, ridges=[1e-12])
    assert report.layers[0].note == ""
    rows, wanted = (
        patches(x, stride),
        np.moveaxis(outputs(full, x), 1, 3).reshape(len(x) * 64 // stride**2, -1),
    )
    per, width = 6 // groups, 6 * multiplier // groups
    for group in range(groups):
        z = rows[:, group * per : (group + 1) * per].reshape(len(rows), -1)
        solution = np.linalg.lstsq(
            np.hstack([z, np.ones((len(z), 1))]), wanted[:, group * width :][:, :width]
        )[0]
        made = slice(group * width, (group + 1) * width)
        weights = parameter(fitted, "layer", 1)[made].reshape(width, -1)
        np.testing.assert_allclose(weights, solution[:-1].T, atol=2e-4)
        np.testing.assert_allclose(parameter(fitted, "layer", 2)[made], solution[-1], atol=2e-4)


def grouped_network(groups: int, *, is_mixed: bool) -> aidge_core.GraphView:
    """Stem of 12 channels → grouped convolution → ReLU → 1x1 convolution → FC. In each third of the stem's channels, the last one is a combination of
    the others: the same one in each third, unless `is_mixed`."""
    random = np.random.default_rng(0)
    stem = aidge_core.PaddedConv2D(3, 12, [3, 3], "stem", **_PADDING)
    grouped = aidge_core.PaddedConv2D(12, 12, [3, 3], "grouped", groups=groups, **_PADDING)
    last = aidge_core.Conv2D(12, 6, [1, 1], "last")
    head = aidge_core.FC(6 * 64, 5, name="head")
    for node in (stem, grouped, last, head):
        set_weight(node, random)
    nodes = [stem, grouped, aidge_core.ReLU("relu"), last, aidge_core.Flatten(name="flat"), head]
    graph = aidge_core.sequential(nodes)
    graph.compile("cpu", dims=_DIMS)
    weight, bias = parameter(graph, "stem", 1), parameter(graph, "stem", 2)
    for number, first in enumerate((0, 4, 8)):
        factors = np.array([0.5, -1.0, 1.5])[[(k + number * is_mixed) % 3 for k in range(3)]]
        weight[first + 3] = np.tensordot(factors, weight[first : first + 3], 1)
        bias[first + 3] = factors @ bias[first : first + 3]
    set_parameter(graph, "stem", 1, weight)
    set_parameter(graph, "stem", 2, bias)
    return graph


def test_combinations_within_a_group_are_removed_without_loss() -> None:
    """The covariance start takes what is the same in all groups; least squares, group by group, take all of it."""
    errors = {}
    for is_mixed in (False, True):
        for compensation in ("none", "covariance", "least_squares"):
            result = aidge_compress.compress(
                grouped_network(3, is_mixed=is_mixed), from_arrays(images(100), batch_size=20), keep_macs=0.9,
                compensation=compensation, protect=["grouped", "last"], latency=False, min_channels=1, allocation="uniform",
            )  # fmt: skip
            assert {group.layers[0]: group.kept for group in result.groups}["stem"] == 3
            new = from_arrays(images(50, seed=1), batch_size=20)
            errors[is_mixed, compensation] = compare(result.model, result.original, new).error
    assert min(errors[is_mixed, "none"] for is_mixed in (False, True)) > 0.1, errors
    assert errors[False, "covariance"] < 0.02, errors
    assert errors[True, "least_squares"] < 0.02, errors
    assert errors[False, "least_squares"] < 0.02, errors


def inverted_residuals(seed: int = 0) -> aidge_core.GraphView:
    """Stem → two blocks of expansion, depthwise convolution and projection, added to what went in → 1x1 convolution → FC."""
    random = np.random.default_rng(seed)
    stem = aidge_core.PaddedConv2D(3, 12, [3, 3], "stem", **_PADDING)
    set_weight(stem, random, 4)
    graph = aidge_core.sequential([stem, aidge_core.ReLU("r0")])
    last = graph.get_node("r0")
    for block in range(2):
        expand = aidge_core.Conv2D(12, 36, [1, 1], f"expand{block}")
        depthwise = aidge_core.PaddedConvDepthWise2D(36, [3, 3], f"depthwise{block}", **_PADDING)
        project = aidge_core.Conv2D(36, 12, [1, 1], f"project{block}")
        for node, rank in ((expand, 8), (depthwise, None), (project, 6)):
            set_weight(node, random, rank)
        add = aidge_core.Add(f"add{block}")
        chain = [expand, aidge_core.ReLU(f"a{block}"), depthwise, aidge_core.ReLU(f"b{block}"), project]
        for before, node in zip([last, *chain], [*chain, add], strict=False):
            before.add_child(node, 0, 0)
        last.add_child(add, 0, 1)
        graph.add([*chain, add])
        last = add
    top = aidge_core.Conv2D(12, 16, [1, 1], "top")
    head = aidge_core.FC(16 * 64, 5, name="head")
    set_weight(top, random, 8)
    set_weight(head, random)
    for node in (top, aidge_core.ReLU("r1"), aidge_core.Flatten(name="flat"), head):
        graph.add_child(node)
    graph.compile("cpu", dims=_DIMS)
    return graph


def test_depthwise_layers_of_inverted_residuals_are_fitted() -> None:
    result = aidge_compress.compress(
        inverted_residuals(), from_arrays(images(120), batch_size=20), keep_macs=0.5, allocation="uniform", latency=False
    )  # fmt: skip
    fitted = {layer.name: layer for layer in result.layers if layer.name.startswith("depthwise")}
    assert [layer.note for layer in fitted.values()] == ["", ""]
    assert all(layer.ridge is not None for layer in fitted.values())
