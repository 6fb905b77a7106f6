"""What FIBNLR measured and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..measure.result import Result
from ..network.costs import Costs
from ..network.outline import Outline
from ..numbers import counted
from ..options import as_dict
from ..tables import data_frame
from .options import FibnlrOptions

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..report import Story

__all__ = ["ActivationRow", "FibnlrResult"]


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


@dataclass(frozen=True, repr=False)
class FibnlrResult(Result):
    """What one run of FIBNLR measured and decided.

    Attributes:
        rows: the activations in topological order.
        iterations, samples, reason: of the pass over the data; see fibnlr_compute.
        convergence: the squared change of NPR, one value per iteration from the second on.
        network: the network as it was.
        dims: of its inputs, for which costs are counted.
        model, before, after, quality, options: see Result.
    """

    rows: tuple[ActivationRow, ...]
    iterations: int
    samples: int
    reason: str
    convergence: tuple[float, ...]
    network: Outline
    dims: tuple[tuple[int, ...], ...]
    model: GraphView
    before: Costs
    after: Costs
    options: FibnlrOptions
    quality: Quality | None = None

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The options by name, choices as enumerators of the compiled core."""
        params = self.options.parameters()
        return {name: getattr(params, name) for name in as_dict(self.options)}

    @property
    def macs(self) -> tuple[int, int]:
        """Multiply-accumulates before and after."""
        return self.before.macs, self.after.macs

    @property
    def parameter_counts(self) -> tuple[int, int]:
        """Parameters (elements) before and after."""
        return self.before.parameters, self.after.parameters

    def _headline(self) -> str:
        verdict = "would be removed" if self.is_dry else "removed"
        return f"{len(self.removed)} of {counted(len(self.rows), 'activation')} {verdict}"

    @property
    def removed(self) -> tuple[str, ...]:
        """Names of the activations that went, or would go in a dry run."""
        return tuple(row.name for row in self.rows if row.removed)

    @property
    def is_dry(self) -> bool:
        """Whether nothing was to be taken out."""
        return self.options.ablation_method == "none"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the networks."""
        return {
            **self._common(),
            "dry_run": self.is_dry,
            "rows": [asdict(row) for row in self.rows],
            "iterations": self.iterations,
            "samples": self.samples,
            "reason": self.reason,
            "convergence": self.convergence,
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per activation. ImportError if pandas is missing."""
        return data_frame([asdict(row) for row in self.rows], list(ActivationRow.__dataclass_fields__))

    def _story(self) -> Story:
        from .report import fibnlr_story

        return fibnlr_story(self)
