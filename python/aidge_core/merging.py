"""Merging of linear layers in one call whose result can be looked at: `merge_layers`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _core
from .outline import Outline, outline
from .reportable import Reportable, data_frame

if TYPE_CHECKING:
    from ._core import FusionReport, GraphView
    from .report import Story

__all__ = ["MergeResult", "merge_layers"]


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
        from .report.merge import merge_story

        return merge_story(self)


def merge_layers(model: GraphView, **options: Any) -> MergeResult:
    """Do what `fuse_convolution` does with these options, and keep what a report needs. `model` is merged in place.

    Raises as fuse_convolution does.
    """
    sketch = outline(model)
    fusion = _core.fuse_convolution(model, **options)
    return MergeResult(fusion, sketch, {name: value for name, value in options.items() if name != "data"})
