"""Allocation "auto": never worse than a rule, within the budget, the same every time, and honest about what it tried."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import aidge_compress
import aidge_core
import numpy as np
import pytest
from aidge_compress.channels import CompressionResult
from aidge_compress.channels.allocate import RULES
from aidge_compress.channels.auto import _Search
from aidge_compress.channels.run import Compressor
from aidge_compress.measure.metrics import compare
from aidge_compress.network.summary import summarize
from aidge_core.data import from_arrays
from helpers.low_rank import chain_network, images, mobile_network, residual_network

_DIMS = [[1, 3, 8, 8]]
_NETWORKS = {
    "residual": residual_network,
    "inverted residual": mobile_network,
    "chain": lambda: chain_network((16, 16, 24, 24)),
    "bottlenecks": lambda: chain_network((20, 6, 20, 6)),
    "wide": lambda: chain_network((32, 64, 64, 96, 96)),
}


def shrunk(kind: str, allocation: str, **options: Any) -> CompressionResult:
    """A network of `kind`, cut to 0.45 of its MACs unless `options` says otherwise."""
    chosen = {"keep_macs": 0.45, "allocation": allocation, "latency": False, "min_channels": 2, **options}
    return aidge_compress.compress(_NETWORKS[kind](), from_arrays(images(120), batch_size=20), **chosen)


@cache
def error_on_new_images(kind: str, allocation: str) -> float:
    """Relative error of the outputs on pictures that compress has not seen."""
    result = shrunk(kind, allocation)
    return compare(result.model, result.original, from_arrays(images(200, seed=1), batch_size=20)).error


@pytest.mark.parametrize("kind", ["residual", "inverted residual", "bottlenecks", "chain"])
def test_the_default_is_no_worse_than_any_rule_on_new_images(kind: str) -> None:
    errors = {rule: error_on_new_images(kind, rule) for rule in RULES}
    assert error_on_new_images(kind, "auto") <= 1.1 * min(errors.values()), errors
    assert error_on_new_images(kind, "auto") <= 1.02 * errors["uniform"]


def test_it_is_the_default() -> None:
    assert aidge_compress.CompressOptions().allocation == "auto"


def test_the_best_of_what_was_tried_is_used_and_said() -> None:
    result = shrunk("bottlenecks", "auto")
    tried = {trial.name: trial.error for trial in result.tried}
    assert "uniform" in tried
    assert len(tried) >= 2
    best = min(tried, key=lambda name: tried[name])
    assert result.allocation_note.startswith(f"allocation: {best}, ")
    assert result.allocation_note in str(result)
    assert [entry["name"] for entry in result.to_dict()["tried"]] == list(tried)


@pytest.mark.parametrize(
    ("starts", "fitted"),
    [
        ((0.21, 0.2, 0.5, 0.25), {"energy", "loss", "uniform", "kl"}),
        ((0.5, 0.2, 0.5, 0.27), {"loss", "uniform"}),
        ((0.97, 0.8, 0.99, 1.0), set(RULES)),  # errors near 1 say little
    ],
)
def test_what_is_hopeless_before_a_fit_is_not_fitted(starts: tuple[float, ...], fitted: set[str]) -> None:
    """Except uniform, which the default must not be worse than."""
    calls = []

    def error(counts: list[int], *, fitted: bool) -> float:
        if fitted:
            calls.append(RULES[counts[0]])
        return starts[counts[0]]

    search = _Search(
        SimpleNamespace(measured=[]),
        SimpleNamespace(limits=None, compensation="least_squares"),
        SimpleNamespace(meet=lambda choose: [RULES.index(choose.args[0])]),
        SimpleNamespace(error=error),
    )
    search.compare(search.rules())
    assert set(calls) == set(search.errors) == fitted


def test_rules_try_nothing() -> None:
    result = shrunk("bottlenecks", "uniform")
    assert result.tried == ()
    assert result.allocation_note == ""


def test_the_same_input_gives_the_same_network() -> None:
    first, second = (shrunk("bottlenecks", "auto").groups for _ in range(2))
    assert first == second


@pytest.mark.parametrize("keep", [0.75, 0.5, 0.3])
def test_multiples_of_eight_come_near_the_budget(keep: float) -> None:
    result = shrunk("wide", "auto", keep_macs=keep, multiple=8, compensation="covariance", trials=1)
    whole, now = (summarize(model, _DIMS).macs for model in (_NETWORKS["wide"](), result.model))
    assert 0.98 * keep <= now / whole <= keep
    assert all(group.kept % 8 == 0 or group.kept == group.size for group in result.groups)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_comes_near_the_budget_in_multiples_of_eight(rule: str) -> None:
    result = shrunk("wide", rule, keep_macs=0.5, multiple=8, compensation="none")
    whole, now = (summarize(model, _DIMS).macs for model in (_NETWORKS["wide"](), result.model))
    assert 0.98 * 0.5 <= now / whole <= 0.5


def test_a_budget_that_cannot_be_met_says_the_least() -> None:
    with pytest.raises(aidge_compress.UnreachableTarget, match="at least macs"):
        shrunk("chain", "auto", keep_macs=0.001)


def test_a_large_loss_is_said() -> None:
    result = shrunk("residual", "auto", keep_macs=0.03, compensation="none", min_channels=1)
    assert any(warning.startswith("large loss (agreement") for warning in result.warnings)
    assert "large loss" not in str(shrunk("chain", "auto", keep_macs=0.9))


def test_stopping_stops_the_trials() -> None:
    def stop(stage: str, done: int, _total: int) -> bool:
        return not (stage == "allocate" and done >= 3)

    with pytest.raises(aidge_compress.Stopped):
        shrunk("bottlenecks", "auto", progress=stop)


def test_data_that_was_not_measured_decides_if_there_is_evaluation_data() -> None:
    """The statistics see the samples that are fitted on without those on trial; the final fit sees all."""
    data = from_arrays(images(120), batch_size=20)
    result = aidge_compress.compress(
        _NETWORKS["bottlenecks"](), data, keep_macs=0.45, evaluation=from_arrays(images(40, 2)), latency=False
    )
    assert result.samples == 120
    assert result.tried


def test_an_evaluation_that_can_be_read_only_once_and_data_too() -> None:
    batches = iter([[batch] for batch in np.split(images(60), 6)])
    result = aidge_compress.compress(_NETWORKS["chain"](), batches, keep_macs=0.6, latency=False)
    assert result.quality.samples > 0
    assert isinstance(result.model, aidge_core.GraphView)


@pytest.mark.slow
def test_what_was_tried_is_that_of_the_network_that_was_kept() -> None:
    """A network of maps loses something with every channel, so the whole one is kept, for which nothing was tried."""
    graph = _NETWORKS["chain"]()
    for name in ("head", "flat"):
        graph.remove(name)
    data = from_arrays(images(120), batch_size=20)
    result = aidge_compress.compress(graph, data, max_drop=0.0, latency=False, compensation="none")
    assert result.after.macs == result.before.macs
    assert result.tried == ()
    assert result.allocation_note == ""


@pytest.mark.parametrize("selection", ["random", "l1_norm", "abs_max"])
def test_trials_of_one_selection_say_nothing_of_another(selection: str) -> None:
    data = from_arrays(images(120), batch_size=20)
    used, fresh = (Compressor(_NETWORKS["bottlenecks"](), data) for _ in range(2))
    for keep in (0.6, 0.45, 0.3):
        used.decide(keep_macs=keep)
        decided = [
            each.decide(keep_macs=keep, selection=selection, compensation="none") for each in (used, fresh)
        ]
        assert decided[0] == decided[1]
