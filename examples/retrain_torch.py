"""Fine-tunes a network that lost channels, in PyTorch, and brings it back.

The cut network becomes a PyTorch module, is trained there against the original network's own answers (no labels are needed), and its weights go
back into the graph, which has the same shapes as before.

    pip install torch==2.13.0
    python examples/retrain_torch.py --steps 200
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import torch
from aidge_compress.demo import NETWORK
from aidge_core.data.datasets import mnist
from aidge_onnx.torch import take_weights, to_torch
from torch import nn

DEMO = NETWORK


def weakest_channels(model: Any, share: float, dims: list[list[int]]) -> dict[Any, list[int]]:
    """For each layer that starts a group this share of the group's channels, those whose filters have the least norm first."""
    channels = {}
    for group in aidge_core.channel_groups(model, dims=dims):
        if not group.can_be_cut():
            continue
        norms = np.zeros(group.size)
        for source in group.sources:
            weight = np.array(source.node.get_parent(1).get_operator().get_output(0))
            np.add.at(norms, source.channels, (weight.reshape(len(weight), -1) ** 2).sum(1))
        norms[group.fixed] = np.inf
        gone = np.argsort(norms, kind="stable")[: int(share * group.size)].tolist()
        first = group.sources[0]
        place = {channel: index for index, channel in enumerate(first.channels)}
        channels[first.node] = [place[channel] for channel in gone if channel in place]
    return channels


def answers(path: Path, images: np.ndarray) -> torch.Tensor:
    """What the original network says."""
    model = aidge_onnx.load_onnx(path)
    model.compile("cpu", dims=[list(images.shape)])
    outputs = aidge_core.SequentialScheduler(model).forward(data=[aidge_core.Tensor(images)])
    return torch.from_numpy(np.array(outputs[0]))


def fine_tune(
    module: nn.Module, images: np.ndarray, wanted: torch.Tensor, steps: int, batch: int
) -> list[float]:
    """Adam on the squared difference of the logits, with BatchNorm's statistics as they are. Returns the loss of each step."""
    module.eval()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    inputs = torch.from_numpy(images)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (batch,), generator=generator)
        loss = nn.functional.mse_loss(module(inputs[chosen]), wanted[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def weight_shapes(model: Any) -> list[tuple[int, ...]]:
    """Dims of the weights of all layers, in topological order."""
    layers = [node for node in model.get_ordered_nodes() if node.type().startswith(("Conv", "FC"))]
    return [tuple(node.get_parent(1).get_operator().get_output(0).dims) for node in layers]


def main() -> None:
    """Cut, fine-tune, come back."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=DEMO)
    parser.add_argument("--images", type=int, default=2000, help="of MNIST's training set, without labels")
    parser.add_argument("--share", type=float, default=0.4, help="of the channels that go")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("retrained"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    images = mnist("train")[0][: args.images]
    model = aidge_onnx.load_onnx(args.model)
    dims = [list(images[:1].shape)]
    report = aidge_core.remove_channels(model, weakest_channels(model, args.share, dims), dims=dims)
    print(f"MACs {report.macs_before:.3g} -> {report.macs_after:.3g}")
    aidge_onnx.export_onnx(model, args.out / "cut.onnx")

    module = to_torch(model)
    losses = fine_tune(module, images, answers(args.model, images), args.steps, args.batch)
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f} in {len(losses)} steps")
    before = weight_shapes(model)
    take_weights(model, module)
    aidge_onnx.export_onnx(model, args.out / "retrained.onnx")
    same = weight_shapes(aidge_onnx.load_onnx(args.out / "retrained.onnx")) == before
    print(f"same shapes: {same}")
    test, labels = mnist("test")
    for name in ("cut", "retrained"):
        right = answers(args.out / f"{name}.onnx", test[:1000]).argmax(1).numpy() == labels[:1000]
        print(f"{name}: {100 * right.mean():.1f} % of 1,000 test images")
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
