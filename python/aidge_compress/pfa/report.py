"""The report of Principal Filter Analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..report import Mark, Measured, Section, Story, draw_network
from ..report.charts import Bar, BarRow, bar_chart, legend, spectrum
from ..report.html import Markup, join, table, tag

if TYPE_CHECKING:
    from .layer import PFACovariancesResult
    from .recipe import PFARecipe
    from .recommendation import PFARecommendation

__all__ = ["pfa_story"]


def _row(name: str, recipe: PFARecipe) -> BarRow:
    before, after = recipe.original_output_count, recipe.recommended_output_count
    inactive = f"{recipe.number_inactive_units} inactive" if recipe.number_inactive_units else ""
    detail = ", ".join(part for part in (f"{after / before:.0%} kept", inactive, recipe.note) if part)
    return BarRow(name, detail, [Bar(after, f"{before} → {after}", before)])


def _units(result: PFARecommendation) -> Section:
    rows = [_row(name, recipe) for name, recipe in result.recipes.items()]
    body = join(legend(("whole", "original"), ("", "recommended")), bar_chart(["units"], rows))
    return Section("Units of each layer", body)


def _spectrum(name: str, layer: PFACovariancesResult, recipe: PFARecipe) -> Markup:
    values = [float(value) for value in layer.eigenvalues]
    kept, total = recipe.recommended_output_count, sum(values)
    share = f"{sum(values[:kept]) / total:.1%} of the energy" if total > 0 else "no energy"
    caption = join(tag("b", name), tag("br"), f"{kept} of {len(values)}, {share}")
    return spectrum(values, kept, caption, name)


def _spectra(result: PFARecommendation) -> Section:
    charts = [
        _spectrum(name, result.layers[name], recipe)
        for name, recipe in result.recipes.items()
        if name in result.layers
    ]
    note = (
        "Solid: eigenvalues of the covariance of a layer's responses by rank, largest first; each layer has its own log scale. "
        "Dashed: their cumulated share from 0 to 1. Shaded: as many as units are kept."
    )
    return Section("Eigenvalues", tag("div", charts, class_="small"), note)


def _choices(result: PFARecommendation) -> Section:
    from .tables import COLUMNS, recipe_row

    known = {name: recipe_row(name, recipe) for name, recipe in result.recipes.items()}
    figures = [
        key
        for key in COLUMNS
        if key not in ("layer name", "units to keep") and any(row[key] != "N/A" for row in known.values())
    ]
    rows = []
    for name, recipe in result.recipes.items():
        row = known[name]
        cells = [f"{row[key]:.4f}" if isinstance(row[key], float) else str(row[key]) for key in figures]
        units = ", ".join(str(unit) for unit in recipe.maximally_correlated_units)
        rows.append([tag("details", tag("summary", name), tag("p", f"units to remove, in order: {units or 'none'}")), *cells])  # fmt: skip
    failed = [tag("p", f"Skipped because there were too few samples: {', '.join(result.failed_responses)}")]
    body = join(table(("layer", *figures), rows), failed if result.failed_responses else None)
    return Section("Recipes", body, "Open a layer to see which units would go.")


def pfa_story(result: PFARecommendation) -> Story:
    """What the report of a recommendation says."""
    before = sum(recipe.original_output_count for recipe in result.recipes.values())
    after = sum(recipe.recommended_output_count for recipe in result.recipes.values())
    marks = {
        name: Mark("changed", f"{recipe.original_output_count} → {recipe.recommended_output_count}")
        for name, recipe in result.recipes.items()
        if recipe.recommended_output_count != recipe.original_output_count
    }
    sections = [_units(result), _spectra(result)]
    if result.network is not None:
        note = "Recommended widths; the network itself was not changed."
        sections.append(Section("Network", draw_network(result.network, marks), note))
    return Story(
        "Principal Filter Analysis",
        (
            (f"{after / before:.1%}" if before else "–", "of the units recommended"),
            (str(len(result.recipes)), "layers analysed"),
        ),
        (Measured("units", before, after, "count"),),
        (*sections, _choices(result)),
        result.parameters,
        marks,
    )
