"""Networks of every kind (several inputs and outputs, free sizes, channels-last, 1-D and 3-D): the numbers of
ONNX Runtime, before and after FIBNLR and the exact rewritings, and in the file that is written."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import onnxruntime
import pytest
from helpers.real_networks import OCR_MODELS, channels_last_network, ocr_model, siamese_network
from numpy.typing import NDArray

Array = NDArray[Any]
FORWARD_TOLERANCE = 1e-4
EXPORT_TOLERANCE = 1e-5


def runtime(file: bytes, inputs: Sequence[Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return [np.asarray(array) for array in session.run(None, dict(zip(names, inputs, strict=True)))]


def assert_close(got: Sequence[Any], expected: Sequence[Array], tolerance: float) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert list(np.asarray(one).shape) == list(other.shape)
        scale = max(1.0, float(np.abs(other).max(initial=0.0)))
        np.testing.assert_allclose(np.asarray(one), other, rtol=0, atol=tolerance * scale)


def written(model: aidge_core.GraphView) -> bytes:
    return bytes(aidge_onnx.to_model_proto(model).SerializeToString())


def check(file: bytes, batches: Sequence[Sequence[Array]], prunable: Sequence[str] = ()) -> None:
    """`batches`: lists of inputs, maybe of different sizes; the first one is what FIBNLR sees."""
    model = aidge_onnx.load_onnx(file)
    unknown = [
        f"{node.name()} ({node.type()}): {node.get_operator().attr.onnx_reason}"
        for node in model.get_ordered_nodes()
        if node.get_operator().is_generic()
    ]
    assert not unknown
    model.compile("cpu", dims=[list(array.shape) for array in batches[0]])
    scheduler = aidge_core.SequentialScheduler(model)
    for inputs in batches:
        expected = runtime(file, inputs)
        assert_close(scheduler.forward(data=list(inputs)), expected, FORWARD_TOLERANCE)
        assert_close(runtime(written(model), inputs), expected, EXPORT_TOLERANCE)
    params = aidge_core.fibnlr_Parameters(
        max_iteration=1,
        group=aidge_core.GroupMethod.NONE,
        ablation_criteria=aidge_core.AblationCriteria.X_LEAST_PER_GROUP,
        ablation_x_least=2,
        ablation_threshold=1.0,
    )
    params.prunable_types = sorted({*params.prunable_types, *prunable})
    assert aidge_core.fibnlr(model, [list(batches[0])], params)
    pruned = written(model)
    for inputs in batches:
        expected = runtime(pruned, inputs)
        assert_close(scheduler.forward(data=list(inputs)), expected, FORWARD_TOLERANCE)
    aidge_core.fuse_batchnorm(model)
    aidge_core.fuse_convolution(model, policy="always")
    assert_close(scheduler.forward(data=list(inputs)), expected, FORWARD_TOLERANCE)
    assert_close(runtime(written(model), inputs), expected, FORWARD_TOLERANCE)


def noise(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(OCR_MODELS))
def test_text_recognition_networks_run_at_any_size(name: str) -> None:
    path = ocr_model(name)
    if path is None:
        pytest.skip("rapidocr-onnxruntime is not installed")
    sizes = OCR_MODELS[name]
    check(path.read_bytes(), [[noise(2, 3, *sizes[0])], [noise(1, 3, *sizes[1])]])


def test_a_channels_last_network_runs() -> None:
    file = channels_last_network().SerializeToString()
    check(file, [[noise(4, 16, 16, 3)], [noise(1, 16, 16, 3)]])


def test_a_network_of_two_inputs_and_outputs_runs() -> None:
    file = siamese_network().SerializeToString()
    batches = [[noise(2, 3, 12, 10), noise(2, 3, 12, 10) + 1], [noise(1, 3, 9, 9), noise(1, 3, 9, 9) - 1]]
    check(file, batches)


# --- from PyTorch -------------------------------------------------------------------------------------------
def audio(nn: Any) -> tuple[Any, list[int]]:
    def block(i: int, o: int, stride: int, dilation: int) -> list[Any]:
        conv = nn.Conv1d(i, o, 5, stride, padding=2 * dilation, dilation=dilation)
        return [conv, nn.BatchNorm1d(o), nn.ReLU()]

    pool = [nn.MaxPool1d(2), nn.LPPool1d(2, 2), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 6)]
    return nn.Sequential(*block(1, 16, 2, 1), *block(16, 32, 1, 2), *block(32, 32, 1, 4), *pool), [1, 400]


def volume(nn: Any) -> tuple[Any, list[int]]:
    def block(i: int, o: int, stride: int) -> list[Any]:
        return [nn.Conv3d(i, o, 3, stride, padding=1), nn.BatchNorm3d(o), nn.ReLU()]

    head = [
        nn.MaxPool3d(2),
        nn.ConvTranspose3d(16, 8, 2, 2),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="trilinear"),
    ]
    return nn.Sequential(*block(1, 8, 1), *block(8, 16, 2), *head, nn.Conv3d(8, 2, 1)), [1, 8, 12, 12]


def unet(nn: Any) -> tuple[Any, list[int]]:
    import torch

    def block(i: int, o: int) -> Any:
        return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2, self.middle = block(3, 8), block(8, 16), block(16, 32)
            self.up2, self.up1, self.head = block(48, 16), block(24, 8), nn.Conv2d(8, 2, 1)

        def forward(self, x: Any) -> Any:
            f = torch.nn.functional
            one = self.down1(x)
            two = self.down2(f.max_pool2d(one, 2))
            deep = self.middle(f.max_pool2d(two, 2))
            deep = f.interpolate(deep, size=two.shape[-2:], mode="bilinear", align_corners=False)
            deep = self.up2(torch.cat([deep, two], 1))
            deep = f.interpolate(deep, size=one.shape[-2:], mode="nearest")
            return self.head(self.up1(torch.cat([deep, one], 1)))

    return Net(), [3, 37, 45]


def efficient(nn: Any) -> tuple[Any, list[int]]:
    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int, act: Any) -> None:
            super().__init__()
            wide = 3 * channels
            self.expand = nn.Sequential(nn.Conv2d(channels, wide, 1), nn.BatchNorm2d(wide), act)
            self.depth = nn.Sequential(
                nn.Conv2d(wide, wide, 3, padding=1, groups=wide), nn.BatchNorm2d(wide), act
            )
            squeeze = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 8, 1), nn.ReLU(), nn.Conv2d(8, wide, 1)]
            self.gate = nn.Sequential(*squeeze, nn.Hardsigmoid())
            self.project = nn.Conv2d(wide, channels, 1)

        def forward(self, x: Any) -> Any:
            y = self.depth(self.expand(x))
            return x + self.project(y * self.gate(y))

    stem = [nn.Conv2d(3, 16, 3, 2, 1), nn.Hardswish()]
    blocks = [Block(16, nn.ReLU()), Block(16, nn.Hardswish()), Block(16, nn.SiLU())]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)), [3, 32, 32]


def shuffle(nn: Any) -> tuple[Any, list[int]]:
    import torch

    class Unit(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            half = channels // 2
            conv = [nn.Conv2d(half, half, 1), nn.BatchNorm2d(half), nn.ReLU()]
            self.branch = nn.Sequential(
                *conv, nn.Conv2d(half, half, 3, padding=1, groups=half), nn.Conv2d(half, half, 1)
            )

        def forward(self, x: Any) -> Any:
            left, right = x.chunk(2, dim=1)
            out = torch.relu(torch.cat([left, self.branch(right)], 1))
            n, c, h, w = out.shape
            return out.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)

    return nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.ReLU(), Unit(24), Unit(24), nn.Conv2d(24, 4, 1)), [
        3,
        31,
        29,
    ]


def detector(nn: Any) -> tuple[Any, list[int]]:
    import torch

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.focus, self.deep = nn.Conv2d(12, 16, 3, padding=1), nn.Conv2d(16, 24, 3, 2, 1)
            self.heads = nn.ModuleList([nn.Conv2d(40, 3 * 8, 1), nn.Conv2d(24, 3 * 8, 1)])
            self.register_buffer("anchors", torch.rand(3, 1, 1, 2) * 9)

        def forward(self, x: Any) -> Any:
            parts = [x[..., i::2, j::2] for j in (0, 1) for i in (0, 1)]
            fine = torch.nn.functional.leaky_relu(self.focus(torch.cat(parts, 1)), 0.1)
            coarse = torch.relu(self.deep(fine))
            up = torch.nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
            boxes = []
            for head, y, stride in ((self.heads[0], torch.cat([up, fine], 1), 2), (self.heads[1], coarse, 4)):
                n, _, h, w = y.shape
                y = torch.sigmoid(head(y).view(n, 3, 8, h, w).permute(0, 1, 3, 4, 2))
                place, size = y[..., :2] * 2 * stride, (y[..., 2:4] * 2) ** 2 * self.anchors
                boxes.append(torch.cat([place, size, y[..., 4:]], -1).view(n, -1, 8))
            return torch.cat(boxes, 1)

    return Net(), [3, 32, 48]


NETS: dict[str, Callable[[Any], tuple[Any, list[int]]]] = {
    "audio": audio,
    "volume": volume,
    "unet": unet,
    "efficient": efficient,
    "shuffle": shuffle,
    "detector": detector,
}
EXPORTS = [*((name, False) for name in NETS), ("unet", True), ("detector", True)]


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("name", "dynamo"), EXPORTS)
def test_a_network_from_pytorch_runs(name: str, dynamo: bool) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module, shape = NETS[name](torch.nn)
    for part in module.modules():
        if hasattr(part, "running_mean"):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporters themselves
        if dynamo:
            pytest.importorskip("onnxscript")
            sizes = ({0: torch.export.Dim("batch", min=1, max=64)},)
            program = torch.onnx.export(
                module.eval(), (torch.rand(2, *shape),), dynamic_shapes=sizes, dynamo=True, verbose=False
            )
            program.save(buffer)
        else:
            free = (
                {axis: f"d{axis}" for axis in range(1 + len(shape)) if axis != 1}
                if name in ("unet", "detector")
                else {0: "d0"}
            )
            torch.onnx.export(
                module.eval(),
                (torch.rand(2, *shape),),
                buffer,
                dynamo=False,
                input_names=["x"],
                dynamic_axes={"x": free},
            )
    batches = [[noise(2, *shape)], [noise(1, *shape)]]
    if name in ("unet", "detector") and not dynamo:
        batches.append([noise(1, shape[0], shape[1] + 8, shape[2] - 4)])
    check(buffer.getvalue(), batches)
