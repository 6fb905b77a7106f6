"""PFA from responses to recipes: statistics, strategies, errors, keeping and merging."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aidge_compress.pfa import (
    PFA,
    Batch,
    PFACovariancesResult,
    PFAEnergyDiagnostics,
    PFAKLDiagnostics,
    PFARecipe,
    PFASizeDiagnostics,
    Producer,
)
from aidge_core import Covariance, eigenvalues
from hypothesis import given
from hypothesis import strategies as st

RELATIVE = 1e-12
EIGENVALUE_TOLERANCE = 1e-10


def producer_of(layers: Mapping[str, Any]) -> Producer:
    """Batches of the size asked for."""

    def produce(batch_size: int, /) -> Iterator[Batch]:
        count = len(next(iter(layers.values())))
        for begin in range(0, count, batch_size):
            yield Batch({name: np.asarray(rows)[begin : begin + batch_size] for name, rows in layers.items()})

    return produce


def random_rows(samples: int, units: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((samples, units)) @ rng.standard_normal(
        (units, units)
    ) + 10 * rng.standard_normal(units)


def from_spectrum(spectrum: list[float]) -> dict[str, PFACovariancesResult]:
    """A layer of independent units of these variances."""
    return {"layer": PFACovariancesResult(np.diag(spectrum))}


# --- statistics ---------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 12),
    st.integers(2, 80),
    st.integers(1, 90),
    st.integers(0, 2**32 - 1),
    st.floats(-1e3, 1e3),
)
def test_statistics_are_those_of_numpy(units: int, samples: int, size: int, seed: int, offset: float) -> None:
    rows = random_rows(samples, units, seed) + offset
    accumulator = Covariance()
    for begin in range(0, samples, size):
        accumulator.add(rows[begin : begin + size])
    expected = np.cov(rows.T).reshape(units, units)
    scale = max(float(np.diag(expected).max()), 1e-30)
    assert np.abs(accumulator.matrix() - expected).max() <= 1e-9 * scale
    layer = PFACovariancesResult(accumulator)
    wanted = np.maximum(np.linalg.eigvalsh(accumulator.matrix())[::-1], 0)
    assert np.abs(layer.eigenvalues - wanted).max() <= EIGENVALUE_TOLERANCE * max(wanted[0], 1e-30)


def test_wide_layers_have_the_spectrum_that_eigen_finds() -> None:
    covariance = np.cov(random_rows(700, 600).T)
    found, expected = PFACovariancesResult(covariance).eigenvalues, eigenvalues(covariance)
    assert (np.diff(found) <= 0).all()
    assert (found >= 0).all()
    assert np.abs(found - expected).max() <= EIGENVALUE_TOLERANCE * expected[0]


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_splitting_order_and_merging_do_not_matter(cut: int, seed: int) -> None:
    rows = random_rows(60, 7, seed)
    whole, first, second, swapped = Covariance(), Covariance(), Covariance(), Covariance()
    whole.add(rows)
    first.add(rows[:cut])
    second.add(rows[cut:])
    swapped.merge(second)
    swapped.merge(first)
    first.merge(second)
    scale = RELATIVE * np.diag(whole.matrix()).max()
    for other in (first, swapped):
        assert other.samples == 60
        assert np.abs(other.matrix() - whole.matrix()).max() <= scale
        assert np.abs(other.mean - whole.mean).max() <= RELATIVE * np.abs(whole.mean).max()


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", "bool", ">f4", "longdouble"]
)
def test_responses_of_any_real_type_are_widened_first(dtype: str) -> None:
    rows = (np.random.default_rng(0).standard_normal((50, 4)) * 3).astype(dtype)
    pfa = PFA.introspect(producer_of({"layer": rows}))
    assert np.allclose(
        pfa.layers["layer"].covariances, np.cov(rows.astype(np.float64).T), rtol=1e-12, atol=1e-15
    )


def test_arrays_in_any_memory_order_are_taken() -> None:
    rows = random_rows(40, 6)
    for other in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2], rows[::-1][::-1]):
        assert (
            PFA.introspect(producer_of({"l": other})).layers["l"].covariances
            == PFA.introspect(producer_of({"l": rows})).layers["l"].covariances
        ).all()


def test_batch_sizes_and_the_order_of_batches_do_not_matter() -> None:
    rows = random_rows(120, 9)
    reference = PFA.introspect(producer_of({"a": rows, "b": rows[:, :3]}))
    for size in (1, 7, 120):
        pfa = PFA.introspect(producer_of({"a": rows, "b": rows[:, :3]}), batch_size=size)
        assert list(pfa.layers) == ["a", "b"]
        assert (pfa.layers["a"].covariances == reference.layers["a"].covariances).all()
        assert pfa.get_recipe() == reference.get_recipe()
    batches = [{"a": part} for part in np.split(rows, 6)]
    reverse = PFA.introspect(lambda _: map(Batch, batches[::-1]))
    assert np.allclose(
        reverse.layers["a"].covariances, reference.layers["a"].covariances, rtol=1e-12, atol=1e-12
    )


def test_memory_does_not_grow_with_the_samples() -> None:
    program = (
        "import resource, numpy as np\n"
        "from aidge_core import Covariance\n"
        "rows = np.random.default_rng(0).standard_normal((1000, 200))\n"
        "accumulator = Covariance(); accumulator.add(rows)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for _ in range(200): accumulator.add(rows)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2000  # kilobytes; the rows alone are 320,000


# --- keeping and merging ------------------------------------------------------------------------------------------


def test_accumulators_pickle_and_copy() -> None:
    accumulator = Covariance()
    accumulator.add(random_rows(70, 5))
    for other in (
        pickle.loads(pickle.dumps(accumulator)),
        copy.copy(accumulator),
        copy.deepcopy(accumulator),
    ):
        assert other.samples == 70
        assert (other.matrix() == accumulator.matrix()).all()
    assert repr(accumulator) == "Covariance(70 samples of 5 units)"
    assert Covariance(0, [], []).units == 0
    triangle = accumulator.scatter
    assert np.allclose(triangle, (accumulator.matrix() * 69)[np.triu_indices(5)], rtol=1e-14)


def test_a_pfa_comes_back_from_its_file_and_from_a_pickle(tmp_path: Path) -> None:
    layers = {"conv/é 1": random_rows(50, 6), "fc": random_rows(50, 2)}
    pfa = PFA.introspect(producer_of(layers), epsilon_inactive=1e-6)
    pfa.save(tmp_path / "statistics.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["statistics.bin"]
    for other in (PFA.load(tmp_path / "statistics.bin"), pickle.loads(pickle.dumps(pfa))):
        assert list(other.layers) == list(layers)
        assert other.get_recipe() == pfa.get_recipe()
        assert (other.layers["fc"].covariances == pfa.layers["fc"].covariances).all()


def test_parts_from_other_processes_merge_into_the_whole(tmp_path: Path) -> None:
    rows = random_rows(90, 8)
    np.savez(tmp_path / "rows.npz", rows=rows)
    program = (
        "import sys, numpy as np\n"
        "from aidge_compress.pfa import PFA, as_producer\n"
        "rows = np.load(sys.argv[1])['rows'][int(sys.argv[2]):int(sys.argv[3])]\n"
        "PFA.introspect(as_producer({'layer': rows})).save(sys.argv[4])"
    )
    parts = []
    for begin, end in ((0, 31), (31, 90)):
        path = tmp_path / f"part{begin}.npz"
        command = [sys.executable, "-c", program, tmp_path / "rows.npz", str(begin), str(end), path]
        subprocess.run(command, check=True)
        parts.append(PFA.load(path))
    merged, whole = PFA.merge(parts), PFA.introspect(producer_of({"layer": rows}))
    assert np.allclose(
        merged.layers["layer"].covariances, whole.layers["layer"].covariances, rtol=RELATIVE, atol=1e-12
    )
    recipes, expected = merged.get_recipe()["layer"], whole.get_recipe()["layer"]
    assert recipes.maximally_correlated_units == expected.maximally_correlated_units
    assert parts[0].layers["layer"].original_output_count == 8


def test_layers_that_failed_for_want_of_samples_succeed_once_merged() -> None:
    rows = random_rows(12, 8)
    with pytest.warns(UserWarning, match="left out"):
        parts = [
            PFA.introspect(producer_of({"layer": part}), strict_samples=True) for part in np.split(rows, 2)
        ]
    assert [part.failed_responses for part in parts] == [["layer"], ["layer"]]
    assert PFA.merge(parts).failed_responses == []


def test_what_does_not_belong_together_is_not_merged() -> None:
    one = PFA.introspect(producer_of({"layer": random_rows(20, 3)}))
    with pytest.raises(ValueError, match=r"layer 'layer': .*expected 3 units, got 4"):
        PFA.merge([one, PFA.introspect(producer_of({"layer": random_rows(20, 4)}))])
    with pytest.raises(ValueError, match="parts of one epsilon_inactive"):
        PFA.merge([one, PFA.introspect(producer_of({"layer": random_rows(20, 3)}), epsilon_inactive=0.1)])
    with pytest.raises(ValueError, match="expected parts"):
        PFA.merge([])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"text"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected statistics that PFA.save wrote in .*other.npz"):
        PFA.load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(ValueError, match="expected statistics"):
        PFA.load(path)
    with pytest.raises(FileNotFoundError):
        PFA.load(tmp_path / "none.npz")


# --- too few samples, and bad responses ---------------------------------------------------------------------------


def test_fewer_samples_than_units_are_computed_with_a_warning_that_names_the_layer() -> None:
    rows = random_rows(10, 30)
    with pytest.warns(UserWarning, match="layer 'wide' has 10 samples of 30 units"):
        pfa = PFA.introspect(producer_of({"wide": rows}))
    assert np.allclose(pfa.layers["wide"].covariances, np.cov(rows.T))
    assert pfa.failed_responses == []
    recipe = pfa.get_recipe(strategy=PFA.Strategy.Energy(0.999999))["wide"]
    assert recipe.recommended_output_count <= 9


def test_many_layers_with_too_few_samples_are_one_warning_that_names_the_widest() -> None:
    layers = {f"layer{units}": random_rows(10, units) for units in (12, 40, 20, 8)}
    with pytest.warns(UserWarning, match=r"layer 'layer40' has 10 samples of 40 .*2 more layers") as caught:
        PFA.introspect(producer_of(layers))
    assert len(caught) == 1


def test_strict_samples_refuses_them_as_dnikit_does() -> None:
    layers = {"wide": random_rows(10, 30), "narrow": random_rows(10, 10)}
    with pytest.warns(UserWarning, match="layer 'wide' .* left out"):
        pfa = PFA.introspect(producer_of(layers), strict_samples=True)
    assert pfa.failed_responses == ["wide"]
    assert list(pfa.get_recipe()) == ["narrow"]


def test_one_sample_is_refused() -> None:
    with pytest.warns(UserWarning, match="layer 'layer' has 1 samples, too few for a covariance"):
        pfa = PFA.introspect(producer_of({"layer": np.ones((1, 1))}))
    assert pfa.failed_responses == ["layer"]
    assert pfa.get_recipe() == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            np.zeros((4, 3, 2, 2)),
            r"responses \(samples, units\) of layer 'conv1', got the shape \[4, 3, 2, 2\]: put a Pooler",
        ),
        (np.zeros(4), r"responses \(samples, units\) of layer 'conv1', got the shape \[4\]"),
        (np.zeros((4, 2), dtype=complex), "expected real numbers of layer 'conv1', got complex128"),
        (np.full((4, 2), "x"), "expected real numbers of layer 'conv1', got <U1"),
        (np.zeros((4, 0)), "layer 'conv1': .*at least one unit"),
    ],
)
def test_responses_that_are_none_are_refused(rows: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PFA.introspect(producer_of({"conv1": rows}))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_naming_layer_and_samples(poison: float) -> None:
    rows = random_rows(100, 3)
    rows[70, 1] = poison
    with pytest.raises(ValueError, match=r"layer 'conv1': .*NaN or infinity in samples 64 to 95"):
        PFA.introspect(producer_of({"conv1": rows}))


def test_values_whose_squares_overflow_are_refused() -> None:
    with pytest.raises(ValueError, match=r"layer 'conv1': .*squares are finite"):
        PFA.introspect(producer_of({"conv1": np.array([[1e200], [-1e200]])}))


def test_a_width_that_changes_and_an_empty_producer_are_refused() -> None:
    batches = [Batch({"conv1": np.zeros((2, 3))}), Batch({"conv1": np.zeros((2, 4))})]
    with pytest.raises(ValueError, match=r"layer 'conv1': .*expected rows of 3 units, got 4"):
        PFA.introspect(lambda _: batches)
    with pytest.raises(ValueError, match="at least one batch"):
        PFA.introspect(lambda _: [])
    with pytest.raises(ValueError, match="batch_size >= 1, got 0"):
        PFA.introspect(lambda _: batches, batch_size=0)
    with pytest.raises(ValueError, match="epsilon_inactive >= 0"):
        PFA.introspect(lambda _: batches[:1], epsilon_inactive=-1)


def test_what_a_producer_raises_comes_out_as_it_is() -> None:
    def broken(_: int, /) -> Iterator[Batch]:
        yield Batch({"a": np.zeros((2, 2))})
        raise KeyError("disk")

    with pytest.raises(KeyError, match="disk"):
        PFA.introspect(broken)


# --- recipes ------------------------------------------------------------------------------------------------------


def test_the_defaults_are_kl_and_l1max() -> None:
    pfa = PFA.introspect(producer_of({"layer": random_rows(60, 10)}))
    explicit = pfa.get_recipe(strategy=PFA.Strategy.KL(), unit_strategy=PFA.UnitSelectionStrategy.L1Max())
    assert pfa.get_recipe() == explicit
    recipe = explicit["layer"]
    assert isinstance(recipe.diagnostics, PFAKLDiagnostics)
    assert len(recipe.units_to_keep) == recipe.recommended_output_count
    assert sorted(recipe.units_to_keep + recipe.maximally_correlated_units) == list(range(10))
    assert recipe.note == ""


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0, 1), st.integers(0, 50))
def test_energy_is_the_smallest_count_that_reaches_the_threshold(
    spectrum: list[float], threshold: float, min_kept: int
) -> None:
    ordered = np.sort(np.array(spectrum))[::-1]
    recipe = PFA.Strategy.Energy(threshold, min_kept)({"layer": PFACovariancesResult(np.diag(ordered))})[
        "layer"
    ]
    total = math.fsum(ordered)
    shares = [math.fsum(ordered[: k + 1]) / total if total else 0.0 for k in range(len(ordered))]
    close = any(abs(share - threshold) < 1e-9 for share in shares)
    reached = next((k + 1 for k, share in enumerate(shares) if share >= threshold), len(ordered))
    if not close and total > 1e-290:
        assert recipe.recommended_output_count == min(max(reached, min_kept), len(ordered))
    assert isinstance(recipe.diagnostics, PFAEnergyDiagnostics)
    assert 0 <= recipe.diagnostics.kept_energy <= 1


def test_energy_diagnostics_say_what_is_kept() -> None:
    recipe = PFA.Strategy.Energy(0.5, min_kept_count=3)(from_spectrum([8, 4, 2, 2]))["layer"]
    assert recipe.diagnostics == PFAEnergyDiagnostics(8.0, 14 / 16, 0.5)


def test_size_is_a_share_of_all_layers_units() -> None:
    rng = np.random.default_rng(1)
    layers = {f"layer{i}": random_rows(300, int(rng.integers(5, 60)), i) for i in range(6)}
    pfa = PFA.introspect(producer_of(layers))
    units = sum(rows.shape[1] for rows in layers.values())
    for share in (0.2, 0.5, 0.9):
        recipes = pfa.get_recipe(strategy=PFA.Strategy.Size(share))
        kept = sum(recipe.recommended_output_count for recipe in recipes.values())
        assert abs(kept / units - share) < 0.05
        assert all(isinstance(recipe.diagnostics, PFASizeDiagnostics) for recipe in recipes.values())
    spectra = [layer.eigenvalues for layer in pfa.layers.values()]
    pooled = np.hstack([np.concatenate([[0], np.cumsum(s)[:-1] / s.sum()]) for s in spectra])
    diagnostics = recipes["layer0"].diagnostics
    assert isinstance(diagnostics, PFASizeDiagnostics)
    assert diagnostics.energy_threshold == pytest.approx(np.percentile(pooled, 90), abs=1e-12)


def test_awkward_layers_get_recipes_of_their_own() -> None:
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((100, 4))
    layers = {
        "one unit": noise[:, :1],
        "one constant unit": np.full((100, 1), 3.0),
        "all zero": np.zeros((100, 5)),
        "constant": np.full((100, 5), 0.1),
        "duplicates": np.hstack([noise, noise, -2 * noise]),
        "dead": np.hstack([noise, np.zeros((100, 3))]),
    }
    pfa = PFA.introspect(producer_of(layers))
    for strategy in (PFA.Strategy.KL(), PFA.Strategy.Energy(0.9), PFA.Strategy.Size(0.5)):
        for unit_strategy in PFA.UnitSelectionStrategy.get_algos():
            recipes = pfa.get_recipe(strategy=strategy, unit_strategy=unit_strategy)
            assert list(recipes) == list(layers)
            for name, recipe in recipes.items():
                assert (
                    1 <= recipe.recommended_output_count == len(recipe.units_to_keep) <= layers[name].shape[1]
                )
    assert recipes["one unit"].units_to_keep == [0]
    assert recipes["one constant unit"].units_to_keep == [0]
    assert recipes["all zero"].number_inactive_units == 0
    assert recipes["dead"].number_inactive_units == 3
    energy = pfa.get_recipe(strategy=PFA.Strategy.Energy(0.999999))
    assert energy["duplicates"].recommended_output_count == 4
    assert energy["dead"].maximally_correlated_units == [4, 5, 6]


def test_a_count_above_the_active_units_is_lowered_and_said() -> None:
    layers = {"layer": np.hstack([random_rows(50, 3), np.zeros((50, 2))])}
    recipe = PFA.introspect(producer_of(layers)).get_recipe(
        strategy=PFA.Strategy.Energy(0.5, min_kept_count=5)
    )["layer"]
    assert recipe.recommended_output_count == 3 == len(recipe.units_to_keep)
    assert recipe.requested_output_count == 5
    assert recipe.note == "5 units asked for, but only 3 of 5 are active"
    assert recipe.to_dict()["note"] == recipe.note


def test_strategies_of_ones_own_are_used_and_checked() -> None:
    pfa = PFA.introspect(producer_of({"layer": random_rows(50, 6)}))

    def halves(covariances: Mapping[str, PFACovariancesResult], /) -> dict[str, PFARecipe]:
        return {name: PFARecipe(layer.original_output_count, 3) for name, layer in covariances.items()}

    def last(covariances: PFACovariancesResult, *, num_units_to_keep: int) -> np.ndarray:
        return np.arange(num_units_to_keep, covariances.original_output_count)

    recipe = pfa.get_recipe(strategy=halves, unit_strategy=last)["layer"]
    assert recipe.units_to_keep == [0, 1, 2]
    assert recipe.diagnostics is None
    with pytest.raises(ValueError, match="expected 3 different units of layer 'layer'"):
        pfa.get_recipe(strategy=halves, unit_strategy=lambda covariances, *, num_units_to_keep: [0, 0, 1])
    with pytest.raises(ValueError, match=r"expected a count in \[1, 6\] for layer 'layer', got 0"):
        pfa.get_recipe(strategy=lambda layers: {"layer": PFARecipe(6, 0)})
    with pytest.raises(ValueError, match=r"expected recipes of the layers \['layer'\], got 'other'"):
        pfa.get_recipe(strategy=lambda layers: {"other": PFARecipe(6, 1)})


def test_an_interpolation_of_ones_own_must_return_a_ratio() -> None:
    layers = from_spectrum([4, 2, 1, 1])
    assert PFA.Strategy.KL(lambda kl, most: 0.6)(layers)["layer"].recommended_output_count == 3
    for wrong in (1.2, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"return a ratio in \[0, 1\].* for layer 'layer'"):
            PFA.Strategy.KL(lambda kl, most, wrong=wrong: wrong)(layers)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PFA.Strategy.Energy(1.1), r"\[pfa::Energy\] expected energy_threshold in \[0, 1\], got 1.1"),
        (lambda: PFA.Strategy.Energy(0.5, -1), "expected min_kept_count as an int >= 0, got -1"),
        (lambda: PFA.Strategy.Energy(0.5, 1.5), "expected min_kept_count as an int >= 0, got 1.5"),  # type: ignore[arg-type]
        (lambda: PFA.Strategy.Size(-0.1), r"\[pfa::Size\] expected relative_size in \[0, 1\], got -0.1"),
        (lambda: PFA.Strategy.Size(0.5, epsilon_energy=2), r"expected epsilon_energy in \[0, 1\]"),
        (lambda: eigenvalues(np.zeros((2, 3))), r"expected a square matrix, got \(2, 3\)"),
        (lambda: Covariance().add(np.zeros(3)), r"expected an array \(samples, units\), got 1 dimensions"),
    ],
)
def test_arguments_out_of_range_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
