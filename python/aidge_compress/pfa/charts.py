"""Recipes and spectra as matplotlib charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .recipe import PFARecipe

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

__all__ = ["check_chart", "recipe_chart", "spectrum_chart"]

_ORIGINAL = "#b8c4d6"
_KEPT = "#1f5fa8"
_CUT = "#c0392b"
_LONGEST_LABEL = 32


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            '[pfa::show] charts need matplotlib: pip install "aidge-compress[report]"'
        ) from error
    return plt


def check_chart(path: Path) -> None:
    """Raises ImportError without matplotlib, ValueError for a suffix that it cannot write."""
    _pyplot()
    from matplotlib.backend_bases import FigureCanvasBase

    formats = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix[1:].lower() not in formats:
        raise ValueError(f"[pfa::show] expected a chart of type {', '.join(formats)}, got {path}")


def _new_axes(width: float, height: float) -> Axes:
    plt = _pyplot()
    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return axes


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else "…" + name[1 - _LONGEST_LABEL :]


def recipe_chart(recipes: Mapping[str, PFARecipe], ax: Axes | None = None) -> Axes:
    """Return a chart of original and recommended counts, one bar of each per layer, with the share that is kept above it."""
    names = list(recipes)
    original = np.array([recipe.original_output_count for recipe in recipes.values()])
    kept = np.array([recipe.recommended_output_count for recipe in recipes.values()])
    axes = _new_axes(min(max(7.0, 0.27 * len(names) + 2.0), 60.0), 5.5) if ax is None else ax
    places = np.arange(len(names))
    axes.bar(places, original, width=0.82, color=_ORIGINAL, label="original", zorder=2)
    axes.bar(places, kept, width=0.5, color=_KEPT, label="recommended", zorder=3)
    for place, height, share in zip(places, original, kept / original, strict=True):
        label = f"{share:.0%}"
        axes.annotate(
            label, (place, height), (0, 3), textcoords="offset points", ha="center", fontsize=7, rotation=90
        )
    axes.set_xticks(places, [_short(name) for name in names], rotation=90, fontsize=8)
    axes.set_xlim(-0.8, len(names) - 0.2)
    axes.set_ylim(0, 1.12 * original.max())
    axes.set_xlabel("layer name")
    axes.set_ylabel("number of units")
    total = f"{kept.sum():,} of {original.sum():,} units kept ({kept.sum() / original.sum():.0%})"
    axes.set_title(total, fontsize=10, loc="left")
    axes.grid(axis="y", color="0.9", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2)
    return axes


def spectrum_chart(layer: str, eigenvalues: Any, recipe: PFARecipe | None, ax: Axes | None = None) -> Axes:
    """Return a chart of a layer's eigenvalues (log scale) and cumulated energy over their rank, and the recipe's cut."""
    axes = _new_axes(7.5, 4.5) if ax is None else ax
    ranks = np.arange(1, len(eigenvalues) + 1)
    energy = float(np.sum(eigenvalues))
    visible = eigenvalues > 1e-12 * max(energy, np.finfo(float).tiny)
    axes.plot(ranks[visible], eigenvalues[visible], color=_KEPT, marker=".", markersize=4, label="eigenvalue")
    if visible.any():
        axes.set_yscale("log")
    axes.set_xlim(0, len(eigenvalues) + 1)
    axes.set_xlabel("rank of the eigenvalue")
    axes.set_ylabel("eigenvalue")
    axes.set_title(_short(layer), fontsize=10, loc="left")
    axes.grid(color="0.92")
    share = axes.twinx()
    cumulated = np.cumsum(eigenvalues) / energy if energy > 0 else np.ones(len(eigenvalues))
    share.plot(ranks, cumulated, color="0.45", linestyle="--", label="cumulated energy")
    share.set_ylim(0, 1.05)
    share.set_ylabel("share of the energy")
    if recipe is not None:
        count = recipe.recommended_output_count
        label = (
            f"cut: {count} of {recipe.original_output_count} units, {cumulated[count - 1]:.1%} of the energy"
        )
        axes.axvline(count + 0.5, color=_CUT, label=label)
        axes.axvspan(count + 0.5, len(eigenvalues) + 1, color=_CUT, alpha=0.06, linewidth=0)
    handles = [*axes.get_legend_handles_labels()[0], *share.get_legend_handles_labels()[0]]
    axes.legend(
        handles=handles, frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3
    )
    return axes
