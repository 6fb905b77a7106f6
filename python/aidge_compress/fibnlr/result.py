"""What FIBNLR measured and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import aidge_core

from ..network.outline import Outline
from ..report.reportable import Reportable
from ..tables import data_frame

if TYPE_CHECKING:
    from ..report import Story

__all__ = ["PARAMETERS", "ActivationRow", "FibnlrResult"]

PARAMETERS = (
    "method",
    "normalization",
    "group",
    "ablation_criteria",
    "ablation_method",
    "ablation_threshold",
    "ablation_x_least",
    "ablation_min_kept",
    "max_iteration",
    "convergence_threshold",
    "group_assignments",
    "prunable_types",
)
"""The names of all parameters of FIBNLR."""


@dataclass(frozen=True)
class ActivationRow:
    """One measured activation: its group, input channels, ratios, dead channels, and whether it goes."""

    name: str
    type: str
    group: int
    channels: int
    npr: float
    nnpr: float
    dead: int
    removed: bool


@dataclass(frozen=True)
class FibnlrResult(Reportable):
    """What one run of FIBNLR measured and decided.

    Attributes:
        rows: the activations in topological order.
        iterations, samples, reason: of the pass over the data; see fibnlr_compute.
        convergence: the squared change of NPR, one value an iteration from the second on.
        parameters: every parameter by name.
        network: the network as it was.
        dims: of its inputs, for which multiply-accumulates are counted.
        macs, parameter_counts: of the network, before and after.
    """

    rows: tuple[ActivationRow, ...]
    iterations: int
    samples: int
    reason: str
    convergence: tuple[float, ...]
    parameters: Mapping[str, Any]
    network: Outline
    dims: tuple[tuple[int, ...], ...]
    macs: tuple[int, int]
    parameter_counts: tuple[int, int]

    @property
    def removed(self) -> tuple[str, ...]:
        """Names of the activations that went, or would go in a dry run."""
        return tuple(row.name for row in self.rows if row.removed)

    @property
    def is_dry(self) -> bool:
        """Whether nothing was to be taken out."""
        return bool(self.parameters["ablation_method"] == aidge_core.AblationMethod.NONE)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the measurements."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "iterations": self.iterations,
            "samples": self.samples,
            "reason": self.reason,
            "convergence": self.convergence,
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row an activation. ImportError where pandas is missing."""
        return data_frame([asdict(row) for row in self.rows], list(ActivationRow.__dataclass_fields__))

    def _story(self) -> Story:
        from .report import fibnlr_story

        return fibnlr_story(self)
