"""Where the work is done: a cluster, the model on each of its workers, and tasks whose failures name their partition."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import dask
from aidge_backend_cpu import get_num_threads
from aidge_core import GraphView
from distributed import Client, LocalCluster, WorkerPlugin

from .partitions import Partition, describe
from .worker import ModelKey, receive, retire

__all__ = ["RETRIES", "PartitionError", "connect", "provided", "using"]

RETRIES = 2
"""How often a partition is tried again after an exception."""

_SETTINGS: dict[str, Any] = {
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.nanny.pre-spawn-environ.OMP_WAIT_POLICY": "passive",
}


class PartitionError(RuntimeError):
    """A partition could not be measured; what the worker raised is the `__cause__`.

    Attributes:
        index: of the partition, from 0.
    """

    def __init__(self, index: int, partition: Partition, error: BaseException) -> None:
        text = str(error) or type(error).__name__
        super().__init__(
            f"[distributed::run] expected to measure partition {index} (from 0: {describe(partition)}), got after "
            f"{RETRIES + 1} attempts {type(error).__name__}: {text}"
        )
        self.index = index


@contextmanager
def connect(scheduler: str | None = None, *, workers: int = 0) -> Iterator[Client]:
    """Yield a client of a cluster: of a running one, or of worker processes on this machine, which end with the context.

    Worker processes are spawned, not forked: a script that comes here needs `if __name__ == "__main__":`. Workers compute with as many
    threads as this process does (`aidge_backend_cpu.set_num_threads`), so that they get the same numbers.

    Args:
        scheduler: address of a running scheduler, such as "tcp://10.0.0.1:8786"; its workers need this package too.
        workers: processes on this machine; 0: as many as there are processors for their threads.

    Raises:
        ValueError: if both a scheduler and workers are asked for.
        OSError: if the scheduler does not answer.
    """
    if scheduler is not None and workers:
        raise ValueError(
            "[distributed::connect] expected a scheduler or a number of workers on this machine, got both"
        )
    if scheduler is not None:
        with Client(scheduler, set_as_default=False) as client:
            yield client
        return
    processors = len(os.sched_getaffinity(0))
    with (
        dask.config.set(_SETTINGS),
        LocalCluster(
            n_workers=workers or max(1, processors // get_num_threads()),
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


class _ModelPlugin(WorkerPlugin):  # type: ignore[misc]
    """Gives a network's bytes to every worker, also to those that come later or come back."""

    idempotent: ClassVar[bool] = True

    def __init__(self, digest: str, content: bytes) -> None:
        self.name = f"aidge-{digest}"
        self._digest = digest
        self._content = content

    def setup(self, worker: Any) -> None:
        """Called in the worker's process."""
        receive(self._digest, self._content)

    def teardown(self, worker: Any) -> None:
        """Called in the worker's process."""
        retire(self._digest)


@contextmanager
def provided(client: Client, model: GraphView, options: Mapping[str, str]) -> Iterator[ModelKey]:
    """Have the model on every worker of the cluster while the context lasts."""
    import aidge_onnx

    content = aidge_onnx.export.to_model_proto(model).SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).hexdigest()
    dims = tuple(tuple(entry) for entry in model.compiled_dims)
    plugin = _ModelPlugin(digest, content)
    client.register_plugin(plugin)
    try:
        yield ModelKey(digest, dims, get_num_threads(), tuple(sorted(options.items())))
    finally:
        client.unregister_worker_plugin(plugin.name)


def using(client: Client | None) -> Any:
    """Return a context with a client: the caller's, or one of a cluster on this machine."""
    return connect() if client is None else nullcontext(client)
