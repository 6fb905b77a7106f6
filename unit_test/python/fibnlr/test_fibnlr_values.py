"""FIBNLR from Python: the published values and an independent recomputation."""

from __future__ import annotations

import copy
import json
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import hypothesis
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from helpers.fibnlr_models import RELATIVE, Parameters, endless, relu_network
from helpers.paths import DATA
from hypothesis import strategies as st

pytestmark = pytest.mark.instruction_set

GOLDEN = DATA / "fibnlr"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
CASES = {case["group"]: case for case in EXPECTED["cases"]}
EPS = float(np.finfo(np.float64).eps)


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
