"""A network like EfficientNet-Lite as PyTorch's old exporter writes it without folding: TensorFlow's "same" padding by F.pad."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.networks import run_ort, same

pytestmark = [pytest.mark.torch]
torch = pytest.importorskip("torch")


def block(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> Any:
    class SameConv(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
            self.norm = torch.nn.BatchNorm2d(outputs)

        def forward(self, x: Any) -> Any:
            pads = []
            for size in (x.shape[3], x.shape[2]):
                total = max((math.ceil(int(size) / stride) - 1) * stride + kernel - int(size), 0)
                pads += [total // 2, total - total // 2]
            return torch.clamp(self.norm(self.conv(torch.nn.functional.pad(x, pads))), 0.0, 6.0)

    return SameConv()


def network() -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem = block(3, 8, 3, 2)
            self.expand, self.depth, self.project = (
                block(8, 16, 1, 1),
                block(16, 16, 5, 2, 16),
                block(16, 8, 1, 1),
            )
            self.again = block(8, 8, 3, 1, 8)
            self.drop, self.head = torch.nn.Dropout(0.2), torch.nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            x = self.project(self.depth(self.expand(self.stem(x))))
            x = x + self.again(x)
            return self.head(self.drop(torch.flatten(torch.nn.functional.adaptive_avg_pool2d(x, 1), 1)))

    return Net()


@pytest.mark.parametrize("size", [31, 32])
@pytest.mark.parametrize("opset", [11, 17])
def test_the_raw_export_comes_down_to_its_real_layers(opset: int, size: int) -> None:
    torch.manual_seed(0)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network().eval(), (torch.randn(1, 3, size, size),), buffer, opset_version=opset,
                          dynamo=False, do_constant_folding=False, input_names=["x"], output_names=["y"],
                          training=torch.onnx.TrainingMode.PRESERVE,
                          dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})  # fmt: skip
    source = onnx.load_from_string(buffer.getvalue())
    kinds = {node.op_type for node in source.graph.node}
    assert {"Pad", "Slice", "Concat", "Reshape", "Transpose", "BatchNormalization"} <= kinds
    graph = aidge_onnx.load_onnx(source)
    types = [node.type() for node in graph.get_ordered_nodes() if not node.get_operator().is_producer()]
    layer = ["Conv2D", "BatchNorm2D", "Clip"]
    assert types == [*layer * 5, "Add", "GlobalAveragePooling", "Flatten", "FC"]
    written = aidge_onnx.to_model_proto(graph)
    feeds = [
        {"x": np.random.default_rng(batch).random((batch, 3, size, size), np.float32)} for batch in (1, 3)
    ]
    for one, other in zip(run_ort(source, *feeds), run_ort(written, *feeds), strict=True):
        assert same(one[0], other[0])
