"""One network, cut to the same share of its MACs by each allocation: agreement with the original on pictures that calibration did not see.

python benchmark/allocations.py MODEL.onnx --keep 0.5                        # MNIST: 200 training images, 3,000 test images
python benchmark/allocations.py MODEL.onnx --keep 0.77 --data CALIBRATION.npy --eval TEST.npy   # any other network and float32 arrays

examples/train_hard_networks.py trains two networks that are hard to compress.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import aidge_compress
import numpy as np
from aidge_backend_cpu import used_instruction_sets
from aidge_core.data import from_arrays
from aidge_core.data.datasets import mnist


def _arrays(arguments: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(calibration data, test data, labels of the test data or None)."""
    if arguments.data is not None:
        return np.load(arguments.data)[: arguments.images], np.load(arguments.eval)[: arguments.test], None
    images, _ = mnist("train")
    chosen = np.random.default_rng(0).permutation(len(images))[: arguments.images]
    test, labels = mnist("test")
    return images[chosen], test[: arguments.test], labels[: arguments.test]


def main() -> None:
    """Print a row per allocation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--keep", type=float, default=0.5, help="share of the MACs")
    parser.add_argument("--data", type=Path, help="calibration data, .npy")
    parser.add_argument("--eval", type=Path, help="test data, .npy")
    parser.add_argument("--images", type=int, default=200, help="calibration samples")
    parser.add_argument("--test", type=int, default=3000, help="test samples")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument(
        "--allocations", nargs="*", default=["uniform", "energy", "loss", "kl", "auto"], metavar="NAME"
    )
    arguments = parser.parse_args()
    if (arguments.data is None) != (arguments.eval is None):
        parser.error("expected --data and --eval, got one of them")
    calibration, test, labels = _arrays(arguments)
    print(f"instruction sets: {used_instruction_sets()}")
    for allocation in arguments.allocations:
        begin = time.process_time()
        judge = from_arrays(test, *([] if labels is None else [labels]), batch_size=arguments.batch)
        result = aidge_compress.compress(
            arguments.model,
            from_arrays(calibration, batch_size=arguments.batch),
            evaluation=judge,
            keep_macs=arguments.keep,
            allocation=allocation,
            latency=False,
        )
        quality = result.quality
        accuracy = (
            ""
            if quality.accuracy is None
            else f", accuracy {quality.accuracy:.2%} of {quality.original_accuracy:.2%}"
        )
        print(
            f"{allocation:8} MACs {result.after.macs / result.before.macs:.3f}, agreement {quality.agreement:.2%}{accuracy}, "
            f"error {quality.error:.3f}, {time.process_time() - begin:.0f} s of processor time",
            flush=True,
        )


if __name__ == "__main__":
    main()
