"""fuse_convolution: which layers become one, which must not, and that the outputs stay."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort
import pytest

TOLERANCE = 1e-5
"""Of the largest output: float32, weights composed in double."""


class Net:
    """An ONNX graph under construction; `x` goes in, `y` comes out."""

    def __init__(self, *dims: Any, seed: int = 0) -> None:
        self.dims, self.random = dims, np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.outputs = ["y"]
        self.inputs: dict[str, list[int]] = {}

    def constant(self, name: str, *shape: int, low: float = -1.0) -> str:
        self.constants[name] = self.random.uniform(low, 1.0, shape).astype(np.float32)
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(onnx.helper.make_node(op, inputs, [output], f"{op.lower()}_{output}", **attributes))

    def conv(
        self,
        name: str,
        source: str,
        output: str,
        weight: tuple[int, ...],
        bias: bool = True,
        **attributes: Any,
    ) -> None:
        inputs = [source, self.constant(f"{name}_w", *weight)]
        if bias:
            inputs.append(self.constant(f"{name}_b", weight[0]))
        self.nodes.append(onnx.helper.make_node("Conv", inputs, [output], name, **attributes))

    def norm(self, source: str, output: str, channels: int) -> None:
        low = {"scale": -1.0, "shift": -1.0, "mean": -1.0, "var": 0.2}
        names = [self.constant(f"{output}_{what}", channels, low=value) for what, value in low.items()]
        self.add("BatchNormalization", [source, *names], output)

    def gemm(self, name: str, source: str, output: str, shape: tuple[int, int], bias: bool = True) -> None:
        inputs = [source, self.constant(f"{name}_w", *shape)]
        if bias:
            inputs.append(self.constant(f"{name}_b", shape[0]))
        self.nodes.append(onnx.helper.make_node("Gemm", inputs, [output], name, transB=1))

    def model(self) -> onnx.ModelProto:
        info = onnx.helper.make_tensor_value_info
        x = [info("x", onnx.TensorProto.FLOAT, list(self.dims))]
        x += [info(name, onnx.TensorProto.FLOAT, dims) for name, dims in self.inputs.items()]
        y = [info(name, onnx.TensorProto.FLOAT, None) for name in self.outputs]
        constants = [onnx.numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, "net", x, y, constants)
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)

    def graph(self) -> Any:
        return aidge_onnx.load_onnx(self.model())

    def feed(self) -> dict[str, np.ndarray]:
        free = [2, *[8] * (len(self.dims) - 1)]
        dims = [size if isinstance(dim, str) else dim for dim, size in zip(self.dims, free, strict=True)]
        feed = {"x": self.random.normal(size=dims).astype(np.float32)}
        return feed | {name: self.random.normal(size=d).astype(np.float32) for name, d in self.inputs.items()}


def run_ort(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(out) for out in session.run(None, feed)]


def layers(graph: Any) -> list[str]:
    return [node.type() for node in graph.get_ordered_nodes() if node.type() != "Producer"]


def difference(net: Net, graph: Any) -> float:
    """Largest difference from ONNX Runtime on the original, of the largest output: written out, and by our own engine."""
    feed = net.feed()
    expected = run_ort(net.model(), feed)
    written = run_ort(aidge_onnx.to_model_proto(graph), feed)
    graph.compile("cpu", dims=[list(value.shape) for value in feed.values()])
    ours = [
        np.asarray(out) for out in aidge_core.SequentialScheduler(graph).forward(data=list(feed.values()))
    ]
    worst = 0.0
    for got in (written, ours):
        for a, b in zip(expected, got, strict=True):
            assert a.shape == b.shape
            worst = max(worst, float(np.abs(a - b).max()) / float(np.abs(a).max()))
    return worst


def merged(net: Net, expected: list[str], **options: Any) -> Any:
    """Merges, and requires these layers, the same outputs and idempotence."""
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, **{"policy": "always", "repeats": 0, **options})
    assert layers(graph) == expected
    assert difference(net, graph) <= TOLERANCE
    if options.get("border") != "approximate":
        assert len(aidge_core.fuse_convolution(graph, **{"policy": "always", "repeats": 0, **options})) == 0
    return report


def refused(net: Net, reason: str, **options: Any) -> Any:
    """Requires that nothing changes, and that the reason is given."""
    graph = net.graph()
    before = aidge_onnx.to_model_proto(graph).SerializeToString()
    report = aidge_core.fuse_convolution(graph, **{"policy": "always", "repeats": 0, **options})
    assert len(report) == 0
    assert aidge_onnx.to_model_proto(graph).SerializeToString() == before
    assert any(reason in pair.reason for pair in report.refused), report.refused
    return report


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


def padded_pair(size: Any, bias: bool, k_a: int = 1, p_a: int = 0, s_a: int = 1) -> Net:
    net = Net(1, 3, size, size)
    net.conv("a", "x", "h", (2, 3, k_a, k_a), bias, pads=[p_a] * 4, strides=[s_a] * 2)
    net.conv("b", "h", "y", (4, 2, 3, 3), pads=[1, 1, 1, 1])
    return net


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


# --- what must not merge ----------------------------------------------------------------------------------------------


def pair() -> Net:
    net = Net(1, 3, 8, 8)
    net.conv("a", "x", "h", (4, 3, 1, 1))
    net.conv("b", "h", "y", (2, 4, 3, 3))
    return net


def test_the_pair_of_the_twins_merges() -> None:
    merged(pair(), ["Conv2D"], policy="exact_and_cheaper")


def test_a_side_consumer_keeps_both() -> None:
    net = pair()
    net.add("Relu", ["h"], "z")
    net.outputs.append("z")
    report = refused(net, "uses the tensor between them too")
    assert 'relu_z" (ReLU)' in report.refused[0].reason


def test_a_graph_output_between_keeps_both() -> None:
    net = pair()
    net.outputs.append("h")
    refused(net, 'the graph output "h"')


def test_hooked_and_observed_nodes_stay() -> None:
    for name in ("a", "b"):
        graph = pair().graph()
        handle = graph.get_node(name).add_after_forward(lambda node: None)
        report = aidge_core.fuse_convolution(graph, policy="always", repeats=0)
        assert len(report) == 0
        assert "hooked or observed" in report.refused[0].reason
        handle.remove()
        assert len(aidge_core.fuse_convolution(graph, policy="always", repeats=0)) == 1


def test_what_fibnlr_observes_stays() -> None:
    net = pair()
    net.nodes[1].output[0] = "g"
    net.add("Relu", ["g"], "y")
    graph = net.graph()
    graph.compile("cpu", dims=[[1, 3, 8, 8]])
    prepared = aidge_core.fibnlr_prepare(graph)
    assert len(aidge_core.fuse_convolution(graph, repeats=0)) == 1
    aidge_core.fibnlr_compute(graph, [net.feed()["x"]], aidge_core.fibnlr_Parameters(max_iteration=1))
    assert all(np.isfinite(aidge_core.fibnlr_get_npr(node).value()) for node in prepared)


def test_fed_and_computed_weights_stay() -> None:
    net = pair()
    del net.constants["b_w"]
    net.inputs["b_w"] = [2, 4, 3, 3]
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, policy="always", repeats=0, dims=[[1, 3, 8, 8], [2, 4, 3, 3]])
    assert len(report) == 0
    graph = pair().graph()
    graph.remove(graph.get_node("b_w"))
    report = aidge_core.fuse_convolution(graph, policy="always", repeats=0, dims=[[1, 3, 8, 8], [2, 4, 3, 3]])
    assert len(report) == 0
    assert "not a constant" in report.refused[0].reason


def test_shared_weights_are_left_to_the_others() -> None:
    net = Net("n", 3, 8, 8)
    net.conv("a", "x", "h", (3, 3, 1, 1))
    net.nodes.append(onnx.helper.make_node("Conv", ["h", "a_w", "a_b"], ["g"], "b"))
    net.add("Relu", ["g"], "r")
    net.nodes.append(onnx.helper.make_node("Conv", ["r", "a_w", "a_b"], ["y"], "c"))
    report = merged(net, ["Conv2D", "ReLU", "Conv2D"], policy="always")
    graph = net.graph()
    aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    kept = np.asarray(graph.get_node("c").get_parent(1).get_operator().get_output(0))
    assert (kept == net.constants["a_w"]).all()
    assert report.parameters_after > report.parameters_before


def test_a_weight_that_is_a_graph_output_stays() -> None:
    graph = pair().graph()
    outputs = list(graph.output_specs)
    graph.set_outputs([*outputs, aidge_core.GraphOutput("w", graph.get_node("a_w"))])
    report = aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    assert len(report) == 0
    assert "a graph output" in report.refused[0].reason


def test_infinite_weights_stay() -> None:
    net = pair()
    net.constants["a_w"][0, 0, 0, 0] = np.inf
    refused(net, "not finite")


def test_layers_inside_meta_operators_merge_there() -> None:
    inner = pair().graph()
    meta = aidge_core.meta_operator("Block", inner, "block")
    outer = aidge_core.sequential([aidge_core.ReLU(name="r"), meta])
    report = aidge_core.fuse_convolution(outer, policy="always", repeats=0, dims=[[1, 3, 8, 8]])
    assert report.merged[0].nodes == ["a", "b"]
    assert layers(inner) == ["Conv2D"]


# --- policies ---------------------------------------------------------------------------------------------------------


def test_only_what_gets_cheaper_is_merged_by_default() -> None:
    net = Net(1, 3, 9, 9)
    net.conv("a", "x", "h", (16, 3, 3, 3))
    net.conv("b", "h", "y", (16, 16, 3, 3))
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, repeats=0)
    chain = 49 * 16 * 3 * 9 + 25 * 16 * 16 * 9
    assert (len(report), report.macs_before, report.macs_after) == (1, chain, 25 * 16 * 3 * 25)
    net = Net(1, 16, 9, 9)
    net.conv("a", "x", "h", (4, 16, 1, 1))
    net.conv("b", "h", "y", (16, 4, 1, 1))
    assert "not be cheaper" in refused(net, "not be cheaper", policy="exact_and_cheaper").refused[0].reason


def test_a_chain_is_cut_where_the_whole_is_cheapest() -> None:
    """Greedy pairs from the left would merge a and b (a gain), and could then only lose with c."""
    net = Net(1, 8, 12, 12)
    net.conv("a", "x", "h", (8, 8, 1, 1))
    net.conv("b", "h", "g", (2, 8, 3, 3))
    net.conv("c", "g", "y", (32, 2, 1, 1))
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, repeats=0)
    costs = {
        "abc": 100 * 32 * 8 * 9,
        "ab c": 100 * 2 * 8 * 9 + 100 * 32 * 2,
        "a bc": 144 * 64 + 100 * 32 * 8 * 9,
    }
    assert report.macs_after == min(costs.values())
    assert [merge.nodes for merge in report.merged] == [["a", "b"]]


def test_a_callable_decides_on_every_candidate() -> None:
    net = Net(1, 3, 12, 12)
    for name, source, target in (("a", "x", "h"), ("b", "h", "g"), ("c", "g", "y")):
        net.conv(name, source, target, (3, 3, 3, 3))
    seen: list[list[str]] = []

    def short(merge: Any) -> bool:
        seen.append(merge.nodes)
        return len(merge.nodes) == 2 and "a" not in merge.nodes

    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, policy=short, repeats=0)
    assert [merge.nodes for merge in report.merged] == [["b", "c"]]
    assert ["a", "b", "c"] in seen
    assert any("declines" in pair.reason for pair in report.refused)
    assert difference(net, graph) <= TOLERANCE


def test_a_policy_that_raises_leaves_the_graph_as_it_was() -> None:
    calls = []

    def fail(merge: Any) -> bool:
        calls.append(merge)
        if len(calls) == 2:
            raise RuntimeError("enough")
        return True

    net = pair()
    net.nodes[1].output[0] = "g"
    net.conv("c", "g", "y", (2, 2, 2, 2))
    graph = net.graph()
    before = aidge_onnx.to_model_proto(graph).SerializeToString()
    with pytest.raises(RuntimeError, match="enough"):
        aidge_core.fuse_convolution(graph, policy=fail, repeats=0)
    assert aidge_onnx.to_model_proto(graph).SerializeToString() == before


def test_data_that_raises_leaves_the_graph_as_it_was() -> None:
    def data() -> Any:
        yield np.zeros((1, 3, 7, 7), np.float32)
        raise RuntimeError("no more")

    graph = padded_pair(7, bias=True).graph()
    before = aidge_onnx.to_model_proto(graph).SerializeToString()
    with pytest.raises(RuntimeError, match="no more"):
        aidge_core.fuse_convolution(graph, policy="always", border="approximate", data=data())
    assert aidge_onnx.to_model_proto(graph).SerializeToString() == before


def test_latency_is_measured_and_can_be_the_cost() -> None:
    net = Net(1, 32, 24, 24)
    net.conv("a", "x", "h", (128, 32, 1, 1))
    net.conv("b", "h", "y", (8, 128, 1, 1))
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, cost="latency", repeats=5)
    assert report.seconds_before > 0.0
    assert report.seconds_after > 0.0
    for merge in report.merged:
        assert merge.seconds_after > 0.0
        assert merge.seconds_before > 0.0
    assert difference(net, graph) <= TOLERANCE


def test_a_compiled_model_stays_compiled_and_its_scheduler_right() -> None:
    net = pair()
    graph = net.graph()
    x = net.feed()["x"]
    graph.compile("cpu", dims=[list(x.shape)])
    scheduler = aidge_core.SequentialScheduler(graph)
    before = np.asarray(scheduler.forward(data=[x])[0]).copy()
    aidge_core.fuse_convolution(graph, repeats=0)
    after = np.asarray(scheduler.forward(data=[x])[0])
    assert np.abs(after - before).max() <= TOLERANCE * np.abs(before).max()
    assert graph.get_node("b").get_operator().get_output(0).dims == [1, 2, 6, 6]


def test_the_report_reads_as_a_table_and_as_a_dict() -> None:
    net = pair()
    net.outputs.append("r")
    net.add("Relu", ["y"], "r")
    report = aidge_core.fuse_convolution(net.graph(), repeats=3)
    text = str(report)
    assert "a + b" in text
    assert "exact" in text
    assert "MACs" in text
    document = report.to_dict()
    assert document["merged"][0]["nodes"] == ["a", "b"]
    assert document["merged"][0]["parameters_before"] == 4 * 3 + 4 + 2 * 4 * 9 + 2
    assert document["merged"][0]["parameters_after"] == 2 * 3 * 9 + 2
    assert document["seconds_before"] > 0.0
    assert repr(report) == "FusionReport(1 merged, 0 refused)"


def test_mistakes_are_named() -> None:
    graph = pair().graph()
    for options, text in (
        ({"policy": "sometimes"}, "policy as one of"),
        ({"border": "bend"}, "border as one of"),
        ({"cost": "watts"}, "cost as one of"),
        ({"border": "approximate"}, "data on which"),
        ({"repeats": -1}, "repeats >= 0"),
        ({"dims": [[1, 3, 8, 8], [1]]}, "dims for 1 graph inputs"),
        ({"cost": "latency", "repeats": 0}, "repeats > 0"),
    ):
        with pytest.raises(ValueError, match=text):
            aidge_core.fuse_convolution(graph, **options)
    with pytest.raises(ValueError, match="expected a GraphView"):
        aidge_core.fuse_convolution(None)
    with pytest.raises(ValueError, match='dims for the graph input "x"'):
        aidge_core.fuse_convolution(padded_pair("s", bias=True).graph())


def test_a_sum_of_a_tensor_with_itself_behind_a_flatten_merges_into_the_layers_around_it() -> None:
    net = Net(2, 3, 2, 2, 2)
    net.conv("c", "x", "h", (3, 3, 1, 1, 1))
    net.add("Flatten", ["h"], "f")
    net.gemm("a", "f", "p", (4, 24))
    net.add("Add", ["p", "p"], "s")
    net.gemm("b", "s", "y", (2, 4))
    graph = net.graph()
    aidge_core.fuse_convolution(graph, dims=[[2, 3, 2, 2, 2]], policy="always", repeats=0)
    assert len(layers(graph)) <= 2
    assert difference(net, graph) <= TOLERANCE
