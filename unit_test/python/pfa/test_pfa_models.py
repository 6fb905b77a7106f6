"""Responses of networks: in our engine, through the model stage, in PyTorch and in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_compress import Stopped
from aidge_compress.demo import NETWORK
from aidge_compress.pfa import (
    PFA,
    FieldRenamer,
    ImageFormat,
    Pooler,
    ResponseInfo,
    as_producer,
    load_model,
    pipeline,
)
from aidge_core.data import from_arrays
from helpers.toy import model_of, save
from onnx import helper

Kind = ResponseInfo.LayerKind
RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((60, 3, 9, 8)).astype(np.float32)
FLOAT_TOLERANCE = 1e-5
"""Of a covariance, relative to its largest variance."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convolution, depthwise convolution with clipping, a residual block, pooling, two fully connected layers."""
    weights = {
        "w1": RNG.standard_normal((8, 3, 3, 3)) / 3,
        "b1": RNG.standard_normal(8),
        "w2": RNG.standard_normal((8, 1, 3, 3)) / 2,
        "w3": RNG.standard_normal((8, 8, 1, 1)) / 2,
        "w4": RNG.standard_normal((6, 8)),
        "b4": RNG.standard_normal(6),
        "w5": RNG.standard_normal((4, 6)),
        "b5": RNG.standard_normal(4),
        "low": np.array(0.0),
        "high": np.array(6.0),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], "depthwise", pads=[1, 1, 1, 1], group=8),
        helper.make_node("Clip", ["c2", "low", "high"], ["r2"], "relu6"),
        helper.make_node("Conv", ["r2", "w3"], ["c3"], "project"),
        helper.make_node("Add", ["c3", "r1"], ["a"], "add"),
        helper.make_node("GlobalAveragePool", ["a"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w4", "b4"], ["h"], "hidden", transB=1),
        helper.make_node("Relu", ["h"], ["r4"], "relu4"),
        helper.make_node("Gemm", ["r4", "w5", "b5"], ["logits"], "classes", transB=1),
    ]
    model = model_of(nodes, weights, {"image": ["N", 3, 9, 8]}, {"logits": ["N", 4]})
    return save(model, tmp_path_factory.mktemp("pfa") / "small.onnx")


@pytest.fixture
def graph(path: Path) -> Any:
    model = aidge_onnx.load_onnx(path)
    model.compile("cpu", dims=[[16, 3, 9, 8]])
    return model


LAYERS = ["conv1", "depthwise", "project", "hidden"]


def ort_responses(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    """The layers' outputs for all images, from ONNX Runtime."""
    import onnxruntime

    model = onnx.load(path)
    tensors = {node.name: node.output[0] for node in model.graph.node}
    for name in names:
        model.graph.output.append(onnx.ValueInfoProto(name=tensors[name]))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run([tensors[name] for name in names], {"image": IMAGES})
    return dict(zip(names, found, strict=True))


def pooled(response: np.ndarray, method: Pooler.Method) -> np.ndarray:
    flat = response.reshape(*response.shape[:2], -1).astype(np.float64)
    reduce = {Pooler.Method.MAX: np.max, Pooler.Method.SUM: np.sum, Pooler.Method.AVERAGE: np.mean}[method]
    return np.asarray(reduce(flat, axis=2))


# --- in our engine ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", list(Pooler.Method))
@pytest.mark.parametrize("batch_size", [1, 16, 60])
def test_the_engine_collects_what_onnx_runtime_computes(
    graph: Any, path: Path, method: Pooler.Method, batch_size: int
) -> None:
    pfa = PFA.introspect_model(graph, from_arrays(IMAGES, batch_size=batch_size), pooling=method)
    assert list(pfa.layers) == LAYERS
    for name, response in ort_responses(path, LAYERS).items():
        expected = np.cov(pooled(response, method).T)
        difference = np.abs(pfa.layers[name].covariances - expected).max()
        assert difference <= FLOAT_TOLERANCE * np.diag(expected).max(), name
    assert not any(node.has_observers() for node in graph.get_nodes())


def test_observed_and_plain_passes_have_the_same_outputs(graph: Any) -> None:
    scheduler = aidge_core.SequentialScheduler(graph)
    before = np.array(scheduler.forward(data=[IMAGES])[0])
    with pytest.warns(UserWarning, match="the last layer with weights is analysed"):
        PFA.introspect_model(graph, [IMAGES], lambda node: node.type() != "Clip")
    after = np.array(scheduler.forward(data=[IMAGES])[0])
    assert (before == after).all()


def test_a_file_is_loaded_and_compiled(path: Path, graph: Any) -> None:
    from_file, from_graph = PFA.introspect_model(path, [IMAGES]), PFA.introspect_model(graph, [IMAGES])
    assert from_file.get_recipe() == from_graph.get_recipe()


def test_layers_are_chosen_by_name_operator_node_or_predicate(graph: Any) -> None:
    def chosen(layers: Any) -> list[str]:
        return list(PFA.introspect_model(graph, [IMAGES], layers).layers)

    assert chosen(["project", "conv1"]) == ["conv1", "project"]
    assert chosen("Conv2D") == ["conv1", "depthwise", "project"]
    assert chosen(["hidden", "ReLU"]) == ["relu1", "hidden", "relu4"]
    assert chosen([graph.get_node("depthwise")]) == ["depthwise"]
    assert chosen(lambda node: node.name().startswith("relu")) == ["relu1", "relu6", "relu4"]
    assert chosen(["classes"]) == ["classes"]


def test_progress_is_told_and_can_stop(graph: Any) -> None:
    told: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, total: int) -> bool:
        told.append((stage, done, total))
        return done < 2

    with pytest.raises(Stopped, match="collecting responses, 2 of 3"):
        PFA.introspect_model(graph, from_arrays(IMAGES, batch_size=25), progress=progress)
    assert told == [("collecting responses", 1, 3), ("collecting responses", 2, 3)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["conv9"], "conv9"),
        ([], "expected at least one layer, got none"),
        (lambda node: False, "expected at least one layer, got none"),
        ([aidge_core.ReLU("stranger")], "expected nodes of the graph that compute something, got ..stranger"),
    ],
)
def test_layers_that_are_none_are_refused(graph: Any, layers: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PFA.introspect_model(graph, [IMAGES], layers)


def test_bad_data_is_refused_and_the_graph_is_as_before(graph: Any) -> None:
    poisoned = IMAGES.copy()
    poisoned[20, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r'layer "conv1": .*NaN or infinity in samples 16 to 31'):
        PFA.introspect_model(graph, from_arrays(poisoned, batch_size=16))
    with pytest.raises(ValueError, match="expected a provider with at least one batch"):
        PFA.introspect_model(graph, [])
    with pytest.raises(ValueError, match="float32"):
        PFA.introspect_model(graph, [IMAGES[:, :1]])

    def broken() -> Any:
        yield IMAGES
        raise KeyError("disk")

    with pytest.raises(KeyError, match="disk"):
        PFA.introspect_model(graph, broken())
    assert not any(node.has_observers() for node in graph.get_nodes())
    with pytest.raises(ValueError, match="expected a graph that has been compiled"):
        PFA.introspect_model(aidge_onnx.load_onnx(aidge_core_demo()), [IMAGES])


def aidge_core_demo() -> str:
    return str(NETWORK)


def test_products_along_the_last_axis_are_refused(tmp_path: Path) -> None:
    weights = {"w": RNG.standard_normal((5, 7))}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "product"),
        helper.make_node("Relu", ["m"], ["y"], "relu"),
    ]
    tokens = model_of(nodes, weights, {"x": ["N", 3, 5]}, {"y": ["N", 3, 7]})
    target = save(tokens, tmp_path / "tokens.onnx")
    with pytest.raises(ValueError, match=r"units on axis 1, got products along the last axis: \['product'\]"):
        PFA.introspect_model(target, [np.zeros((4, 3, 5), np.float32)], ["product"])


