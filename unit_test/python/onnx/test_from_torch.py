"""From a PyTorch module to a graph in one call."""

from __future__ import annotations

import sys
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.torch
nn = torch.nn
TOLERANCE = 1e-5


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.act = nn.GELU()

    def forward(self, x: Any) -> Any:
        return self.act(self.norm(self.conv(x)) + x)


class Network(nn.Module):  # type: ignore[misc]
    """Two inputs, a module that is called twice, Dropout, and branches."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.layers = nn.Sequential(Block(8), Block(8))
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(8, 4)

    def forward(self, image: Any, scale: Any) -> Any:
        x = self.relu(self.stem(image))
        x = self.relu(self.layers(x) * scale)
        return self.fc(self.drop(x.mean((2, 3))))


@pytest.fixture(scope="module")
def module() -> Any:
    torch.manual_seed(0)
    network = Network()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
    return network


@pytest.fixture(scope="module")
def graph(module: Any) -> Any:
    module.train()
    module.layers[0].eval()
    result = aidge_core.from_torch(module, (torch.randn(1, 3, 8, 8), torch.rand(1, 1, 1, 1)))
    assert module.training
    assert not module.layers[0].training  # every part is in the mode that it was in
    assert module.layers[1].training
    return result


@pytest.mark.slow
def test_a_module_computes_the_same_as_a_graph_for_every_batch_size(module: Any, graph: Any) -> None:
    module.eval()
    graph.compile("cpu", dims=[[1, 3, 8, 8], [1, 1, 1, 1]])
    scheduler = aidge_core.SequentialScheduler(graph)
    for batch in (1, 3):
        inputs = [torch.randn(batch, 3, 8, 8), torch.rand(batch, 1, 1, 1)]
        expected = module(*inputs).detach().numpy()
        (result,) = scheduler.forward(data=[aidge_core.Tensor(value.numpy()) for value in inputs])
        np.testing.assert_allclose(
            np.array(result), expected, rtol=0, atol=TOLERANCE * np.abs(expected).max()
        )


def test_nodes_and_inputs_have_the_names_of_the_module(graph: Any) -> None:
    names = [node.name() for node in graph.get_ordered_nodes() if node.type() != "Producer"]
    for name in (
        "stem",
        "relu",
        "relu_1",
        "layers.0.conv",
        "layers.1.conv",
        "layers.0/Add",
        "layers.1.act",
        "fc",
    ):
        assert name in names
    assert len(set(names)) == len(names)
    assert [(spec.name, spec.dims) for spec in graph.input_specs] == [
        ("image", [None, 3, 8, 8]),
        ("scale", [None, 1, 1, 1]),
    ]


def test_inputs_by_name_fixed_sizes_and_names_of_ones_own(module: Any) -> None:
    examples = {"scale": torch.rand(1, 1, 1, 1), "image": torch.randn(1, 3, 8, 8)}
    fixed = aidge_core.from_torch(module, examples, dynamic_batch=False)
    assert {spec.name: spec.dims for spec in fixed.input_specs} == {
        "image": [1, 3, 8, 8],
        "scale": [1, 1, 1, 1],
    }
    renamed = aidge_core.from_torch(nn.ReLU(), torch.rand(2, 3), input_names=["pixels"])
    assert renamed.input_specs[0].name == "pixels"


def test_nothing_is_printed_or_warned(capfd: pytest.CaptureFixture[str]) -> None:
    aidge_core.from_torch(nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()), torch.rand(1, 1, 4, 4))
    assert capfd.readouterr() == ("", "")


class Branching(nn.Module):  # type: ignore[misc]
    def forward(self, x: Any) -> Any:
        return x + 1 if x.sum() > 0 else x


def test_what_cannot_be_exported_is_one_error_and_the_modes_come_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    module = Branching().train()
    with pytest.raises(
        aidge_core.UnsupportedError, match=r"\[torch::from_torch\] .*data-dependent"
    ) as caught:
        aidge_core.from_torch(module, torch.rand(2, 3))
    assert len(str(caught.value).splitlines()) == 1
    assert module.training
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet18", torch.rand(1)), "expected a torch.nn.Module, got str"),
        ((nn.ReLU(), np.zeros(3)), r"inputs that are tensors, got \['ndarray'\]"),
        ((nn.ReLU(), ()), r"inputs that are tensors, got \[\]"),
    ],
)
def test_a_wrong_argument_is_an_error(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        aidge_core.from_torch(*arguments)


def test_a_missing_package_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from aidge_onnx.torch import reading as torch_import

    monkeypatch.setattr(torch_import, "find_spec", lambda name: None if name == "onnxscript" else True)
    with pytest.raises(ImportError, match=r"got no onnxscript: pip install 'aidge-compress\[torch\]'"):
        aidge_core.from_torch(nn.ReLU(), torch.rand(1))
    assert "torch" in sys.modules


def test_dataloaders_and_datasets_of_torch_are_data() -> None:
    images = torch.rand(12, 3, 8, 8)
    dataset = torch.utils.data.TensorDataset(images, torch.arange(12))
    model = aidge_core.from_torch(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), images[:2])
    model.compile("cpu", dims=[[4, 3, 8, 8]])
    for provider in (torch.utils.data.DataLoader(dataset, batch_size=4), dataset):
        aidge_core.fibnlr_prepare(model)
        assert aidge_core.fibnlr_compute(model, provider).samples == 12
