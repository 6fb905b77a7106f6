"""FIBNLR from Python: the published values, an independent recomputation, parameters, providers, errors."""

from __future__ import annotations

import copy
import json
import math
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import hypothesis
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import strategies as st

GOLDEN = Path(__file__).parents[1] / "data" / "fibnlr"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
CASES = {case["group"]: case for case in EXPECTED["cases"]}
EPS = float(np.finfo(np.float64).eps)

RELATIVE = 1e-6

Parameters = aidge_core.fibnlr_Parameters


def golden_model() -> aidge_core.GraphView:
    model = aidge_onnx.load_onnx(GOLDEN / "net.onnx")
    model.compile("cpu", dims=[[EXPECTED["batch"], 3, 32, 32]])
    return model


def golden_batches() -> list[np.ndarray]:
    with np.load(GOLDEN / "data.npz") as data:
        x = data["x"]
    size = EXPECTED["batch"]
    return [x[i : i + size] for i in range(0, len(x) - size + 1, size)]


def golden_parameters(case: dict[str, Any], **options: Any) -> Parameters:
    return Parameters(
        group=aidge_core.GroupMethod[case["group"]],
        convergence_threshold=EXPECTED["convergence_threshold"],
        **options,
    )


def stored(case: dict[str, Any]) -> aidge_core.GraphView:
    """A model with the published NPRs and groups as attributes, so that no data is needed."""
    model = golden_model()
    for name, values in case["nodes"].items():
        node = model.get_node(name)
        aidge_core.fibnlr_set_npr(node, aidge_core.NPR(values["neg"], values["pos"]))
        aidge_core.fibnlr_set_group(node, aidge_core.Group(values["group"]))
    return model


def by_name(values: dict[aidge_core.Node, float]) -> dict[str, float]:
    return {node.name(): value for node, value in values.items()}


def small_model(*activations: aidge_core.Node) -> aidge_core.GraphView:
    """A chain of activations over inputs of (4, 2, 3, 3), compiled."""
    nodes = list(activations) or [aidge_core.ReLU(name="a"), aidge_core.ReLU(name="b")]
    model = aidge_core.sequential(nodes)
    model.compile("cpu", dims=[[4, 2, 3, 3]])
    return model


def small_batches(count: int = 5, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(0.1, 1.0, (4, 2, 3, 3)).astype(np.float32) for _ in range(count)]


def endless(**options: Any) -> Parameters:
    return Parameters(convergence_threshold=0.0, **options)


# --- the published values -------------------------------------------------------------------------


@pytest.mark.parametrize("group", CASES)
def test_ratios_groups_dead_channels_and_iterations_are_the_published_ones(group: str) -> None:
    case = CASES[group]
    model = golden_model()
    params = golden_parameters(case)
    prepared = aidge_core.fibnlr_prepare(model, params)
    assert {node.name() for node in prepared} == set(case["order"])
    result = aidge_core.fibnlr_compute(model, golden_batches(), params)
    assert result.iterations == case["iterations"]
    assert result.converged is case["converged"]
    assert result.reason == "converged"
    assert result.samples == case["iterations"] * EXPECTED["batch"]
    assert list(result) == pytest.approx(case["convergence"], rel=1e-4, abs=1e-12)
    for name, values in case["nodes"].items():
        node = model.get_node(name)
        npr = aidge_core.fibnlr_get_npr(node)
        assert npr.value() == pytest.approx(values["npr"], rel=RELATIVE)
        assert npr.neg == pytest.approx(values["neg"], rel=RELATIVE)
        assert npr.pos == pytest.approx(values["pos"], rel=RELATIVE)
        assert aidge_core.fibnlr_get_group(node).id == values["group"]
        tracker = aidge_core.fibnlr_get_activity_tracker(node)
        if values["channels"]:  # the published tracker does not follow 2-D tensors
            assert (tracker.count_dead_neurons(), len(tracker)) == (values["dead"], values["channels"])
        else:
            assert len(tracker) == 20


