"""What merging did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..measure.result import Result
from ..network.costs import Costs
from ..network.outline import Outline
from ..tables import data_frame
from .options import MergeOptions

if TYPE_CHECKING:
    from aidge_core import FusionReport, GraphView

    from ..report import Story

__all__ = ["MergeResult", "what_merged"]


def what_merged(fusion: FusionReport) -> str:
    """ "5 layers merged into 1", or that there are none."""
    layers = sum(len(entry.nodes) for entry in fusion.merged)
    return f"{layers} layers merged into {len(fusion.merged)}" if layers else "no layers to merge"


@dataclass(frozen=True, repr=False)
class MergeResult(Result):
    """What merging did.

    Attributes:
        fusion: the report of fuse_convolution.
        network: the network as it was.
        warnings: layers that no method can change, with the reason.
        model, before, after, quality, options: see Result.
    """

    fusion: FusionReport
    network: Outline
    model: GraphView
    before: Costs
    after: Costs
    options: MergeOptions
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()

    def _headline(self) -> str:
        return what_merged(self.fusion)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the networks."""
        return {
            **self.fusion.to_dict(),
            **self._common(),
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per merge. ImportError if pandas is missing."""
        rows = [merge.to_dict() for merge in self.fusion.merged]
        columns = (
            "name", "type", "nodes", "border", "macs_before", "macs_after", "parameters_before", "parameters_after",
            "seconds_before", "seconds_after", "error",
        )  # fmt: skip
        return data_frame(rows, columns)

    def _story(self) -> Story:
        from .report import merge_story

        return merge_story(self)
