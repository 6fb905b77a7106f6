"""What compression without training reaches: MNIST ResNet, ccexam's SVHN network, activations, big topologies.

python benchmark/compress_goals.py mnist            # the demo network at 2x, 3x, 5x, 8x on all 10,000 test images
python benchmark/compress_goals.py activations      # 12 of its activations removed
python benchmark/compress_goals.py svhn SVHN.onnx   # exported from ccexam 1.0.0 (models.SVHNNet, weights/svhn.pth); MNIST as 32x32 RGB
python benchmark/compress_goals.py big MODEL.onnx   # any network of 224x224 images, on noise: time and memory
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
from aidge_compress.demo import NETWORK
from aidge_compress.measure.latency import medians_in_turn
from aidge_core.data import from_arrays
from aidge_core.data.datasets import mnist

_SVHN_MEAN = np.array((0.4377, 0.4438, 0.4728), np.float32).reshape(1, 3, 1, 1)
_SVHN_STD = np.array((0.1980, 0.2010, 0.1970), np.float32).reshape(1, 3, 1, 1)


def _sample(count: int, seed: int) -> np.ndarray:
    images, _ = mnist("train")
    return images[np.random.default_rng(seed).permutation(len(images))[:count]]


def _demo() -> Any:
    return aidge_onnx.load_onnx(NETWORK)


def as_rgb(images: np.ndarray) -> np.ndarray:
    """As the network of ccexam wants them: (N, 3, 32, 32), normalised."""
    padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return (np.repeat(padded, 3, axis=1) - _SVHN_MEAN) / _SVHN_STD


def _line(name: str, result: aidge_core.CompressionResult, seconds: float) -> None:
    start = result.start_quality
    accuracy = result.quality.accuracy
    print(
        f"{name:28} MACs {result.before.macs / result.after.macs:5.2f}x  "
        f"accuracy {100 * (result.original_quality.accuracy or 0):.2f} → {100 * (accuracy or 0):.2f}  "
        f"agreement {100 * (start.agreement or 0) if start else 0:.2f} → {100 * (result.quality.agreement or 0):.2f}  "
        f"{seconds:.0f} s, {result.passes} passes",
        flush=True,
    )
    print(
        "   ",
        {stage: round(value, 1) for stage, value in result.seconds.items()},
        result.warnings,
        flush=True,
    )


def _run(
    name: str, network: Any, images: np.ndarray, judge: Any, **options: Any
) -> aidge_core.CompressionResult:
    begin = time.perf_counter()
    result = aidge_core.compress(network, from_arrays(images), evaluation=judge, latency=False, **options)
    _line(name, result, time.perf_counter() - begin)
    return result


def _runtime(files: list[bytes], dims: list[int]) -> list[float]:
    """Median seconds of one image in ONNX Runtime, one thread, measured alternately."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [onnxruntime.InferenceSession(f, options, providers=["CPUExecutionProvider"]) for f in files]
    image = np.random.default_rng(0).standard_normal(dims, dtype=np.float32)
    runs = [partial(session.run, None, {session.get_inputs()[0].name: image}) for session in sessions]
    return medians_in_turn(runs, rounds=30, limit=60.0)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["mnist", "activations", "svhn", "big"])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--test", type=int, default=10_000)
    parser.add_argument("--times", type=float, nargs="*", default=[2.0, 3.0, 5.0, 8.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--option", action="append", default=[], help="name=value of compress")
    arguments = parser.parse_args()
    options = dict(entry.split("=", 1) for entry in arguments.option)
    images, labels = mnist("test")
    images, labels = images[: arguments.test], labels[: arguments.test]
    calibration = _sample(arguments.images, arguments.seed)
    if arguments.what == "mnist":
        judge = from_arrays(images, labels, batch_size=100)
        for times in arguments.times:
            _run(f"mnist resnet {times:g}x", _demo(), calibration, judge, target=1 / times, **options)
    elif arguments.what == "activations":
        judge = from_arrays(images, labels, batch_size=100)
        _run("mnist resnet, 12 activations", _demo(), calibration, judge, remove_activations=12, **options)
    elif arguments.what == "svhn":
        judge = from_arrays(as_rgb(images), labels, batch_size=100)
        for times in arguments.times:
            network = aidge_onnx.load_onnx(arguments.model)
            _run(f"svhn vgg {times:g}x", network, as_rgb(calibration), judge, target=1 / times, **options)
    else:
        noise = np.random.default_rng(0).normal(size=(arguments.images, 3, 224, 224)).astype(np.float32)
        network = aidge_onnx.load_onnx(arguments.model)
        result = _run(arguments.model, network, noise, None, target=1 / arguments.times[0], **options)
        smaller = bytes(aidge_onnx.to_model_proto(result.model).SerializeToString())
        before, after = _runtime([Path(arguments.model).read_bytes(), smaller], [1, 3, 224, 224])
        print(f"ONNX Runtime {1e3 * before:.2f} -> {1e3 * after:.2f} ms, {after / before:.2f}")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"peak memory {used.ru_maxrss / 1e6:.2f} GB, processor {used.ru_utime + used.ru_stime:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
