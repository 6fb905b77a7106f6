"""FIBNLR and PFA on one and two workers of this machine: images per second, bytes sent, and the estimated cost with many workers.

    python benchmark/distributed_workers.py --net light_squeezenet --images 192 --batch 8

Every worker computes with one thread, and makes its images itself, so that only networks and statistics travel. Bytes are what
dask's workers count as handed out to others (statistics), and what /proc/net/dev counts on the loopback device in the same time,
which holds everything that anybody on this machine sends to himself.
"""

from __future__ import annotations

import argparse
import pickle
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aidge_backend_cpu
import aidge_core
import aidge_onnx
import numpy as np
from aidge_compress import distributed
from aidge_core.data import Database, DataProvider
from harness import format_table, print_environment
from models import NETS, make_batch

if TYPE_CHECKING:
    import numpy.typing as npt

__all__: list[str] = []

HEADER = (
    "method",
    "workers",
    "seconds",
    "images/s",
    "speed-up",
    "efficiency",
    "statistics out of a worker MB",
    "loopback MB",
)


class Noise(Database):
    """Images that are computed by the worker that reads them."""

    def __init__(self, count: int, shape: tuple[int, ...]) -> None:
        self._count, self._shape = count, shape

    def __len__(self) -> int:
        return self._count

    def get_item(self, index: int) -> list[npt.NDArray[np.float32]]:
        """The image of this index."""
        return [make_batch((1, *self._shape), seed=index)[0]]


def loopback_bytes() -> int:
    """Bytes received on the loopback device since the machine came up."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return int(next(line for line in lines if line.strip().startswith("lo:")).split(":")[1].split()[0])


def handed_out(client: Any) -> list[int]:
    """Bytes that each worker has handed out so far."""
    return list(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


def run_fibnlr(graph: Any, parts: list[Any], client: Any) -> Any:
    """The whole measurement; no early stop."""
    params = aidge_core.fibnlr_Parameters(max_iteration=0, convergence_threshold=0.0)
    aidge_core.fibnlr_prepare(graph, params)
    return distributed.fibnlr_compute(graph, parts, params, client=client)


def run_pfa(graph: Any, parts: list[Any], client: Any) -> Any:
    """The covariances of all layers; without eigenvalues, which the client computes, because there are too few samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return distributed.introspect_model(graph, parts, client=client, strict_samples=True)


def measure(run: Any, graph: Any, parts: list[Any], workers: int) -> tuple[float, float, int, Any]:
    """Seconds, bytes handed out by the busiest worker, bytes on the loopback device, and the result."""
    with distributed.connect(workers=workers) as client:
        client.wait_for_workers(workers)
        run(graph, parts[:workers], client)  # loads the network everywhere
        before, device, begin = max(handed_out(client)), loopback_bytes(), time.perf_counter()
        result = run(graph, parts, client)
        seconds = time.perf_counter() - begin
        return seconds, max(handed_out(client)) - before, loopback_bytes() - device, result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--net", default="light_squeezenet", choices=sorted(NETS))
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=2, help="batches a partition")
    parser.add_argument("--cache", type=Path, default=Path("build/benchmark"))
    arguments = parser.parse_args()
    aidge_backend_cpu.set_num_threads(1)
    net = NETS[arguments.net]
    path = net.path(arguments.cache)
    graph = aidge_onnx.load_onnx(path, dynamic_batch=True)
    graph.compile("cpu", dims=[[arguments.batch, *net.shape[1:]]])
    opener = partial(DataProvider, Noise(arguments.images, net.shape[1:]), arguments.batch)
    parts = distributed.split(opener, batches=arguments.batches)
    print_environment()
    print(f"\n{net.name}, {arguments.images} images, batches of {arguments.batch}, {len(parts)} partitions\n")
    rows, sizes = [], []
    for name, run in (("FIBNLR", run_fibnlr), ("PFA", run_pfa)):
        alone = 0.0
        for workers in (1, 2):
            seconds, out, device, result = measure(run, graph, parts, workers)
            alone = alone or seconds
            speedup = alone / seconds
            figures = (f"{seconds:.2f}", f"{arguments.images / seconds:.1f}", f"{speedup:.2f}")
            moved = (f"{out / 1e6:.2f}", f"{device / 1e6:.2f}")
            rows.append((name, str(workers), *figures, f"{speedup / workers:.0%}", *moved))
        sizes.append(len(pickle.dumps(result)))
    print(format_table(HEADER, rows))
    network = aidge_onnx.export.to_model_proto(graph).ByteSize()
    print(f"\nnetwork: {network / 1e6:.2f} MB, to each worker once")
    print(f"covariances: {sizes[1] / 1e6:.2f} MB per copy")
    nodes = sum(aidge_core.fibnlr_has_npr(node) for node in graph.get_ordered_nodes(deep=True))
    print(f"NPR: {nodes} activations, {16 * nodes} bytes per batch to the client")


if __name__ == "__main__":
    main()
