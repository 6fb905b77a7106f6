"""FIBNLR over partitions: the same iterations, values and early stop as in one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aidge_core
import numpy as np
import numpy.typing as npt
from aidge_core import GraphView, Node, fibnlr_Convergence, fibnlr_Parameters

from ..fibnlr.run import MEASURING
from ..progress import Progress, report_to
from .cluster import RETRIES, PartitionError, provided, using
from .partitions import Chain, Partition, require_partitions
from .worker import Balance, measure_balance

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["fibnlr", "fibnlr_compute"]

_REASONS = ("converged", "max_iteration", "out_of_data", "stopped")
_AHEAD = 4  # partitions a worker may be in front of the one that is awaited


def fibnlr_compute(
    model: GraphView,
    partitions: Iterable[Partition],
    params: fibnlr_Parameters | None = None,
    *,
    client: Client | None = None,
    progress: Progress | None = None,
    compile_options: Mapping[str, str] | None = None,
) -> fibnlr_Convergence:
    """Do what `aidge_core.fibnlr_compute` does over the partitions one after the other, on a cluster.

    Workers send neg and pos of every batch; they are added up here in the order of the data, so iterations, convergence and the place of
    the early stop do not depend on how the work was shared out. Batches that were measured beyond that place are dropped.

    Args:
        model: a compiled graph after `fibnlr_prepare`; NPRs that are there are added to.
        partitions: see `split`; their batches in this order are the data.
        params: as for `aidge_core.fibnlr_compute`.
        client: see `connect`; None: processes on this machine for this call.
        progress: called here with ("measuring activations", batches done, max_iteration), in the order of the data.
        compile_options: options of the backend "cpu" that `model` was compiled with.

    Raises:
        ValueError: as there, before anything runs, or if the data has no batches.
        PartitionError: if a partition cannot be measured; model and attributes are as before the call.
        Stopped: if `progress` returns False; likewise.
    """
    where = "distributed::fibnlr_compute"
    parts = require_partitions(where, partitions)
    parameters = fibnlr_Parameters() if params is None else params
    parameters.validate()
    nodes = _prepared(model, parameters)
    if not nodes:  # nothing to measure, or nothing is prepared, which is an error
        return aidge_core.fibnlr_compute(model, [], parameters)
    run = _Run(nodes, parameters, progress)
    with using(client) as cluster, provided(cluster, model, compile_options or {}) as key:
        _collect(cluster, key, parts, run)
    if not run.samples:
        raise ValueError(f"[{where}] expected partitions with at least one batch, got empty ones")
    run.store()
    aidge_core.fibnlr_compute_NNPR(model, parameters)
    return run.result()


def fibnlr(
    model: GraphView,
    partitions: Iterable[Partition],
    params: fibnlr_Parameters | None = None,
    *,
    client: Client | None = None,
    progress: Progress | None = None,
    compile_options: Mapping[str, str] | None = None,
) -> set[Node]:
    """Do what `aidge_core.fibnlr` does, measuring on a cluster; arguments as for `fibnlr_compute`.

    AblationMethod.AFFINE makes its further passes in this process.
    """
    parts = require_partitions("distributed::fibnlr", partitions)
    aidge_core.fibnlr_prepare(model, params)
    fibnlr_compute(model, parts, params, client=client, progress=progress, compile_options=compile_options)
    return aidge_core.fibnlr_prune(model, params, Chain(parts))


def _prepared(model: GraphView, params: fibnlr_Parameters) -> list[Node]:
    """The prepared activations in topological order. ValueError if the model is not compiled."""
    if not model.is_compiled:
        raise ValueError(
            "[distributed::fibnlr_compute] expected a graph that has been compiled, got one without a backend"
        )
    kinds = set(params.prunable_types)
    return [
        node
        for node in model.get_ordered_nodes(deep=True)
        if node.type() in kinds and aidge_core.fibnlr_has_npr(node)
    ]


def _for_workers(params: fibnlr_Parameters) -> fibnlr_Parameters:
    """What a worker needs to know: which types; it neither groups nor stops by itself."""
    return fibnlr_Parameters(
        group=aidge_core.GroupMethod.NONE,
        max_iteration=0,
        convergence_threshold=0.0,
        prunable_types=list(params.prunable_types),
    )


def _collect(client: Any, key: Any, parts: Sequence[Partition], run: _Run) -> None:
    """Hand the partitions' measurements to `run` in order until it has enough."""
    settings = _for_workers(run.params)
    waiting: deque[tuple[int, Any]] = deque()
    ahead = _AHEAD * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    ready = iter(enumerate(parts))
    try:
        while not run.over:
            while len(waiting) < ahead and (entry := next(ready, None)) is not None:
                index, part = entry
                task = client.submit(
                    measure_balance, key, part, settings, run.remaining(), retries=RETRIES, pure=False
                )
                waiting.append((index, task))
            if not waiting:
                break
            index, task = waiting.popleft()
            try:
                balance = task.result()
            except Exception as error:
                raise PartitionError(index, parts[index], error) from error
            run.take(balance)
    finally:
        for _, task in waiting:
            task.release()


