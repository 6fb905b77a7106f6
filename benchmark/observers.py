"""Forward pass with the FIBNLR observers on all activations against the plain forward pass, both ours.

    python benchmark/observers.py --nets resnet18_cifar resnet50 mobilenet_v2 --threads 1 2

Clip is added to the prunable types, which by default do not contain it: MobileNetV2 has no other activation.
"""

from __future__ import annotations

import argparse

from engines import OurForward
from harness import EngineError, add_common_options, compare_factories, format_table, print_environment
from models import NETS

__all__: list[str] = []

DEFAULT = [name for name in NETS if not name.startswith("light_")]
HEADER = ("net", "batch", "threads", "observed ms", "plain ms", "observed / plain", "quartiles")


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of observing every activation.")
    add_common_options(parser, nets=list(NETS), default=DEFAULT)
    parser.add_argument("--prunable", nargs="*", default=["Clip"], help="prunable types besides the default ones")
    arguments = parser.parse_args()
    print_environment()
    rows = []
    for name in arguments.nets:
        net = NETS[name]
        batch = "x".join(map(str, net.shape))
        common = {"path": str(net.path(arguments.models)), "shape": net.shape}
        for threads in arguments.threads:
            try:
                comparison = compare_factories(
                    (OurForward, {**common, "observed": True, "prunable": tuple(arguments.prunable)}),
                    (OurForward, common),
                    threads=threads,
                    pairs=arguments.pairs,
                )
            except EngineError as error:
                rows.append((name, batch, str(threads), "failed", "", "", ""))
                print(f"{name}, {threads} threads: {error}", flush=True)
                continue
            observed, plain = comparison.medians
            lower, upper = comparison.spread
            rows.append(
                (
                    name,
                    batch,
                    str(threads),
                    f"{observed * 1e3:.1f}",
                    f"{plain * 1e3:.1f}",
                    f"{comparison.ratio:.3f}",
                    f"{lower:.2f}-{upper:.2f}",
                )
            )
            print(" ".join(rows[-1]), flush=True)
    print("\n" + format_table(HEADER, rows))


if __name__ == "__main__":
    main()
