"""fuse_convolution: which layers become one, and that the outputs stay."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.merge_nets import TOLERANCE, Net, layers, merged, padded_pair, refused, run_ort

# --- two convolutions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_two_convolutions_become_one(dim: int, bias: tuple[bool, bool]) -> None:
    net = Net("n", 3, *[9, 8, 7][:dim])
    net.conv("a", "x", "h", (4, 3, *[3, 2, 2][:dim]), bias[0], pads=[1, 0, 2, 1, 1, 0][: 2 * dim])
    net.conv("b", "h", "y", (5, 4, *[2, 3, 1][:dim]), bias[1])
    report = merged(net, [f"Conv{dim}D"])
    assert report.merged[0].nodes == ["a", "b"]
    assert report.merged[0].name == "b"
    assert report.merged[0].border == "exact"


@pytest.mark.parametrize("s_b", [1, 2, 3])
@pytest.mark.parametrize("s_a", [1, 2, 3])
@pytest.mark.parametrize("k_b", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("k_a", [1, 2, 3, 5])
def test_kernels_strides_and_dilations_compose(k_a: int, k_b: int, s_a: int, s_b: int) -> None:
    net = Net("n", 2, 31, 29, seed=k_a)
    net.conv("a", "x", "h", (3, 2, k_a, 1), strides=[s_a, s_b], dilations=[2, 1], pads=[1, 0, 0, 0])
    net.conv("b", "h", "y", (2, 3, k_b, 2), strides=[s_b, s_a], dilations=[1, 3])
    merged(net, ["Conv2D"])


def kernel_of(graph: Any) -> tuple[list[int], list[int], int]:
    conv = next(node for node in graph.get_ordered_nodes() if node.type().startswith("Conv"))
    attributes = conv.get_operator().attr
    return list(attributes.kernel_dims), list(attributes.dilation_dims), attributes.groups


def test_taps_on_a_grid_keep_the_dilation() -> None:
    net = Net(1, 2, 15, 15)
    net.conv("a", "x", "h", (3, 2, 1, 1), strides=[2, 2])
    net.conv("b", "h", "y", (2, 3, 3, 3))
    graph = net.graph()
    aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    assert kernel_of(graph) == ([3, 3], [2, 2], 1)


@pytest.mark.parametrize(
    ("weights", "groups", "expected"),
    [
        (((8, 2, 3, 3), (4, 4, 1, 1)), (2, 2), 2),
        (((4, 1, 3, 3), (4, 1, 3, 3)), (4, 4), 4),
        (((4, 1, 3, 3), (6, 4, 1, 1)), (4, 1), 1),
        (((6, 4, 1, 1), (6, 1, 3, 3)), (1, 6), 1),
        (((8, 1, 3, 3), (8, 1, 3, 3)), (4, 8), 4),
        (((12, 2, 1, 1), (6, 2, 3, 1)), (2, 6), 2),
        (((12, 1, 1, 1), (6, 2, 3, 1)), (4, 6), 2),
    ],
)
def test_groups_compose_to_their_common_divisor(weights: Any, groups: Any, expected: int) -> None:
    net = Net(1, weights[0][1] * groups[0], 9, 9)
    net.conv("a", "x", "h", weights[0], group=groups[0])
    net.conv("b", "h", "y", weights[1], group=groups[1])
    merged(net, ["Conv2D"])
    graph = net.graph()
    aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    assert kernel_of(graph)[2] == expected


# --- borders ----------------------------------------------------------------------------------------------------------


def test_padding_after_a_pointwise_layer_without_bias_is_exact() -> None:
    for size in (7, "s"):
        merged(padded_pair(size, bias=False), ["Conv2D"], dims=[[1, 3, 7, 7]])


def test_padding_after_a_bias_is_refused() -> None:
    refused(padded_pair(7, bias=True), "where the first one's bias would stand")


def test_padding_after_a_window_that_sees_data_is_refused() -> None:
    refused(padded_pair(7, bias=False, k_a=3, p_a=1), "where the first one would see the data's edge")


def test_full_padding_of_the_first_one_makes_the_second_ones_exact() -> None:
    merged(padded_pair(7, bias=False, k_a=3, p_a=2), ["Conv2D"])


def test_a_stride_can_make_padding_exact_for_a_fixed_size_only() -> None:
    merged(padded_pair(9, bias=False, k_a=3, p_a=1, s_a=2), ["Conv2D"])
    refused(padded_pair(8, bias=False, k_a=3, p_a=1, s_a=2), "see the data's edge")
    refused(padded_pair("s", bias=False, k_a=3, p_a=1, s_a=2), "see the data's edge", dims=[[1, 3, 9, 9]])


def test_a_shift_of_the_input_stands_for_a_bias() -> None:
    report = merged(padded_pair(7, bias=True), ["Sub", "Conv2D"], border="shift")
    assert report.merged[0].border == "shift"
    assert report.merged[0].nodes == ["a", "b"]


def test_where_no_shift_exists_the_merge_is_refused() -> None:
    net = Net(1, 2, 7, 7)
    net.conv("a", "x", "h", (3, 2, 1, 1))
    net.conv("b", "h", "y", (4, 3, 3, 3), pads=[1, 1, 1, 1])
    refused(net, "no shift of the input", border="shift")


def test_a_shift_inside_a_residual_block_counts_for_both_branches() -> None:
    net = padded_pair(7, bias=True)
    net.nodes[1].output[0] = "f"
    net.conv("p", "x", "g", (4, 3, 1, 1))
    net.add("Add", ["f", "g"], "y")
    merged(net, ["Sub", "Conv2D"], border="shift")


def test_biases_in_the_way_are_carried_on_as_an_image() -> None:
    """Three outputs from two inputs: no shift exists."""
    net = Net("n", 2, 7, 8)
    net.conv("a", "x", "h", (3, 2, 1, 1), strides=[2, 1])
    net.conv("b", "h", "g", (4, 3, 3, 2), pads=[1, 0, 1, 1])
    net.norm("g", "i", 4)
    net.conv("c", "i", "y", (2, 4, 1, 1))
    report = merged(net, ["Conv2D", "Add"], border="image")
    assert report.merged[0].border == "image"
    graph = net.graph()
    aidge_core.fuse_convolution(graph, policy="always", border="image", repeats=0)
    # The image is what the chain makes of zeros.
    zeros = {"x": np.zeros((1, 2, 7, 8), np.float32)}
    image = np.asarray(graph.get_node("c_image").get_parent(1).get_operator().get_output(0))
    expected = run_ort(net.model(), zeros)[0]
    assert np.abs(image - expected).max() <= TOLERANCE * np.abs(expected).max()


def test_an_image_needs_a_fixed_size_and_no_data_at_the_border() -> None:
    refused(padded_pair("s", bias=True), "depends on the image size", border="image", dims=[[1, 3, 7, 7]])
    refused(padded_pair(7, bias=True, k_a=3, p_a=1), "see the data's edge", border="image")


def test_behind_a_matrix_the_image_is_a_bias() -> None:
    net = padded_pair(7, bias=True)
    net.nodes[1].output[0] = "g"
    net.add("Flatten", ["g"], "f")
    net.gemm("c", "f", "y", (2, 4 * 49))
    merged(net, ["FC"], border="image")


def test_an_approximate_merge_reports_the_error_that_it_makes() -> None:
    net = padded_pair(7, bias=True, k_a=3, p_a=1)
    x = net.feed()["x"]
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, policy="always", border="approximate", data=[x], repeats=0)
    assert layers(graph) == ["Conv2D"]
    expected, got = run_ort(net.model(), {"x": x})[0], run_ort(aidge_onnx.to_model_proto(graph), {"x": x})[0]
    error = float(np.abs(expected - got).max() / np.abs(expected).max())
    assert error > 0.01
    assert report.error == pytest.approx(error, rel=1e-3)
    assert report.merged[0].error == pytest.approx(error, rel=1e-3)
    assert report.merged[0].border == "approximate"
    # Away from the border it is exact.
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert np.abs(expected[inner] - got[inner]).max() <= TOLERANCE * np.abs(expected).max()


def test_an_exact_merge_under_approximate_is_called_exact() -> None:
    net = padded_pair(7, bias=False)
    report = merged(net, ["Conv2D"], border="approximate", data=[net.feed()["x"]])
    assert report.merged[0].border == "exact"
    assert report.error is None


def test_same_padding_with_a_stride_needs_a_fixed_size() -> None:
    for size, expected in ((9, True), ("s", False)):
        net = Net(1, 3, size, size)
        net.conv("a", "x", "h", (2, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
        net.conv("b", "h", "y", (2, 2, 2, 2))
        if expected:
            merged(net, ["Conv2D"])
        else:
            refused(net, "depends on the image size", dims=[[1, 3, 9, 9]])


# --- other layers -----------------------------------------------------------------------------------------------------


def test_batchnorm_goes_into_the_convolution_on_either_side() -> None:
    net = Net("n", 3, 6, 6)
    net.norm("x", "h", 3)
    net.conv("a", "h", "g", (4, 3, 3, 3))
    net.norm("g", "y", 4)
    report = merged(net, ["Conv2D"], policy="exact_and_cheaper")
    assert report.merged[0].name == "a"


def test_batchnorm_before_padding_is_refused_where_it_shifts() -> None:
    net = Net(1, 3, 6, 6)
    net.norm("x", "h", 3)
    net.conv("a", "h", "y", (4, 3, 3, 3), pads=[1, 1, 1, 1])
    refused(net, "bias would stand")
    merged(net, ["Sub", "Conv2D"], border="shift", policy="always")


@pytest.mark.parametrize("op", ["Mul", "Add", "Sub", "Div"])
@pytest.mark.parametrize("shape", [(), (4, 1, 1), (1, 4, 1, 1)])
def test_channelwise_arithmetic_goes_into_a_convolution(op: str, shape: tuple[int, ...]) -> None:
    for swapped in (False, True):
        if swapped and op == "Div":
            continue
        net = Net("n", 3, 6, 6)
        net.conv("a", "x", "h", (4, 3, 3, 3), pads=[1, 1, 1, 1])
        c = net.constant("c", *shape, low=0.5)
        net.add(op, [c, "h"] if swapped else ["h", c], "y")
        merged(net, ["Conv2D"], policy="exact_and_cheaper")


def test_arithmetic_that_is_not_channelwise_stays() -> None:
    for shape in ((6,), (1, 4, 6, 1), (2, 1, 1, 1)):
        net = Net(2, 3, 6, 6)
        net.conv("a", "x", "h", (4, 3, 1, 1))
        net.add("Mul", ["h", net.constant("c", *shape)], "y")
        refused(net, "one finite value a channel")
    net = Net(1, 1, 6, 6)
    net.conv("a", "x", "h", (1, 1, 1, 1))
    net.add("Mul", ["h", net.constant("c", 4, 1, 1)], "y")
    refused(net, "changes the dims")
    net = Net(1, 3, 6, 6)
    net.conv("a", "x", "h", (4, 3, 1, 1))
    net.add("Div", [net.constant("c", 4, 1, 1), "h"], "y")
    refused(net, "one finite value a channel")


def test_average_pooling_merges_where_that_pays() -> None:
    net = Net("n", 3, 8, 8)
    net.conv("a", "x", "h", (4, 3, 3, 3), pads=[1, 1, 1, 1])
    net.add("AveragePool", ["h"], "y", kernel_shape=[2, 2], strides=[2, 2])
    report = merged(net, ["Conv2D"], policy="exact_and_cheaper")
    assert report.merged[0].macs_after == 4 * 4 * 4 * 3 * 16
    # Before a convolution it does not: the window of the two is larger.
    net = Net("n", 3, 8, 8)
    net.add("AveragePool", ["x"], "h", kernel_shape=[2, 2], strides=[2, 2])
    net.conv("a", "h", "y", (8, 3, 3, 3))
    refused(net, "it would not be cheaper", policy="exact_and_cheaper")
    merged(net, ["Conv2D"])


def test_average_pooling_that_leaves_padding_out_stays() -> None:
    net = Net(1, 3, 8, 8)
    net.conv("a", "x", "h", (4, 3, 1, 1))
    net.add("AveragePool", ["h"], "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    refused(net, "leaves padding out")


def test_fully_connected_layers_become_one() -> None:
    net = Net("n", 6)
    net.gemm("a", "x", "h", (5, 6))
    net.add("Identity", ["h"], "i")
    net.gemm("b", "i", "y", (3, 5), bias=False)
    merged(net, ["FC"], policy="exact_and_cheaper")


def test_a_pointwise_convolution_goes_past_a_global_mean_into_the_classifier() -> None:
    for flatten in ("Flatten", "Reshape", "Squeeze", "ReduceMean"):
        net = Net("n", 3, "h", "w")
        net.conv("a", "x", "h", (8, 3, 1, 1))
        if flatten == "ReduceMean":
            net.add("ReduceMean", ["h", "axes"], "f", keepdims=0)
            net.constants["axes"] = np.array([2, 3], np.int64)
        else:
            net.add("GlobalAveragePool", ["h"], "g")
            extra = {"Flatten": [], "Reshape": ["shape"], "Squeeze": ["axes"]}[flatten]
            net.constants["shape"] = np.array([-1, 8], np.int64)
            net.constants["axes"] = np.array([2, 3], np.int64)
            net.constants = {
                k: v for k, v in net.constants.items() if k not in ("shape", "axes") or k in extra
            }
            net.add(flatten, ["g", *extra], "f")
        net.gemm("b", "f", "y", (4, 8))
        merged(net, ["GlobalAveragePooling", "FC"], policy="exact_and_cheaper", dims=[[1, 3, 8, 8]])


def test_a_convolution_after_a_global_mean_merges_with_the_classifier() -> None:
    net = Net("n", 3, 5, 5)
    net.add("GlobalAveragePool", ["x"], "g")
    net.conv("a", "g", "h", (8, 3, 1, 1))
    net.add("Flatten", ["h"], "f")
    net.gemm("b", "f", "y", (2, 8))
    merged(net, ["GlobalAveragePooling", "FC"], policy="exact_and_cheaper")


def test_a_window_before_a_global_mean_stays() -> None:
    net = Net(1, 3, 5, 5)
    net.conv("a", "x", "h", (8, 3, 3, 3))
    net.add("GlobalAveragePool", ["h"], "y")
    refused(net, "only a pointwise layer of stride 1")


# --- residual blocks --------------------------------------------------------------------------------------------------


def inverted_residual(bias: bool, stride: int = 1, skip: bool = True, size: Any = 8) -> Net:
    """Expand, depthwise, project, without activations."""
    net = Net("n", 4, size, size)
    net.conv("expand", "x", "e", (24, 4, 1, 1), bias)
    net.conv("depthwise", "e", "d", (24, 1, 3, 3), pads=[1] * 4, group=24, strides=[stride] * 2)
    net.conv("project", "d", "p" if skip else "y", (4, 24, 1, 1))
    if skip:
        net.add("Add", ["p", "x"], "y")
    return net


def test_an_inverted_residual_becomes_one_convolution() -> None:
    for size in (8, "s"):
        report = merged(inverted_residual(False, size=size), ["Conv2D"], dims=[[1, 4, 8, 8]])
        assert report.merged[0].nodes == ["expand", "depthwise", "project", "add_y"]
    merged(inverted_residual(False, stride=2, skip=False), ["Conv2D"])
    refused(inverted_residual(True), "bias would stand", policy="exact_and_cheaper")
    merged(inverted_residual(True), ["Conv2D", "Add"], border="image")


def test_the_skip_is_a_dirac_kernel() -> None:
    net = Net(1, 1, 5, 5)
    net.conv("a", "x", "h", (1, 1, 3, 3), False, pads=[1] * 4)
    net.add("Add", ["x", "h"], "y")
    graph = net.graph()
    aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    weight = np.asarray(graph.get_node("a").get_parent(1).get_operator().get_output(0))
    dirac = np.zeros((1, 1, 3, 3), np.float32)
    dirac[0, 0, 1, 1] = 1.0
    assert np.abs(weight - net.constants["a_w"] - dirac).max() <= 1e-6


def test_a_projection_is_embedded_in_the_larger_kernel() -> None:
    net = Net("n", 3, 9, 9)
    net.conv("a", "x", "h", (4, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    net.conv("p", "x", "q", (4, 3, 1, 1), strides=[2, 2])
    net.add("Add", ["h", "q"], "y")
    report = merged(net, ["Conv2D"], policy="exact_and_cheaper")
    assert report.macs_after < report.macs_before


def test_blocks_nest_and_three_branches_become_one() -> None:
    net = Net("n", 3, 9, 9)
    net.conv("a", "x", "h", (3, 3, 3, 3), pads=[1, 1, 1, 1])
    net.conv("p", "x", "q", (3, 3, 1, 1))
    net.norm("x", "i", 3)
    net.add("Add", ["h", "q"], "s")
    net.add("Add", ["s", "i"], "t")
    net.add("Add", ["t", "t"], "y")
    merged(net, ["Conv2D"], policy="exact_and_cheaper")


def test_a_block_with_an_activation_stays() -> None:
    net = Net(1, 3, 9, 9)
    net.conv("a", "x", "h", (3, 3, 3, 3), pads=[1, 1, 1, 1])
    net.add("Relu", ["h"], "r")
    net.conv("b", "r", "g", (3, 3, 3, 3), pads=[1, 1, 1, 1])
    net.add("Add", ["g", "x"], "y")
    refused(net, "not from one tensor by linear layers")


def test_a_sum_that_broadcasts_stays() -> None:
    net = Net(1, 3, 6, 6)
    net.conv("a", "x", "h", (1, 3, 1, 1))
    net.add("Add", ["h", "x"], "y")
    refused(net, "not from one tensor by linear layers")
