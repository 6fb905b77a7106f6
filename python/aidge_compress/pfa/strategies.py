"""How many units each layer keeps: KL, Energy and Size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import index
from typing import Protocol

from aidge_core import (
    pfa_count_of_ratio,
    pfa_energy_count,
    pfa_kl_divergence,
    pfa_linear_ratio,
    pfa_size_threshold,
)

from .layer import PFACovariancesResult
from .recipe import PFAEnergyDiagnostics, PFAKLDiagnostics, PFARecipe, PFASizeDiagnostics

__all__ = ["KL", "Energy", "PFAStrategyType", "Size"]


class PFAStrategyType(Protocol):
    """From the statistics of all layers to a recipe for each, without selected units."""

    def __call__(self, covariances: Mapping[str, PFACovariancesResult], /) -> Mapping[str, PFARecipe]:
        """Return one recipe per layer, by name."""


def _share(where: str, name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"[pfa::{where}] expected {name} in [0, 1], got {value}")
    return float(value)


def _count(where: str, value: int) -> int:
    try:
        count = index(value)
    except TypeError:
        count = -1
    if count < 0:
        raise ValueError(f"[pfa::{where}] expected min_kept_count as an int >= 0, got {value!r}")
    return count


def _recipe(
    layer: PFACovariancesResult, count: int, diagnostics: PFAKLDiagnostics | PFAEnergyDiagnostics
) -> PFARecipe:
    inactive = len(layer.inactive_units)
    return PFARecipe(layer.original_output_count, count, [], inactive, diagnostics)


@dataclass(frozen=True)
class KL:
    """Keeps the more units the flatter the spectrum is: ceil(units * ratio), at least 1.

    Args:
        interpolation_function: (kl_divergence, max_kl_divergence) → ratio in [0, 1]; None: 1 - kl_divergence / max_kl_divergence.

    Raises:
        ValueError: when called, if the function returns something else.
    """

    class LinearInterpolation:
        """1 - kl_divergence / max_kl_divergence, as DNIKit calls it."""

        def __call__(self, kl_divergence: float, max_kl_divergence: float) -> float:
            """Return the ratio; 1 for a layer of one unit, whose divergence is 0 of at most 0."""
            return pfa_linear_ratio(kl_divergence, max_kl_divergence)

    interpolation_function: Callable[[float, float], float] | None = None

    def __call__(self, covariances: Mapping[str, PFACovariancesResult], /) -> dict[str, PFARecipe]:
        """Return one recipe per layer."""
        return {name: self._of(name, layer) for name, layer in covariances.items()}

    def _of(self, name: str, layer: PFACovariancesResult) -> PFARecipe:
        divergence, largest = pfa_kl_divergence(layer.eigenvalues)
        ratio = float((self.interpolation_function or pfa_linear_ratio)(divergence, largest))
        if not 0.0 <= ratio <= 1.0:
            raise ValueError(
                f"[pfa::KL] expected interpolation_function to return a ratio in [0, 1], got {ratio} for layer {name!r} "
                f"(divergence {divergence:.6g} of at most {largest:.6g})"
            )
        units = layer.original_output_count
        return _recipe(layer, pfa_count_of_ratio(ratio, units), PFAKLDiagnostics(divergence, ratio))


@dataclass(frozen=True)
class Energy:
    """Keeps the fewest units whose eigenvalues hold a share of the layer's energy.

    Args:
        energy_threshold: the share, in [0, 1].
        min_kept_count: units that each layer keeps at least; a layer with fewer keeps all.

    Raises:
        ValueError: if an argument is out of range.
    """

    energy_threshold: float
    min_kept_count: int = 0

    def __post_init__(self) -> None:
        _share("Energy", "energy_threshold", self.energy_threshold)
        _count("Energy", self.min_kept_count)

    def __call__(self, covariances: Mapping[str, PFACovariancesResult], /) -> dict[str, PFARecipe]:
        """Return one recipe per layer."""
        return _by_energy(covariances, self.energy_threshold, self.min_kept_count, PFAEnergyDiagnostics)


@dataclass(frozen=True)
class Size:
    """Keeps about a share of the units of all layers together, by one energy threshold for all.

    It is a share of *units*; parameters and multiplications fall by another factor.

    Args:
        relative_size: the share of units to keep, in [0, 1].
        min_kept_count: units that each layer keeps at least; a layer with fewer keeps all.
        epsilon_energy: the threshold is kept within [epsilon_energy, 1 - epsilon_energy].

    Raises:
        ValueError: if an argument is out of range.
    """

    relative_size: float
    min_kept_count: int = 0
    epsilon_energy: float = 1e-8

    def __post_init__(self) -> None:
        _share("Size", "relative_size", self.relative_size)
        _share("Size", "epsilon_energy", self.epsilon_energy)
        _count("Size", self.min_kept_count)

    def __call__(self, covariances: Mapping[str, PFACovariancesResult], /) -> dict[str, PFARecipe]:
        """Return one recipe per layer."""
        if not covariances:
            return {}
        spectra = [layer.eigenvalues.tolist() for layer in covariances.values()]
        threshold = pfa_size_threshold(spectra, self.relative_size, self.epsilon_energy)
        return _by_energy(covariances, threshold, self.min_kept_count, PFASizeDiagnostics)


def _by_energy(
    covariances: Mapping[str, PFACovariancesResult],
    threshold: float,
    min_kept: int,
    diagnostics: type[PFAEnergyDiagnostics],
) -> dict[str, PFARecipe]:
    recipes = {}
    for name, layer in covariances.items():
        count, kept, total = pfa_energy_count(layer.eigenvalues, threshold, min_kept)
        recipes[name] = _recipe(layer, count, diagnostics(total, kept, threshold))
    return recipes
