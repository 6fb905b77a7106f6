"""How long layers take on this machine, for every share of their channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import aidge_core
import numpy as np

from ..measure.latency import dims_at, latencies, medians_in_turn, runner

if TYPE_CHECKING:
    from aidge_core import GraphView, Node

__all__ = ["LayerTimes", "layer_times"]

LayerTimes = Callable[[str, float, float], float]
"""(layer, share of its inputs, share of its outputs) → seconds."""

_GRID = (0.25, 0.5, 0.75, 1.0)


def _scaled_layer(node: Node, inputs: float, outputs: float) -> tuple[GraphView, list[np.ndarray]] | None:
    """The layer alone, with shares of its inputs and outputs."""
    producer = node.get_parent(1)
    if producer is None or producer.type() != "Producer":
        return None
    weight = np.asarray(producer.get_operator().get_output(0))
    copy = node.clone()
    attributes = node.get_operator().attr
    groups = int(attributes.groups) if attributes.has_attr("groups") else 1
    made = max(1, round(weight.shape[0] * outputs))
    read = max(1, round(weight.shape[1] * inputs))
    data = dims_at(node, 0)
    if groups > 1:
        made = max(1, round(weight.shape[0] * outputs) // (weight.shape[0] // groups)) * (
            weight.shape[0] // groups
        )
        copy.get_operator().attr.groups = made // (weight.shape[0] // groups)
        read = weight.shape[1]
        data[1] = read * (made // (weight.shape[0] // groups))
    elif node.type() == "FC":
        data = [data[0], read]
    else:
        data[1] = read
    producers = [aidge_core.Producer(np.ascontiguousarray(weight[:made, :read]), f"{node.name()}_w")]
    producers.append(aidge_core.Producer(np.zeros(made, np.float32), f"{node.name()}_b"))
    graph = aidge_core.GraphView()
    for index, entry in enumerate(producers, start=1):
        entry.add_child(copy, 0, index)
    graph.add(copy)
    graph.compile("cpu", dims=[data])
    return graph, [np.ones(data, np.float32)]


def _table(node: Node, repeats: int) -> np.ndarray | None:
    """(len(_GRID), len(_GRID)): seconds for these shares of inputs and outputs."""
    runs = []
    for inputs in _GRID:
        for outputs in _GRID:
            layer = _scaled_layer(node, inputs, outputs)
            if layer is None:
                return None
            runs.append(runner(*layer))
    return np.array(medians_in_turn(runs, rounds=repeats, limit=0.5)).reshape(len(_GRID), len(_GRID))


def layer_times(model: GraphView, repeats: int = 7) -> tuple[LayerTimes, float]:
    """(times of the layers with weights, bilinear in the shares of their channels from a table measured here; seconds of the whole network less those layers).

    The network must be compiled for the dims to measure; the second number, what stays whatever is cut, is at least 0.
    """
    tables: dict[str, np.ndarray] = {}
    for node in model.get_ordered_nodes():
        if (node.type().startswith("Conv") and "Transpose" not in node.type()) or node.type() == "FC":
            table = _table(node, repeats)
            if table is not None:
                tables[node.name()] = table
    (whole,) = latencies([model], rounds=repeats)
    rest = max(0.0, whole - sum(table[-1, -1] for table in tables.values()))

    def times(name: str, inputs: float, outputs: float) -> float:
        table = tables.get(name)
        if table is None:
            return 0.0
        by_output = [np.interp(outputs, _GRID, row) for row in table]
        return float(np.interp(inputs, _GRID, by_output))

    return times, rest
