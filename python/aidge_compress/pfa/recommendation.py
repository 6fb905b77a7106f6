"""Recipes of all layers together with the statistics that they come from: to tabulate, and to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..network.outline import Outline
from ..report.reportable import Reportable
from .layer import PFACovariancesResult
from .recipe import PFARecipe

if TYPE_CHECKING:
    from ..report import Story

__all__ = ["PFARecommendation"]


@dataclass(frozen=True)
class PFARecommendation(Reportable):
    """What PFA.recommend returns.

    Attributes:
        recipes: layer → recipe, as get_recipe has them.
        layers: layer → statistics.
        failed_responses: layers that were left out for want of samples.
        parameters: strategies and what is known of the statistics, by name.
        network: the network that was analysed; None where PFA has seen responses alone.
    """

    recipes: Mapping[str, PFARecipe]
    layers: Mapping[str, PFACovariancesResult]
    failed_responses: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    network: Outline | None = None

    def to_frame(self) -> Any:
        """A pandas DataFrame of all columns of PFA.show. ImportError where pandas is missing."""
        from .tables import recipe_table

        return recipe_table([self.recipes], [], None)

    def _story(self) -> Story:
        from .report import pfa_story

        return pfa_story(self)