def is_changed_by_us(entry: dict[str, Any], sizes: dict[int, int], group: int) -> bool:
    """MIN_MAX of a group of one: the published wheels have no defined value."""
    return entry["normalization"] == "MIN_MAX" and sizes[group] == 1


@pytest.mark.parametrize("group", CASES)
@pytest.mark.parametrize("index", range(len(EXPECTED["cases"][0]["nnpr"])))
def test_normalised_ratios_and_eligible_sets_are_the_published_ones(group: str, index: int) -> None:
    case = CASES[group]
    entry = case["nnpr"][index]
    ids = [values["group"] for values in case["nodes"].values()]
    sizes = {g: ids.count(g) for g in ids}
    lone = {name for name, values in case["nodes"].items() if is_changed_by_us(entry, sizes, values["group"])}
    model = stored(case)
    params = golden_parameters(
        case,
        normalization=aidge_core.NormalizationMethod[entry["normalization"]],
        method=aidge_core.Method[entry["method"]],
        ablation_method=aidge_core.AblationMethod.NONE,
    )
    values = by_name(aidge_core.fibnlr_compute_NNPR(model, params))
    assert list(values) == case["order"]
    for name, value in values.items():
        if name in lone:
            ratio = case["nodes"][name]["npr"]
            assert value == pytest.approx(ratio if entry["method"] == "LOOSE" else 1.0, rel=RELATIVE)
        else:
            assert value == pytest.approx(entry["values"][name], rel=RELATIVE, abs=1e-12)
    for key, names in entry["eligible"].items():
        criterion, threshold, least = key.split("/")
        params.ablation_criteria = aidge_core.AblationCriteria[criterion]
        params.ablation_threshold = float(threshold)
        params.ablation_x_least = int(least)
        eligible = {node.name() for node in aidge_core.fibnlr_prune(model, params)}
        assert eligible - lone == set(names) - lone, key


@hypothesis.given(
    ratios=st.lists(
        st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(0, 3)), min_size=1, max_size=9
    ),
    normalization=st.sampled_from(list(aidge_core.NormalizationMethod)),
    method=st.sampled_from(list(aidge_core.Method)),
)
def test_normalisation_is_that_of_the_formulas_for_any_ratios(
    ratios: list[tuple[float, float, int]], normalization: Any, method: Any
) -> None:
    nodes = [aidge_core.ReLU(name=f"r{i}") for i in range(len(ratios))]
    model = aidge_core.sequential(nodes)
    for node, (neg, pos, _) in zip(nodes, ratios, strict=True):
        aidge_core.fibnlr_set_npr(node, aidge_core.NPR(neg, pos))
    params = Parameters(normalization=normalization, method=method, group=aidge_core.GroupMethod.MANUAL)
    params.group_assignments = {node: group for node, (_, _, group) in zip(nodes, ratios, strict=True)}
    got = aidge_core.fibnlr_compute_NNPR(model, params)

    values = np.array([(neg + EPS) / (pos + EPS) for neg, pos, _ in ratios])
    groups = np.array([group for _, _, group in ratios])
    for node, value, group in zip(nodes, values, groups, strict=True):
        members = values[groups == group]
        spread = members.max() - members.min()
        expected = {
            "NONE": value,
            "MIN_MAX": (value - members.min()) / spread if spread else 1.0,
            "SUM": (value + EPS) / (members.sum() + EPS),
            "AVERAGE": (value + EPS) / (members.mean() + EPS),
        }[normalization.name]
        if method is aidge_core.Method.LOOSE and len(members) == 1:
            expected = value
        assert got[node] == pytest.approx(expected, rel=1e-9)
        assert aidge_core.fibnlr_get_nnpr(node).value == got[node]


def test_the_whole_recipe_replaces_what_the_published_values_make_eligible() -> None:
    case = CASES["IMAGE_SIZE"]
    params = golden_parameters(
        case, normalization=aidge_core.NormalizationMethod.NONE, ablation_threshold=0.25
    )
    model = golden_model()
    removed = aidge_core.fibnlr(model, golden_batches(), params)
    assert {node.name() for node in removed} == {"/2/r2/Relu"}
    assert model.get_node("/2/r2/Relu").type() == "Identity"


