"""FIBNLR in one call whose result can be looked at: `fibnlr_run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import _core
from .outline import Outline, outline
from .reportable import Reportable, data_frame
from .summary import summarize

if TYPE_CHECKING:
    from ._core import GraphView, Node, fibnlr_Convergence, fibnlr_Parameters
    from .report import Story

__all__ = ["PARAMETERS", "ActivationRow", "FibnlrResult", "fibnlr_run"]

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
        return bool(self.parameters["ablation_method"] == _core.AblationMethod.NONE)

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
        from .report.fibnlr import fibnlr_story

        return fibnlr_story(self)


def _channels(node: Node) -> int:
    tensor = node.get_operator().get_input(0)
    return int(tensor.dims[1]) if tensor is not None and len(tensor.dims) > 1 else 1


def _row(node: Node, channels: int, dead: int, removed: bool) -> ActivationRow:
    return ActivationRow(
        node.name(),
        node.type(),
        _core.fibnlr_get_group(node).id,
        channels,
        _core.fibnlr_get_npr(node).value(),
        _core.fibnlr_get_nnpr(node).value,
        dead,
        removed,
    )


def fibnlr_run(
    model: GraphView,
    provider: Any,
    params: fibnlr_Parameters | None = None,
    *,
    progress: Callable[[int, float | None, int], object] | None = None,
    compute: Callable[..., fibnlr_Convergence] = _core.fibnlr_compute,
) -> FibnlrResult:
    """Do what `fibnlr` does, and return all that was measured instead of the removed nodes alone.

    Args:
        model: a compiled network; it is pruned in place.
        provider: batches as for fibnlr_compute.
        params: None: the defaults.
        progress: see fibnlr_compute.
        compute: measures in the place of fibnlr_compute, with its arguments.

    Raises:
        ValueError: if the network has no activation that can be pruned, and as fibnlr_prepare, fibnlr_compute and fibnlr_prune do.
    """
    chosen = _core.fibnlr_Parameters() if params is None else params
    prepared = _core.fibnlr_prepare(model, chosen)
    if not prepared:
        kinds = ", ".join(chosen.prunable_types)
        raise ValueError(
            f"[fibnlr::run] expected at least one prunable activation ({kinds}) in the network, got none"
        )
    history = compute(model, provider, chosen, progress=progress)
    dims = model.compiled_dims
    before, sketch = summarize(model, dims), outline(model)
    facts = [
        (node, _channels(node), int(_core.fibnlr_get_activity_tracker(node).count_dead_neurons()))
        for node in model.get_ordered_nodes(deep=True)
        if node in prepared
    ]
    removed = _core.fibnlr_prune(model, chosen, provider)
    after = summarize(model, dims)
    return FibnlrResult(
        rows=tuple(_row(node, channels, dead, node in removed) for node, channels, dead in facts),
        iterations=history.iterations,
        samples=history.samples,
        reason=history.reason,
        convergence=tuple(history),
        parameters={name: getattr(chosen, name) for name in PARAMETERS},
        network=sketch,
        dims=tuple(tuple(entry) for entry in dims),
        macs=(before.macs, after.macs),
        parameter_counts=(before.parameters, after.parameters),
    )
