"""What merging did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..measure.result import Result
from ..network.costs import Costs
from ..network.outline import Outline
from ..options import as_dict
from ..tables import data_frame
from .options import MergeOptions

if TYPE_CHECKING:
    from aidge_core import FusionReport, GraphView

    from ..report import Story

__all__ = ["MergeResult"]


@dataclass(frozen=True, repr=False)
class MergeResult(Result):
    """What merging did.

    Attributes:
        fusion: the report of fuse_convolution.
        network: the network as it was.
        model, before, after, quality, options: see Result.
    """

    fusion: FusionReport
    network: Outline
    model: GraphView
    before: Costs
    after: Costs
    options: MergeOptions
    quality: Quality | None = None

    def _headline(self) -> str:
        merged = self.fusion.merged
        return f"{sum(len(entry.nodes) for entry in merged)} layers merged into {len(merged)}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the networks."""
        return {
            **self.fusion.to_dict(),
            "options": as_dict(self.options),
            "before": asdict(self.before),
            "after": asdict(self.after),
            "quality": None if self.quality is None else asdict(self.quality),
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per merge. ImportError where pandas is missing."""
        rows = [merge.to_dict() for merge in self.fusion.merged]
        columns = (
            "name", "type", "nodes", "border", "macs_before", "macs_after", "parameters_before", "parameters_after",
            "seconds_before", "seconds_after", "error",
        )  # fmt: skip
        return data_frame(rows, columns)

    def _story(self) -> Story:
        from .report import merge_story

        return merge_story(self)
