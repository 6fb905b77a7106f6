"""3x3 convolutions of stride 1, layer by layer: direct, F(2x2) and F(4x4), one scheduler each, in turn in one process.

python benchmark/convolution.py --threads 1

This is what the rule in src/backend/cpu/onednn/Winograd.cpp was fitted to: a ratio below 1 means that Winograd is faster.
"""

from __future__ import annotations

import argparse
import statistics
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


def measured_row(layer: tuple[int, int, int, int], rounds: int) -> tuple[str, ...]:
    """Medians of the layer's own time."""
    batch, channels, _, size = layer
    data = np.random.default_rng(1).standard_normal((batch, channels, size, size)).astype(np.float32)
    file = one_layer(*layer)
    schedulers: dict[str, Any] = {}
    times: dict[str, list[float]] = {accuracy: [] for accuracy in ACCURACIES}
    for accuracy in ACCURACIES:
        model = aidge_onnx.load_onnx(file)
        model.compile("cpu", dims=[list(data.shape)])
        schedulers[accuracy] = aidge_core.SequentialScheduler(model)
        schedulers[accuracy].set_profiling(True)
    for _ in range(rounds + 1):
        for accuracy, scheduler in schedulers.items():
            aidge_backend_cpu.set_convolution_accuracy(accuracy)
            before = layer_step(scheduler).seconds if times[accuracy] else 0.0
            scheduler.forward(data=[data])
            times[accuracy].append(layer_step(scheduler).seconds - before)
    medians = {accuracy: statistics.median(found[1:]) for accuracy, found in times.items()}
    kernel = layer_step(schedulers["default"]).implementation
    ratios = [f"{medians[accuracy] / medians['direct']:.2f}" for accuracy in ("default", "fast")]
    return (str(layer), kernel, f"{medians['direct'] * 1e3:.2f}", *ratios)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Winograd against direct convolutions, layer by layer.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    aidge_backend_cpu.set_num_threads(arguments.threads)
    print_environment()
    print("\n" + format_table(HEADER, [measured_row(layer, arguments.rounds) for layer in LAYERS]))


if __name__ == "__main__":
    main()
