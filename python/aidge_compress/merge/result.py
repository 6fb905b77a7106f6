"""What merging did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..network.outline import Outline
from ..report.reportable import Reportable
from ..tables import data_frame

if TYPE_CHECKING:
    from aidge_core import FusionReport

    from ..report import Story

__all__ = ["MergeResult"]


@dataclass(frozen=True)
class MergeResult(Reportable):
    """What merging did.

    Attributes:
        fusion: the report of fuse_convolution.
        network: the network as it was.
        parameters: the options by name.
    """

    fusion: FusionReport
    network: Outline
    parameters: Mapping[str, Any]

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a merge. ImportError where pandas is missing."""
        rows = [merge.to_dict() for merge in self.fusion.merged]
        columns = (
            "name", "type", "nodes", "border", "macs_before", "macs_after", "parameters_before", "parameters_after",
            "seconds_before", "seconds_after", "error",
        )  # fmt: skip
        return data_frame(rows, columns)

    def _story(self) -> Story:
        from .report import merge_story

        return merge_story(self)
