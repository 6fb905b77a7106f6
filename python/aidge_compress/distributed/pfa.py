"""PFA over partitions: covariances are merged on the workers, in a tree that the number of partitions fixes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aidge_core import GraphView, Node
from distributed import as_completed

from ..network.layers import select_layers
from ..network.opening import load_and_compile
from ..pfa import PFA, Pooler
from ..pfa.introspect import COLLECTING
from ..progress import Progress, report_to
from .cluster import RETRIES, PartitionError, provided, using
from .partitions import Partition, require_partitions
from .worker import Responses, measure_responses, merge

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["introspect_model"]

_FAN_IN = 8


def introspect_model(
    model: GraphView | str | os.PathLike[str],
    partitions: Iterable[Partition],
    layers: Iterable[str | Node] | Callable[[Node], bool] | None = None,
    pooling: Pooler.Method = Pooler.Method.MAX,
    *,
    client: Client | None = None,
    epsilon_inactive: float = 1e-8,
    strict_samples: bool = False,
    progress: Progress | None = None,
    compile_options: Mapping[str, str] | None = None,
) -> PFA:
    """Do what `PFA.introspect_model` does over all partitions, on a cluster.

    The covariances are merged eight at a time by neighbouring partitions, whoever measured them: the result depends on the partitions
    (to rounding), not on the workers.

    Args:
        model: a compiled graph, or the path of an ONNX file.
        partitions: see `split`.
        layers: as there.
        pooling: as there.
        client: see `connect`; None: processes on this machine for this call.
        epsilon_inactive: as there.
        strict_samples: as there.
        progress: called with ("collecting responses", partitions done, of how many).
        compile_options: options of the backend "cpu" that `model` was compiled with.

    Raises:
        ValueError: as there, before anything runs, or if the data has no batches.
        PartitionError: if a partition cannot be measured.
        Stopped: if `progress` returns False.
    """
    where = "distributed::introspect_model"
    parts = require_partitions(where, partitions)
    graph = model if isinstance(model, GraphView) else load_and_compile(model)
    if not graph.is_compiled:
        raise ValueError(f"[{where}] expected a graph that has been compiled, got one without a backend")
    names = [node.name() for node in select_layers(graph, layers)]
    with using(client) as cluster, provided(cluster, graph, compile_options or {}) as key:
        leaves = [
            cluster.submit(
                measure_responses, key, index, part, names, pooling.name,
                retries=RETRIES, pure=False, workers=[address], allow_other_workers=True,
            )
            for (index, part), address in zip(enumerate(parts), _spread(cluster, len(parts)), strict=True)
        ]  # fmt: skip
        root = _tree(cluster, leaves)
        running = {leaf.key: (index, leaf) for index, leaf in enumerate(leaves)}
        leaves.clear()
        try:
            _watch(cluster, running, parts, progress)
            found: Responses = root.result()
        finally:
            for future in [root, *(leaf for _, leaf in running.values())]:
                future.release()
    if found.partitions != frozenset(range(len(parts))):
        missing = sorted(frozenset(range(len(parts))) - found.partitions)
        raise RuntimeError(f"[{where}] expected every partition, got none of {missing}")
    if not any(accumulator.samples for accumulator in found.layers.values()):
        raise ValueError(f"[{where}] expected partitions with at least one batch, got empty ones")
    return PFA(found.layers, epsilon_inactive=epsilon_inactive, strict_samples=strict_samples)


def _spread(client: Any, count: int) -> list[str]:
    """A worker for each partition, neighbours on one, so that what is merged first need not travel; any other may take it over."""
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    return [workers[index * len(workers) // count] for index in range(count)]


def _tree(client: Any, level: list[Any]) -> Any:
    """The merge of all, eight neighbours at a time."""
    while True:
        groups = [level[i : i + _FAN_IN] for i in range(0, len(level), _FAN_IN)]
        level = [client.submit(merge, group, pure=False) for group in groups]
        if len(level) == 1:
            return level[0]


def _watch(
    client: Any,
    running: dict[str, tuple[int, Any]],
    parts: Sequence[Partition],
    progress: Progress | None,
) -> None:
    """Wait for the partitions, letting go of each as it is done, so that workers need not keep what has been merged.

    What a worker loses after that is measured again: the scheduler remembers how.
    """
    for done, leaf in enumerate(
        as_completed([leaf for _, leaf in running.values()], loop=client.loop), start=1
    ):
        index, _ = running.pop(leaf.key)
        if leaf.status != "finished":
            error = leaf.exception()
            raise PartitionError(index, parts[index], error) from error
        report_to(progress, COLLECTING, done, len(parts))
