"""One function an operator: what it makes, under which names, and what it refuses."""

from __future__ import annotations

from typing import Any

import aidge_core
import numpy as np
import pytest

Dims = list[int]


def output_dims(node: aidge_core.Node, inputs: list[Dims]) -> Dims:
    graph = aidge_core.GraphView()
    graph.add(node)
    graph.forward_dims(inputs)
    return list(node.get_operator().get_output(0).dims)


FACTORIES: list[tuple[str, dict[str, Any], list[Dims], Dims]] = [
    ("Conv1D", {"in_channels": 3, "out_channels": 4, "kernel_dims": [3]}, [[2, 3, 9]], [2, 4, 7]),
    (
        "Conv2D",
        {"in_channels": 4, "out_channels": 6, "kernel_dims": [3, 3], "stride_dims": [2, 2], "groups": 2},
        [[2, 4, 9, 9]],
        [2, 6, 4, 4],
    ),
    (
        "Conv3D",
        {"in_channels": 1, "out_channels": 2, "kernel_dims": [2, 2, 2], "dilation_dims": [2, 1, 1]},
        [[1, 1, 5, 5, 5]],
        [1, 2, 3, 4, 4],
    ),
    (
        "PaddedConv2D",
        {"in_channels": 3, "out_channels": 4, "kernel_dims": [3, 3], "padding_dims": [1, 0, 1, 2]},
        [[1, 3, 8, 8]],
        [1, 4, 8, 8],
    ),
    (
        "ConvDepthWise2D",
        {"nb_channels": 5, "kernel_dims": [3, 3], "no_bias": True},
        [[1, 5, 8, 8]],
        [1, 5, 6, 6],
    ),
    (
        "PaddedConvDepthWise2D",
        {"nb_channels": 5, "kernel_dims": [3, 3], "padding_dims": [1, 1, 1, 1]},
        [[1, 5, 8, 8]],
        [1, 5, 8, 8],
    ),
    (
        "ConvTranspose2D",
        {
            "in_channels": 3,
            "out_channels": 4,
            "kernel_dims": [3, 3],
            "stride_dims": [2, 2],
            "padding_dims": [1, 1, 1, 1],
            "output_padding": [1, 0],
        },
        [[1, 3, 4, 4]],
        [1, 4, 8, 7],
    ),
    ("FC", {"in_channels": 12, "out_channels": 5}, [[2, 3, 4]], [2, 5]),
    ("Gemm", {"trans_b": True}, [[2, 3], [4, 3]], [2, 4]),
    ("MatMul", {}, [[5, 2, 3], [3, 4]], [5, 2, 4]),
    ("BatchNorm2D", {"nb_features": 3}, [[2, 3, 4, 4]], [2, 3, 4, 4]),
    (
        "MaxPooling2D",
        {"kernel_dims": [2, 2], "stride_dims": [2, 2], "ceil_mode": True},
        [[1, 3, 5, 5]],
        [1, 3, 3, 3],
    ),
    (
        "PaddedMaxPooling2D",
        {"kernel_dims": [3, 3], "padding_dims": [1, 1, 1, 1]},
        [[1, 3, 5, 5]],
        [1, 3, 5, 5],
    ),
    ("AvgPooling2D", {"kernel_dims": [2, 2], "dilations": [2, 2]}, [[1, 3, 5, 5]], [1, 3, 3, 3]),
    (
        "PaddedAvgPooling1D",
        {"kernel_dims": [2], "padding_dims": [1, 1], "count_include_pad": True},
        [[1, 3, 5]],
        [1, 3, 6],
    ),
    ("GlobalAveragePooling", {}, [[2, 3, 4, 5]], [2, 3, 1, 1]),
    ("GlobalMaxPooling", {}, [[2, 3, 4, 5]], [2, 3, 1, 1]),
    ("GlobalLpPooling", {"p": 1}, [[2, 3, 4]], [2, 3, 1]),
    ("Slice", {"starts": [1], "ends": [-1], "axes": [1], "steps": [2]}, [[2, 6]], [2, 2]),
    ("Expand", {"shape": [2, 1, 4]}, [[3, 1]], [2, 3, 4]),
    ("Tile", {"repeats": [1, 2]}, [[2, 3]], [2, 6]),
    ("Resize", {"mode": "linear", "scales": [1.0, 1.0, 2.5]}, [[1, 3, 5]], [1, 3, 12]),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, [[1, 8, 2, 3]], [1, 2, 4, 6]),
    ("SpaceToDepth", {"blocksize": 2}, [[1, 2, 4, 6]], [1, 8, 2, 3]),
    ("Shape", {"start": 1}, [[2, 3, 4]], [2]),
    ("Size", {}, [[2, 3, 4]], []),
    ("EyeLike", {"k": 1}, [[2, 3]], [2, 3]),
    ("Trilu", {"upper": False}, [[2, 3]], [2, 3]),
    ("Add", {}, [[2, 3], [3]], [2, 3]),
    ("Sub", {}, [[2, 1], [3]], [2, 3]),
    ("Mul", {}, [[], [3]], [3]),
    ("Div", {}, [[2, 3], [1]], [2, 3]),
    ("Concat", {"nb_inputs": 2, "axis": 1}, [[2, 3], [2, 4]], [2, 7]),
    ("Flatten", {}, [[2, 3, 4]], [2, 12]),
    ("Reshape", {"shape": [0, -1]}, [[2, 3, 4]], [2, 12]),
    ("Transpose", {"output_dims_order": [1, 0]}, [[2, 3]], [3, 2]),
    ("Squeeze", {"axes": [0]}, [[1, 3]], [3]),
    ("Unsqueeze", {"axes": [0]}, [[3]], [1, 3]),
    ("Pad", {"pads": [0, 1, 0, 1], "mode": "reflect"}, [[2, 3]], [2, 5]),
    ("ReduceMean", {"axes": [1], "keep_dims": False}, [[2, 3]], [2]),
    ("PReLU", {"nb_channels": 3}, [[2, 3, 4, 4]], [2, 3, 4, 4]),
    ("Clip", {"min": 0.0, "max": 6.0}, [[2]], [2]),
    ("Softmax", {"axis": 1}, [[2, 3]], [2, 3]),
    ("LRN", {"size": 5}, [[2, 8, 3, 3]], [2, 8, 3, 3]),
    ("Dropout", {"ratio": 0.1}, [[2]], [2]),
    *((act, {}, [[2, 3]], [2, 3]) for act in ("ReLU", "Sigmoid", "Tanh", "HardSwish", "LeakyReLU", "GeLU")),
    *((act, {}, [[2, 3]], [2, 3]) for act in ("HardSigmoid", "Identity")),
]