# --- an independent recomputation -----------------------------------------------------------------


def relu_network(seed: int) -> onnx.ModelProto:
    """Conv, ReLU, Conv, LeakyReLU, residual Add, ReLU, with random weights."""
    random = np.random.default_rng(seed)

    def weight(name: str, *dims: int) -> onnx.TensorProto:
        values = random.normal(0, 0.4, dims).astype(np.float32)
        return onnx.numpy_helper.from_array(values, name)

    make = onnx.helper.make_node
    nodes = [
        make("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        make("Relu", ["c1"], ["r1"], "relu1"),
        make("Conv", ["r1", "w2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        make("LeakyRelu", ["c2"], ["r2"], "leaky", alpha=0.1),
        make("Add", ["r1", "r2"], ["s"], "sum"),
        make("Relu", ["s"], ["y"], "relu2"),
    ]
    inputs = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 3, 9, 7])]
    outputs = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 6, 9, 7])]
    weights = [weight("w1", 6, 3, 3, 3), weight("b1", 6), weight("w2", 6, 6, 3, 3)]
    graph = onnx.helper.make_graph(nodes, "net", inputs, outputs, weights)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ratios_and_dead_channels_agree_with_onnx_runtime(seed: int) -> None:
    proto = relu_network(seed)
    random = np.random.default_rng(seed + 100)
    batches = [random.normal(0, 1, (size, 3, 9, 7)).astype(np.float32) for size in (5, 5, 2)]
    model = aidge_onnx.load_onnx(proto)
    model.compile("cpu", dims=[[5, 3, 9, 7]])
    params = endless()
    aidge_core.fibnlr_prepare(model, params)
    result = aidge_core.fibnlr_compute(model, batches, params)

    exposed = copy.deepcopy(proto)
    inputs = {"relu1": "c1", "leaky": "c2", "relu2": "s"}
    exposed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in inputs.values())
    session = ort.InferenceSession(exposed.SerializeToString(), providers=["CPUExecutionProvider"])
    seen = {name: [] for name in inputs}
    ratios: list[list[float]] = []
    for batch in batches:
        for name, values in zip(inputs, session.run(list(inputs.values()), {"x": batch}), strict=True):
            seen[name].append(values.astype(np.float64))
        ratios.append([])
        for name in inputs:
            values = np.concatenate([v.ravel() for v in seen[name]])
            ratios[-1].append((-values[values < 0].sum() + EPS) / (values[values >= 0].sum() + EPS))
    for name, ratio in zip(inputs, ratios[-1], strict=True):
        node = model.get_node(name)
        assert aidge_core.fibnlr_get_npr(node).value() == pytest.approx(ratio, rel=1e-5)
        dead = ~(np.concatenate(seen[name]) > 0).any(axis=(0, 2, 3))
        assert aidge_core.fibnlr_get_activity_tracker(node).neurons == dead.tolist()
    changes = (np.diff(np.array(ratios), axis=0) ** 2).sum(axis=1).tolist()
    assert list(result) == pytest.approx(changes, rel=1e-3, abs=1e-12)
    total = sum(ratios[-1])
    nnpr = by_name(aidge_core.fibnlr_compute_NNPR(model, params))
    assert nnpr == pytest.approx({n: r / total for n, r in zip(inputs, ratios[-1], strict=True)}, rel=1e-5)


