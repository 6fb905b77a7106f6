"""Latency in ONNX Runtime after half of the MACs were taken out: MobileNetV2 and ResNet-50 topologies, one image of 224x224.

Random weights: latency does not depend on them. Channels are removed by filter norm, the same share of every group, in multiples.

    python benchmark/cut_latency.py mobilenet_v2 resnet50 --multiple 16
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnxruntime
import torch
from aidge_compress.measure.latency import medians_in_turn

EXAMPLES = Path(__file__).parents[1] / "examples"


def load_example(name: str) -> Any:
    """A script of examples/ as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def topology(name: str, size: int) -> bytes:
    """The network as ONNX, BatchNorm folded."""
    topologies = load_example("torch_topologies")
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = topologies.export_onnx(
            topologies.TOPOLOGIES[name](), Path(folder) / "net.onnx", (1, 3, size, size), fold=True
        )
        return bytes(path.read_bytes())


def cut(file: bytes, ratio: float, multiple: int, dims: list[list[int]]) -> tuple[bytes, Any]:
    """The largest network of at least `ratio` times fewer MACs."""
    weakest_channels = load_example("retrain_torch").weakest_channels
    low, high = 0.0, 0.95
    best: tuple[bytes, Any] | None = None
    for _ in range(8):
        share = (low + high) / 2
        model = aidge_onnx.load_onnx(file)
        report = aidge_core.remove_channels(
            model, weakest_channels(model, share, dims), multiple=multiple, dims=dims
        )
        if report.macs_before / report.macs_after >= ratio:
            high, best = share, (bytes(aidge_onnx.to_model_proto(model).SerializeToString()), report)
        else:
            low = share
    if best is None:
        raise SystemExit(f"no share of the channels takes {ratio:g} times fewer MACs")
    return best


def latencies(files: list[bytes], shape: list[int], rounds: int, threads: int) -> list[float]:
    """Median seconds of each file, run alternately, so that all see the same state of the machine."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    sessions = [onnxruntime.InferenceSession(f, options, providers=["CPUExecutionProvider"]) for f in files]
    feed = {
        sessions[0].get_inputs()[0].name: np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    }
    runs = [partial(session.run, None, feed) for session in sessions]
    return medians_in_turn(runs, rounds=rounds, limit=60.0)


def main() -> None:
    """Print one row per network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=["mobilenet_v2", "resnet50"])
    parser.add_argument("--ratio", type=float, default=2.0)
    parser.add_argument("--multiple", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    dims = [[1, 3, args.size, args.size]]
    print("| network | multiple | fewer MACs | seconds to cut | ms | ratio |\n|---|---:|---:|---:|---:|---:|")
    for name in args.networks:
        original = topology(name, args.size)
        files, rows = [original], []
        for multiple in args.multiple:
            start = time.perf_counter()
            file, report = cut(original, args.ratio, multiple, dims)
            files.append(file)
            rows.append((multiple, report.macs_before / report.macs_after, time.perf_counter() - start))
        before, *after = latencies(files, dims[0], args.repeats, args.threads)
        for (multiple, ratio, seconds), now in zip(rows, after, strict=True):
            print(
                f"| {name} | {multiple} | {ratio:.2f}x | {seconds:.1f} | {1e3 * before:.2f} -> {1e3 * now:.2f} "
                f"| {now / before:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
