"""Recipes of all layers together with the statistics that they come from: to tabulate, and to report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..files import write_text
from ..measure.metrics import Quality
from ..measure.result import Result
from ..network.costs import Costs
from ..network.outline import Outline
from ..numbers import counted
from ..options import as_dict
from .layer import PFACovariancesResult
from .options import PfaOptions
from .recipe import PFARecipe

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..report import Story

__all__ = ["PFARecommendation"]


@dataclass(frozen=True, repr=False)
class PFARecommendation(Result):
    """What PFA.recommend and recommend_channels return; nothing is changed.

    Attributes:
        recipes: layer → recipe, as get_recipe has them.
        layers: layer → statistics.
        failed_responses: layers that were left out because there were too few samples.
        chosen: strategies, settings of the statistics and numbers of samples, by name.
        network: the network that was analysed; None if PFA has seen responses alone.
        model: the same, as it is; None from PFA.recommend.
        before, after: costs of the network, and estimates of its costs if the recipes are followed; None if they are not known.
        options: of recommend_channels.
        quality: always None.
    """

    recipes: Mapping[str, PFARecipe]
    layers: Mapping[str, PFACovariancesResult]
    failed_responses: tuple[str, ...] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)
    network: Outline | None = None
    model: GraphView | None = None
    before: Costs | None = None
    after: Costs | None = None
    options: PfaOptions | None = None
    quality: Quality | None = None

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Strategies, settings of the statistics and numbers of samples, by name."""
        return self.chosen

    def _headline(self) -> str:
        kept = sum(recipe.recommended_output_count for recipe in self.recipes.values())
        units = sum(recipe.original_output_count for recipe in self.recipes.values())
        share = f" ({kept / units:.0%})" if units else ""
        return f"keep {kept:,} of {units:,} units{share} of {counted(len(self.recipes), 'layer')}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the recipes, and the strategies that chose them."""
        return {
            "strategy": repr(self.chosen.get("strategy")),
            "unit_strategy": repr(self.chosen.get("unit_strategy")),
            "failed_responses": list(self.failed_responses),
            "options": None if self.options is None else as_dict(self.options),
            "before": None if self.before is None else asdict(self.before),
            "after": None if self.after is None else asdict(self.after),
            "recipes": {name: recipe.to_dict() for name, recipe in self.recipes.items()},
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the recipes as JSON. OSError if the file cannot be written."""
        write_text(path, json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")

    def to_frame(self) -> Any:
        """A pandas DataFrame of all columns of PFA.show. ImportError if pandas is missing."""
        from .tables import recipe_table

        return recipe_table([self.recipes], [], None)

    def _story(self) -> Story:
        from .report import pfa_story

        return pfa_story(self)
