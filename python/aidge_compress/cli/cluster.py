"""Options for measuring on several processes or machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..network.sources import DataOptions, DataSource

if TYPE_CHECKING:
    from aidge_core import GraphView, fibnlr_Parameters

    from ..pfa import PFA, Pooler
    from ..progress import Progress

__all__ = ["SCHEDULER_HELP", "WORKERS_HELP", "Cluster", "share_of_threads"]

WORKERS_HELP = "Measure in N processes on this machine (needs dask.distributed)."
SCHEDULER_HELP = "Measure on the workers of a running dask scheduler, such as tcp://10.0.0.1:8786."


def share_of_threads(threads: int, workers: int) -> int:
    """Threads of each process: as asked for, else the processors shared out among the workers."""
    from os import sched_getaffinity

    return threads if threads or not workers else max(1, len(sched_getaffinity(0)) // workers)


@dataclass(frozen=True)
class Cluster:
    """Workers here or elsewhere, and the data that they open by themselves."""

    workers: int
    scheduler: str | None
    source: DataSource

    @staticmethod
    def asked(
        workers: int, scheduler: str | None, data: str, model: GraphView, options: DataOptions
    ) -> Cluster | None:
        """What --workers and --scheduler ask for; None if neither is given."""
        return (
            Cluster(workers, scheduler, DataSource.of(data, model, options)) if workers or scheduler else None
        )

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Any]]:
        from .. import distributed

        parts = distributed.split(self.source)
        try:
            with distributed.connect(self.scheduler, workers=self.workers) as client:
                yield client, parts
        except distributed.PartitionError as error:
            raise ValueError(str(error)) from error

    def fibnlr_compute(
        self, model: GraphView, provider: Any, params: fibnlr_Parameters, *, progress: Progress
    ) -> Any:
        """aidge_compress.distributed.fibnlr_compute on the data's partitions, in the place of `provider`."""
        from .. import distributed

        with self._open() as (client, parts):
            return distributed.fibnlr_compute(model, parts, params, client=client, progress=progress)

    def introspect_model(
        self, model: GraphView, layers: list[str] | None, pooling: Pooler.Method, progress: Progress
    ) -> PFA:
        """See aidge_compress.distributed.introspect_model."""
        from .. import distributed

        with self._open() as (client, parts):
            return distributed.introspect_model(
                model, parts, layers, pooling, client=client, progress=progress
            )
