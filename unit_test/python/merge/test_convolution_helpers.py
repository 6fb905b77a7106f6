"""The helpers for merging convolutions."""

from __future__ import annotations

import aidge_core
import numpy as np
import onnx
import onnxruntime as ort
import pytest


def test_convolutions_and_tensors_are_told_from_the_rest() -> None:
    assert aidge_core.fibnlr_is_conv(aidge_core.Conv1D(1, 1, [3]))
    assert aidge_core.fibnlr_is_conv(aidge_core.Conv2D(1, 1, [3, 3]))
    assert aidge_core.fibnlr_is_conv(aidge_core.ConvDepthWise2D(4, [3, 3]))
    assert not aidge_core.fibnlr_is_conv(aidge_core.ReLU())
    assert aidge_core.fibnlr_is_tensor(aidge_core.ReLU())
    with pytest.raises(ValueError, match="expected a node"):
        aidge_core.fibnlr_is_conv(None)


def test_a_child_is_a_direct_consumer() -> None:
    a, b, c = (aidge_core.ReLU(name=name) for name in "abc")
    aidge_core.sequential([a, b, c])
    assert aidge_core.fibnlr_is_child_of(b, a)
    assert not aidge_core.fibnlr_is_child_of(a, b)
    assert not aidge_core.fibnlr_is_child_of(c, a)


def test_kernel_strides_and_channels_are_read() -> None:
    conv = aidge_core.Conv2D(6, 8, [3, 5], name="conv", stride_dims=[2, 1])
    assert aidge_core.fibnlr_get_kernel_dims(conv) == [3, 5]
    assert aidge_core.fibnlr_get_kernel_strides(conv) == [2, 1]
    assert aidge_core.fibnlr_in_channels(conv) == 6
    assert aidge_core.fibnlr_out_channels(conv) == 8
    depthwise = aidge_core.ConvDepthWise2D(4, [3, 3])
    assert aidge_core.fibnlr_in_channels(depthwise) == 4
    assert aidge_core.fibnlr_get_kernel_dims(aidge_core.Conv1D(2, 3, [7])) == [7]
    with pytest.raises(ValueError, match="act"):
        aidge_core.fibnlr_get_kernel_dims(aidge_core.ReLU(name="act"))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_formulas_hold_in_every_dimension(dim: int) -> None:
    a, b, s = [3, 1, 5][:dim], [3, 5, 2][:dim], [2, 4, 3][:dim]
    expected = [(x - 1) * z + y for x, y, z in zip(a, b, s, strict=True)]
    assert aidge_core.fibnlr_compute_kernel_dims(a, b, s) == expected
    assert aidge_core.fibnlr_compute_kernel_strides(a, b) == [x * y for x, y in zip(a, b, strict=True)]


def test_lists_of_other_lengths_are_errors() -> None:
    with pytest.raises(ValueError, match="one length"):
        aidge_core.fibnlr_compute_kernel_dims([3, 3], [3], [1, 1])
    with pytest.raises(ValueError, match="1 to 3"):
        aidge_core.fibnlr_compute_kernel_strides([], [])
    with pytest.raises(ValueError, match="1 to 3"):
        aidge_core.fibnlr_compute_kernel_strides([1] * 4, [1] * 4)


def test_what_cannot_merge_gives_none() -> None:
    a = aidge_core.Conv2D(4, 8, [3, 3])
    assert aidge_core.fibnlr_conv_from(a, aidge_core.Conv2D(6, 8, [3, 3])) is None
    assert aidge_core.fibnlr_conv_from(a, aidge_core.ReLU()) is None
    assert aidge_core.fibnlr_conv_from(a, aidge_core.Conv1D(8, 8, [3])) is None
    assert aidge_core.fibnlr_merge_conv(a, aidge_core.ReLU()) is None
    assert not aidge_core.fibnlr_merges_exactly(a, aidge_core.ReLU())


def test_a_merged_convolution_is_unconnected_and_shaped_as_a_followed_by_b() -> None:
    a = aidge_core.Conv2D(3, 8, [1, 1], stride_dims=[2, 2])
    b = aidge_core.Conv2D(8, 16, [3, 3])
    merged = aidge_core.fibnlr_conv_from(a, b)
    assert aidge_core.fibnlr_get_kernel_dims(merged) == [5, 5]  # the published order of arguments gives 3
    assert aidge_core.fibnlr_get_kernel_strides(merged) == [2, 2]
    assert (aidge_core.fibnlr_in_channels(merged), aidge_core.fibnlr_out_channels(merged)) == (3, 16)
    assert all(parent is None for parent in merged.get_parents())
    assert not merged.get_children()