# --- as a pipeline stage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["aidge", "onnxruntime"])
def test_the_notebooks_way_gives_what_the_engine_collects(path: Path, graph: Any, engine: str) -> None:
    model = load_model(path, engine=engine)
    inputs = [info.name for info in model.response_infos.values() if info.layer.kind is Kind.PLACEHOLDER]
    assert inputs == ["image"]
    names = [info.name for info in model.response_infos.values() if info.layer.kind == Kind.CONV_2D]
    assert names == ["conv1", "depthwise", "project"]
    assert model.response_infos["conv1"].shape == (None, 8, 9, 8)
    assert model.response_infos["hidden"].layer.kind is Kind.LINEAR is Kind.DENSE
    producer = pipeline(
        as_producer({"images": IMAGES}),
        FieldRenamer({"images": "image"}),
        model(names),
        Pooler(dim=(2, 3), method=Pooler.Method.MAX),
    )
    pfa = PFA.introspect(producer, batch_size=16)
    expected = PFA.introspect_model(graph, [IMAGES], names)
    assert list(pfa.layers) == names
    for name, layer in pfa.layers.items():
        reference = expected.layers[name].covariances
        assert np.abs(layer.covariances - reference).max() <= FLOAT_TOLERANCE * np.diag(reference).max()


def test_kinds_and_types_of_layers_are_named(graph: Any) -> None:
    infos = load_model(graph).response_infos
    assert infos["relu6"].layer.kind is Kind.RELU6
    assert infos["relu1"].layer.kind is Kind.RELU
    assert infos["add"].layer.kind is Kind.UNKNOWN
    assert infos["add"].layer.typename == "Add"
    assert infos["image"].dtype == np.float32
    assert list(infos) == [
        "image",
        *(node.name() for node in graph.get_ordered_nodes() if node.type() != "Producer"),
    ]


