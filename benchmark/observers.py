"""Forward pass with the FIBNLR observers on all activations against the plain forward pass, both ours.

    python benchmark/observers.py --nets resnet18_cifar resnet50 mobilenet_v2 --threads 1 2

Clip is added to the prunable types, which by default do not contain it: MobileNetV2 has no other activation.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engines import OurForward
from harness import EngineError, add_common_options, compare_factories, format_table, print_environment
from models import NETS, Net

if TYPE_CHECKING:
    from pathlib import Path

__all__: list[str] = []

DEFAULT = [name for name in NETS if not name.startswith("light_")]
HEADER = ("net", "batch", "threads", "observed ms", "plain ms", "observed / plain", "quartiles", "of minima")


def measured_row(net: Net, cache: Path, threads: int, pairs: int) -> tuple[str, ...]:
    """Measures one net, prints the row of the table and returns it; an engine's failure is a row too."""
    cells = (net.name, "x".join(map(str, net.shape)), str(threads))
    plain = {"path": str(net.path(cache)), "shape": net.shape}
    observed = {**plain, "observed": True, "prunable": ("Clip",)}
    try:
        comparison = compare_factories(
            (OurForward, observed), (OurForward, plain), threads=threads, pairs=pairs
        )
        row = (*cells, *comparison.cells())
    except EngineError as error:
        print(f"{net.name}: {error}", flush=True)
        row = (*cells, "failed", "", "", "")
    print(" ".join(row), flush=True)
    return row


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Cost of observing every activation.")
    add_common_options(parser, nets=list(NETS), default=DEFAULT)
    arguments = parser.parse_args()
    print_environment()
    rows = [
        measured_row(NETS[name], arguments.models, threads, arguments.pairs)
        for name in arguments.nets
        for threads in arguments.threads
    ]
    print("\n" + format_table(HEADER, rows))


if __name__ == "__main__":
    main()
