"""Tables and charts of recipes."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from aidge_compress.pfa import PFA, PFARecipe, as_producer

pandas = pytest.importorskip("pandas")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

ALL = [
    "layer name",
    "original count",
    "recommended count",
    "units to keep",
    "KL divergence",
    "PFA strategy",
    "units ratio",
    "kept energy",
]


@pytest.fixture(scope="module")
def pfa() -> PFA:
    rng = np.random.default_rng(0)
    layers = {f"conv{i}": rng.standard_normal((80, 6 + i)) * rng.random(6 + i) for i in range(3)}
    return PFA.introspect(as_producer(layers))


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_a_table_has_the_four_first_columns_in_the_order_of_the_layers(pfa: PFA) -> None:
    recipes = pfa.get_recipe()
    table = PFA.show(recipes)
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ALL[:4]
    assert list(table["layer name"]) == ["conv0", "conv1", "conv2"]
    assert list(table["original count"]) == [6, 7, 8]
    assert list(table["recommended count"]) == [
        recipe.recommended_output_count for recipe in recipes.values()
    ]
    assert table["units to keep"][1] == set(recipes["conv1"].units_to_keep)


def test_columns_are_chosen_by_any_spelling(pfa: PFA) -> None:
    recipes = pfa.get_recipe()
    assert list(PFA.show(recipes, include_columns=[]).columns) == ALL
    chosen = PFA.show(
        recipes, include_columns=["recommended_count", "layer_name", "kl_divergence", "KL divergence"]
    )
    assert list(chosen.columns)[:3] == ["recommended count", "layer name", "KL divergence"]
    assert list(PFA.show(recipes, exclude_columns=["units_to_keep"]).columns) == ALL[:3]
    assert list(PFA.show(recipes, include_columns=[], exclude_columns=ALL[1:]).columns) == ALL[:1]


def test_the_strategy_and_its_figures_are_in_the_table(pfa: PFA) -> None:
    row = PFA.show(pfa.get_recipe(), include_columns=[]).iloc[0]
    assert (row["PFA strategy"], row["kept energy"]) == ("PFA KL", "N/A")
    assert 0 < row["units ratio"] <= 1
    row = PFA.show(pfa.get_recipe(strategy=PFA.Strategy.Energy(0.8)), include_columns=[]).iloc[0]
    assert (row["PFA strategy"], row["KL divergence"], row["units ratio"]) == ("PFA Energy", "N/A", "N/A")
    assert 0.8 <= row["kept energy"] <= 1
    row = PFA.show(pfa.get_recipe(strategy=PFA.Strategy.Size(0.5)), include_columns=[]).iloc[0]
    assert row["PFA strategy"] == "PFA Size"
    assert PFA.show({"x": PFARecipe(3, 2, [1])}, include_columns=[]).iloc[0]["PFA strategy"] == "N/A"


def test_several_results_stand_one_below_the_other(pfa: PFA) -> None:
    several = (pfa.get_recipe(strategy=PFA.Strategy.Energy(0.8)), pfa.get_recipe())
    table = PFA.show(several)
    assert list(table.index) == list(range(6))
    table["Energy"] = ["0.8"] * 3 + ["KL"] * 3


def test_a_chart_shows_both_counts_of_every_layer(pfa: PFA) -> None:
    recipes = pfa.get_recipe(strategy=PFA.Strategy.Energy(0.7))
    axes = PFA.show(recipes, vis_type=PFA.VisType.CHART)
    assert isinstance(axes, matplotlib.axes.Axes)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("layer name", "number of units")
    assert [label.get_text() for label in axes.get_xticklabels()] == list(recipes)
    original, kept = ([bar.get_height() for bar in bars] for bars in axes.containers)
    assert original == [6, 7, 8]
    assert kept == [recipe.recommended_output_count for recipe in recipes.values()]


def test_a_chart_of_sixty_layers_has_labels_that_do_not_overlap() -> None:
    recipes = {
        f"/features/features.{i}/conv/conv.{i % 3}/Conv": PFARecipe(16 * (i + 1), 8 * (i + 1))
        for i in range(60)
    }
    axes = PFA.show(recipes, vis_type="chart")
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [label.get_window_extent(renderer) for label in axes.get_xticklabels()]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
    assert all(box.y0 >= 0 for box in boxes)
    notes = [note.get_window_extent(renderer) for note in axes.texts]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(notes))


def test_a_spectrum_shows_eigenvalues_and_the_cut(pfa: PFA) -> None:
    recipe = pfa.get_recipe(strategy=PFA.Strategy.Energy(0.7))["conv1"]
    axes = pfa.show_spectrum("conv1", recipe)
    eigenvalues = pfa.layers["conv1"].eigenvalues
    assert axes.lines[0].get_ydata().tolist() == eigenvalues.tolist()
    assert axes.lines[1].get_xdata()[0] == recipe.recommended_output_count + 0.5
    assert axes.get_yscale() == "log"
    assert any("cut: " in text.get_text() for text in axes.get_legend().get_texts())
    flat = PFA.introspect(as_producer({"dead": np.zeros((5, 4))}))
    assert flat.show_spectrum("dead").get_yscale() == "linear"
    with pytest.raises(
        ValueError, match=r"expected one of the layers \['conv0', 'conv1', 'conv2'\], got 'conv9'"
    ):
        pfa.show_spectrum("conv9")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"include_columns": ["weight"]}, "expected columns of .*'layer name'.*, got 'weight'"),
        ({"exclude_columns": ["weight"]}, "expected columns of"),
        (
            {"include_columns": ["layer name"], "exclude_columns": ["layer_name"]},
            "expected at least one column",
        ),
        ({"vis_type": "plot"}, 'expected vis_type "table" or "chart", got \'plot\''),
    ],
)
def test_wrong_arguments_are_refused(pfa: PFA, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PFA.show(pfa.get_recipe(), **arguments)


def test_what_are_no_recipes_is_refused(pfa: PFA) -> None:
    for empty in ({}, [], [{}]):
        with pytest.raises(ValueError, match="expected recipes, got none"):
            PFA.show(empty)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got the PFA itself"):
        PFA.show(pfa)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one result for a chart, got 2"):
        PFA.show([pfa.get_recipe()] * 2, vis_type="chart")


def test_missing_packages_are_named_with_their_remedy(pfa: PFA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"need pandas: pip install"):
        PFA.show(pfa.get_recipe())
    with pytest.raises(ImportError, match=r"need matplotlib: pip install"):
        PFA.show(pfa.get_recipe(), vis_type=PFA.VisType.CHART)
