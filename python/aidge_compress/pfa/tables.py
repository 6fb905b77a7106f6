"""Recipes as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .recipe import (
    PFABudgetDiagnostics,
    PFAEnergyDiagnostics,
    PFAKLDiagnostics,
    PFARecipe,
    PFASizeDiagnostics,
)

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["COLUMNS", "recipe_row", "recipe_table"]

COLUMNS = (
    "layer name",
    "original count",
    "recommended count",
    "units to keep",
    "KL divergence",
    "PFA strategy",
    "units ratio",
    "kept energy",
)
_MISSING = "N/A"


def recipe_row(name: str, recipe: PFARecipe) -> dict[str, Any]:
    """Return all columns of one layer; "N/A" where a strategy has no such figure."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, _MISSING)
    row["layer name"] = name
    row["original count"] = recipe.original_output_count
    row["recommended count"] = recipe.recommended_output_count
    row["units to keep"] = set(recipe.units_to_keep)
    diagnostics = recipe.diagnostics
    if isinstance(diagnostics, PFAKLDiagnostics):
        row["PFA strategy"] = "PFA KL"
        row["KL divergence"] = diagnostics.kl_divergence
        row["units ratio"] = diagnostics.units_ratio
    elif isinstance(diagnostics, PFAEnergyDiagnostics):
        kinds = {PFASizeDiagnostics: "PFA Size", PFABudgetDiagnostics: "PFA Budget"}
        row["PFA strategy"] = kinds.get(type(diagnostics), "PFA Energy")
        row["kept energy"] = diagnostics.kept_energy
    return row


def _column(name: str) -> str:
    plain = name.replace("_", " ").lower()
    for column in COLUMNS:
        if column.lower() == plain:
            return column
    raise ValueError(f"[pfa::show] expected columns of {list(COLUMNS)}, got {name!r}")


def recipe_table(
    several: Sequence[Mapping[str, PFARecipe]], include: Sequence[str] | None, exclude: Sequence[str] | None
) -> DataFrame:
    """Return one row per layer and result; see PFA.show."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError('[pfa::show] tables need pandas: pip install "aidge-compress[report]"') from error
    wanted = list(COLUMNS[:4]) if include is None else [_column(name) for name in include] or list(COLUMNS)
    unwanted = {_column(name) for name in exclude or ()}
    columns = [column for column in wanted if column not in unwanted]
    if not columns:
        raise ValueError(
            f"[pfa::show] expected at least one column, got {list(include or ())} without {list(exclude or ())}"
        )
    rows = [recipe_row(name, recipe) for recipes in several for name, recipe in recipes.items()]
    return pd.DataFrame(rows)[columns]
