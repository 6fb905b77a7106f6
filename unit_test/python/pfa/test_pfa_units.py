"""Orders of removal against a slow transcription of the rule, for matrices with and without ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from aidge_compress.pfa import PFA, PFACovariancesResult
from aidge_core import pfa_removal_order, pfa_TieRule, pfa_UnitStrategy
from hypothesis import given, settings
from hypothesis import strategies as st

Extreme = Callable[[np.ndarray], float]


def masked_correlations(covariance: np.ndarray) -> tuple[np.ndarray, list[int]]:
    variance = np.abs(np.diag(covariance))
    with np.errstate(invalid="ignore"):
        corr = np.abs(covariance / np.maximum(np.sqrt(variance[:, None] * variance[None, :]), 1e-8))
    dead = np.where(variance < 1e-8 * variance.max())[0].tolist()
    np.fill_diagonal(corr, np.nan)
    corr[dead, :] = np.nan
    corr[:, dead] = np.nan
    return corr, dead


def slow_l1(covariance: np.ndarray, extreme: Extreme, documented: bool = False) -> list[int]:
    corr, order = masked_correlations(covariance)
    alive = [unit for unit in range(len(corr)) if unit not in order]
    while len(alive) > 1:
        sums = np.array([np.nansum(corr[:, unit]) for unit in alive])
        tied = [unit for unit, one in zip(alive, sums, strict=True) if np.isclose(one, extreme(sums))]
        chosen = tied[0]
        if len(tied) > 1:
            value = extreme(corr[:, tied])
            rows, columns = np.where(np.isclose(corr[:, tied], value))
            chosen = tied[min(columns)] if documented else int(rows[0])
        order.append(chosen)
        alive.remove(chosen)
        corr[chosen, :] = np.nan
        corr[:, chosen] = np.nan
    return order


def slow_abs(covariance: np.ndarray, extreme: Extreme) -> list[int]:
    corr, order = masked_correlations(covariance)
    for _ in range(len(corr) - len(order) - 1):
        value = extreme(corr)
        rows, columns = np.where(np.isclose(corr, value))
        candidates = list(dict.fromkeys(rows.tolist()))
        rest = corr[candidates, :].copy()
        for place, row in enumerate(candidates):
            rest[place, columns[rows.tolist().index(row)]] = np.nan
        if np.isnan(rest).all():
            chosen = candidates[0]
        else:
            chosen = candidates[np.where(np.isclose(rest, extreme(rest)).any(axis=1))[0][0]]
        order.append(chosen)
        corr[chosen, :] = np.nan
        corr[:, chosen] = np.nan
    return order


@st.composite
def covariances(draw: st.DrawFn) -> np.ndarray:
    """Of few units; coarse integers, duplicates, zeros and dead units make ties."""
    units = draw(st.integers(1, 9))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((40, units))
    if draw(st.booleans()):
        rows = np.round(rows)
    for _ in range(draw(st.integers(0, 3))):
        rows[:, rng.integers(units)] = rows[:, rng.integers(units)] * rng.choice([1.0, -1.0, 2.0])
    if draw(st.booleans()):
        rows[:, rng.integers(units)] = 3.0
    return np.cov(rows.T).reshape(units, units)


@pytest.mark.filterwarnings("ignore:All-NaN")
@settings(max_examples=300)
@given(covariances())
def test_every_order_is_that_of_the_slow_rule(covariance: np.ndarray) -> None:
    layer = PFACovariancesResult(covariance)
    algorithms = PFA.UnitSelectionStrategy
    expected = {
        algorithms.L1Max(): slow_l1(covariance, np.nanmax),
        algorithms.L1Min(): slow_l1(covariance, np.nanmin),
        algorithms.AbsMax(): slow_abs(covariance, np.nanmax),
        algorithms.AbsMin(): slow_abs(covariance, np.nanmin),
        algorithms.L1Max(tie_rule="documented"): slow_l1(covariance, np.nanmax, documented=True),
        algorithms.L1Min(tie_rule="documented"): slow_l1(covariance, np.nanmin, documented=True),
    }
    for algorithm, order in expected.items():
        assert algorithm(layer, num_units_to_keep=1).tolist() == order, algorithm


@given(covariances(), st.integers(0, 2**64 - 1))
def test_a_random_order_is_a_permutation_with_the_inactive_units_first(
    covariance: np.ndarray, seed: int
) -> None:
    layer = PFACovariancesResult(covariance)
    order = PFA.UnitSelectionStrategy.Random(seed)(layer, num_units_to_keep=1).tolist()
    inactive = layer.inactive_units.tolist()
    assert order[: len(inactive)] == inactive
    assert len(set(order)) == len(order) == len(covariance) - 1


def test_every_count_takes_a_beginning_of_the_same_order() -> None:
    rng = np.random.default_rng(0)
    layer = PFACovariancesResult(np.cov(rng.standard_normal((50, 12)).T))
    for algorithm in [*PFA.UnitSelectionStrategy.get_algos(), PFA.UnitSelectionStrategy.Random(3)]:
        order = algorithm(layer, num_units_to_keep=1)
        for keep in range(1, 13):
            assert list(algorithm(layer, num_units_to_keep=keep)) == list(order[: 12 - keep])
        with pytest.raises(ValueError, match="expected num_units_to_keep >= 1, got 0"):
            algorithm(layer, num_units_to_keep=0)


def test_all_algorithms_are_listed() -> None:
    names = [type(algorithm).__name__ for algorithm in PFA.UnitSelectionStrategy.get_algos()]
    assert names == ["AbsMax", "AbsMin", "L1Max", "L1Min"]


@pytest.mark.parametrize("kind", ["independent", "low rank", "all the same", "pairs"])
def test_two_thousand_units_are_put_in_an_order(kind: str) -> None:
    rng = np.random.default_rng(0)
    units = 2048
    if kind == "independent":
        rows = rng.standard_normal((3000, units))
    elif kind == "low rank":
        rows = rng.standard_normal((3000, 40)) @ rng.standard_normal((40, units))
    elif kind == "pairs":
        rows = np.hstack([half := rng.standard_normal((300, units // 2)), half])
    else:
        rows = np.repeat(rng.standard_normal((300, 1)), units, axis=1)
    covariance = np.cov(rows.T)
    for strategy in (
        pfa_UnitStrategy.L1_MAX,
        pfa_UnitStrategy.ABS_MAX,
        pfa_UnitStrategy.L1_MIN,
        pfa_UnitStrategy.ABS_MIN,
    ):
        order = pfa_removal_order(covariance, strategy, tie_rule=pfa_TieRule.DNIKIT)
        assert len(set(order)) == len(order) == units - 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PFA.UnitSelectionStrategy.L1Max("first"),
            'expected tie_rule "dnikit" or "documented", got \'first\'',
        ),
        (lambda: PFA.UnitSelectionStrategy.Random(-1), "expected a seed >= 0, got -1"),
        (lambda: PFACovariancesResult(np.zeros((2, 3))), r"expected a square matrix, got \(2, 3\)"),
        (lambda: PFACovariancesResult(np.full((2, 2), np.nan)), "expected a finite covariance, got NaN"),
        (lambda: PFACovariancesResult(np.eye(2), -1.0), "expected epsilon_inactive >= 0"),
    ],
)
def test_wrong_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
