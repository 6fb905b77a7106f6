"""Graphs as PyTorch modules: what they are like, how they train, and how their weights come back."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.paths import EXAMPLES
from onnx import TensorProto, helper, numpy_helper

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
from aidge_onnx.torch import from_torch, take_weights, to_torch  # noqa: E402
from aidge_onnx.torch.places import Places  # noqa: E402

pytestmark = pytest.mark.torch
nn = torch.nn
TOLERANCE = 1e-5


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def forward(graph: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    graph.compile("cpu", dims=[list(array.shape) for array in arrays])
    return [np.array(out) for out in aidge_core.SequentialScheduler(graph).forward(data=list(arrays))]


def answers(module: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        found = module(*[torch.from_numpy(array) for array in arrays])
    return [entry.numpy() for entry in (found if isinstance(found, tuple) else (found,))]


def assert_same(graph: Any, module: Any, *arrays: np.ndarray, tolerance: float = TOLERANCE) -> None:
    for wanted, got in zip(forward(graph, *arrays), answers(module, *arrays), strict=True):
        assert wanted.shape == got.shape
        np.testing.assert_allclose(
            got, wanted, rtol=0, atol=tolerance * max(np.abs(wanted).max(initial=0), 1e-2)
        )


def random(*dims: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(dims).astype(np.float32)


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Any) -> Any:
        return torch.relu(self.norm(self.conv(x)) + x)


class Network(nn.Module):  # type: ignore[misc]
    """A block that is called twice, and what classifiers have around it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.block = Block(8)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(8, 4)

    def forward(self, image: Any) -> Any:
        x = self.block(self.block(torch.relu(self.stem(image))))
        return self.fc(self.drop(x.mean((2, 3))))


