"""A small graph, and how the tests of nodes, graphs and hooks run it."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
from aidge_core import GraphView


def chain() -> GraphView:
    """conv (1 → 2 channels, 3x3) → relu, weights 1."""
    graph = aidge_core.sequential([aidge_core.Conv2D(1, 2, [3, 3], "conv"), aidge_core.ReLU("relu")], "chain")
    weight = graph.get_node("conv_w").get_operator()
    weight.set_output(0, np.ones((2, 1, 3, 3), np.float32))
    return graph


def run(graph: GraphView, *data: Any) -> np.ndarray[Any, Any]:
    return aidge_core.SequentialScheduler(graph).forward(data=list(data))[0].numpy()


def names(nodes: Any) -> list[str]:
    return [node.name() for node in nodes]
