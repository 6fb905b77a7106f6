"""Peak memory of ours, plain and during FIBNLR, against ONNX Runtime's plain run on the same net and batch.

    python benchmark/memory.py --nets resnet18_cifar resnet50 --threads 1

Each measurement is a separate process that reports its resident size after the imports, and its peak after
loading, compiling and three passes. Peaks are the ``VmHWM`` of /proc/self/status: ``ru_maxrss`` would begin
with the size of the process that spawned it. Without /proc, ``ru_maxrss`` is used.
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path
from typing import Any

from engines import make_batch, ort_session, our_model
from harness import EngineError, Worker, add_common_options, format_table, print_environment
from models import NETS

__all__: list[str] = []

HEADER = (
    "net",
    "batch",
    "threads",
    "engine",
    "after imports MB",
    "peak MB",
    "increase MB",
    "/ ORT increase",
    "/ ORT peak",
)
ENGINES = ("ORT", "ours", "ours, FIBNLR")
PASSES = 3


def resident_bytes(field: str) -> int:
    """``VmRSS`` or ``VmHWM`` of this process in bytes; the peak from getrusage without /proc."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class MemoryProbe:
    """Imports one engine, then loads a net and runs it; the result is (bytes after imports, peak bytes)."""

    def __init__(self, *, engine: str, path: str, shape: tuple[int, ...], threads: int) -> None:
        if engine == "ORT":
            import onnxruntime  # noqa: F401
        else:
            import aidge_backend_cpu  # noqa: F401
            import aidge_core  # noqa: F401
            import aidge_onnx  # noqa: F401
        self._engine, self._path, self._shape, self._threads = engine, path, shape, threads
        self._found = (0, 0)

    def prepare(self) -> None:
        """Nothing: the probe runs once."""
        return

    def _run_onnxruntime(self, batch: Any) -> None:
        session = ort_session(self._path, self._threads)
        feed = {session.get_inputs()[0].name: batch}
        for _ in range(PASSES):
            session.run(None, feed)

    def _run_ours(self, batch: Any) -> None:
        import aidge_core

        model = our_model(self._path, self._shape, self._threads)
        if self._engine == "ours":
            scheduler = aidge_core.SequentialScheduler(model)
            for _ in range(PASSES):
                scheduler.forward(data=[batch])
            return
        params = aidge_core.fibnlr_Parameters(max_iteration=PASSES, convergence_threshold=0.0)
        params.prunable_types = sorted({*params.prunable_types, "Clip"})
        aidge_core.fibnlr(model, [batch] * PASSES, params)

    def run(self) -> None:
        """Loads and runs the net, then reads the peak."""
        baseline = resident_bytes("VmRSS")
        batch = make_batch(self._shape)
        if self._engine == "ORT":
            self._run_onnxruntime(batch)
        else:
            self._run_ours(batch)
        self._found = (baseline, resident_bytes("VmHWM"))

    def result(self) -> tuple[int, int]:
        """Bytes after the imports and at the peak."""
        return self._found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Peak memory of ours against ONNX Runtime.")
    add_common_options(
        parser, nets=list(NETS), default=["resnet18_cifar", "resnet50", "mobilenet_v2", "mnist_resnet18"]
    )
    arguments = parser.parse_args()
    print_environment()
    rows = []
    for name in arguments.nets:
        net = NETS[name]
        path = str(net.path(arguments.models))
        batch = "x".join(map(str, net.shape))
        for threads in arguments.threads:
            reference: tuple[int, int] | None = None
            for engine in ENGINES:
                try:
                    with Worker(
                        MemoryProbe, threads=threads, engine=engine, path=path, shape=net.shape
                    ) as worker:
                        baseline, peak = worker.result()[1]
                except EngineError as error:
                    print(f"{name}, {engine}: {error}", flush=True)
                    rows.append((name, batch, str(threads), engine, "failed", "", "", "", ""))
                    continue
                if engine == "ORT":
                    reference = (peak - baseline, peak)
                figures = (baseline / 1e6, peak / 1e6, (peak - baseline) / 1e6)
                ratios = ((peak - baseline) / reference[0], peak / reference[1]) if reference else ()
                rows.append(
                    (
                        name,
                        batch,
                        str(threads),
                        engine,
                        *(f"{value:.0f}" for value in figures),
                        *([f"{value:.2f}" for value in ratios] or ["", ""]),
                    )
                )
                print(" ".join(rows[-1]), flush=True)
    print("\n" + format_table(HEADER, rows))


if __name__ == "__main__":
    main()
