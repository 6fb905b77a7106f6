"""The target is kept where layers own parts of a group: channels side by side in a Concat, shuffled, in grouped convolutions."""

from __future__ import annotations

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from aidge_core.data import from_arrays
from aidge_core.summary import summarize
from cutting import Builder


def side_by_side(seed: int = 0) -> aidge_core.GraphView:
    """Three branches, one of them grouped, in a Concat that a shortcut is added to, and a shuffle before the head: layers own parts of a group."""
    net = Builder(seed)
    x = net.relu(net.conv("x", 3, 12, kernel=3))
    first = net.relu(net.conv(x, 12, 16))
    second = net.relu(net.conv(net.relu(net.conv(x, 12, 8)), 8, 8, kernel=3, group=2))
    third = net.conv(net.add("MaxPool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), 12, 8)
    joined = net.add("Concat", [first, second, third], axis=1)
    x = net.relu(net.add("Add", [joined, net.conv(x, 12, 32)]))
    x = net.add("Reshape", [x, net.integers(0, 2, 16, 8, 8)])
    x = net.add("Transpose", [x], perm=[0, 2, 1, 3, 4])
    x = net.add("Reshape", [x, net.integers(0, 32, 8, 8)])
    x = net.relu(net.conv(x, 32, 32, kernel=3, group=4))
    x = net.gemm(net.add("Flatten", [net.add("GlobalAveragePool", [x])]), 32, 5)
    return aidge_onnx.load_onnx(net.model({"x": ["n", 3, 8, 8]}, [x]))


@pytest.mark.parametrize("target", [0.7, 0.5, 0.3])
@pytest.mark.parametrize("cost", ["macs", "parameters"])
def test_a_target_is_kept_and_used(cost: str, target: float) -> None:
    images = np.random.default_rng(0).standard_normal((60, 3, 8, 8), dtype=np.float32)
    result = aidge_core.compress(
        side_by_side(),
        from_arrays(images, batch_size=20),
        target={cost: target},
        latency=False,
        compensation="none",
    )
    before, after = (summarize(model, [[1, 3, 8, 8]]) for model in (side_by_side(), result.model))
    used = getattr(after, cost) / getattr(before, cost)
    assert 0.8 * target < used <= target


def test_every_layer_keeps_its_least() -> None:
    images = np.random.default_rng(0).standard_normal((60, 3, 8, 8), dtype=np.float32)
    result = aidge_core.compress(
        side_by_side(),
        from_arrays(images, batch_size=20),
        target=0.3,
        min_channels=5,
        latency=False,
        compensation="none",
    )
    assert all(layer.channels[1] >= min(5, layer.channels[0]) for layer in result.layers)
    assert not any("nothing would be left" in group.refusal for group in result.groups)