def test_channels_last_has_tensorflows_order(graph: Any) -> None:
    model = load_model(graph, pixel_format=ImageFormat.HWC)
    assert model.input_layers["image"].shape == (None, 9, 8, 3)
    assert model.response_infos["conv1"].shape == (None, 9, 8, 8)
    producer = pipeline(
        as_producer(IMAGES.transpose(0, 2, 3, 1)),
        model(["conv1", "hidden"]),
    )
    batch = next(iter(producer(60)))
    plain = next(iter(pipeline(as_producer(IMAGES), load_model(graph)(["hidden", "conv1"]))(60)))
    assert list(batch.fields) == list(plain.fields) == ["conv1", "hidden"]
    assert (batch.fields["conv1"] == plain.fields["conv1"].transpose(0, 2, 3, 1)).all()
    assert (batch.fields["hidden"] == plain.fields["hidden"]).all()


def test_responses_are_copies_and_all_are_there_by_default(graph: Any) -> None:
    stage = load_model(graph)()
    first, second = (batch.fields for batch in pipeline(as_producer(IMAGES), stage)(30))
    assert len(first) == 11
    assert not np.array_equal(first["conv1"], second["conv1"])
    one = next(
        iter(
            pipeline(as_producer(IMAGES), load_model(graph)("logits" if "logits" in first else "classes"))(30)
        )
    )
    assert len(one.fields) == 1


def test_what_a_model_cannot_give_is_refused(graph: Any, path: Path) -> None:
    model = load_model(graph)
    with pytest.raises(
        ValueError, match=r"expected responses of the model \(see response_infos\), got \['conv9'\]"
    ):
        model(["conv1", "conv9"])
    with pytest.raises(ValueError, match="got none"):
        model([])
    with pytest.raises(
        ValueError, match=r"expected the fields \['image'\] for the model's inputs, got \['a', 'b'\]"
    ):
        list(pipeline(as_producer({"a": IMAGES, "b": IMAGES}), model(["conv1"]))(60))
    with pytest.raises(ValueError, match=r"expected the path of an ONNX file, .* got int"):
        load_model(3)
    with pytest.raises(ValueError, match='expected engine "aidge" or "onnxruntime", got \'tvm\''):
        load_model(path, engine="tvm")
    with pytest.raises(ValueError, match="expected a graph that has been compiled"):
        load_model(aidge_onnx.load_onnx(path))


def test_a_session_of_onnx_runtime_gives_its_outputs(path: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    model = load_model(session)
    assert list(model.response_infos) == ["image", "logits"]
    assert model.response_infos["logits"].shape == (None, 4)
    pfa = PFA.introspect(pipeline(as_producer(IMAGES), model()))
    logits = session.run(None, {"image": IMAGES})[0]
    assert np.allclose(
        pfa.layers["logits"].covariances, np.cov(logits.astype(np.float64).T), rtol=1e-5, atol=1e-6
    )


# --- PyTorch ------------------------------------------------------------------------------------------------------


@pytest.mark.torch
def test_a_torch_module_is_analysed_in_five_lines() -> None:
    import torch
    from torch import nn

    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 5, 3), nn.Dropout())
    module.train()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(IMAGES)), batch_size=13
    )

    model = load_model(module)
    layers = [info.name for info in model.response_infos.values() if info.layer.kind is Kind.CONV_2D]
    producer = pipeline(as_producer(loader), model(layers), Pooler(dim=(2, 3), method=Pooler.Method.MAX))
    pfa = PFA.introspect(producer)
    recipes = pfa.get_recipe()

    assert layers == ["0", "3"] == list(recipes)
    assert module.training
    assert all(part.training for part in module.modules())
    assert model.response_infos["0"].shape == (None, 8, None, None)
    assert int(module[1].num_batches_tracked) == 0
    module.eval()
    with torch.inference_mode():
        expected = np.cov(module[0](torch.from_numpy(IMAGES)).amax((2, 3)).double().numpy().T)
    assert np.abs(pfa.layers["0"].covariances - expected).max() <= FLOAT_TOLERANCE * np.diag(expected).max()


@pytest.mark.torch
def test_a_torch_module_that_is_called_twice_is_refused() -> None:
    import torch
    from torch import nn

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
            return self.relu(self.relu(x))

    model = load_model(Twice())
    assert list(model.input_layers) == ["x"]
    with pytest.raises(
        ValueError, match=r"one call a batch of each module, got these numbers of calls: {'relu': 2}"
    ):
        list(pipeline(as_producer(IMAGES), model(["relu"]))(60))