@pytest.mark.parametrize("method", ["IDENTITY", "REMOVE"])
def test_a_pruned_network_gives_the_outputs_of_the_network_without_those_activations(method: str) -> None:
    proto = relu_network(5)
    model = aidge_onnx.load_onnx(proto)
    model.compile("cpu", dims=[[4, 3, 9, 7]])
    scheduler = aidge_core.SequentialScheduler(model)
    x = np.random.default_rng(0).normal(0, 1, (4, 3, 9, 7)).astype(np.float32)
    scheduler.forward(data=[x])
    params = Parameters(ablation_threshold=100.0, ablation_method=aidge_core.AblationMethod[method])
    assert len(aidge_core.fibnlr(model, [x], params)) == 3
    linear = copy.deepcopy(proto)
    for node in linear.graph.node:
        if "Relu" in node.op_type:
            node.op_type = "Identity"
            del node.attribute[:]
    session = ort.InferenceSession(linear.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})[0]
    for runner in (scheduler, aidge_core.SequentialScheduler(model)):
        got = np.asarray(runner.forward(data=[x])[0])
        assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


# --- the result of compute ------------------------------------------------------------------------


def test_the_result_is_a_sequence_of_floats_that_knows_how_it_ended() -> None:
    model = small_model()
    params = endless()
    aidge_core.fibnlr_prepare(model, params)
    result = aidge_core.fibnlr_compute(model, small_batches(), params)
    assert isinstance(result, Sequence)
    assert len(result) == 4
    values = list(result)
    assert all(isinstance(value, float) for value in values)
    assert result == values
    assert result != values[:-1]
    assert result[0] == values[0]
    assert result[-1] == values[-1]
    assert result[1:3] == values[1:3]
    assert values[2] in result
    assert result.index(values[2]) == 2
    assert result.count(values[2]) == 1
    with pytest.raises(IndexError):
        result[4]
    assert (result.converged, result.iterations, result.reason, result.samples) == (
        False,
        5,
        "out_of_data",
        20,
    )
    assert pickle.loads(pickle.dumps(result)) == result
    assert "out_of_data" in repr(result)


def test_one_batch_gives_no_convergence_value() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    result = aidge_core.fibnlr_compute(model, small_batches(1))
    assert result == []
    assert result.iterations == 1


def test_the_iteration_limit_counts_batches_and_zero_means_none() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    assert (
        aidge_core.fibnlr_compute(model, small_batches(), endless(max_iteration=3)).reason == "max_iteration"
    )
    result = aidge_core.fibnlr_compute(model, small_batches(130), endless(max_iteration=0))
    assert (result.iterations, result.reason) == (130, "out_of_data")


def test_a_second_compute_goes_on_and_prepare_starts_again() -> None:
    model = small_model()
    params = endless()
    node = model.get_node("a")
    aidge_core.fibnlr_prepare(model, params)
    batches = small_batches()
    aidge_core.fibnlr_compute(model, batches, params)
    once = aidge_core.fibnlr_get_npr(node).neg
    assert once == pytest.approx(-sum(float(b[b < 0].sum(dtype=np.float64)) for b in batches), rel=RELATIVE)
    aidge_core.fibnlr_compute(model, batches, params)
    assert aidge_core.fibnlr_get_npr(node).neg == pytest.approx(2 * once, rel=RELATIVE)
    aidge_core.fibnlr_prepare(model, params)
    aidge_core.fibnlr_prepare(model, params)
    assert aidge_core.fibnlr_get_npr(node).neg == 0.0
    aidge_core.fibnlr_compute(model, batches, params)
    assert aidge_core.fibnlr_get_npr(node).neg == pytest.approx(once, rel=RELATIVE)


def test_progress_is_called_after_every_iteration_and_false_stops() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    seen: list[tuple[int, float | None, int]] = []

    def progress(iteration: int, convergence: float | None, samples: int) -> bool:
        seen.append((iteration, convergence, samples))
        return iteration < 3

    result = aidge_core.fibnlr_compute(model, small_batches(), endless(), progress=progress)
    assert result.reason == "stopped"
    assert seen == [(1, None, 4), (2, result[0], 8), (3, result[1], 12)]


def test_a_progress_callback_that_returns_nothing_does_not_stop() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    calls: list[int] = []
    result = aidge_core.fibnlr_compute(
        model, small_batches(), endless(), progress=lambda i, c, s: calls.append(i)
    )
    assert calls == [1, 2, 3, 4, 5]
    assert result.reason == "out_of_data"


