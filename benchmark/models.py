"""The networks of the benchmarks: the sources of their ONNX files, and their inputs.

Networks exported from PyTorch are written once, in a separate process, into a cache directory; the parent
never loads PyTorch. Weights are random but keep activations at a sane size; BatchNorm has non-trivial
statistics.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NETS", "Net", "make_batch", "make_images"]

ROOT = Path(__file__).resolve().parent.parent
LIGHT = (
    "light_bvlc_alexnet",
    "light_densenet121",
    "light_inception_v1",
    "light_inception_v2",
    "light_resnet50",
    "light_shufflenet",
    "light_squeezenet",
    "light_vgg19",
    "light_zfnet512",
)


@dataclass(frozen=True)
class Net:
    """A network: ``topology`` of examples/torch_topologies.py, or a file, with the NCHW shape of its
    batch."""

    name: str
    shape: tuple[int, int, int, int]
    topology: str | None = None
    small_input: bool = False
    num_classes: int = 1000

    def path(self, cache: Path) -> Path:
        """Path of the ONNX file, which is written into ``cache`` if it is not there yet."""
        if self.name in LIGHT:
            import onnx

            return Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"{self.name}.onnx"
        if self.topology is None:
            return ROOT / "python" / "aidge_compress" / "demo" / "mnist_resnet18.onnx"
        target = cache / f"{self.name}.onnx"
        if not target.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, __file__, self.name, str(target)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return target


def _torch_net(name: str, topology: str, batch: int, *, small_input: bool = False) -> Net:
    size = 32 if small_input else 224
    return Net(name, (batch, 3, size, size), topology, small_input, 10 if small_input else 1000)


NETS = {
    net.name: net
    for net in (
        _torch_net("resnet18_cifar", "resnet18", 64, small_input=True),
        _torch_net("resnet18", "resnet18", 8),
        _torch_net("resnet50", "resnet50", 8),
        _torch_net("mobilenet_v2", "mobilenet_v2", 8),
        _torch_net("vgg16", "vgg16", 8),
        _torch_net("densenet121", "densenet121", 8),
        _torch_net("squeezenet1_1", "squeezenet1_1", 8),
        Net("mnist_resnet18", (64, 1, 28, 28)),
        *(Net(name, (1, 3, 224, 224)) for name in LIGHT),
    )
}
"""Every network by name, with the batch that it is timed on."""


def build_module(net: Net) -> Any:
    """The PyTorch module of ``net`` in evaluation mode, always with the same weights."""
    sys.path.insert(0, str(ROOT / "examples"))
    import torch
    import torch_topologies

    torch.manual_seed(0)
    options: dict[str, object] = {"num_classes": net.num_classes, "in_channels": net.shape[1]}
    if net.small_input:
        options["small_input"] = True
    module = torch_topologies.TOPOLOGIES[str(net.topology)](**options)
    return torch_topologies.randomize_batchnorm(module, 0).eval()


def make_batch(shape: Sequence[int], seed: int = 0) -> npt.NDArray[np.float32]:
    """Standard normal values, float32, of the given shape."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def make_images(count: int, shape: Sequence[int], seed: int = 0) -> list[npt.NDArray[np.float32]]:
    """``count`` batches of smooth images whose brightness and contrast differ, as those of photographs do.

    ``shape`` is NCHW. White noise would do for the speed of one pass, but all its batches have the same
    statistics, and a measure that is run to convergence would stop at once.
    """
    generator = np.random.default_rng(seed)
    samples, channels, height, width = shape
    rows = np.linspace(0, 7, height)
    columns = np.linspace(0, 7, width)
    basis_rows = np.maximum(0, 1 - np.abs(rows[:, None] - np.arange(8)))
    basis_columns = np.maximum(0, 1 - np.abs(columns[:, None] - np.arange(8)))
    batches = []
    for _ in range(count):
        coarse = generator.standard_normal((samples, channels, 8, 8))
        smooth = np.einsum("hi,ncij,wj->nchw", basis_rows, coarse, basis_columns, optimize=True)
        contrast = generator.lognormal(0.0, 0.4, (samples, 1, 1, 1))
        brightness = generator.normal(0.0, 0.5, (samples, channels, 1, 1))
        noise = generator.normal(0.0, 0.1, (samples, channels, height, width))
        batches.append(np.ascontiguousarray(smooth * contrast + brightness + noise, dtype=np.float32))
    return batches


def main() -> None:
    """Command line."""
    name, target = sys.argv[1], Path(sys.argv[2])
    net = NETS[name]
    module = build_module(net)
    import torch_topologies

    partial = target.with_name(target.name + ".part")
    torch_topologies.export_onnx(module, partial, (1, *net.shape[1:]))
    partial.replace(target)


if __name__ == "__main__":
    main()