class Attention(nn.Module):  # type: ignore[misc]
    """A transformer layer behind an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True, activation="gelu")
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 11)

    def forward(self, words: Any) -> Any:
        return self.head(self.norm(self.layer(self.embed(words))))


def made(kind: Any) -> Any:
    torch.manual_seed(0)
    module = kind()
    for parameter in module.parameters():
        if parameter.ndim == 1:  # the exporter writes equal constants once
            nn.init.uniform_(parameter, 0.5, 1.0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
    return module.eval()


@pytest.fixture(scope="module")
def source() -> Any:
    return made(Network)


@pytest.fixture
def graph(source: Any) -> Any:
    return from_torch(source, torch.zeros(1, 3, 12, 12))


# --- what the module is like --------------------------------------------------------------------------------
def test_a_module_that_became_a_graph_comes_back_with_its_layers_and_names(source: Any, graph: Any) -> None:
    back = to_torch(graph)
    state = back.state_dict()
    for name, value in source.state_dict().items():
        if "norm" in name and name not in state:
            continue  # the exporter folds batch normalisation where it can
        assert torch.equal(state[name], value) or "conv" in name, name
    kinds = {name: type(part) for name, part in back.named_modules()}
    assert kinds["stem"] is kinds["block.conv"] is nn.Conv2d
    assert kinds["fc"] is nn.Linear
    assert not back.training
    for batch in (1, 3):
        x = random(batch, 3, 12, 12, seed=batch)
        np.testing.assert_allclose(answers(back, x)[0], answers(source, x)[0], atol=1e-5)


def test_the_graph_stays_and_the_weights_are_copies(graph: Any) -> None:
    before = aidge_onnx.to_model_proto(graph).SerializeToString(deterministic=True)
    module = to_torch(graph)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert aidge_onnx.to_model_proto(graph).SerializeToString(deterministic=True) == before


def test_attention_and_layer_norm() -> None:
    original = made(Attention)
    graph = from_torch(original, torch.zeros(2, 5, dtype=torch.int64))
    module = to_torch(graph)
    words = np.random.default_rng(0).integers(0, 11, (3, 5))
    np.testing.assert_allclose(answers(module, words)[0], answers(original, words)[0], atol=1e-5)
    assert sum(isinstance(part, nn.LayerNorm) for part in module.modules()) == 3
    assert torch.equal(module.state_dict()["layer.norm2.weight"], original.layer.norm2.weight)
    assert sum(p.numel() for p in module.parameters()) == sum(p.numel() for p in original.parameters())
    loss = module(torch.from_numpy(words)).logsumexp(-1).mean()
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in module.parameters())


def net_of(nodes: list[Any], weights: dict[str, np.ndarray], x: list[Any], opset: int = 17) -> Any:
    return aidge_onnx.load_onnx(
        helper.make_model(
            helper.make_graph(
                nodes, "net",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                [numpy_helper.from_array(array, name) for name, array in weights.items()],
            ),
            opset_imports=[helper.make_opsetid("", opset)], ir_version=8,
        ),
        cleaning=False,
    )  # fmt: skip


def test_batch_normalisation_trains_with_its_statistics() -> None:
    weights = {
        "w": random(4, 3, 1, 1),
        "s": np.full(4, 1.5, np.float32),
        "b": random(4),
        "m": random(4, seed=2),
    }
    weights["v"] = np.full(4, 2.0, np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["h"], "conv"),
        helper.make_node("BatchNormalization", ["h", "s", "b", "m", "v"], ["y"], "norm", momentum=0.75),
    ]
    graph = net_of(nodes, weights, ["N", 3, 5, 5])
    module = to_torch(graph)
    norm = module.get_submodule("norm")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.momentum == pytest.approx(0.25)
    assert_same(graph, module, random(2, 3, 5, 5))
    assert {name for name, _ in module.named_parameters()} == {"conv.weight", "norm.weight", "norm.bias"}
    module.train()
    module(torch.from_numpy(random(8, 3, 5, 5)))
    assert not torch.equal(norm.running_mean, torch.from_numpy(weights["m"]))
    module.eval()
    take_weights(graph, module)
    assert_same(graph, module, random(2, 3, 5, 5))


def test_constants_are_buffers_and_weights_parameters() -> None:
    weights = {
        "half": np.float32(0.5).reshape(()),
        "w": random(6, 4),
        "b": random(4),
        "i": np.arange(12).reshape(3, 4) % 3,
    }
    nodes = [
        helper.make_node("Mul", ["x", "half"], ["a"], "scaling"),
        helper.make_node("MatMul", ["a", "w"], ["m"], "dense"),
        helper.make_node("Add", ["m", "b"], ["s"], "dense_1"),
        helper.make_node("GatherElements", ["s", "i"], ["y"], "pick", axis=0),
    ]
    graph = net_of(nodes, weights, [3, 6])
    module = to_torch(graph)
    assert {name for name, _ in module.named_parameters()} == {"dense.weight", "dense_1.value"}
    assert {name for name, _ in module.named_buffers()} == {"scaling.value", "pick.value"}
    assert_same(graph, module, random(3, 6))


def test_a_weight_of_two_layers_is_one_parameter_also_after_copies_and_training() -> None:
    weights = {"w": random(6, 6) / 3, "b": random(6), "c": random(6, seed=1)}
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], "one", transB=1),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("Gemm", ["r", "w", "c"], ["y"], "two", transB=1),
    ]
    graph = net_of(nodes, weights, ["N", 6])
    module = copy.deepcopy(to_torch(graph)).to(torch.float64).to(torch.float32)
    assert module.get_submodule("one").weight is module.get_submodule("two").weight
    assert len(list(module.parameters())) == 3
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    module(torch.from_numpy(random(4, 6))).square().mean().backward()
    optimizer.step()
    take_weights(graph, module)
    assert_same(graph, module, random(4, 6))


def test_free_batch_and_sizes_with_arithmetic_on_dims() -> None:
    """x of (N, C, H, W) as rows of pixels, and back by what Shape says."""
    weights = {
        "w": random(4, 3, 3, 3),
        "v": random(4, 4),
        "minus": np.array([-1]),
        "zero": np.array([0]),
        "one": np.array([1]),
        "two": np.array([2]),
        "i": np.array(2),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Transpose", ["c"], ["t"], "turn", perm=[0, 2, 3, 1]),
        helper.make_node("Shape", ["t"], ["shape"], "shape"),
        helper.make_node("Gather", ["shape", "i"], ["width"], "width"),
        helper.make_node("Unsqueeze", ["width", "zero"], ["w1"], "w1"),
        helper.make_node("Slice", ["shape", "zero", "two"], ["front"], "front"),
        helper.make_node("ReduceProd", ["front"], ["rows"], "rows", keepdims=1),
        helper.make_node("Mul", ["rows", "w1"], ["all"], "all"),
        helper.make_node("Concat", ["all", "minus"], ["target"], "target", axis=0),
        helper.make_node("Reshape", ["t", "target"], ["r"], "flat"),
        helper.make_node("MatMul", ["r", "v"], ["d"], "dense"),
        helper.make_node("Reshape", ["d", "shape"], ["y"], "back"),
    ]  # fmt: skip
    graph = net_of(nodes, weights, ["N", 3, "H", "W"])
    module = to_torch(graph)
    for dims in ((1, 3, 4, 5), (3, 3, 7, 2)):
        assert_same(graph, module, random(*dims))
    compiled = torch.compile(module, backend="eager", fullgraph=True, dynamic=True)
    for dims in ((2, 3, 4, 5), (3, 3, 7, 2)):
        assert_same(graph, compiled, random(*dims))


@pytest.mark.parametrize("kind", [Network, Attention])
def test_the_module_compiles_copies_saves_and_changes_its_type(kind: Any, tmp_path: Path) -> None:
    original = made(kind)
    words = kind is Attention
    x = torch.randint(0, 11, (3, 5)) if words else torch.from_numpy(random(3, 3, 12, 12))
    graph = from_torch(original, torch.zeros_like(x[:1]))
    module = to_torch(graph)
    wanted = module(x).detach()
    assert torch.allclose(torch.compile(module, backend="aot_eager", fullgraph=True)(x), wanted, atol=1e-5)
    twin = copy.deepcopy(module)
    assert torch.equal(twin(x), wanted)
    assert list(twin.state_dict()) == list(module.state_dict())
    torch.save(module.state_dict(), tmp_path / "state.pt")
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    twin.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(twin(x), wanted)
    torch.save(module, tmp_path / "module.pt")
    assert torch.equal(torch.load(tmp_path / "module.pt", weights_only=False)(x), wanted)
    for dtype, tolerance in ((torch.float64, 1e-5), (torch.bfloat16, 0.1)):
        cast = copy.deepcopy(module).to(dtype)
        found = cast(x if words else x.to(dtype))
        assert found.dtype is dtype
        assert torch.allclose(found.to(torch.float32), wanted, atol=tolerance * float(wanted.abs().max()))


def test_what_cannot_be_is_one_error_that_lists_all() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["n"], "places"),
        helper.make_node("Unique", ["x"], ["u"], "kinds"),
        helper.make_node("Relu", ["x"], ["y"], "fine"),
    ]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None), helper.make_tensor_value_info("n", TensorProto.INT64, None),
         helper.make_tensor_value_info("u", TensorProto.FLOAT, None)],
    )  # fmt: skip
    model = aidge_onnx.load_onnx(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    )
    with pytest.raises(aidge_core.UnsupportedError, match=r"got 2 that cannot be: places.*kinds"):
        to_torch(model)


def test_types_that_pytorch_only_stores_are_refused() -> None:
    x = aidge_core.Identity("x")
    total = aidge_core.Add("total")
    x.add_child(total, 0, 0)
    x.add_child(total, 0, 1)
    graph = aidge_core.GraphView("g")
    graph.add([x, total])
    graph.set_inputs([aidge_core.GraphInput("x", [(x, 0)], [2], "uint16")])
    with pytest.raises(aidge_core.UnsupportedError, match=r"total .*uint16"):
        to_torch(graph)


def test_graphs_made_by_hand_with_padded_layers() -> None:
    graph = aidge_core.sequential(
        [
            aidge_core.PaddedConv2D(3, 5, [3, 2], name="conv", padding_dims=[1, 0, 2, 1]),
            aidge_core.BatchNorm2D(5, name="norm"),
            aidge_core.ReLU("act"),
            aidge_core.PaddedMaxPooling2D([3, 3], name="pool", padding_dims=[1, 1, 1, 1]),
            aidge_core.FC(5 * 7 * 8, 3, name="fc"),
        ]
    )
    rng = np.random.default_rng(0)
    for producer in aidge_core.producers(graph):
        operator = producer.get_operator()
        dims = operator.get_output(0).dims
        operator.set_output(0, rng.uniform(0.1, 1.0, dims).astype(np.float32))
    module = to_torch(graph)
    assert_same(graph, module, random(2, 3, 6, 8))


def test_names_that_pytorch_cannot_have_are_made_to_fit() -> None:
    places = Places({"forward", "weight"})
    assert places.layer("/layer1/layer1.0/Conv", ["weight"]) == "layer1.layer1.0.Conv"
    assert places.layer("/layer1/layer1.0/Conv", ["weight"]) == "layer1.layer1.0.Conv_"
    assert places.value("a b", "value") == "a_b.value"
    assert places.value("a b", "value") == "a_b.value_"
    assert places.layer("forward", ["bias"]) == "forward_"
    assert places.value("", "value") == "node.value"


# --- weights come back --------------------------------------------------------------------------------------
def trained(module: Any, x: Any, steps: int = 3) -> Any:
    module.train()
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        module(x).square().mean().backward()
        optimizer.step()
    return module.eval()


def test_trained_weights_come_back_and_nothing_else_changes(graph: Any) -> None:
    before = aidge_onnx.to_model_proto(graph)
    metadata = dict(graph.metadata)
    module = trained(to_torch(graph), torch.from_numpy(random(4, 3, 12, 12)))
    take_weights(graph, module)
    assert_same(graph, module, random(2, 3, 12, 12, seed=5))
    after = aidge_onnx.to_model_proto(graph)
    assert dict(graph.metadata) == metadata
    changed = [
        one.name for one, other in zip(before.graph.initializer, after.graph.initializer, strict=True)
        if one.raw_data != other.raw_data
    ]  # fmt: skip
    assert changed
    for proto in (before, after):
        del proto.graph.initializer[:]
    assert before == after


def test_weights_of_another_type_or_compiled_come_back(graph: Any) -> None:
    module = to_torch(graph)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(0.5)
    take_weights(graph, torch.compile(copy.deepcopy(module).double(), backend="eager"))
    assert_same(graph, module, random(2, 3, 12, 12))
    assert json.loads(graph.metadata["onnx.opset_imports"])


def test_a_changed_structure_is_refused_and_the_graph_stays(graph: Any) -> None:
    def refused(change: Any, message: str) -> None:
        module = trained(to_torch(graph), torch.from_numpy(random(2, 3, 12, 12)))
        change(module)
        version = graph.version
        with pytest.raises(ValueError, match=message):
            take_weights(graph, module)
        assert graph.version == version

    refused(lambda module: module.set_submodule("fc", nn.Linear(8, 5)), "fc.weight of dims")
    refused(lambda module: module.set_submodule("fc", nn.Linear(8, 4, bias=False)), "no fc.bias")
    refused(
        lambda module: module.fc.register_parameter("more", nn.Parameter(torch.zeros(1))), "a new fc.more"
    )
    refused(lambda module: setattr(module.stem, "stride", (1, 1)), "stem is Conv2d")

    def cut(module: Any) -> None:
        node = next(entry for entry in module.graph.nodes if entry.target is torch.nn.functional.relu)
        node.replace_all_uses_with(node.args[0])
        module.graph.erase_node(node)
        module.recompile()

    refused(cut, "another forward function")
    refused(lambda module: module.fc.bias.data.fill_(float("nan")), "finite weights.*fc.bias")
    with pytest.raises(ValueError, match=r"expected a torch.nn.Module, got int"):
        take_weights(graph, 3)


def test_the_share_of_dropout_may_change(graph: Any) -> None:
    module = to_torch(graph)
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.9
    take_weights(graph, module)


def test_without_pytorch_a_sentence_says_what_to_install(graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aidge_onnx.torch import writing

    monkeypatch.setattr(writing, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"aidge-compress\[torch\]"):
        to_torch(graph)
    with pytest.raises(ImportError, match=r"aidge-compress\[torch\]"):
        take_weights(graph, nn.ReLU())


# --- there and back -----------------------------------------------------------------------------------------
def topologies() -> Any:
    spec = importlib.util.spec_from_file_location("torch_topologies", EXAMPLES / "torch_topologies.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NETS = {"resnet18": (64, {}), "mobilenet_v2": (64, {}), "squeezenet1_1": (64, {})}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NETS))
def test_a_topology_goes_there_is_cut_and_comes_back(name: str) -> None:
    size, options = NETS[name]
    torch.manual_seed(0)
    examples = topologies()
    original = examples.randomize_batchnorm(examples.TOPOLOGIES[name](num_classes=10, **options), 0).eval()
    graph = from_torch(original, torch.zeros(1, 3, size, size))
    x = random(2, 3, size, size)
    wanted = answers(original, x)[0]
    np.testing.assert_allclose(answers(to_torch(graph), x)[0], wanted, atol=1e-4 * np.abs(wanted).max())
    aidge_core.fuse_batchnorm(graph)
    groups = aidge_core.channel_groups(graph, dims=[[1, 3, size, size]])
    source = next(group.sources[0] for group in groups if group.can_be_cut())
    aidge_core.remove_channels(graph, {source.node: [0, 2]}, dims=[[1, 3, size, size]])
    smaller = to_torch(graph)
    assert_same(graph, smaller, x)
    take_weights(graph, trained(smaller, torch.from_numpy(x), steps=1))
    assert_same(graph, smaller, x)
    again = aidge_onnx.load_onnx(aidge_onnx.to_model_proto(graph))
    assert_same(again, smaller, x)


def test_the_demo_network_is_the_same_in_pytorch() -> None:
    from aidge_compress.demo import NETWORK

    graph = aidge_onnx.load_onnx(NETWORK)
    assert_same(graph, to_torch(graph), random(4, 1, 28, 28))


def test_a_module_goes_in_and_a_smaller_module_comes_out(source: Any) -> None:
    import aidge_compress

    data = torch.utils.data.TensorDataset(torch.from_numpy(random(32, 3, 12, 12)), torch.arange(32) % 4)
    loader = torch.utils.data.DataLoader(data, batch_size=8)
    result = aidge_compress.compress(source, loader, keep_macs=0.6, latency=False)
    smaller = result.to_torch()
    assert sum(p.numel() for p in smaller.parameters()) < sum(p.numel() for p in source.parameters())
    assert_same(result.model, smaller, random(2, 3, 12, 12))
    better = aidge_compress.recover(
        result.model, loader, reference=result.original, epochs=1, minutes=None, batch=8
    )
    assert better.to_torch()(torch.from_numpy(random(2, 3, 12, 12))).shape == (2, 4)