# --- providers ------------------------------------------------------------------------------------


class LabelledData(aidge_core.Database):
    """Twenty labelled samples."""

    def __init__(self) -> None:
        super().__init__()
        self.x = np.concatenate(small_batches())

    def __len__(self) -> int:
        return len(self.x)

    def get_item(self, index: int) -> list[Any]:
        return [self.x[index], np.int64(index)]


def ratios_with(provider: Any) -> float:
    model = small_model()
    params = endless()
    aidge_core.fibnlr_prepare(model, params)
    aidge_core.fibnlr_compute(model, provider, params)
    return float(aidge_core.fibnlr_get_npr(model.get_node("a")).value())


def test_every_kind_of_provider_gives_the_same_ratio() -> None:
    batches = small_batches()
    expected = ratios_with(batches)
    labels = np.zeros(4, dtype=np.int64)
    assert ratios_with(aidge_core.DataProvider(LabelledData(), batch_size=4)) == pytest.approx(expected)
    assert ratios_with(iter(batches)) == pytest.approx(expected)
    assert ratios_with([(b, labels) for b in batches]) == pytest.approx(expected)
    assert ratios_with([[aidge_core.Tensor(b)] for b in batches]) == pytest.approx(expected)
    name = small_model().input_specs[0].name
    assert ratios_with([{name: b, "label": labels} for b in batches]) == pytest.approx(expected)


@pytest.mark.torch
def test_a_torch_data_loader_is_a_provider() -> None:
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(np.concatenate(small_batches())), torch.arange(20))
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    assert ratios_with(loader) == pytest.approx(ratios_with(small_batches()))


def test_the_script_of_the_merge_request_runs() -> None:
    provider = aidge_core.DataProvider(
        LabelledData(), backend="cpu", batch_size=8, shuffle=True, drop_last=True
    )
    model = aidge_core.sequential([aidge_core.ReLU(name="a"), aidge_core.ReLU(name="b")])
    (tensor, _label) = next(iter(provider))
    model.set_mandatory_inputs_first()
    model.compile("cpu", datatype=aidge_core.dtype.float32, dims=[tensor.dims])
    params = aidge_core.fibnlr_Parameters()
    pruned_nodes = aidge_core.fibnlr(model, provider, params)
    assert {node.name() for node in pruned_nodes} == {"b"}
    prepared_nodes = aidge_core.fibnlr_prepare(model, params)
    assert {node.name() for node in prepared_nodes} == {"a"}
    aidge_core.fibnlr_compute(model, provider, params)
    assert aidge_core.fibnlr_prune(model, params) == set()


def test_an_empty_provider_is_an_error() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(ValueError, match="empty"):
        aidge_core.fibnlr_compute(model, [])


def test_what_a_provider_raises_comes_out_and_undoes_the_call() -> None:
    class Trouble(Exception):
        pass

    def batches() -> Iterator[np.ndarray]:
        yield from small_batches(2)
        raise Trouble("third batch")

    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(Trouble, match="third batch"):
        aidge_core.fibnlr_compute(model, batches())
    assert aidge_core.fibnlr_get_npr(model.get_node("a")) == aidge_core.NPR()
    with pytest.raises(ValueError, match="no NPR: run fibnlr_compute first"):
        aidge_core.fibnlr_prune(model)


def test_what_a_progress_callback_raises_comes_out_and_undoes_the_call() -> None:
    def progress(iteration: int, convergence: float | None, samples: int) -> None:
        raise RuntimeError("enough")

    model = small_model()
    with pytest.raises(RuntimeError, match="enough"):
        aidge_core.fibnlr(model, small_batches(), progress=progress)
    assert not aidge_core.fibnlr_has_npr(model.get_node("a"))
    assert not model.get_node("a").has_observers()


