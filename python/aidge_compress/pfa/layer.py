"""The statistics of one layer, from which all recipes follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from aidge_core import (
    Covariance,
    eigenvalues,
    pfa_inactive_units,
    pfa_removal_order,
    pfa_TieRule,
    pfa_UnitStrategy,
)

__all__ = ["PFACovariancesResult"]

Vector = npt.NDArray[np.float64]

_LAPACK_FROM = 512
"""Units from which NumPy's LAPACK is faster than Eigen: 79 to 132 ms at 1,024, 0.95 to 2.2 s at 2,048."""


class PFACovariancesResult:
    """Covariance of a layer's responses, its eigenvalues and the inactive units.

    Args:
        source: the accumulator, or the covariance itself as an array (units, units).
        epsilon_inactive: a unit is inactive if its variance is below this times the layer's largest.

    Raises:
        ValueError: if there are fewer than 2 samples, the matrix is not square and finite, or epsilon_inactive is negative.
    """

    def __init__(self, source: Covariance | npt.ArrayLike, epsilon_inactive: float = 1e-8) -> None:
        self._source = source if isinstance(source, Covariance) else np.array(source, dtype=np.float64)
        self._epsilon = float(epsilon_inactive)
        self._orders: dict[tuple[Any, ...], list[int]] = {}
        matrix = self.covariances
        self.inactive_units: npt.NDArray[np.intp] = np.array(
            pfa_inactive_units(matrix, self._epsilon), dtype=np.intp
        )
        """Inactive units, ascending."""
        self.eigenvalues: Vector = _spectrum(matrix)
        """(units,): eigenvalues of the covariance, descending, none below 0."""
        self.original_output_count: int = len(self.eigenvalues)
        """Units of the layer."""

    @staticmethod
    def make_covariance_result(
        *, covariances: npt.ArrayLike, epsilon_inactive: float = 1e-8
    ) -> PFACovariancesResult:
        """Return the result for a covariance matrix (units, units)."""
        return PFACovariancesResult(covariances, epsilon_inactive)

    @property
    def covariances(self) -> Vector:
        """(units, units): the unbiased covariance, computed at each access."""
        return self._source.matrix() if isinstance(self._source, Covariance) else self._source.copy()

    def removal_order(self, strategy: pfa_UnitStrategy, tie_rule: pfa_TieRule, seed: int) -> list[int]:
        """Return all units but the last active one in the order in which they go, computed once for each choice."""
        key = (strategy, tie_rule, seed)
        if key not in self._orders:
            options: dict[str, Any] = {"tie_rule": tie_rule, "seed": seed, "epsilon_inactive": self._epsilon}
            self._orders[key] = pfa_removal_order(self.covariances, strategy, **options)
        return self._orders[key]

    def __repr__(self) -> str:
        return (
            f"PFACovariancesResult({self.original_output_count} units, {len(self.inactive_units)} inactive, "
            f"energy {self.eigenvalues.sum():.4g})"
        )


def _spectrum(matrix: Vector) -> Vector:
    """Eigenvalues of a finite symmetric matrix, descending, clipped at 0."""
    if len(matrix) < _LAPACK_FROM:
        return eigenvalues(matrix)
    return np.asarray(np.maximum(np.linalg.eigvalsh(matrix)[::-1], 0.0))
