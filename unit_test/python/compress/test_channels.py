"""Channel groups and their removal: known groups, hard cases one by one, masked original against cut network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_compress.demo import NETWORK
from helpers import cutting
from helpers.cutting import Builder

DEMO = NETWORK


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


# --- hard cases: a network each, with the sizes of its groups that can be cut --------------------------------------


def squeeze_excite(b: Builder) -> tuple[str, list[int]]:
    x = b.norm(b.conv("x", 3, 8, 3), 8)
    s = b.relu(b.conv(b.add("GlobalAveragePool", [x]), 8, 4))
    s = b.add("Sigmoid", [b.conv(s, 4, 8)])
    return b.conv(b.add("Mul", [x, s]), 8, 5), [8, 4]


def squeeze_excite_by_gemm(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8, 3)
    s = b.add("Flatten", [b.add("GlobalAveragePool", [x])])
    s = b.add("HardSigmoid", [b.gemm(b.relu(b.gemm(s, 8, 4)), 4, 8)])
    s = b.add("Unsqueeze", [s, b.integers(2, 3)])
    return b.conv(b.add("Mul", [s, x]), 8, 5), [8, 4]


def concat_twice(b: Builder) -> tuple[str, list[int]]:
    x = b.relu(b.conv("x", 3, 6))
    return b.conv(b.norm(b.add("Concat", [x, x], axis=1), 12), 12, 5, 3), [6]


def concat_side_by_side(b: Builder) -> tuple[str, list[int]]:
    x, y = b.conv("x", 3, 6), b.conv("x", 3, 4)
    z = b.norm(b.add("Concat", [x, "x", y], axis=1), 13)
    return b.conv(z, 13, 5), [6, 4]


def concat_of_a_constant(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 6)
    b.batch = 3
    both = b.add("Concat", [x, b.constant(3, 2, 6, 6)], axis=1)
    return b.conv(b.add("Add", [both, b.conv("x", 3, 8)]), 8, 5), [8]


def concat_across_space(b: Builder) -> tuple[str, list[int]]:
    x, y = b.conv("x", 3, 6), b.conv("x", 3, 6, 3)
    return b.conv(b.add("Concat", [x, y], axis=2), 6, 5, 3), [6]


def shuffle(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    x = b.add("Reshape", [x, b.integers(-1, 2, 4, 6, 6)])
    x = b.add("Transpose", [x], perm=[0, 2, 1, 3, 4])
    x = b.add("Reshape", [x, b.integers(-1, 8, 6, 6)])
    return b.conv(x, 8, 5, 3), [4]


def grouped_shuffle(b: Builder) -> tuple[str, list[int]]:
    x = b.conv(b.conv("x", 3, 12), 12, 18, 3, group=3)
    x = b.add("Reshape", [x, b.integers(0, 3, 6, 6, 6)])
    x = b.add("Transpose", [x], perm=[0, 2, 1, 3, 4])
    x = b.add("Reshape", [x, b.integers(0, -1, 6, 6)])
    x = b.conv(x, 18, 18, 3, group=18)
    return b.conv(x, 18, 5), [4, 6]


def flatten_before_fc(b: Builder) -> tuple[str, list[int]]:
    x = b.relu(b.conv("x", 3, 7, 3))
    x = b.gemm(b.add("Flatten", [x]), 7 * 36, 9)
    return b.gemm(b.relu(x), 9, 4), [7, 9]


def reshape_before_fc(b: Builder) -> tuple[str, list[int]]:
    x = b.add("MaxPool", [b.conv("x", 3, 7, 3)], kernel_shape=[2, 2], strides=[2, 2])
    x = b.gemm(b.add("Reshape", [x, b.integers(-1, 63)]), 63, 9)
    return b.gemm(b.add("Tanh", [x]), 9, 4), [7, 9]


def flatten_channels_last(b: Builder) -> tuple[str, list[int]]:
    x = b.add("Transpose", [b.conv("x", 3, 7, 3)], perm=[0, 2, 3, 1])
    return b.gemm(b.add("Flatten", [x]), 7 * 36, 9), [7]


def nhwc(b: Builder) -> tuple[str, list[int]]:
    x = b.add("Transpose", [b.conv("x", 3, 8)], perm=[0, 2, 3, 1])
    x = b.add("Mul", [x, b.constant(8)])
    x = b.add("Add", [b.constant(1, 1, 1, 8), x])
    x = b.add("MatMul", [x, b.constant(8, 6)])
    x = b.add("Transpose", [b.add("Add", [x, b.constant(6)])], perm=[0, 3, 1, 2])
    return b.conv(x, 6, 5, 3), [8, 6]


def split_halves(b: Builder) -> tuple[str, list[int]]:
    x = b.norm(b.conv("x", 3, 10), 10)
    left, right = b.add("Split", [x, b.integers(6, 4)], outputs=2, axis=1)
    left = b.conv(left, 6, 4, 3)
    return b.conv(b.add("Add", [left, right]), 4, 5), [10]


def slices(b: Builder) -> tuple[str, list[int]]:
    x = b.relu(b.conv("x", 3, 10))
    left = b.add("Slice", [x, b.integers(-8), b.integers(7), b.integers(1)])
    right = b.add("Slice", [x, b.integers(4), b.integers(10**9), b.integers(1)])
    return b.add("Add", [b.conv(left, 5, 4), b.conv(right, 6, 4)]), [10]


def grouped(b: Builder) -> tuple[str, list[int]]:
    x = b.relu(b.norm(b.conv("x", 3, 12), 12))
    x = b.relu(b.norm(b.conv(x, 12, 8, 3, group=4), 8))
    return b.conv(x, 8, 5), [3, 2]


def groups_of_one_output(b: Builder) -> tuple[str, list[int]]:
    x = b.relu(b.conv(b.conv("x", 3, 12), 12, 6, 3, group=6))
    return b.conv(x, 6, 5), [6]


def depthwise(b: Builder) -> tuple[str, list[int]]:
    x = b.add("Clip", [b.norm(b.conv("x", 3, 8), 8), b.scalar(0.0), b.scalar(6.0)])
    return b.conv(b.norm(b.conv(x, 8, 8, 3, group=8), 8), 8, 5), [8]


def depthwise_multiplier(b: Builder) -> tuple[str, list[int]]:
    x = b.conv(b.conv("x", 3, 4), 4, 12, 3, group=4)
    return b.conv(b.norm(x, 12), 12, 5), [4]


def transposed(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    x = b.relu(b.add("ConvTranspose", [x, b.constant(8, 6, 2, 2), b.constant(6)], strides=[2, 2]))
    return b.conv(x, 6, 5), [8, 6]


def transposed_groups(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    x = b.add("ConvTranspose", [x, b.constant(8, 3, 2, 2), b.constant(6)], group=2)
    x = b.add("ConvTranspose", [x, b.constant(6, 1, 2, 2)], group=6)
    return b.conv(x, 6, 5), [4, 3]


def per_channel_parameters(b: Builder) -> tuple[str, list[int]]:
    x = b.add("PRelu", [b.conv("x", 3, 8), b.constant(8, 1, 1)])
    x = b.add("Sub", [b.constant(1, 8, 1, 1), b.add("Div", [x, b.constant(8, 6, 6, low=1, high=2)])])
    x = b.add("Add", [x, b.constant(6, 6)])
    x = b.add("Mul", [x, b.scalar(1.5)])
    return b.conv(x, 8, 5), [8]


def residual_with_padded_channels(b: Builder) -> tuple[str, list[int]]:
    x = b.relu(b.conv("x", 3, 4))
    wide = b.add("Pad", [x, b.integers(0, 1, 0, 0, 0, 3, 0, 0)])
    return b.conv(b.relu(b.add("Add", [wide, b.conv(x, 4, 8, 3)])), 8, 5), [8]


def reduced_mean(b: Builder) -> tuple[str, list[int]]:
    x = b.add("ReduceMean", [b.conv("x", 3, 8, 3)], axes=[2, 3], keepdims=0)
    return b.gemm(x, 8, 5), [8]


def spatial_attention(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 8)
    mask = b.add("Sigmoid", [b.conv(x, 8, 1, 3)])
    return b.conv(b.add("Mul", [x, mask]), 8, 5), [8]


def shared_weights(b: Builder) -> tuple[str, list[int]]:
    weight, bias = b.constant(8, 3, 1, 1), b.constant(8)
    x, y = b.add("Conv", ["x", weight, bias]), b.add("Conv", ["x", weight, bias])
    return b.add("Sub", [b.conv(b.relu(x), 8, 5), b.conv(y, 8, 5)]), [8]


def image_from_features(b: Builder) -> tuple[str, list[int]]:
    x = b.gemm(b.add("Flatten", [b.conv("x", 3, 2)]), 72, 5 * 64)
    x = b.add("Reshape", [x, b.integers(-1, 5, 8, 8)])
    return b.conv(b.relu(x), 5, 4, 3), [2, 5]


def dense_block(b: Builder) -> tuple[str, list[int]]:
    x = b.conv("x", 3, 4)
    channels = 4
    for _ in range(3):
        y = b.conv(b.relu(b.norm(x, channels)), channels, 6)
        y = b.conv(b.relu(b.norm(y, 6)), 6, 3, 3)
        x = b.add("Concat", [x, y], axis=1)
        channels += 3
    return b.conv(b.relu(b.norm(x, channels)), channels, 5), [4, 6, 3, 6, 3, 6, 3]


def power_pooling(b: Builder) -> tuple[str, list[int]]:
    x = b.add("LpPool", [b.conv("x", 3, 8)], kernel_shape=[2, 2], strides=[2, 2])
    x = b.add("GlobalLpPool", [b.relu(b.conv(x, 8, 6))])
    return b.conv(x, 6, 5), [8, 6]


def layer_norm_within_channels(b: Builder) -> tuple[str, list[int]]:
    x = b.add("LayerNormalization", [b.conv("x", 3, 8), b.constant(8, 1, 6), b.constant(6)], axis=-1)
    return b.conv(x, 8, 5), [8]


def needs(operator: str) -> pytest.MarkDecorator:
    """Only where the operator is a native one."""
    try:
        aidge_core.make_node(operator)
    except ValueError:
        return pytest.mark.skip(reason=f"{operator} is not native")
    return pytest.mark.filterwarnings("error")


CASES: list[Any] = [
    squeeze_excite,
    squeeze_excite_by_gemm,
    concat_twice,
    concat_side_by_side,
    concat_of_a_constant,
    concat_across_space,
    shuffle,
    grouped_shuffle,
    flatten_before_fc,
    reshape_before_fc,
    flatten_channels_last,
    nhwc,
    pytest.param(split_halves, marks=needs("Split")),
    pytest.param(slices, marks=needs("Slice")),
    grouped,
    groups_of_one_output,
    depthwise,
    depthwise_multiplier,
    transposed,
    transposed_groups,
    per_channel_parameters,
    residual_with_padded_channels,
    reduced_mean,
    spatial_attention,
    shared_weights,
    image_from_features,
    dense_block,
    power_pooling,
    layer_norm_within_channels,
]


def built(case: Callable[[Builder], tuple[str, list[int]]]) -> tuple[onnx.ModelProto, list[int]]:
    b = Builder()
    end, sizes = case(b)
    return b.model({"x": [b.batch, 3, 6, 6]}, [end]), sizes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_hard_case_has_the_groups_that_it_should_have(case: Any) -> None:
    model, sizes = built(case)
    groups = aidge_core.channel_groups(aidge_onnx.load_onnx(model))
    assert [group.size for group in groups if group.can_be_cut()] == sizes, groups


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_hard_case_is_cut_to_what_the_masked_one_computes(case: Any) -> None:
    model, sizes = built(case)
    x = np.random.default_rng(1).standard_normal((3, 3, 6, 6), dtype=np.float32)
    for seed in range(4):
        _, report = cutting.check_cut(model, {"x": x}, seed=seed)
        assert len(report.removed) <= len(sizes)


# --- requests -------------------------------------------------------------------------------------------------------


def weights(graph: Any) -> dict[str, np.ndarray]:
    return {
        node.name(): np.array(node.get_operator().get_output(0))
        for node in graph.get_nodes()
        if node.type() == "Producer"
    }


def two_layers() -> Any:
    b = Builder()
    x = b.relu(b.norm(b.conv("x", 3, 10), 10))
    return aidge_onnx.load_onnx(b.model({"x": ["n", 3, 6, 6]}, [b.conv(x, 10, 5)]))


def test_removal_takes_the_named_slices_and_no_others() -> None:
    graph = two_layers()
    before = weights(graph)
    aidge_core.remove_channels(graph, {"conv0": [1, 8]})
    kept = [c for c in range(10) if c not in (1, 8)]
    after = weights(graph)
    for name, value in before.items():
        if value.shape[0] == 10:
            np.testing.assert_array_equal(after[name], value[kept])
        elif value.ndim == 4:
            np.testing.assert_array_equal(after[name], value[:, kept])
        else:
            np.testing.assert_array_equal(after[name], value)


def test_a_node_that_channels_pass_can_be_named_and_the_union_goes() -> None:
    graph = two_layers()
    relu = next(node for node in graph.get_nodes() if node.type() == "ReLU")
    report = aidge_core.remove_channels(graph, {"conv0": [1], relu: [1, 2]})
    assert [(layer.node, layer.before, layer.channels) for layer in report.removed[0]] == [
        ("conv0", 10, [1, 2])
    ]


@pytest.mark.parametrize(("named", "gone"), [([0, 1, 2], [0, 1]), ([9, 3, 5, 1], [3, 9]), ([4], [])])
def test_rounding_puts_back_the_channels_named_last(named: list[int], gone: list[int]) -> None:
    report = aidge_core.remove_channels(two_layers(), {"conv0": named}, multiple=4)
    assert [layer.channels for group in report.removed for layer in group] == ([gone] if gone else [])


def test_a_group_that_cannot_be_cut_is_refused_and_the_others_go_on() -> None:
    b = Builder()
    x = b.conv("x", 3, 4)
    soft = b.add("Softmax", [x], axis=1)
    y = b.conv(soft, 4, 6)
    graph = aidge_onnx.load_onnx(b.model({"x": ["n", 3, 6, 6]}, [b.conv(y, 6, 5)]))
    names = [node.name() for node in graph.get_ordered_nodes() if node.type() == "Conv2D"]
    report = aidge_core.remove_channels(graph, {name: [0] for name in names})
    assert [layer.node for group in report.removed for layer in group] == [names[1]]
    reasons = [refusal.reason for refusal in report.refused]
    assert "mixes channels" in reasons[0]
    assert "is the graph output" in reasons[1]


def group_norm(b: Builder, x: str) -> str:
    return str(b.add("GroupNormalization", [x, b.constant(8), b.constant(8)], num_groups=1))


def layer_norm(b: Builder, x: str) -> str:
    return str(b.add("LayerNormalization", [x, b.constant(8, 6, 6)], axis=1))


def sorted_values(b: Builder, x: str) -> str:
    return str(b.add("TopK", [x, b.integers(3)], outputs=2, axis=3)[0])


REFUSALS = [
    (group_norm, "which normalises all channels together"),
    (layer_norm, "which normalises across channels"),
    (sorted_values, "which sorts values"),
]


@pytest.mark.parametrize(("operator", "reason"), REFUSALS, ids=lambda entry: getattr(entry, "__name__", ""))
def test_an_operator_that_channels_cannot_pass_says_why(
    operator: Callable[[Builder, str], str], reason: str
) -> None:
    b = Builder(opset=21)
    end = b.conv(operator(b, b.conv("x", 3, 8)), 8, 5)
    (first, _) = aidge_core.channel_groups(aidge_onnx.load_onnx(b.model({"x": [1, 3, 6, 6]}, [end])))
    assert not first.can_be_cut()
    assert first.refusal.startswith("feeds ")
    assert first.refusal.endswith(f", {reason}")


def test_all_channels_of_a_layer_are_refused_and_nothing_changes() -> None:
    graph = two_layers()
    before, version = weights(graph), graph.version
    report = aidge_core.remove_channels(graph, {"conv0": list(range(10))})
    assert "nothing would be left" in report.refused[0].reason
    assert report.macs_after == report.macs_before
    assert graph.version == version
    assert all(np.array_equal(before[name], value) for name, value in weights(graph).items())


def test_a_removal_that_changes_nothing_in_shape_is_idempotent() -> None:
    graph = two_layers()
    report = aidge_core.remove_channels(graph, {})
    assert not report.removed
    assert not report.refused


@pytest.mark.parametrize(
    ("channels", "options", "message"),
    [
        ({"conv0": [10]}, {}, r"channels of .*conv0.* in \[0, 10\), got 10"),
        ({"conv0": [-1]}, {}, "got -1"),
        ({"conv9": [0]}, {}, "the name of a node of this graph"),
        ({"conv0": [0]}, {"multiple": 0}, "multiple >= 1, got 0"),
        ({"conv0": [0]}, {"dims": [[1, 3, 6, 6], [1]]}, "dims for 1 graph inputs, got 2"),
        ({"conv0": [0]}, {"dims": [[1, 4, 6, 6]]}, "3 channels|channels"),
    ],
)
def test_a_wrong_request_is_an_error_and_leaves_the_graph(
    channels: Any, options: dict[str, Any], message: str
) -> None:
    graph = two_layers()
    version = graph.version
    with pytest.raises(ValueError, match=message):
        aidge_core.remove_channels(graph, channels, **options)
    assert graph.version == version


def test_a_node_of_another_graph_is_an_error() -> None:
    other = two_layers().get_node("conv0")
    with pytest.raises(ValueError, match="nodes of the graph"):
        aidge_core.remove_channels(two_layers(), {other: [0]})


def test_layers_that_share_a_weight_are_cut_alike() -> None:
    model, _ = built(shared_weights)
    graph = aidge_onnx.load_onnx(model)
    producers = len(weights(graph))
    names = [node.name() for node in graph.get_ordered_nodes() if node.type() == "Conv2D"]
    report = aidge_core.remove_channels(graph, {names[0]: [0], names[1]: [1, 2]})
    assert [layer.channels for layer in report.removed[0]] == [[0, 1, 2], [0, 1, 2]]
    assert len(weights(graph)) == producers


def test_hooks_and_attributes_stay_on_their_nodes() -> None:
    graph = two_layers()
    graph.compile("cpu", dims=[[1, 3, 6, 6]])
    relu = next(node for node in graph.get_nodes() if node.type() == "ReLU")
    seen: list[list[int]] = []
    relu.add_after_forward(lambda node: seen.append(list(node.get_operator().get_output(0).dims)))
    aidge_core.remove_channels(graph, {"conv0": [0, 1]})
    x = np.zeros((2, 3, 6, 6), np.float32)
    aidge_core.SequentialScheduler(graph).forward(data=[aidge_core.Tensor(x)])
    assert seen == [[2, 8, 6, 6]]


def test_the_report_is_a_table_and_a_dict() -> None:
    report = aidge_core.remove_channels(two_layers(), {"conv0": [2, 5]})
    assert "10 -> 8" in str(report)
    assert report.to_dict()["removed"] == [{"conv0": [2, 5]}]
    assert report.macs_before == 36 * (30 + 50)
    assert report.macs_after == 36 * (24 + 40)
