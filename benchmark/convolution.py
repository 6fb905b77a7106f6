"""3x3 convolutions of stride 1, layer by layer: direct, F(2x2) and F(4x4), one scheduler each, alternately in one process.

python benchmark/convolution.py --threads 1

A ratio below 1 means that Winograd is faster. With ``--fit`` a grid of layers is measured with Winograd wherever it is
possible, and the rule of src/backend/cpu/onednn/Winograd.cpp (a least number of channels on both sides and of tiles) is
fitted to it: the thresholds that lose least against always taking the faster kernel, beside those that are built in.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
from dataclasses import dataclass
from typing import Any

import aidge_backend_cpu
import aidge_core
import aidge_onnx
import numpy as np
from harness import format_table, print_environment
from onnx import TensorProto, helper, numpy_helper

ACCURACIES = ("direct", "default", "fast")
HEADER = ("layer (N, C, K, size)", "kernel", "direct ms", "default / direct", "fast / direct")
LAYERS = (
    (64, 64, 64, 32),
    (64, 128, 128, 16),
    (64, 256, 256, 8),
    (64, 512, 512, 4),
    (8, 64, 64, 56),
    (8, 128, 128, 28),
    (8, 256, 256, 14),
    (8, 512, 512, 7),
    (8, 128, 32, 28),
    (64, 16, 16, 28),
    (64, 32, 32, 14),
    (1, 64, 64, 56),
    (1, 256, 256, 14),
    (1, 512, 512, 7),
)
# The grid that the rule is fitted to.
BATCHES = (1, 8)
CHANNELS = (8, 16, 24, 32, 48, 64, 128, 256)
SIZES = (4, 7, 14, 28, 56)


def one_layer(batch: int, channels: int, outputs: int, size: int) -> bytes:
    """An identity 1x1 convolution, which brings the data into channels-last order, and the layer."""
    rng = np.random.default_rng(0)
    weights = {
        "one": np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1),
        "w": (rng.standard_normal((outputs, channels, 3, 3)) / np.sqrt(9 * channels)).astype(np.float32),
        "b": rng.standard_normal(outputs).astype(np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "one"], ["same"], name="pre"),
            helper.make_node("Conv", ["same", "w", "b"], ["y"], pads=[1, 1, 1, 1], name="layer"),
            helper.make_node("Relu", ["y"], ["z"]),
        ],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, channels, size, size])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [batch, outputs, size, size])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def layer_step(scheduler: Any) -> Any:
    """The step of the report that is the layer."""
    return next(step for step in scheduler.report().steps if step.node == "layer")


def step_seconds(
    layer: tuple[int, int, int, int], variants: dict[str, dict[str, Any]], rounds: int
) -> dict[str, tuple[str, float]]:
    """Kernel and median seconds of the layer under each variant's options of `compile`, measured alternately."""
    batch, channels, _, size = layer
    data = np.random.default_rng(1).standard_normal((batch, channels, size, size)).astype(np.float32)
    file = one_layer(*layer)
    schedulers: dict[str, Any] = {}
    times: dict[str, list[float]] = {name: [] for name in variants}
    for name, options in variants.items():
        model = aidge_onnx.load_onnx(file)
        model.compile("cpu", dims=[list(data.shape)], **options)
        schedulers[name] = aidge_core.SequentialScheduler(model)
        schedulers[name].set_profiling(True)
    for _ in range(rounds + 1):
        for name, scheduler in schedulers.items():
            before = layer_step(scheduler).seconds if times[name] else 0.0
            scheduler.forward(data=[data])
            times[name].append(layer_step(scheduler).seconds - before)
    return {
        name: (layer_step(schedulers[name]).implementation, statistics.median(found[1:]))
        for name, found in times.items()
    }


def measured_row(layer: tuple[int, int, int, int], rounds: int) -> tuple[str, ...]:
    """Medians of the layer's own time."""
    found = step_seconds(layer, {name: {"convolution_accuracy": name} for name in ACCURACIES}, rounds)
    direct = found["direct"][1]
    ratios = [f"{found[accuracy][1] / direct:.2f}" for accuracy in ("default", "fast")]
    return (str(layer), found["default"][0], f"{direct * 1e3:.2f}", *ratios)


@dataclass(frozen=True)
class Sample:
    """What the rule knows of a layer, the times of either kernel, and whether the built-in rule takes Winograd."""

    channels: int
    tiles: int
    direct: float
    winograd: float
    taken: bool

    def loss(self, takes: bool) -> float:
        """Logarithm of the chosen kernel's time over the faster one's."""
        return math.log((self.winograd if takes else self.direct) / min(self.winograd, self.direct))


def samples(accuracy: str, rounds: int) -> list[Sample]:
    """One sample per layer of the grid; ``accuracy`` "default" is F(2x2), "fast" F(4x4)."""
    tile = 2 if accuracy == "default" else 4
    options: dict[str, Any] = {"convolution_accuracy": accuracy}
    variants: dict[str, dict[str, Any]] = {
        "direct": {"convolution_accuracy": "direct"},
        "rule": options,
        "winograd": {**options, "convolution_choice": "winograd"},
    }
    found = []
    for layer in itertools.product(BATCHES, CHANNELS, CHANNELS, SIZES):
        batch, channels, outputs, size = layer
        seconds = step_seconds(layer, variants, rounds)
        taken = seconds["rule"][0].startswith(f"winograd_f{tile}")
        tiles = batch * math.ceil(size / tile) ** 2
        sample = Sample(min(channels, outputs), tiles, seconds["direct"][1], seconds["winograd"][1], taken)
        found.append(sample)
    return found


def print_fit(accuracy: str, rounds: int) -> None:
    """The thresholds with the smallest mean loss over the grid, and the built-in rule's loss."""
    found = samples(accuracy, rounds)

    def percent(losses: list[float]) -> str:
        return f"{(math.exp(statistics.mean(losses)) - 1) * 100:.1f} %"

    def losses(channels: int, tiles: int) -> list[float]:
        return [s.loss(s.channels >= channels and s.tiles >= tiles) for s in found]

    candidates = itertools.product((*CHANNELS, 1024), sorted({s.tiles for s in found}))
    best = min(candidates, key=lambda rule: statistics.mean(losses(*rule)))
    print(f"\n{accuracy}: {len(found)} layers; slower than always the faster kernel by (geometric mean)")
    print(f"  fitted, at least {best[0]} channels and {best[1]} tiles: {percent(losses(*best))}")
    print(f"  built in: {percent([s.loss(s.taken) for s in found])}")
    print(f"  never Winograd: {percent([s.loss(False) for s in found])}")
    print(f"  always Winograd: {percent([s.loss(True) for s in found])}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Winograd against direct convolutions, layer by layer.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--fit", action="store_true", help="fit the rule that chooses between them")
    arguments = parser.parse_args()
    aidge_backend_cpu.set_num_threads(arguments.threads)
    print_environment()
    if arguments.fit:
        for accuracy in ("default", "fast"):
            print_fit(accuracy, arguments.rounds)
        return
    print("\n" + format_table(HEADER, [measured_row(layer, arguments.rounds) for layer in LAYERS]))


if __name__ == "__main__":
    main()
