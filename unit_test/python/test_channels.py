"""Channel groups and their removal: known groups, hard cases one by one, masked original against cut network."""

from __future__ import annotations

from pathlib import Path

import aidge_core
import aidge_onnx
import cutting
import numpy as np
import onnx

DEMO = Path(aidge_core.__file__).parent / "demo" / "mnist_resnet18.onnx"


def test_the_demo_network_is_cut_to_what_the_masked_one_computes() -> None:
    name = onnx.load(DEMO).graph.input[0].name
    x = np.random.default_rng(0).standard_normal((3, 1, 28, 28), dtype=np.float32)
    _, report = cutting.check_cut(str(DEMO), {name: x})
    assert report.macs_after < 0.4 * report.macs_before
    assert report.parameters_after < 0.4 * report.parameters_before


def test_residual_sums_of_the_demo_network_are_one_group() -> None:
    groups = aidge_core.channel_groups(aidge_onnx.load_onnx(DEMO))
    assert [group.size for group in groups] == [16, 16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 128, 10]
    assert [len(group.sources) for group in groups] == [3, 1, 1, 1, 3, 1, 1, 3, 1, 1, 3, 1, 1]
    assert [group.can_be_cut() for group in groups] == [True] * 12 + [False]
    assert groups[-1].refusal == 'is the graph output "logits"'
    assert [use.node.type() for use in groups[10].uses] == ["Conv2D", "FC"]