def test_ctrl_c_between_batches_ends_compute_with_keyboard_interrupt() -> None:
    def batches() -> Iterator[np.ndarray]:
        for index, batch in enumerate(small_batches(50)):
            if index == 3:
                signal.raise_signal(signal.SIGINT)
            yield batch

    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(KeyboardInterrupt):
        aidge_core.fibnlr_compute(model, batches(), endless())
    assert aidge_core.fibnlr_get_npr(model.get_node("a")) == aidge_core.NPR()


def test_other_threads_run_while_compute_does() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    turn = threading.Semaphore(0)
    done = threading.Semaphore(0)

    def other() -> None:
        for _ in range(5):
            turn.acquire()
            done.release()

    def batches() -> Iterator[np.ndarray]:
        for batch in small_batches():
            turn.release()
            assert done.acquire(timeout=60)
            yield batch

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    assert aidge_core.fibnlr_compute(model, batches(), endless()).iterations == 5
    thread.join(timeout=60)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((4, 5, 9, 7), np.float32),
        np.zeros((4, 3, 9), np.float32),
        np.zeros((4, 3, 9, 7), np.int64),
        {"other": np.zeros((4, 3, 9, 7), np.float32)},
        [],
    ],
    ids=["channels", "rank", "type", "name", "nothing"],
)
def test_a_batch_that_does_not_fit_is_an_error_that_names_the_input(batch: Any) -> None:
    model = aidge_onnx.load_onnx(relu_network(0))
    model.compile("cpu", dims=[[4, 3, 9, 7]])
    aidge_core.fibnlr_prepare(model)
    good = np.ones((4, 3, 9, 7), np.float32)
    with pytest.raises(ValueError, match="'x'"):
        aidge_core.fibnlr_compute(model, [good, batch])
    assert aidge_core.fibnlr_get_npr(model.get_node("relu1")) == aidge_core.NPR()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_or_infinity_names_node_and_batch(bad: float) -> None:
    batches = small_batches()
    batches[3][1, 1, 1, 1] = bad
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(ValueError, match=r'(?s)"a".*batch 3'):
        aidge_core.fibnlr_compute(model, batches, endless())
    assert aidge_core.fibnlr_get_npr(model.get_node("a")) == aidge_core.NPR()


# --- prepare, groups, prune -----------------------------------------------------------------------


def test_prepare_needs_dims_or_static_inputs() -> None:
    model = aidge_core.sequential([aidge_core.ReLU(name="a")])
    with pytest.raises(ValueError, match="compile"):
        aidge_core.fibnlr_prepare(model)
    model.forward_dims([[1, 2, 6, 5]])
    aidge_core.fibnlr_prepare(model)
    assert aidge_core.fibnlr_get_group(model.get_node("a")).id == 30


def test_manual_groups_go_by_node_or_name_and_find_their_nodes() -> None:
    model = small_model(*(aidge_core.ReLU(name=name) for name in "abc"))
    params = Parameters(group=aidge_core.GroupMethod.MANUAL)
    params.group_assignments = {model.get_node("a"): 7, "b": 7}
    with pytest.raises(ValueError, match='"c"'):
        aidge_core.fibnlr_prepare(model, params)
    params.group_assignments["c"] = 9
    aidge_core.fibnlr_prepare(model, params)
    assert aidge_core.fibnlr_find_groups(model) == {aidge_core.Group(7), aidge_core.Group(9)}
    for group in (7, aidge_core.Group(7)):
        assert {node.name() for node in aidge_core.fibnlr_find_node_by_group(model, group)} == {"a", "b"}
    params.group_assignments["typo"] = 1
    with pytest.raises(ValueError, match="typo"):
        aidge_core.fibnlr_prepare(model, params)


def test_groups_do_not_stay_from_another_method() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model, Parameters(group=aidge_core.GroupMethod.IMAGE_SIZE))
    aidge_core.fibnlr_prepare(model, Parameters(group=aidge_core.GroupMethod.NONE))
    assert aidge_core.fibnlr_find_groups(model) == {aidge_core.Group(0)}


