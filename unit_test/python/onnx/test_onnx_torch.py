"""What PyTorch exports, by both of its exporters: shape arithmetic is folded, GeLU is found, the numbers stay."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest

pytestmark = [pytest.mark.torch, pytest.mark.slow]
torch = pytest.importorskip("torch")
EXPORT_TOLERANCE = 1e-6
FORWARD_TOLERANCE = 1e-4
SIZE = 32


def conv_bn(inputs: int, outputs: int, **options: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False, **options), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def shuffling() -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = conv_bn(3, 8), torch.nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            batch, channels, height, width = x.shape
            x = (
                x.view(batch, 2, channels // 2, height, width)
                .transpose(1, 2)
                .contiguous()
                .view(batch, channels, height, width)
            )
            x = torch.nn.functional.hardswish(x)
            return self.head(torch.flatten(torch.nn.functional.adaptive_avg_pool2d(x, 1), 1))

    return Net()


def viewing() -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4 * 15 * 15, 5)

        def forward(self, x: Any) -> Any:
            x = torch.nn.functional.gelu(self.conv(x), approximate="tanh")
            x = torch.nn.functional.max_pool2d(x, 2, ceil_mode=True)
            return self.head(x.view(x.size(0), -1))

    return Net()


def attention() -> Any:
    """A block with multi-head attention and an MLP over patches, without a class token."""

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.patches, self.qkv, self.out = nn.Conv2d(3, 32, 8, 8), nn.Linear(32, 96), nn.Linear(32, 32)
            self.mlp, self.head = (
                nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)),
                nn.Linear(32, 10),
            )

        def forward(self, x: Any) -> Any:
            x = self.patches(x).flatten(2).transpose(1, 2)
            batch, count, width = x.shape
            q, k, v = (
                part.reshape(batch, count, 4, width // 4).transpose(1, 2)
                for part in self.qkv(x).split(width, -1)
            )
            weights = (q @ k.transpose(-2, -1) * (width // 4) ** -0.5).softmax(-1)
            x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, count, width))
            return self.head((x + self.mlp(x)).mean(1))

    return Net()


NETS: dict[str, Callable[[], Any]] = {"shuffling": shuffling, "viewing": viewing, "attention": attention}
#: What may stay generic.
KEPT = {"shuffling": set(), "viewing": set(), "attention": {"Split"}}


def exported(name: str, opset: int, dynamo: bool) -> bytes:
    torch.manual_seed(3)
    module = NETS[name]().eval()
    example = torch.randn(2, 3, SIZE, SIZE)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            pytest.importorskip("onnxscript")
            batch = torch.export.Dim("batch")
            torch.onnx.export(module, (example,), buffer, opset_version=opset, dynamo=True, input_names=["x"],
                              dynamic_shapes=({0: batch},), verbose=False)  # fmt: skip
        else:
            torch.onnx.export(module, (example,), buffer, opset_version=opset, dynamo=False, input_names=["x"],
                              dynamic_axes={"x": {0: "batch"}})  # fmt: skip
    return buffer.getvalue()


def run(source: bytes, data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": data})[0])


FORMS = [(11, False), (13, False), (17, False), (18, True), (20, True)]


@pytest.mark.parametrize("name", list(NETS))
@pytest.mark.parametrize(("opset", "dynamo"), FORMS)
def test_a_torch_export_keeps_its_numbers_at_every_batch(name: str, opset: int, dynamo: bool) -> None:
    source = exported(name, opset, dynamo)
    graph = aidge_onnx.load_onnx(source)
    assert {n.type() for n in graph.get_nodes() if n.get_operator().is_generic()} <= KEPT[name]
    model = aidge_onnx.to_model_proto(graph)
    assert next(dim.dim_param for dim in model.graph.input[0].type.tensor_type.shape.dim) != ""
    for batch in (1, 3):
        data = np.random.default_rng(batch).standard_normal((batch, 3, SIZE, SIZE)).astype(np.float32)
        expected = run(source, data)
        scale = max(1.0, float(np.max(np.abs(expected))))
        np.testing.assert_allclose(
            run(model.SerializeToString(), data), expected, rtol=0, atol=EXPORT_TOLERANCE * scale
        )


@pytest.mark.parametrize("name", ["shuffling", "viewing"])
@pytest.mark.parametrize(("opset", "dynamo"), FORMS)
def test_a_torch_export_runs_here_as_in_onnx_runtime(name: str, opset: int, dynamo: bool) -> None:
    import aidge_backend_cpu  # noqa: F401

    source = exported(name, opset, dynamo)
    graph = aidge_onnx.load_onnx(source)
    graph.compile("cpu", dims=[[1, 3, SIZE, SIZE]])
    scheduler = aidge_core.SequentialScheduler(graph)
    for batch in (1, 3):
        data = np.random.default_rng(batch).standard_normal((batch, 3, SIZE, SIZE)).astype(np.float32)
        expected = run(source, data)
        (result,) = scheduler.forward(data=[data])
        np.testing.assert_allclose(
            np.asarray(result), expected, rtol=0, atol=FORWARD_TOLERANCE * float(np.max(np.abs(expected)))
        )


@pytest.mark.parametrize(("opset", "dynamo"), FORMS)
def test_the_gelu_of_a_torch_export_is_found(opset: int, dynamo: bool) -> None:
    types = [n.type() for n in aidge_onnx.load_onnx(exported("attention", opset, dynamo)).get_ordered_nodes()]
    assert types.count("GeLU") == 1
    assert "Erf" not in types


def test_the_nodes_of_a_torch_export_keep_their_names() -> None:
    source = exported("shuffling", 17, dynamo=False)
    names = {node.name for node in onnx.load_from_string(source).graph.node}
    graph = aidge_onnx.load_onnx(source)
    kept = {n.name() for n in graph.get_nodes() if not n.get_operator().is_producer()}
    assert kept <= names
    model = aidge_onnx.to_model_proto(graph)
    assert kept <= {node.name for node in model.graph.node}
