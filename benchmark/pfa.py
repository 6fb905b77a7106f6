"""PFA against DNIKit 2.0.0, and the cost of collecting responses on top of a forward pass.

    python -m venv .venv-dnikit && .venv-dnikit/bin/pip install dnikit==2.0.0
    python benchmark/pfa.py introspect --dnikit .venv-dnikit
    python benchmark/pfa.py orders --dnikit .venv-dnikit
    python benchmark/pfa.py collect --nets mobilenet_v2
    python benchmark/pfa.py memory --nets mobilenet_v2

The environment of DNIKit must have the same version of Python. `introspect`: responses that are ready in memory, float32, to eigenvalues.
`orders`: every step of DNIKit's takes as long as the first ones, so that a few are timed and scaled to all; the units of these steps must be
ours. `collect`: all convolutions observed, max-pooled, against the plain pass over the same batches.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness import EngineError, Worker, compare_factories, format_table, print_environment
from pfa_engines import (
    CollectingPass,
    DnikitIntrospect,
    DnikitOrder,
    OurIntrospect,
    OurOrder,
    PassMemory,
    PlainPass,
)

__all__: list[str] = []

EIGENVALUE_TOLERANCE = 1e-4
"""Of the largest one: DNIKit multiplies in single precision."""


def site_packages(environment: Path) -> str:
    """The folder of an environment's packages."""
    found = sorted(environment.glob("lib/python3*/site-packages/dnikit"))
    if not found:
        raise SystemExit(f"expected an environment with dnikit, got {environment}")
    return str(found[0].parent.resolve())


def introspect(arguments: argparse.Namespace) -> list[tuple[str, ...]]:
    """Rows: units, batch size, both times, ratio."""
    rows = []
    for threads in arguments.threads:
        for units in arguments.units:
            for batch_size in arguments.batch_sizes:
                ours = {"units": units, "samples": arguments.samples, "batch_size": batch_size}
                theirs = {**ours, "site": site_packages(arguments.dnikit)}
                found = compare_factories(
                    (OurIntrospect, ours), (DnikitIntrospect, theirs), threads=threads, pairs=arguments.pairs
                )
                first, second = found.results
                worst = max(abs(a - b) for a, b in zip(first, second, strict=True)) / second[0]
                if worst > EIGENVALUE_TOLERANCE:
                    raise EngineError(f"eigenvalues differ by {worst:.1e} of the largest")
                rows.append((str(units), str(batch_size), str(threads), *found.cells()))
                print(" ".join(rows[-1]), flush=True)
    return rows


def orders(arguments: argparse.Namespace) -> list[tuple[str, ...]]:
    """Rows: strategy, units, both times for all steps, ratio."""
    rows = []
    for strategy in ("L1Max", "AbsMax"):
        for units in arguments.units:
            with Worker(OurOrder, threads=1, units=units, strategy=strategy) as worker:
                _, order = worker.result()
                ours = min(worker.time() for _ in range(arguments.pairs))
            steps = min(arguments.steps, units - 1)
            options: dict[str, Any] = {"units": units, "strategy": strategy, "steps": steps}
            with Worker(DnikitOrder, threads=1, site=site_packages(arguments.dnikit), **options) as worker:
                seconds, beginning = worker.result()
            if beginning != order[:steps]:
                raise EngineError(f"the orders differ: {order[:steps]} and {beginning}")
            whole = seconds / steps * (units - 1)
            rows.append((strategy, str(units), f"{ours * 1e3:.1f}", f"{whole:.1f}", f"{ours / whole:.5f}"))
            print(" ".join(rows[-1]), flush=True)
    return rows


def collect(arguments: argparse.Namespace) -> list[tuple[str, ...]]:
    """Rows: net, batch, both times, ratio."""
    from models import NETS  # here, because NumPy comes with it: DNIKit's processes import this file

    rows = []
    for name in arguments.nets:
        net = NETS[name]
        shape = (arguments.batch or net.shape[0], *net.shape[1:])
        options = {"path": str(net.path(arguments.models)), "shape": shape, "batches": arguments.batches}
        for threads in arguments.threads:
            found = compare_factories(
                (CollectingPass, options), (PlainPass, options), threads=threads, pairs=arguments.pairs
            )
            rows.append((name, "x".join(map(str, shape)), str(threads), *found.cells()))
            print(" ".join(rows[-1]), flush=True)
    return rows


def memory(arguments: argparse.Namespace) -> list[tuple[str, ...]]:
    """Rows: net, batch, both peaks, ratio of the peaks, and of the peaks less the memory after the imports."""
    from models import NETS

    rows = []
    for name in arguments.nets:
        net = NETS[name]
        shape = (arguments.batch or net.shape[0], *net.shape[1:])
        options = {"path": str(net.path(arguments.models)), "shape": shape, "batches": arguments.batches}
        found = {}
        for collecting in (True, False):
            with Worker(PassMemory, threads=arguments.threads[0], collect=collecting, **options) as worker:
                found[collecting] = worker.result()[1]
        (base, ours), (plain_base, plain) = found[True], found[False]
        figures = (f"{ours / 1e6:.0f}", f"{plain / 1e6:.0f}", f"{ours / plain:.3f}")
        above = f"{(ours - base) / (plain - plain_base):.3f}"
        rows.append((name, "x".join(map(str, shape)), str(arguments.threads[0]), *figures, above))
        print(" ".join(rows[-1]), flush=True)
    return rows


PARTS = {
    "introspect": (
        introspect,
        ("units", "batch size", "threads", "ours ms", "DNIKit ms", "ratio", "quartiles", "of minima"),
    ),
    "orders": (orders, ("strategy", "units", "ours ms", "DNIKit s", "ratio")),
    "collect": (
        collect,
        ("net", "batch", "threads", "collecting ms", "plain ms", "ratio", "quartiles", "of minima"),
    ),
    "memory": (memory, ("net", "batch", "threads", "collecting MB", "plain MB", "ratio", "above imports")),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="PFA against DNIKit, and against the plain forward pass.")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--dnikit", type=Path, default=Path(".venv-dnikit"), help="DNIKit's own environment")
    parser.add_argument("--units", nargs="+", type=int, default=[256, 512, 1024, 2048])
    parser.add_argument("--samples", type=int, default=2048)
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[32, 500])
    parser.add_argument("--steps", type=int, default=20, help="steps of DNIKit's orders that are timed")
    parser.add_argument("--nets", nargs="+", default=["mobilenet_v2"], metavar="NET")
    parser.add_argument("--batch", type=int, default=0, help="images per batch (0: the net's own)")
    parser.add_argument("--batches", type=int, default=4, help="batches of a pass")
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--models", type=Path, default=Path("build/benchmark-models"), help="cache of ONNX files"
    )
    arguments = parser.parse_args()
    work, header = PARTS[arguments.part]
    print_environment()
    print("\n" + format_table(header, work(arguments)))


if __name__ == "__main__":
    main()