def test_pruning_before_compute_is_an_error() -> None:
    model = small_model()
    with pytest.raises(ValueError, match="no NPR: run fibnlr_compute first"):
        aidge_core.fibnlr_prune(model)
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(ValueError, match="no NPR: run fibnlr_compute first"):
        aidge_core.fibnlr_prune(model)
    assert [node.type() for node in model.get_ordered_nodes()] == ["ReLU", "ReLU"]
    with pytest.raises(ValueError, match="fibnlr_prepare"):
        aidge_core.fibnlr_compute(small_model(), small_batches())


def test_no_observer_is_left_after_pruning() -> None:
    for method in (aidge_core.AblationMethod.NONE, aidge_core.AblationMethod.IDENTITY):
        model = small_model()
        removed = aidge_core.fibnlr(
            model, small_batches(), Parameters(ablation_method=method, ablation_threshold=2.0)
        )
        assert len(removed) == 2
        nodes = list(model.get_nodes()) + list(removed)
        assert not any(node.has_observers() or node.has_hooks() for node in nodes)


def test_as_many_as_told_are_kept_in_each_group() -> None:
    params = Parameters(ablation_threshold=2.0, ablation_min_kept=1)
    removed = aidge_core.fibnlr(small_model(), small_batches(), params)
    assert {node.name() for node in removed} == {"b"}


def test_gelu_prelu_and_clip_are_prunable_where_asked() -> None:
    nodes = [
        aidge_core.GeLU(name="g"),
        aidge_core.Clip(name="c", min=0.0, max=6.0),
        aidge_core.PReLU(2, name="p"),
    ]
    model = small_model(*nodes)
    assert {node.name() for node in aidge_core.fibnlr_prepare(model)} == {"g"}
    params = endless(prunable_types=["GeLU", "Clip", "PReLU"])
    assert {node.name() for node in aidge_core.fibnlr_prepare(model, params)} == {"g", "c", "p"}
    aidge_core.fibnlr_compute(model, small_batches(), params)
    params.ablation_threshold = 10.0
    params.ablation_method = aidge_core.AblationMethod.REMOVE
    # All three are the whole graph: an Identity stays between its input and its output.
    assert len(aidge_core.fibnlr_prune(model, params)) == 3
    x = small_batches(1)[0]
    assert np.array_equal(np.asarray(aidge_core.SequentialScheduler(model).forward(data=[x])[0]), x)


# --- parameters -----------------------------------------------------------------------------------


def test_defaults_and_presets() -> None:
    params = Parameters()
    assert params.method is aidge_core.Method.STRICT
    assert params.normalization is aidge_core.NormalizationMethod.SUM
    assert params.group is aidge_core.GroupMethod.IMAGE_SIZE
    assert params.ablation_criteria is aidge_core.AblationCriteria.THRESHOLD
    assert params.ablation_method is aidge_core.AblationMethod.IDENTITY
    assert (params.ablation_threshold, params.ablation_x_least, params.ablation_min_kept) == (0.1, 1, 0)
    assert (params.max_iteration, params.convergence_threshold) == (100, 1e-6)
    assert params.group_assignments == {}
    paper = Parameters.paper()
    assert paper.method is aidge_core.Method.LOOSE
    assert paper.normalization is aidge_core.NormalizationMethod.AVERAGE
    assert paper.ablation_criteria is aidge_core.AblationCriteria.X_LEAST_PER_GROUP
    assert paper.group is aidge_core.GroupMethod.IMAGE_SIZE
    none = Parameters.none()
    assert none.method is aidge_core.Method.STRICT
    assert none.ablation_method is aidge_core.AblationMethod.NONE


