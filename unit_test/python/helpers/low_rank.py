"""Networks some of whose channels tell of others, and pictures for them: what the tests of compression share."""

from __future__ import annotations

from collections.abc import Sequence

import aidge_backend_cpu  # noqa: F401  (registers the backend)
import aidge_core
import numpy as np

CLASSES = 5


def set_weight(node: aidge_core.Node, random: np.random.Generator, rank: int | None = None) -> None:
    """Random weights; of a low rank over the outputs, so that some channels tell of others."""
    operator = node.get_parent(1).get_operator()
    dims = operator.get_output(0).dims
    fan = np.prod(dims[1:])
    values = random.normal(size=dims).reshape(dims[0], -1)
    if rank is not None:
        values = random.normal(size=(dims[0], rank)) @ random.normal(size=(rank, int(fan))) / np.sqrt(rank)
        values += 0.1 * random.normal(size=values.shape)
    operator.set_output(0, (values.reshape(dims) * np.sqrt(2 / fan)).astype(np.float32))
    bias = node.get_parent(2).get_operator()
    bias.set_output(0, 0.1 * random.normal(size=bias.get_output(0).dims).astype(np.float32))


def residual_network(seed: int = 0) -> aidge_core.GraphView:
    """Conv → BatchNorm → ReLU → (Conv → ReLU → Conv) + skip → ReLU → pool → Flatten → FC → ReLU → FC."""
    random = np.random.default_rng(seed)
    pad = {"padding_dims": [1, 1, 1, 1]}
    stem = aidge_core.PaddedConv2D(3, 16, [3, 3], "stem", **pad)
    first = aidge_core.PaddedConv2D(16, 24, [3, 3], "first", **pad)
    second = aidge_core.PaddedConv2D(24, 16, [3, 3], "second", **pad)
    hidden = aidge_core.FC(16 * 16, 20, name="hidden")
    head = aidge_core.FC(20, CLASSES, name="head")
    for node, rank in ((stem, 6), (first, 8), (second, 8), (hidden, 6), (head, None)):
        set_weight(node, random, rank)
    graph = aidge_core.sequential([stem, aidge_core.BatchNorm2D(16, name="norm"), aidge_core.ReLU("r0")])
    graph.add_child(first)
    tail = [aidge_core.ReLU("r1"), second]
    for node in tail:
        graph.add_child(node)
    add = aidge_core.Add("sum")
    second.add_child(add, 0, 0)
    graph.get_node("r0").add_child(add, 0, 1)
    graph.add(add)
    for node in (
        aidge_core.ReLU("r2"),
        aidge_core.MaxPooling2D([2, 2], "pool", stride_dims=[2, 2]),
        aidge_core.Flatten(name="flat"),
        hidden,
        aidge_core.ReLU("r3"),
        head,
    ):
        graph.add_child(node)
    graph.compile("cpu", dims=[[4, 3, 8, 8]])
    return graph


def mobile_network(seed: int = 0) -> aidge_core.GraphView:
    """Expansion → depthwise → projection beside a plain convolution, side by side into a last convolution and an FC."""
    random = np.random.default_rng(seed)
    pad = {"padding_dims": [1, 1, 1, 1]}
    stem = aidge_core.PaddedConv2D(3, 8, [3, 3], "stem", **pad)
    expand = aidge_core.Conv2D(8, 24, [1, 1], "expand")
    depthwise = aidge_core.PaddedConvDepthWise2D(24, [3, 3], "depthwise", **pad)
    project = aidge_core.Conv2D(24, 10, [1, 1], "project")
    beside = aidge_core.PaddedConv2D(8, 6, [3, 3], "beside", **pad)
    last = aidge_core.Conv2D(16, 12, [1, 1], "last")
    head = aidge_core.FC(12 * 64, CLASSES, name="head")
    for node, rank in ((stem, 4), (expand, 6), (project, 4), (beside, 3), (last, 5)):
        set_weight(node, random, rank)
    set_weight(depthwise, random)
    set_weight(head, random)
    graph = aidge_core.sequential([stem, aidge_core.ReLU("r0"), expand, aidge_core.ReLU("r1"), depthwise])
    for node in (aidge_core.ReLU("r2"), project):
        graph.add_child(node)
    graph.get_node("r0").add_child(beside, 0, 0)
    concat = aidge_core.Concat(2, 1, "concat")
    project.add_child(concat, 0, 0)
    beside.add_child(concat, 0, 1)
    graph.add([beside, concat])
    for node in (aidge_core.ReLU("r3"), last, aidge_core.ReLU("r4"), head):
        graph.add_child(node)
    graph.compile("cpu", dims=[[4, 3, 8, 8]])
    return graph


def chain_network(widths: Sequence[int], seed: int = 0) -> aidge_core.GraphView:
    """3x3 convolutions of these widths, each with a ReLU, then a pooling and an FC; the first ones have the least rank."""
    random = np.random.default_rng(seed)
    nodes: list[aidge_core.Node] = []
    for number, (inputs, width) in enumerate(zip([3, *widths[:-1]], widths, strict=True)):
        layer = aidge_core.PaddedConv2D(inputs, width, [3, 3], f"conv{number}", padding_dims=[1, 1, 1, 1])
        set_weight(layer, random, max(2, width * (number + 1) // (2 * len(widths))))
        nodes += [layer, aidge_core.ReLU(f"relu{number}")]
    head = aidge_core.FC(widths[-1] * 16, CLASSES, name="head")
    set_weight(head, random)
    pool = aidge_core.MaxPooling2D([2, 2], "pool", stride_dims=[2, 2])
    graph = aidge_core.sequential([*nodes, pool, aidge_core.Flatten(name="flat"), head])
    graph.compile("cpu", dims=[[4, 3, 8, 8]])
    return graph


def images(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(count, 3, 4, 4)).repeat(2, axis=2).repeat(2, axis=3)
    return (coarse + 0.3 * random.normal(size=(count, 3, 8, 8))).astype(np.float32)


def outputs(graph: aidge_core.GraphView, x: np.ndarray) -> np.ndarray:
    return np.asarray(aidge_core.SequentialScheduler(graph).forward(data=[x])[0]).copy()
