"""The demo network, cut to the same MACs by Torch-Pruning and by us, without training: accuracy on MNIST's 10,000 test images.

Torch-Pruning 1.6.1 gets the network through onnx2torch; MACs are those that our operators count of the exported result, for both.
`pip install --no-deps torch-pruning==1.6.1 onnx2torch==1.5.15` beside torch (an environment of its own).

    python benchmark/torch_pruning.py --ratios 2 3 5
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import onnxruntime
import torch
from aidge_core.data.datasets import mnist

DEMO = Path(aidge_core.__file__).parent / "demo" / "mnist_resnet18.onnx"
EXAMPLE = Path(__file__).parents[1] / "examples" / "retrain_torch.py"
DIMS = [[1, 1, 28, 28]]
Shrink = Callable[[float], bytes]


def example() -> Any:
    """examples/retrain_torch.py as a module."""
    spec = importlib.util.spec_from_file_location("retrain_torch", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exported(module: torch.nn.Module) -> bytes:
    """The module as an ONNX file's bytes."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        torch.onnx.export(
            module.eval(),
            (torch.zeros(1, 1, 28, 28),),
            file.name,
            input_names=["image"],
            dynamic_axes={"image": {0: "N"}},
            opset_version=17,
            dynamo=False,
        )
        return Path(file.name).read_bytes()


def macs(file: bytes) -> float:
    """Multiply-accumulates of one image."""
    return float(aidge_core.remove_channels(aidge_onnx.load_onnx(file), {}, dims=DIMS).macs_before)


def by_torch_pruning(importance: Any) -> Shrink:
    """Torch-Pruning's basic pruner: the same share of every layer's channels."""
    import torch_pruning

    def shrink(share: float) -> bytes:
        module = example().to_torch(DEMO).eval()
        last = [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)][-1]
        images = torch.zeros(1, 1, 28, 28)
        pruner = torch_pruning.pruner.BasePruner(
            module, images, importance=importance, pruning_ratio=share, ignored_layers=[last]
        )
        pruner.step()
        return exported(module)

    return shrink


def by_filter_norm(share: float) -> bytes:
    """Our removal, with the plainest criterion."""
    model = aidge_onnx.load_onnx(DEMO)
    example().cut_by_filter_norm(model, share, DIMS)
    return bytes(aidge_onnx.to_model_proto(model).SerializeToString())


def at_ratio(shrink: Shrink, ratio: float) -> bytes:
    """The largest network with `ratio` times fewer MACs that a bisection of the share finds."""
    whole = macs(DEMO.read_bytes())
    low, high = 0.0, 0.95
    best = shrink(high)
    for _ in range(7):
        middle = (low + high) / 2
        file = shrink(middle)
        if whole / macs(file) >= ratio:
            high, best = middle, file
        else:
            low = middle
    return best


def accuracy(file: bytes, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of right answers in ONNX Runtime, in percent."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    right = 0
    for start in range(0, len(images), 500):
        scores = np.asarray(session.run(None, {name: images[start : start + 500]})[0])
        right += int((scores.argmax(1) == labels[start : start + 500]).sum())
    return 100 * right / len(images)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ratios", type=float, nargs="+", default=[2.0, 3.0, 5.0])
    parser.add_argument("--test", type=int, default=10000)
    args = parser.parse_args()
    import torch_pruning

    images, labels = (array[: args.test] for array in mnist("test"))
    methods: dict[str, Shrink] = {
        "Torch-Pruning, magnitude": by_torch_pruning(torch_pruning.importance.MagnitudeImportance(p=2)),
        "Torch-Pruning, group norm": by_torch_pruning(
            torch_pruning.importance.GroupMagnitudeImportance(p=2, group_reduction="mean")
        ),
        "remove_channels, filter norm": by_filter_norm,
    }
    print(
        f"original: {accuracy(DEMO.read_bytes(), images, labels):.2f} %, {macs(DEMO.read_bytes()):.4g} MACs"
    )
    print("| method | fewer MACs | accuracy |\n|---|---:|---:|")
    for ratio in args.ratios:
        for name, shrink in methods.items():
            file = at_ratio(shrink, ratio)
            reached = macs(DEMO.read_bytes()) / macs(file)
            print(f"| {name} | {reached:.2f}x | {accuracy(file, images, labels):.2f} % |", flush=True)


if __name__ == "__main__":
    main()
