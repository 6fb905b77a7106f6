"""PFA against reference numbers: covariances, spectra, counts, diagnostics and removal orders."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from aidge_compress.pfa import PFA, Batch, PFAKLDiagnostics
from aidge_core import Covariance, eigenvalues
from helpers.paths import DATA

pytestmark = pytest.mark.instruction_set

GOLDEN = DATA / "pfa"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))
UNITS = {type(algorithm).__name__: algorithm for algorithm in PFA.UnitSelectionStrategy.get_algos()}
COVARIANCE_TOLERANCE = 1e-9
EIGENVALUE_TOLERANCE = 1e-10
KL_TOLERANCE = 1e-9


def strategy_of(text: str) -> Any:
    """ "Energy(0.5,min_kept_count=8)" → the strategy."""
    name, arguments = re.fullmatch(r"(\w+)\((.*)\)", text).groups()  # type: ignore[union-attr]
    if arguments == "sqrt":
        return PFA.Strategy.KL(lambda divergence, largest: (1 - divergence / largest) ** 0.5)
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    values = [ast.literal_eval(argument) for argument in call.args]
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    return getattr(PFA.Strategy, name)(*values, **named)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, Any], Any, PFA]]:
    """Reference text, reference arrays, and ours of the same responses."""
    document = json.loads((GOLDEN / f"{request.param}.json").read_text("utf-8"))
    with (
        np.load(GOLDEN / f"inputs_{request.param}.npz") as inputs,
        np.load(GOLDEN / f"expected_{request.param}.npz") as arrays,
    ):
        responses = inputs["x"]
        pfa = PFA.introspect(
            lambda size: (Batch({"layer": responses[i : i + size]}) for i in range(0, len(responses), size))
        )
        yield document, dict(arrays), pfa


def test_the_covariance_is_the_reference_one(case: Any) -> None:
    _, arrays, pfa = case
    covariance = pfa.layers["layer"].covariances
    assert np.abs(covariance - arrays["cov"]).max() <= COVARIANCE_TOLERANCE * np.diag(arrays["cov"]).max()


def test_the_eigenvalues_are_the_reference_ones(case: Any) -> None:
    _, arrays, pfa = case
    found = pfa.layers["layer"].eigenvalues
    assert (np.diff(found) <= 0).all()
    assert (found >= 0).all()
    assert np.abs(found - arrays["eig"]).max() <= EIGENVALUE_TOLERANCE * arrays["eig"].max()


def test_the_inactive_units_are_the_reference_ones(case: Any) -> None:
    document, arrays, pfa = case
    assert (
        pfa.layers["layer"].inactive_units.tolist()
        == arrays["inactive"].tolist()
        == document["inactive_units"]
    )


@pytest.mark.parametrize("unit", UNITS)
def test_the_removal_order_is_the_reference_one(case: Any, unit: str) -> None:
    document, _, pfa = case
    removed = UNITS[unit](pfa.layers["layer"], num_units_to_keep=1)
    assert removed.tolist() == document["full_removal_order"][unit]["order"]


def test_every_strategy_gives_the_reference_count_and_diagnostics(case: Any) -> None:
    document, _, pfa = case
    for text, expected in document["recipes"].items():
        recipe = strategy_of(text)(pfa.layers)["layer"]
        if expected["robust"]:
            assert recipe.recommended_output_count == expected["recommended_output_count"], text
        assert recipe.number_inactive_units == expected["number_inactive_units"]
        if isinstance(recipe.diagnostics, PFAKLDiagnostics):
            assert recipe.diagnostics.kl_divergence == pytest.approx(
                expected["diagnostics"]["kl_divergence"], abs=KL_TOLERANCE
            )
            assert recipe.diagnostics.units_ratio == pytest.approx(
                expected["diagnostics"]["units_ratio"], abs=KL_TOLERANCE
            )
        elif expected["robust"]:
            assert recipe.diagnostics.total_kept_energy == pytest.approx(
                expected["diagnostics"]["total_kept_energy"], rel=COVARIANCE_TOLERANCE
            )


@pytest.mark.parametrize("unit", UNITS)
def test_every_recipe_removes_the_reference_units(case: Any, unit: str) -> None:
    document, _, pfa = case
    active = document["shape"][1] - len(document["inactive_units"])
    for text, expected in document["recipes"].items():
        if not expected["robust"]:
            continue
        recipe = pfa.get_recipe(strategy=strategy_of(text), unit_strategy=UNITS[unit])["layer"]
        assert recipe.maximally_correlated_units == expected["removed"][unit], text
        assert len(recipe.units_to_keep) == recipe.recommended_output_count == expected["len_kept"][unit]
        beyond = expected["recommended_output_count"] > active
        assert recipe.requested_output_count == (expected["recommended_output_count"] if beyond else None)
        assert bool(recipe.note) == beyond


def test_orders_stand_whatever_the_batch_size(case: Any) -> None:
    document, _, _ = case
    with np.load(GOLDEN / f"inputs_{document['name']}.npz") as inputs:
        responses = inputs["x"]
    for size in (7, len(responses)):
        accumulator = Covariance()
        for begin in range(0, len(responses), size):
            accumulator.add(responses[begin : begin + size])
        layer = PFA({"layer": accumulator}).layers["layer"]
        for unit, algorithm in UNITS.items():
            assert (
                algorithm(layer, num_units_to_keep=1).tolist()
                == document["full_removal_order"][unit]["order"]
            )


@pytest.mark.parametrize(
    ("divergence", "units", "ratio", "count"),
    [
        (1.898266, 64, 0.543563, 35),
        (1.351204, 128, 0.721518, 93),
        (1.907966, 32, 0.449477, 15),
        (1.506620, 1024, 0.782641, 802),
        (1.407504, 256, 0.746175, 192),
    ],
)
def test_the_numbers_that_dnikits_notebook_prints_follow_from_the_formula(
    divergence: float, units: int, ratio: float, count: int
) -> None:
    # A spectrum of that divergence: one eigenvalue against equal others, found by bisection.
    low, high = 1.0, 1e9
    for _ in range(200):
        middle = (low * high) ** 0.5
        found, _ = kl_of([middle] + [1.0] * (units - 1))
        low, high = (middle, high) if found < divergence else (low, middle)
    result = PFA.Strategy.KL()({"layer": FakeLayer(np.array([low] + [1.0] * (units - 1)))})["layer"]  # type: ignore[dict-item]
    assert isinstance(result.diagnostics, PFAKLDiagnostics)
    assert result.diagnostics.kl_divergence == pytest.approx(divergence, abs=1e-9)
    assert result.diagnostics.units_ratio == pytest.approx(ratio, abs=1e-6)
    assert result.recommended_output_count == count


class FakeLayer:
    """A spectrum alone."""

    def __init__(self, spectrum: np.ndarray) -> None:
        self.eigenvalues = spectrum
        self.original_output_count = len(spectrum)
        self.inactive_units = np.array([], dtype=int)


def kl_of(spectrum: list[float]) -> tuple[float, float]:
    p = np.array(spectrum) / sum(spectrum)
    return float((p * np.log(p * len(p))).sum()), float(np.log(len(p)))


def test_eigenvalues_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    for units in (1, 2, 17, 150):
        rows = rng.standard_normal((300, units)) @ rng.standard_normal((units, units))
        covariance = np.cov(rows.T).reshape(units, units)
        expected = np.linalg.eigvalsh(covariance)[::-1]
        assert np.abs(eigenvalues(covariance) - expected).max() <= EIGENVALUE_TOLERANCE * expected[0]
