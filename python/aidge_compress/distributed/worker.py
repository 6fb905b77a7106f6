"""What runs on the workers: the network is loaded once a process, partitions are measured, statistics merged."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from aidge_core import (
    Covariance,
    GraphView,
    dtype,
    fibnlr_compute,
    fibnlr_get_activity_tracker,
    fibnlr_get_npr,
    fibnlr_Parameters,
    fibnlr_prepare,
    pfa_collect,
    pfa_Pooling,
)

from .partitions import Partition, batches_of

__all__ = [
    "Balance",
    "ModelKey",
    "Responses",
    "measure_balance",
    "measure_responses",
    "merge",
    "receive",
    "retire",
]

NEVER = np.iinfo(np.int64).max
"""First batch of a channel that was never > 0."""

_contents: dict[str, bytes] = {}
_graphs: dict[ModelKey, GraphView] = {}
_retired: list[str] = []
_turn = Lock()  # a graph carries its observers: one partition at a time in a process


@dataclass(frozen=True)
class ModelKey:
    """A network and how it runs: digest of its bytes, dims of the inputs, threads, options of the backend."""

    digest: str
    dims: tuple[tuple[int, ...], ...]
    threads: int
    options: tuple[tuple[str, str], ...] = ()


def receive(digest: str, content: bytes) -> None:
    """Keep a network's bytes in this process."""
    _contents[digest] = content
    if digest in _retired:
        _retired.remove(digest)


def retire(digest: str) -> None:
    """Let go of a network, except of the last one: what is still running may need it, and the next call too."""
    _retired.append(digest)
    while len(_retired) > 1:
        old = _retired.pop(0)
        if old not in _retired:
            _contents.pop(old, None)
            for key in [key for key in _graphs if key.digest == old]:
                del _graphs[key]


def _graph(key: ModelKey) -> GraphView:
    """The compiled network, loaded at the first call in this process."""
    import aidge_backend_cpu
    import aidge_onnx

    aidge_backend_cpu.set_num_threads(key.threads)
    if key not in _graphs:
        graph = aidge_onnx.load_onnx(_contents[key.digest], in_float32=True)
        graph.compile("cpu", dtype.float32, 0, [list(dims) for dims in key.dims], **dict(key.options))
        _graphs[key] = graph
    return _graphs[key]


def _counted(partition: Partition, limit: int | None = None) -> Iterator[Any] | None:
    """The first `limit` batches, or None if there is none at all."""
    batches = iter(batches_of(partition))
    first = next(batches, None)
    return None if first is None or limit == 0 else chain([first], _rest(batches, limit))


def _rest(batches: Iterator[Any], limit: int | None) -> Iterator[Any]:
    count = 1
    while limit is None or count < limit:
        try:
            batch = next(batches)
        except StopIteration:
            return
        yield batch
        count += 1


@dataclass(frozen=True)
class Balance:
    """What FIBNLR needs of a partition, batch by batch.

    Attributes:
        sums: (batches, activations, 2): neg and pos of each batch.
        first: for each activation, the batch at which each channel was first > 0, or NEVER.
        samples: (batches,).
        kinds: the activations' types, in topological order.
    """

    sums: npt.NDArray[np.float64]
    first: list[npt.NDArray[np.int64]]
    samples: npt.NDArray[np.int64]
    kinds: tuple[str, ...]


def prepared_nodes(graph: GraphView, params: fibnlr_Parameters) -> list[Any]:
    """Prepare the graph; return the activations in topological order."""
    prepared = fibnlr_prepare(graph, params)
    return [node for node in graph.get_ordered_nodes(deep=True) if node in prepared]


def measure_balance(key: ModelKey, partition: Partition, params: fibnlr_Parameters, limit: int) -> Balance:
    """Run at most `limit` batches of a partition (0: all) through the network."""
    with _turn:
        graph = _graph(key)
        nodes = prepared_nodes(graph, params)
        sums: list[list[tuple[float, float]]] = []
        samples: list[int] = []
        first: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64) for _ in nodes]

        def record(iteration: int, convergence: float | None, seen: int) -> None:
            balances = [fibnlr_get_npr(node) for node in nodes]
            sums.append([(balance.neg, balance.pos) for balance in balances])
            for balance in balances:  # the next batch starts from nothing: no differences of large sums
                balance.neg = balance.pos = 0.0
            for position, node in enumerate(nodes):
                alive = ~np.array(fibnlr_get_activity_tracker(node).neurons, dtype=bool)
                known = first[position]
                grown = np.concatenate([known, np.full(len(alive) - len(known), NEVER)])
                first[position] = np.where(alive & (grown == NEVER), iteration - 1, grown)
            samples.append(seen - sum(samples))

        batches = _counted(partition, limit or None)
        if batches is not None:
            fibnlr_compute(graph, batches, params, progress=record)
        return Balance(
            np.array(sums, dtype=np.float64).reshape(len(sums), len(nodes), 2),
            first,
            np.array(samples, dtype=np.int64),
            tuple(node.type() for node in nodes),
        )


@dataclass(frozen=True)
class Responses:
    """Covariances of layers, and which partitions they are of."""

    partitions: frozenset[int]
    layers: dict[str, Covariance]

    def __sizeof__(self) -> int:
        """Bytes, by which the scheduler decides where to merge."""
        return sum(8 * entry.units * (entry.units + 3) // 2 for entry in self.layers.values())


def measure_responses(
    key: ModelKey, index: int, partition: Partition, layers: list[str], pooling: str
) -> Responses:
    """Take the layers' responses to a partition."""
    with _turn:
        graph = _graph(key)
        batches = _counted(partition)
        if batches is None:
            return Responses(frozenset([index]), {name: Covariance() for name in layers})
        by_name = {node.name(): node for node in graph.get_ordered_nodes(deep=True)}
        found = pfa_collect(graph, batches, [by_name[name] for name in layers], pfa_Pooling[pooling])
        for accumulator in found:
            accumulator.flush()
        return Responses(frozenset([index]), dict(zip(layers, found, strict=True)))


def merge(parts: Iterable[Responses]) -> Responses:
    """Return the statistics of all parts together; the parts are not changed. ValueError if a partition would count twice."""
    seen: frozenset[int] = frozenset()
    layers: dict[str, Covariance] = {}
    for part in parts:
        if seen & part.partitions:
            raise ValueError(
                f"[distributed::merge] expected every partition once, got {sorted(seen & part.partitions)} twice"
            )
        seen |= part.partitions
        for name, accumulator in part.layers.items():
            if name in layers:
                layers[name].merge(accumulator)
            else:
                layers[name] = copy.copy(accumulator)
    return Responses(seen, layers)
