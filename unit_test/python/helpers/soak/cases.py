"""One random case: a network, data for it, a command with its options."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from ..networks import ALL, Net, Network, build_network
from ..networks.layers import activation
from ..networks.linear import conv
from .options import COMMANDS, Scene, draw

__all__ = ["Case", "make_case"]

_WEIGHTS = {"compress": 5, "fibnlr": 5, "merge": 3, "pfa": 3, "sweep": 2, "eval": 2, "inspect": 2}
"""How often commands come; others, 1."""
_ALONE = ("demo", "doctor", "recover")
"""Have tests of their own: they need a network of their own, examine the installation, or train for minutes."""
_NAMES = ("net.onnx", "net [1].onnx", "a net.onnx")
_BROKEN = 0.04
_ODD = 0.25
_GREY_OR_COLOUR = (1, 3)


@dataclass(frozen=True)
class Case:
    """A command line, and what it works on."""

    seed: int
    network: Network
    command: str
    arguments: tuple[str, ...]
    #: Files that it is told to write.
    written: tuple[Path, ...]
    folder: Path
    model: Path

    def __str__(self) -> str:
        return " ".join(
            ["aidge", self.command, *(repr(entry) if " " in entry else entry for entry in self.arguments)]
        )


def _layer(net: Net) -> None:
    """A convolution with several channels and an activation, so that there is something to remove."""
    conv(net, same=True, out=net.choices.pick([8, 6, 12]))
    if not net.choices.one_in(4):
        net.add("Relu", [net.current]) if net.choices.one_in(2) else activation(net)


_LAYERS = (*(_layer,) * (2 * len(ALL)), *ALL)


def make_case(seed: int, folder: Path) -> Case:
    """The case of this number; its files are written to `folder`."""
    random = np.random.default_rng(seed)
    network = build_network(random.integers(0, 256, 224, dtype=np.uint8).tobytes(), _LAYERS)
    model = folder / _NAMES[int(random.integers(len(_NAMES)))]
    onnx.save(network.model, model)
    data = _data(network, folder, random)
    if random.random() < _BROKEN:
        _break(model if random.random() < 0.5 else data, random)
    nodes = [node.name for node in network.model.graph.node if node.name]
    types = ["ReLU", "LeakyReLU", "GeLU", "Clip"]
    names = [name for name in COMMANDS if name not in _ALONE]
    weights = np.array([_WEIGHTS.get(name, 1) for name in names], float)
    command = names[int(random.choice(len(names), p=weights / weights.sum()))]
    scene = Scene(folder, model, data, nodes or ["n0"], types, network.shapes(2))
    arguments, written = draw(command, scene, random, odd=bool(random.random() < _ODD))
    return Case(seed, network, command, tuple(arguments), tuple(written), folder, model)


def _data(network: Network, folder: Path, random: np.random.Generator) -> Path:
    """Arrays by name, one array, or pictures; with labels or without."""
    samples = int(random.integers(1, 21))
    grow = int(random.integers(0, 3))
    feeds = _samples(network, samples, grow)
    kind = random.integers(4)
    first = network.inputs[0]
    labels = {"labels": random.integers(0, 3, samples)} if random.random() < 0.5 else {}
    if kind == 0 and len(feeds) == 1 and first.spatial == 2 and first.channels in _GREY_OR_COLOUR:
        return _pictures(folder / "pictures", next(iter(feeds.values())), bool(labels))
    if kind == 1 and len(feeds) == 1:
        np.save(folder / "data.npy", next(iter(feeds.values())))
        return folder / "data.npy"
    np.savez(folder / "data.npz", **feeds, **labels)
    return folder / "data.npz"


def _samples(network: Network, samples: int, grow: int) -> dict[str, np.ndarray]:
    """Inputs of so many samples, whatever batch the file fixes."""
    batches = [network.feeds(batch=2, grow=grow, seed=index) for index in range((samples + 1) // 2)]
    return {name: np.concatenate([batch[name] for batch in batches])[:samples] for name in batches[0]}


def _pictures(folder: Path, array: np.ndarray, classes: bool) -> Path:
    for number, sample in enumerate(array):
        place = folder / f"class{number % 2}" if classes else folder
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.moveaxis(np.uint8(np.clip(sample, -1, 1) * 127 + 128), 0, -1)
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(place / f"{number}.png")
    return folder


def _break(path: Path, random: np.random.Generator) -> None:
    """A file that is cut off, holds something else, or is not there."""
    if path.is_dir():
        return
    content, kind = path.read_bytes(), random.integers(3)
    if kind == 0:
        path.write_bytes(content[: len(content) // 2])
    elif kind == 1:
        path.write_bytes(zlib.compress(content))
    else:
        path.unlink()