class _Run:
    """Adds up measurements in the order of the data and knows when it is enough."""

    def __init__(self, nodes: list[Node], params: fibnlr_Parameters, progress: Progress | None) -> None:
        self.params = params
        self.samples = 0
        self.over = False
        self._nodes = nodes
        self._progress = progress
        self._sums = np.array([[npr.neg, npr.pos] for npr in map(aidge_core.fibnlr_get_npr, nodes)])
        self._trackers = [aidge_core.ActivityTracker() for _ in nodes]
        self._ratios: npt.NDArray[np.float64] = np.empty(0)
        self._values: list[float] = []
        self._iterations = 0
        self._reason = "out_of_data"

    def remaining(self) -> int:
        """Return how many more batches may count, 0 for no limit."""
        return max(0, self.params.max_iteration - self._iterations)

    def take(self, balance: Balance) -> None:
        """Count a partition's batches, up to the one with which it is over."""
        kinds = tuple(node.type() for node in self._nodes)
        if balance.kinds != kinds:
            raise ValueError(
                f"[distributed::fibnlr_compute] expected the activations {list(kinds)} on the workers, got {list(balance.kinds)}"
            )
        counted = 0
        for sums, samples in zip(balance.sums, balance.samples, strict=True):
            self._count(sums, int(samples))
            counted += 1
            if self.over:
                break
        for tracker, first in zip(self._trackers, balance.first, strict=True):
            tracker.merge(aidge_core.ChannelActivity((first >= counted).tolist()))

    def _count(self, sums: npt.NDArray[np.float64], samples: int) -> None:
        self._sums += sums
        self._iterations += 1
        self.samples += samples
        current = np.array([aidge_core.SignBalance(neg, pos).value() for neg, pos in self._sums])
        change = None
        if self._iterations > 1:
            change = float(np.sum((current - self._ratios) ** 2))
            self._values.append(change)
        self._ratios = current
        if change is not None and change < self.params.convergence_threshold:
            self._end("converged")
        elif self._iterations == self.params.max_iteration:
            self._end("max_iteration")
        report_to(self._progress, MEASURING, self._iterations, self.params.max_iteration)

    def _end(self, reason: str) -> None:
        if not self.over:
            self._reason = reason
        self.over = True

    def store(self) -> None:
        """Put the sums into the nodes' attributes."""
        for node, (neg, pos), tracker in zip(self._nodes, self._sums, self._trackers, strict=True):
            balance = aidge_core.fibnlr_get_npr(node)
            balance.neg, balance.pos = float(neg), float(pos)
            aidge_core.fibnlr_get_activity_tracker(node).merge(tracker)

    def result(self) -> fibnlr_Convergence:
        """Return what was done."""
        history = fibnlr_Convergence.__new__(fibnlr_Convergence)
        reason = _REASONS.index(self._reason)
        history.__setstate__(
            (self._values, self._reason == "converged", self._iterations, reason, self.samples)
        )
        return history
