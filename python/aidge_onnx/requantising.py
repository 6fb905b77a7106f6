"""Rounds changed weights of quantised networks to values that a file can hold."""

from __future__ import annotations

import aidge_core
import numpy as np

from .export import to_model_proto
from .load import load_onnx

__all__ = ["requantise"]

_RECORDS = "onnx.quantised"


def requantise(graph: aidge_core.GraphView) -> bool:
    """Round the constants that the network's file held as integers to the values that export_onnx writes for them (in place).

    Other networks do not change. The graph then computes the same as the written file, and has to be compiled again.

    Returns:
        Whether there are such constants.

    Raises:
        ValueError: if the graph cannot be exported.
    """
    metadata = dict(graph.metadata)
    if metadata.get(_RECORDS, "{}") == "{}":
        return False
    written = load_onnx(to_model_proto(graph), cleaning=False)
    held = {
        node.name(): node
        for node in written.get_ordered_nodes(deep=True)
        if node.get_operator().is_producer()
    }
    changed = []
    for node in graph.get_ordered_nodes(deep=True):
        if not node.get_operator().is_producer() or node.name() not in held:
            continue
        before, after = (
            np.asarray(entry.get_operator().get_output(0)) for entry in (node, held[node.name()])
        )
        if before.dtype == after.dtype and before.shape == after.shape and not np.array_equal(before, after):
            changed.append((node, after.copy()))

    def put() -> None:
        for node, values in changed:
            node.get_operator().set_output(0, values)

    graph.transaction(put)
    graph.metadata = {**metadata, _RECORDS: dict(written.metadata)[_RECORDS]}
    return True
