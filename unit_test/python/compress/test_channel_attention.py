"""Attention: query and key dimensions go in pairs, value dimensions with the layer that reads them, the same in all heads. The masked original against the cut
file, in float64, at batch sizes and numbers of tokens for which it was not cut, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_compress.channels.statistics import collect
from aidge_core.data import from_arrays
from helpers import cutting
from helpers.cutting import Builder
from helpers.networks import run_exactly

EXACT = 1e-12
"""In float64."""
HEADS, DEPTH, WIDTH, TOKENS = 3, 4, 10, 6
INNER = HEADS * DEPTH
CUT_AT = [2, TOKENS, WIDTH]
SIZES = [(2, TOKENS), (3, TOKENS)]


def linear(b: Builder, x: str, inputs: int, outputs: int) -> str:
    """A product with a constant and a bias, as PyTorch exports nn.Linear."""
    return str(b.add("Add", [b.add("MatMul", [x, b.constant(inputs, outputs)]), b.constant(outputs)]))


def parts(b: Builder, x: str, *sizes: int) -> list[str]:
    """Split along the last axis."""
    return list(b.add("Split", [x, b.integers(*sizes)], outputs=len(sizes), axis=-1))


def picked(b: Builder, x: str, index: int) -> str:
    """One slice of the first axis."""
    return str(b.add("Squeeze", [b.add("Gather", [x, b.integers(index)], axis=0), b.integers(0)]))


def heads(b: Builder, x: str, count: int = HEADS, perm: Sequence[int] = (0, 2, 1, 3)) -> str:
    x = b.add("Reshape", [x, b.integers(0, 0, count, DEPTH)])
    return str(b.add("Transpose", [x], perm=list(perm)))


def attend(b: Builder, q: str, k: str, v: str, bias: str = "") -> str:
    """softmax(q kᵀ / √d + bias) v, heads joined. `k` is transposed already."""
    scores = b.add("Mul", [b.add("MatMul", [q, k]), b.scalar(DEPTH**-0.5)])
    if bias:
        scores = b.add("Add", [scores, bias])
    x = b.add("MatMul", [b.add("Softmax", [scores], axis=-1), v])
    return str(b.add("Reshape", [b.add("Transpose", [x], perm=[0, 2, 1, 3]), b.integers(0, 0, -1)]))


# --- a network each, with the sizes of its groups that can be cut -----------------------------------------------------


def separate(b: Builder) -> tuple[str, list[int]]:
    q, k, v = (linear(b, "x", WIDTH, INNER) for _ in range(3))
    x = attend(b, heads(b, q), heads(b, k, perm=(0, 2, 3, 1)), heads(b, v))
    return linear(b, x, INNER, 5), [DEPTH, DEPTH]


def fused_and_split(b: Builder) -> tuple[str, list[int]]:
    x = linear(b, "x", WIDTH, 3 * INNER)
    q, k, v = parts(b, x, INNER, INNER, INNER)
    x = attend(b, heads(b, q), heads(b, k, perm=(0, 2, 3, 1)), heads(b, v))
    return linear(b, x, INNER, 5), [2 * DEPTH]  # of one layer: pairs, then values


def fused_and_picked(b: Builder) -> tuple[str, list[int]]:
    """Reshape to (batch, tokens, 3, heads, depth): one tensor holds all three, so that they are cut alike."""
    x = b.add("Reshape", [linear(b, "x", WIDTH, 3 * INNER), b.integers(0, 0, 3, HEADS, DEPTH)])
    x = b.add("Transpose", [x], perm=[2, 0, 3, 1, 4])
    q, k, v = (picked(b, x, i) for i in range(3))
    x = attend(b, q, b.add("Transpose", [k], perm=[0, 1, 3, 2]), v)
    return linear(b, x, INNER, 5), [DEPTH]


def fused_and_sliced(b: Builder) -> tuple[str, list[int]]:
    """The same as newer exporters of PyTorch write it."""
    x = b.add("Reshape", [linear(b, "x", WIDTH, 3 * INNER), b.integers(0, 0, 3, HEADS, DEPTH)])
    x = b.add("Transpose", [x], perm=[2, 0, 3, 1, 4])
    slices = (b.add("Slice", [x, b.integers(i), b.integers(i + 1), b.integers(0)]) for i in range(3))
    q, k, v = (b.add("Squeeze", [part, b.integers(0)]) for part in slices)
    x = attend(b, q, b.add("Transpose", [k], perm=[0, 1, 3, 2]), v)
    return linear(b, x, INNER, 5), [DEPTH]


def cross(b: Builder) -> tuple[str, list[int]]:
    """Queries from one tensor, keys and values from another one."""
    memory = b.add("MaxPool", ["x"], kernel_shape=[3], strides=[3])
    memory = linear(b, memory, 3, WIDTH)
    q, k, v = (linear(b, data, WIDTH, INNER) for data in ("x", memory, memory))
    x = attend(b, heads(b, q), heads(b, k, perm=(0, 2, 3, 1)), heads(b, v))
    return linear(b, x, INNER, 5), [WIDTH, DEPTH, DEPTH]


def one_key_for_all_heads(b: Builder) -> tuple[str, list[int]]:
    """Multi-query attention: the heads share their keys and values."""
    q, k, v = linear(b, "x", WIDTH, INNER), linear(b, "x", WIDTH, DEPTH), linear(b, "x", WIDTH, DEPTH)
    x = attend(b, heads(b, q), heads(b, k, 1, perm=(0, 2, 3, 1)), heads(b, v, 1))
    return linear(b, x, INNER, 5), [DEPTH, DEPTH]


def position_bias(b: Builder) -> tuple[str, list[int]]:
    """Queries scaled before the product, a bias for each head and a mask, as in windowed attention."""
    q, k, v = (linear(b, "x", WIDTH, INNER) for _ in range(3))
    q = b.add("Mul", [heads(b, q), b.scalar(DEPTH**-0.5)])
    bias = b.add("Add", [b.constant(1, HEADS, TOKENS, TOKENS), b.constant(1, 1, TOKENS, TOKENS)])
    x = attend(b, q, heads(b, k, perm=(0, 2, 3, 1)), heads(b, v), bias)
    return linear(b, x, INNER, 5), [DEPTH, DEPTH]


def rotated(b: Builder) -> tuple[str, list[int]]:
    """Rotary positions: half of a head's dimensions are turned against the other half."""

    def turned(x: str, shape: Sequence[int]) -> str:
        first, second = parts(b, x, DEPTH // 2, DEPTH // 2)
        other = b.add("Concat", [b.add("Neg", [second]), first], axis=-1)
        cosine, sine = b.constant(*shape), b.constant(*shape)
        return str(b.add("Add", [b.add("Mul", [x, cosine]), b.add("Mul", [other, sine])]))

    q, k, v = (linear(b, "x", WIDTH, INNER) for _ in range(3))
    q, k = (turned(heads(b, x), (1, 1, TOKENS, DEPTH)) for x in (q, k))
    x = attend(b, q, b.add("Transpose", [k], perm=[0, 1, 3, 2]), heads(b, v))
    return linear(b, x, INNER, 5), [DEPTH // 2, DEPTH]


def normalised_heads(b: Builder) -> tuple[str, list[int]]:
    """Queries are normalised within a head: it is removed as a whole, with its keys and values."""
    q, k, v = (linear(b, "x", WIDTH, INNER) for _ in range(3))
    q = b.add("LayerNormalization", [heads(b, q), b.constant(DEPTH), b.constant(DEPTH)], axis=-1)
    k = b.add("LayerNormalization", [heads(b, k), b.constant(DEPTH), b.constant(DEPTH)], axis=-1)
    x = attend(b, q, b.add("Transpose", [k], perm=[0, 1, 3, 2]), heads(b, v))
    return linear(b, x, INNER, 5), [HEADS]


CASES = [
    separate,
    fused_and_split,
    fused_and_picked,
    fused_and_sliced,
    cross,
    one_key_for_all_heads,
    position_bias,
    rotated,
    normalised_heads,
]


def built(case: Callable[[Builder], tuple[str, list[int]]]) -> tuple[onnx.ModelProto, list[int]]:
    b = Builder()
    end, sizes = case(b)
    return b.model({"x": ["n", TOKENS, WIDTH]}, [end]), sizes


def silenced(
    model: onnx.ModelProto, groups: Sequence[Any], gone: Mapping[int, Sequence[int]]
) -> onnx.ModelProto:
    """The model in which also the layers that make the removed channels give zeros there: a product of two such tensors has no reader with weights."""
    model = cutting.masked(model, groups, gone)
    nodes = {node.name: node for node in model.graph.node}
    readers = {name: node for node in model.graph.node for name in node.input}
    constants = {tensor.name for tensor in model.graph.initializer}
    for number, channels in gone.items():
        for source in groups[number].sources:
            node = nodes[source.node.name()]
            after = readers[node.output[0]]
            if after.op_type == "Add" and set(after.input) & constants:
                node = after
            mask = (~np.isin(source.channels, list(channels))).astype(np.float32)
            name = node.output[0]
            node.output[0] = f"{name}_whole"
            model.graph.initializer.append(onnx.numpy_helper.from_array(mask, f"{name}_mask"))
            place = list(model.graph.node).index(node)
            model.graph.node.insert(
                place + 1, onnx.helper.make_node("Mul", [f"{name}_whole", f"{name}_mask"], [name])
            )
    return model


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_attention_has_the_groups_that_it_should(case: Any) -> None:
    model, sizes = built(case)
    groups = aidge_core.channel_groups(aidge_onnx.load_onnx(model), dims=[CUT_AT])
    assert [group.size for group in groups if group.can_be_cut()] == sizes, groups


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_cut_attention_gives_what_the_masked_original_gives(case: Any, seed: int) -> None:
    graph = aidge_onnx.load_onnx(built(case)[0])
    original = aidge_onnx.to_model_proto(graph)
    groups = aidge_core.channel_groups(graph, dims=[CUT_AT])
    chosen = cutting.choose(groups, np.random.default_rng(seed), 0.6)
    # The first pair and the first value of a fused layer are kept: without one of them nothing would be left.
    gone = {n: [c for c in channels if c % DEPTH != seed] for n, channels in chosen.items()}
    gone = {n: channels for n, channels in gone.items() if channels}
    assert gone
    report = aidge_core.remove_channels(graph, cutting.request(groups, gone), dims=[CUT_AT])
    assert not report.refused, report.refused
    assert len(report.removed) == len(gone)
    assert report.macs_after < report.macs_before
    cut = aidge_onnx.to_model_proto(graph)
    masked = silenced(original, groups, gone)
    random = np.random.default_rng(seed)
    feeds = [{"x": random.standard_normal((n, tokens, WIDTH), dtype=np.float32)} for n, tokens in SIZES]
    for feed in feeds:
        wanted = cutting.run_ort(masked, feed)
        assert cutting.difference(cutting.run_ort(cut, feed), wanted) <= cutting.TOLERANCE
        assert cutting.difference(cutting.run_ours(graph, [feed["x"]]), wanted) <= cutting.TOLERANCE
    exact, expected = run_exactly(cut, *feeds), run_exactly(masked, *feeds)
    assert exact is not None
    assert expected is not None
    for found, wanted in zip(exact, expected, strict=True):
        assert cutting.difference(found, wanted) <= EXACT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_compress_cuts_attention_and_the_file_gives_what_memory_gives(case: Any, tmp_path: Path) -> None:
    model = built(case)[0]
    data = np.random.default_rng(0).standard_normal((32, TOKENS, WIDTH), dtype=np.float32)
    result = aidge_compress.compress(
        model, data, keep_macs=0.7, min_channels=1, allocation="uniform", latency=False
    )
    assert result.after.macs <= 0.7 * result.before.macs
    assert result.save(tmp_path / "small.onnx").passed
    feed = {"x": data[:3]}
    found = cutting.run_ort(onnx.load(tmp_path / "small.onnx"), feed)
    assert cutting.difference(found, cutting.run_ours(result.model, [data[:3]])) <= cutting.TOLERANCE


def test_the_pair_with_the_smallest_term_is_removed_first() -> None:
    """The energy of a term is the mean square of the query times that of the key."""
    b = Builder()
    q, k, v = (linear(b, "x", WIDTH, INNER) for _ in range(3))
    weak = np.ones(DEPTH, np.float32)
    weak[2] = 1e-3
    b.constants["weak"] = weak
    q, k = b.add("Mul", [heads(b, q), "weak"]), heads(b, k, perm=(0, 2, 3, 1))
    x = attend(b, q, k, heads(b, v))
    model = b.model({"x": ["n", TOKENS, WIDTH]}, [linear(b, x, INNER, 5)])
    data = np.random.default_rng(0).standard_normal((64, TOKENS, WIDTH), dtype=np.float32)
    graph = aidge_onnx.load_onnx(model)
    graph.compile("cpu", dims=[[16, TOKENS, WIDTH]])
    batches = from_arrays(data, batch_size=16)
    (group,) = (group for group in aidge_core.channel_groups(graph) if group.products)
    (measured,) = collect(graph, [group], aidge_core.CalibrationData(graph, batches))
    both = b.model({"x": ["n", TOKENS, WIDTH]}, [q, k])
    queries, keys = cutting.run_ort(both, {"x": data})
    wanted = (queries**2).mean(axis=(0, 1, 2)) * (keys**2).mean(axis=(0, 1, 3))
    np.testing.assert_allclose(np.diag(measured.uses[0].covariance), wanted, rtol=3e-3)
    assert measured.elimination()[0] == np.argsort(wanted).tolist()
