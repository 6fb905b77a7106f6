"""Plain forward pass of ours against ONNX Runtime, in interleaved pairs; the outputs are compared as well.

    python benchmark/forward.py --nets resnet18_cifar resnet50 mobilenet_v2 --threads 1 2
"""

from __future__ import annotations

import argparse
from pathlib import Path

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

__all__ = ["max_difference", "measure"]

DEFAULT = [name for name in NETS if not name.startswith("light_")]
HEADER = ("net", "batch", "threads", "ours ms", "ORT ms", "ours / ORT", "quartiles", "max diff")


def max_difference(ours: list[Array], reference: list[Array]) -> float:
    """Largest difference of all outputs, divided by the largest magnitude of the output it belongs to."""
    if [output.shape for output in ours] != [output.shape for output in reference]:
        raise ValueError(
            f"[benchmark::max_difference] expected outputs of shapes {[output.shape for output in reference]}, "
            f"got {[output.shape for output in ours]}"
        )
    return max(
        float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-30)) for a, b in zip(ours, reference, strict=True)
    )


def measure(net: Net, cache: Path, threads: int, pairs: int) -> tuple[Comparison, float]:
    """The comparison on one net and the relative difference of the outputs."""
    arguments = {"path": str(net.path(cache)), "shape": net.shape}
    comparison = compare_factories(
        (OurForward, arguments), (OnnxRuntimeForward, arguments), threads=threads, pairs=pairs
    )
    return comparison, max_difference(*comparison.results)


def main() -> None:
    parser = argparse.ArgumentParser(description="Forward pass of ours against ONNX Runtime.")
    add_common_options(parser, nets=list(NETS), default=DEFAULT)
    arguments = parser.parse_args()
    print_environment()
    rows = []
    for name in arguments.nets:
        net = NETS[name]
        batch = "x".join(map(str, net.shape))
        for threads in arguments.threads:
            try:
                comparison, difference = measure(net, arguments.models, threads, arguments.pairs)
            except EngineError as error:
                rows.append((name, batch, str(threads), "failed", "", "", "", ""))
                print(f"{name}, {threads} threads: {error}", flush=True)
                continue
            ours, reference = comparison.medians
            lower, upper = comparison.spread
            rows.append(
                (
                    name,
                    batch,
                    str(threads),
                    f"{ours * 1e3:.1f}",
                    f"{reference * 1e3:.1f}",
                    f"{comparison.ratio:.3f}",
                    f"{lower:.2f}-{upper:.2f}",
                    f"{difference:.1e}",
                )
            )
            print(" ".join(rows[-1]), flush=True)
    print("\n" + format_table(HEADER, rows))


if __name__ == "__main__":
    main()