@pytest.mark.parametrize(("factory", "arguments", "inputs", "expected"), FACTORIES)
def test_a_factory_makes_a_named_node_of_the_right_shape(
    factory: str, arguments: dict[str, Any], inputs: list[Dims], expected: Dims
) -> None:
    node = getattr(aidge_core, factory)(**arguments, name="node")
    assert node.name() == "node"
    assert output_dims(node, inputs) == expected


def test_parameters_are_named_after_their_node() -> None:
    conv = aidge_core.Conv2D(2, 3, [1, 1], name="conv")
    assert [parent.name() for parent in conv.get_parents() if parent] == ["conv_w", "conv_b"]
    norm = aidge_core.BatchNorm2D(3, name="bn")
    params = {parent.name(): parent.get_operator().get_output(0) for parent in norm.get_parents() if parent}
    values = {name: np.array(value).tolist() for name, value in params.items()}
    assert values == {"bn_scale": [1] * 3, "bn_shift": [0] * 3, "bn_mean": [0] * 3, "bn_var": [1] * 3}


def test_a_list_of_the_wrong_length_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^\[operator::Conv2D\] expected kernel_dims with 2 .*, got \[3\]$"):
        aidge_core.Conv2D(1, 1, [3])
    with pytest.raises(
        ValueError, match=r"PaddedMaxPooling2D\] expected padding_dims with 4 .* got \[1, 1\]$"
    ):
        aidge_core.PaddedMaxPooling2D([2, 2], padding_dims=[1, 1])


@pytest.mark.parametrize("factory", sorted({entry[0] for entry in FACTORIES}))
def test_a_factory_has_a_docstring(factory: str) -> None:
    assert len(getattr(aidge_core, factory).__doc__.splitlines()) > 1
