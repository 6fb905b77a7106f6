"""Plain forward pass of ours against ONNX Runtime, in interleaved pairs; the outputs are compared as well.

python benchmark/forward.py --nets resnet18_cifar resnet50 mobilenet_v2 --threads 1 2 [--accuracy fast]
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from engines import Array, OnnxRuntimeForward, OurForward
from harness import (
    Comparison,
    EngineError,
    add_common_options,
    compare_factories,
    format_table,
    print_environment,
)
from models import NETS, Net

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["max_difference", "measure"]

DEFAULT = [name for name in NETS if not name.startswith("light_")]
HEADER = ("net", "batch", "threads", "ours ms", "ORT ms", "ours / ORT", "quartiles", "of minima", "max diff")


def max_difference(ours: list[Array], reference: list[Array]) -> float:
    """Largest difference of all outputs, divided by the largest magnitude of the output it belongs to."""
    shapes = [output.shape for output in ours], [output.shape for output in reference]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"[benchmark::max_difference] expected outputs of shapes {shapes[1]}, got {shapes[0]}"
        )
    return max(
        float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-30))
        for a, b in zip(ours, reference, strict=True)
    )


def measure(net: Net, cache: Path, threads: int, pairs: int, accuracy: str) -> tuple[Comparison, float]:
    """The comparison on one net and the relative difference of the outputs."""
    arguments = {"path": str(net.path(cache)), "shape": net.shape}
    comparison = compare_factories(
        (OurForward, {**arguments, "accuracy": accuracy}),
        (OnnxRuntimeForward, arguments),
        threads=threads,
        pairs=pairs,
    )
    return comparison, max_difference(*comparison.results)


def measured_row(net: Net, cache: Path, threads: int, pairs: int, accuracy: str) -> tuple[str, ...]:
    """Measures one net, prints the row of the table and returns it; an engine's failure is a row too."""
    cells = (net.name, "x".join(map(str, net.shape)), str(threads))
    try:
        comparison, difference = measure(net, cache, threads, pairs, accuracy)
        row = (*cells, *comparison.cells(), f"{difference:.1e}")
    except EngineError as error:
        print(f"{net.name}: {error}", flush=True)
        row = (*cells, "failed", "", "", "", "", "")
    print(" ".join(row), flush=True)
    return row


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Forward pass of ours against ONNX Runtime.")
    add_common_options(parser, nets=list(NETS), default=DEFAULT)
    parser.add_argument("--accuracy", choices=("default", "fast", "direct"), default="default")
    arguments = parser.parse_args()
    print_environment()
    rows = [
        measured_row(NETS[name], arguments.models, threads, arguments.pairs, arguments.accuracy)
        for name in arguments.nets
        for threads in arguments.threads
    ]
    print("\n" + format_table(HEADER, rows))


if __name__ == "__main__":
    main()