def run(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    def info(name: str) -> onnx.ValueInfoProto:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * 4)

    constants = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, "net", [info("x")], [info("y")], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize(
    ("k_a", "s_a", "k_b", "s_b"), [(1, 2, 3, 1), (3, 1, 3, 2), (3, 2, 2, 3), (2, 3, 1, 1)]
)
def test_a_kernel_of_the_merged_shape_does_what_the_two_do(k_a: int, s_a: int, k_b: int, s_b: int) -> None:
    random = np.random.default_rng(0)
    w_a = random.normal(size=(4, 3, k_a, k_a)).astype(np.float32)
    w_b = random.normal(size=(5, 4, k_b, k_b)).astype(np.float32)
    x = random.normal(size=(2, 3, 23, 23)).astype(np.float32)
    a = aidge_core.Conv2D(3, 4, [k_a, k_a], stride_dims=[s_a, s_a])
    b = aidge_core.Conv2D(4, 5, [k_b, k_b], stride_dims=[s_b, s_b])
    merged = aidge_core.fibnlr_conv_from(a, b)
    kernel, strides = aidge_core.fibnlr_get_kernel_dims(merged), aidge_core.fibnlr_get_kernel_strides(merged)
    composed = np.zeros((5, 3, *kernel), np.float32)
    for i in range(k_b):
        for j in range(k_b):
            block = np.einsum("om,mcij->ocij", w_b[:, :, i, j], w_a)
            composed[:, :, i * s_a : i * s_a + k_a, j * s_a : j * s_a + k_a] += block
    make = onnx.helper.make_node
    two = [
        make("Conv", ["x", "wa"], ["h"], strides=[s_a, s_a]),
        make("Conv", ["h", "wb"], ["y"], strides=[s_b, s_b]),
    ]
    expected = run(two, {"wa": w_a, "wb": w_b}, x)
    got = run([make("Conv", ["x", "w"], ["y"], strides=strides)], {"w": composed}, x)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def fill(node: aidge_core.Node, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Random weight and bias, which are returned."""
    values = {}
    for index, name in ((1, "w"), (2, "b")):
        producer = node.get_parent(index)
        if producer is not None:
            operator = producer.get_operator()
            values[name] = random.normal(size=operator.get_output(0).dims).astype(np.float32)
            operator.set_output(0, aidge_core.Tensor(values[name]))
    return values


@pytest.mark.parametrize("groups", [(1, 1), (2, 2), (4, 1), (1, 4), (2, 4)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (1, 3), (3, 2)])
def test_merged_weights_compute_what_the_two_do(groups: tuple[int, int], strides: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    s_a, s_b = strides
    a = aidge_core.Conv2D(4, 8, [3, 2], stride_dims=[s_a, s_a], dilation_dims=[1, 2], groups=groups[0])
    b = aidge_core.Conv2D(8, 4, [2, 3], stride_dims=[s_b, s_b], dilation_dims=[2, 1], groups=groups[1])
    of_a, of_b = fill(a, random), fill(b, random)
    merged = aidge_core.fibnlr_merge_conv(a, b)
    assert merged is not None
    assert aidge_core.fibnlr_merges_exactly(a, b)
    weight, bias = (np.asarray(merged.get_parent(i).get_operator().get_output(0)) for i in (1, 2))
    x = random.normal(size=(2, 4, 21, 23)).astype(np.float32)
    make = onnx.helper.make_node
    two = [
        make("Conv", ["x", "wa", "ba"], ["h"], strides=[s_a, s_a], dilations=[1, 2], group=groups[0]),
        make("Conv", ["h", "wb", "bb"], ["y"], strides=[s_b, s_b], dilations=[2, 1], group=groups[1]),
    ]
    expected = run(two, {"wa": of_a["w"], "ba": of_a["b"], "wb": of_b["w"], "bb": of_b["b"]}, x)
    attributes = merged.get_operator().attr
    one = make("Conv", ["x", "w", "b"], ["y"], strides=list(attributes.stride_dims), group=attributes.groups)
    got = run([one], {"w": weight, "b": bias}, x)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()