def test_parameters_compare_copy_and_pickle() -> None:
    params = Parameters(ablation_threshold=0.3, group_assignments={"a": 1}, prunable_types=["ReLU", "Clip"])
    assert params != Parameters()
    for twin in (copy.copy(params), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert twin == params
        twin.group_assignments["b"] = 2
        assert "b" not in params.group_assignments
        assert twin != params
    assert "ablation_threshold=0.3" in repr(params)
    assert "Method.STRICT" in repr(params)
    with pytest.raises(TypeError):
        hash(params)


def test_pickling_turns_nodes_into_their_names() -> None:
    model = small_model()
    params = Parameters(group_assignments={model.get_node("a"): 3})
    assert pickle.loads(pickle.dumps(params)).group_assignments == {"a": 3}
    assert copy.copy(params).group_assignments == {model.get_node("a"): 3}


def test_both_spellings_are_one_parameter() -> None:
    params = Parameters(normalisation=aidge_core.NormalisationMethod.AVERAGE)
    assert params.normalization is aidge_core.NormalizationMethod.AVERAGE
    params.normalisation = aidge_core.NormalizationMethod.MIN_MAX
    assert params.normalization is aidge_core.NormalisationMethod.MIN_MAX
    with pytest.raises(ValueError, match="normalisation"):
        Parameters(
            normalization=aidge_core.NormalizationMethod.SUM,
            normalisation=aidge_core.NormalizationMethod.NONE,
        )


def test_members_are_also_reachable_as_the_merge_request_writes_them() -> None:
    assert aidge_core.Method.Strict is aidge_core.Method.STRICT
    assert aidge_core.Method.Loose is aidge_core.Method.LOOSE
    assert aidge_core.NormalisationMethod.MinMax is aidge_core.NormalizationMethod.MIN_MAX
    assert aidge_core.NormalisationMethod.Sum is aidge_core.NormalizationMethod.SUM
    assert aidge_core.NormalisationMethod.Average is aidge_core.NormalizationMethod.AVERAGE
    assert aidge_core.GroupMethod.ImageSize is aidge_core.GroupMethod.IMAGE_SIZE
    assert aidge_core.GroupMethod.Manual is aidge_core.GroupMethod.MANUAL
    assert aidge_core.AblationCriteria.XLeastPerGroup is aidge_core.AblationCriteria.X_LEAST_PER_GROUP
    assert aidge_core.AblationCriteria.Threshold is aidge_core.AblationCriteria.THRESHOLD
    assert aidge_core.AblationMethod.Identity is aidge_core.AblationMethod.IDENTITY
    assert aidge_core.AblationMethod.Remove is aidge_core.AblationMethod.REMOVE
    assert aidge_core.fibnlr_Method is aidge_core.Method
    assert len(aidge_core.Method) == 2
    assert pickle.loads(pickle.dumps(aidge_core.Method.LOOSE)) is aidge_core.Method.LOOSE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ablation_threshold", -0.1),
        ("ablation_threshold", math.inf),
        ("ablation_threshold", math.nan),
        ("convergence_threshold", -1.0),
        ("ablation_x_least", -1),
        ("ablation_min_kept", -1),
        ("max_iteration", -1),
        ("prunable_types", ["Sigmoid"]),
        ("group_assignments", {"a": -1}),
        ("group_assignments", {"a": 1.5}),
        ("group_assignments", {3: 1}),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Parameters(**{name: value})

    def assign() -> None:
        params = Parameters()
        setattr(params, name, value)
        params.validate()

    with pytest.raises(ValueError, match=name):
        assign()


def test_parameters_are_keyword_only_and_typed() -> None:
    with pytest.raises(TypeError):
        Parameters(aidge_core.Method.STRICT)
    with pytest.raises(TypeError):
        Parameters(method="STRICT")
    with pytest.raises(TypeError):
        Parameters(threshold=1.0)


def test_no_graph_is_an_error_everywhere() -> None:
    for call in (
        aidge_core.fibnlr_prepare,
        aidge_core.fibnlr_prune,
        aidge_core.fibnlr_compute_NNPR,
        aidge_core.fibnlr_find_groups,
        lambda model: aidge_core.fibnlr_compute(model, []),
        lambda model: aidge_core.fibnlr(model, []),
    ):
        with pytest.raises(ValueError, match="expected a"):
            call(None)
