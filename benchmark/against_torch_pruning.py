"""A network, cut to the same MACs by Torch-Pruning and by us, without training: accuracy on MNIST's 10,000 test images, agreement with the original.

Torch-Pruning 1.6.1 gets the network through onnx2torch; MACs are those that our operators count of the exported result, for all.
`pip install --no-deps torch-pruning==1.6.1 onnx2torch==1.5.15` beside torch (in a separate environment).

    python benchmark/against_torch_pruning.py --ratios 2 3 5
    python benchmark/against_torch_pruning.py --svhn SVHN.onnx    # as for compress_goals.py: MNIST as 32x32 RGB
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import onnxruntime
import torch
from aidge_compress.demo import NETWORK
from aidge_core.data import from_arrays
from aidge_core.data.datasets import mnist
from compress_goals import as_rgb
from cut_latency import load_example

DEMO = NETWORK
Shrink = Callable[[float], bytes]


@dataclass(frozen=True)
class Case:
    """A network, the dims of one image, and how it gets MNIST's."""

    path: Path
    dims: list[int]
    prepare: Callable[[np.ndarray], np.ndarray]


def folded(source: Path, target: Path) -> Path:
    """The file with BatchNorm folded: Torch-Pruning does not know onnx2torch's."""
    model = aidge_onnx.load_onnx(source)
    aidge_core.fuse_batchnorm(model)
    aidge_onnx.export_onnx(model, target)
    return target


def exported(module: torch.nn.Module, case: Case) -> bytes:
    """The module as an ONNX file's bytes."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        torch.onnx.export(
            module.eval(),
            (torch.zeros(case.dims),),
            file.name,
            input_names=["image"],
            output_names=["scores"],
            dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}},
            opset_version=17,
            dynamo=False,
        )
        return Path(file.name).read_bytes()


def macs(file: bytes, case: Case) -> float:
    """Multiply-accumulates of one image."""
    return float(aidge_core.remove_channels(aidge_onnx.load_onnx(file), {}, dims=[case.dims]).macs_before)


def by_torch_pruning(case: Case, importance: Any) -> Shrink:
    """Torch-Pruning's basic pruner: the same share of every layer's channels."""
    import torch_pruning

    def shrink(share: float) -> bytes:
        module = load_example("retrain_torch").to_torch(case.path).eval()
        last = [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)][-1]
        images = torch.zeros(case.dims)
        pruner = torch_pruning.pruner.BasePruner(
            module, images, importance=importance, pruning_ratio=share, ignored_layers=[last]
        )
        pruner.step()
        return exported(module, case)

    return shrink


def by_filter_norm(case: Case) -> Shrink:
    """Our removal, with the plainest criterion."""

    def shrink(share: float) -> bytes:
        model = aidge_onnx.load_onnx(case.path)
        channels = load_example("retrain_torch").weakest_channels(model, share, [case.dims])
        aidge_core.remove_channels(model, channels, dims=[case.dims])
        return bytes(aidge_onnx.to_model_proto(model).SerializeToString())

    return shrink


def at_ratio(case: Case, shrink: Shrink, ratio: float) -> bytes:
    """The largest network with `ratio` times fewer MACs that a bisection of the share finds."""
    whole = macs(case.path.read_bytes(), case)
    low, high = 0.0, 0.95
    best = shrink(high)
    for _ in range(7):
        middle = (low + high) / 2
        file = shrink(middle)
        if whole / macs(file, case) >= ratio:
            high, best = middle, file
        else:
            low = middle
    return best


def by_compress(case: Case, ratio: float, calibration: np.ndarray) -> bytes:
    """All of it, on unlabelled images."""
    result = aidge_core.compress(
        aidge_onnx.load_onnx(case.path), from_arrays(calibration), target=1 / ratio, latency=False
    )
    return bytes(aidge_onnx.to_model_proto(result.model).SerializeToString())


def answers(file: bytes, images: np.ndarray) -> np.ndarray:
    """The class of each image, by ONNX Runtime."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = [
        np.asarray(session.run(None, {name: images[start : start + 500]})[0]).argmax(1)
        for start in range(0, len(images), 500)
    ]
    return np.concatenate(parts)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ratios", type=float, nargs="+", default=[2.0, 3.0, 5.0])
    parser.add_argument("--test", type=int, default=10000)
    parser.add_argument("--images", type=int, default=1000, help="of the training set, for compress")
    parser.add_argument("--svhn", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = folded(args.svhn or DEMO, Path(folder) / "net.onnx")
        case = Case(path, [1, 3, 32, 32], as_rgb) if args.svhn else Case(path, [1, 1, 28, 28], lambda x: x)
        print_table(case, args.ratios, args.images, args.test)


def print_table(case: Case, ratios: list[float], count: int, test: int) -> None:
    """All methods at all ratios."""
    import torch_pruning

    images, labels = mnist("test")
    images, labels = case.prepare(images[:test]), labels[:test]
    calibration = case.prepare(mnist("train")[0][:count])
    methods: dict[str, Shrink] = {
        "Torch-Pruning, magnitude": by_torch_pruning(
            case, torch_pruning.importance.MagnitudeImportance(p=2, group_reduction="first")
        ),
        "Torch-Pruning, group norm": by_torch_pruning(
            case, torch_pruning.importance.GroupMagnitudeImportance(p=2, group_reduction="mean")
        ),
        "remove_channels, filter norm": by_filter_norm(case),
    }
    original = answers(case.path.read_bytes(), images)
    print(
        f"original: {100 * (original == labels).mean():.2f} %, {macs(case.path.read_bytes(), case):.4g} MACs"
    )
    print("| method | fewer MACs | accuracy | agreement |\n|---|---:|---:|---:|")

    def row(name: str, file: bytes) -> None:
        found = answers(file, images)
        reached = macs(case.path.read_bytes(), case) / macs(file, case)
        right, same = 100 * (found == labels).mean(), 100 * (found == original).mean()
        print(f"| {name} | {reached:.2f}x | {right:.2f} % | {same:.2f} % |", flush=True)

    for ratio in ratios:
        for name, shrink in methods.items():
            row(name, at_ratio(case, shrink, ratio))
        row("compress", by_compress(case, ratio, calibration))


if __name__ == "__main__":
    main()
