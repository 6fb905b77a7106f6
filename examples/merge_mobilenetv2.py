"""MobileNetV2 without its activations: every inverted residual becomes one convolution.

Builds a MobileNetV2 with random weights, takes out every activation, merges, checks the result against ONNX Runtime and prints, for both
policies, what that saved or cost. With biases in the expansions merging is inexact at the border, so they are carried on as images.

    python examples/merge_mobilenetv2.py --size 96 --width 0.5
"""

from __future__ import annotations

import argparse
from collections import Counter

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime as ort

# Expansion, channels, blocks, stride of the first block (Sandler et al., 2018, table 2).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class Builder:
    """Convolution, BatchNormalization and ReLU6 with random parameters."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {
            "zero": np.zeros((), np.float32),
            "six": np.full((), 6, np.float32),
        }

    def constant(self, name: str, value: np.ndarray) -> str:
        """Stores a value under a name, which is returned."""
        self.constants[name] = value.astype(np.float32)
        return name

    def add(self, op: str, name: str, inputs: list[str], **attributes: object) -> str:
        """Adds a node whose output has its name."""
        self.nodes.append(onnx.helper.make_node(op, inputs, [name + "_out"], name, **attributes))
        return name + "_out"

    def layer(
        self,
        name: str,
        source: str,
        shape: tuple[int, ...],
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> str:
        """A convolution that keeps the size (or halves it), its BatchNormalization and, by default, a ReLU6."""
        fan_in = int(np.prod(shape[1:]))
        weight = self.constant(f"{name}_w", self.random.normal(0, fan_in**-0.5, shape))
        pads = [shape[2] // 2] * 4
        x = self.add("Conv", name, [source, weight], pads=pads, strides=[stride] * 2, group=groups)
        out = shape[0]
        norm = [
            self.constant(f"{name}_{what}", value)
            for what, value in (
                ("scale", self.random.uniform(0.5, 1.5, out)),
                ("shift", self.random.normal(0, 0.5, out)),
                ("mean", self.random.normal(0, 0.1, out)),
                ("var", self.random.uniform(0.5, 1.5, out)),
            )
        ]
        x = self.add("BatchNormalization", f"{name}_norm", [x, *norm])
        return self.add("Clip", f"{name}_relu6", [x, "zero", "six"]) if relu else x


def mobilenet_v2(width: float, size: int, classes: int = 100, seed: int = 0) -> onnx.ModelProto:
    """MobileNetV2 of (N, 3, size, size) images, whose channels are `width` times the published ones."""
    build = Builder(seed)

    def scaled(channels: int) -> int:
        return max(8, int(channels * width + 4) // 8 * 8)

    channels = scaled(32)
    x = build.layer("stem", "image", (channels, 3, 3, 3), stride=2)
    index = 0
    for expansion, wanted, count, first_stride in STAGES:
        for repeat in range(count):
            source, out, hidden = x, scaled(wanted), channels * expansion
            stride = first_stride if repeat == 0 else 1
            name = f"block{index}"
            if expansion > 1:
                x = build.layer(f"{name}_expand", x, (hidden, channels, 1, 1))
            x = build.layer(f"{name}_depthwise", x, (hidden, 1, 3, 3), stride, groups=hidden)
            x = build.layer(f"{name}_project", x, (out, hidden, 1, 1), relu=False)
            if stride == 1 and out == channels:
                x = build.add("Add", f"{name}_add", [x, source])
            channels, index = out, index + 1
    x = build.layer("head", x, (1280, channels, 1, 1))
    x = build.add("GlobalAveragePool", "mean", [x])
    x = build.add("Flatten", "flatten", [x])
    weight = build.constant("classifier_w", build.random.normal(0, 1280**-0.5, (classes, 1280)))
    x = build.add("Gemm", "classifier", [x, weight], transB=1)
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["n", 3, size, size])
    scores = onnx.helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, ["n", classes])
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in build.constants.items()]
    graph = onnx.helper.make_graph(build.nodes, "mobilenet_v2", [image], [scores], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


def without_activations(proto: onnx.ModelProto) -> aidge_core.GraphView:
    """The network with every ReLU6 taken out."""
    graph = aidge_onnx.load_onnx(proto)
    for node in graph.get_ordered_nodes():
        if node.type() == "Clip":
            graph.bypass(node)
    return graph


def run(graph: aidge_core.GraphView, image: np.ndarray) -> np.ndarray:
    """The scores that ONNX Runtime computes."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = aidge_onnx.to_model_proto(graph).SerializeToString()
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": image})[0])


def layers(graph: aidge_core.GraphView) -> str:
    """How many operators of which type."""
    types = Counter(node.type() for node in graph.get_ordered_nodes() if node.type() != "Producer")
    return ", ".join(f"{count} {kind}" for kind, count in sorted(types.items()))


def main() -> None:
    """Merges by both policies and prints the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--width", type=float, default=0.5, help="channels, relative to the published network"
    )
    parser.add_argument("--size", type=int, default=96, help="image size")
    parser.add_argument("--border", default="image", choices=["refuse", "shift", "image"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    original = without_activations(mobilenet_v2(arguments.width, arguments.size, seed=arguments.seed))
    image = np.random.default_rng(1).normal(size=(1, 3, arguments.size, arguments.size)).astype(np.float32)
    expected = run(original, image)
    print(f"without activations: {layers(original)}\n")
    for policy in ("exact_and_cheaper", "always"):
        graph = original.clone()
        report = aidge_core.fuse_convolution(
            graph, policy=policy, border=arguments.border, dims=[list(image.shape)]
        )
        difference = float(np.abs(run(graph, image) - expected).max() / np.abs(expected).max())
        print(f"policy {policy}: {layers(graph)}")
        print(f"largest difference in ONNX Runtime: {difference:.1e} of the largest score")
        print(report)


if __name__ == "__main__":
    main()
