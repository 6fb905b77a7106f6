"""PFA within a budget of the network's parameters and multiplications."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_onnx
import numpy as np
import pytest
from aidge_compress.network.summary import summarize
from aidge_compress.pfa import PFA, PFABudgetDiagnostics, network_cost
from helpers.toy import model_of, save
from onnx import helper

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((200, 3, 8, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Expand, depthwise, project, add, concatenate, classify."""
    weights = {
        "w1": (16, 3, 3, 3),
        "b1": (16,),
        "w2": (16, 1, 3, 3),
        "w3": (16, 16, 1, 1),
        "w4": (8, 3, 1, 1),
        "w5": (10, 24),
        "b5": (10,),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], "depthwise", pads=[1] * 4, group=16),
        helper.make_node("Conv", ["c2", "w3"], ["c3"], "project"),
        helper.make_node("Add", ["c3", "r1"], ["a"], "add"),
        helper.make_node("Conv", ["x", "w4"], ["c4"], "side"),
        helper.make_node("Concat", ["a", "c4"], ["cat"], "cat", axis=1),
        helper.make_node("GlobalAveragePool", ["cat"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w5", "b5"], ["y"], "fc", transB=1),
    ]
    constants = {name: RNG.standard_normal(shape) for name, shape in weights.items()}
    made = model_of(nodes, constants, {"x": ["N", 3, 8, 8]}, {"y": ["N", 10]})
    path = save(made, tmp_path_factory.mktemp("budget") / "net.onnx")
    model = aidge_onnx.load_onnx(path)
    model.compile("cpu", dims=[[1, 3, 8, 8]])
    return model


def test_the_whole_network_costs_what_the_summary_says(graph: Any) -> None:
    summary = summarize(graph, [[1, 3, 8, 8]])
    assert network_cost(graph, {}) == (summary.parameters, summary.macs)


def test_the_cost_of_a_smaller_network_is_the_one_counted_by_hand(graph: Any) -> None:
    # conv1 keeps 8 of 16, and so does the depthwise convolution; project 4 of 16; the sum 8; side 2 of 8; the classifier sees 10.
    parameters, macs = network_cost(graph, {"conv1": 0.5, "depthwise": 0.75, "project": 0.25, "side": 0.25})
    weights = {"conv1": 8 * 27, "depthwise": 8 * 9, "project": 4 * 8, "side": 2 * 3, "fc": 10 * 10}
    assert parameters == pytest.approx(sum(weights.values()) + 8 + 10)
    whole = summarize(graph, [[1, 3, 8, 8]])
    own = {layer.name: layer.macs for layer in whole.layers}
    kept = {"conv1": 1 / 2, "depthwise": 1 / 2, "project": 1 / 8, "side": 1 / 4, "fc": 10 / 24}
    assert macs == pytest.approx(sum(own[name] * share for name, share in kept.items()))


@pytest.mark.parametrize(
    "limits", [{"macs": 0.5}, {"parameters": 0.3}, {"macs": 0.6, "parameters": 0.4}, {"macs": 1.0}]
)
def test_recipes_use_the_budget_and_keep_within_it(graph: Any, limits: dict[str, float]) -> None:
    pfa = PFA.introspect_model(graph, [IMAGES])
    recipes = pfa.get_recipe(strategy=PFA.Strategy.Budget(graph, **limits))
    shares = {name: r.recommended_output_count / r.original_output_count for name, r in recipes.items()}
    cost = [a / b for a, b in zip(network_cost(graph, shares), network_cost(graph, {}), strict=True)]
    diagnostics = recipes["conv1"].diagnostics
    assert isinstance(diagnostics, PFABudgetDiagnostics)
    assert cost == pytest.approx([diagnostics.parameters, diagnostics.macs])
    assert cost[0] <= limits.get("parameters", 1.0)
    assert cost[1] <= limits.get("macs", 1.0)
    # One step more, and it would not.
    above = pfa.get_recipe(strategy=PFA.Strategy.Energy(min(1.0, diagnostics.energy_threshold + 1e-9)))
    if above != recipes and diagnostics.energy_threshold < 1:
        more = {name: r.recommended_output_count / r.original_output_count for name, r in above.items()}
        beyond = [a / b for a, b in zip(network_cost(graph, more), network_cost(graph, {}), strict=True)]
        assert (
            any(
                share > limits.get(name, 1.0)
                for name, share in zip(("parameters", "macs"), beyond, strict=True)
            )
            or more == shares
        )


def test_a_budget_that_cannot_be_is_refused(graph: Any) -> None:
    pfa = PFA.introspect_model(graph, [IMAGES])
    with pytest.raises(
        ValueError, match=r"smallest recipe keeps \(0\.\d+ of the parameters, 0\.\d+ of the MACs\)"
    ):
        pfa.get_recipe(strategy=PFA.Strategy.Budget(graph, macs=0.5, min_kept_count=15))
    for wrong in ({}, {"macs": 0.0}, {"parameters": 1.5}):
        with pytest.raises(ValueError, match="expected a share of parameters or macs"):
            PFA.Strategy.Budget(graph, **wrong)
    with pytest.raises(ValueError, match="expected min_kept_count"):
        PFA.Strategy.Budget(graph, macs=0.5, min_kept_count=-1)
    other = PFA({"elsewhere": next(iter(pfa._accumulators.values()))})
    with pytest.raises(ValueError, match=r"expected layers of the graph, got \['elsewhere'\]"):
        other.get_recipe(strategy=PFA.Strategy.Budget(graph, macs=0.5))
