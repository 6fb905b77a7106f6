"""The network of the demonstration: a ResNet-18 of width 16 for MNIST, trained by examples/train_mnist_resnet.py."""

from __future__ import annotations

from pathlib import Path

__all__ = ["NETWORK"]

NETWORK = Path(__file__).with_name("mnist_resnet18.onnx")
"""Its ONNX file."""
