"""FIBNLR in one call whose result can be looked at: `fibnlr_run`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aidge_core

from ..network.outline import outline
from ..network.summary import summarize
from .result import PARAMETERS, ActivationRow, FibnlrResult

if TYPE_CHECKING:
    from aidge_core import GraphView, Node, fibnlr_Convergence, fibnlr_Parameters

__all__ = ["fibnlr_run"]


def _channels(node: Node) -> int:
    tensor = node.get_operator().get_input(0)
    return int(tensor.dims[1]) if tensor is not None and len(tensor.dims) > 1 else 1


def _row(node: Node, channels: int, dead: int, removed: bool) -> ActivationRow:
    return ActivationRow(
        node.name(),
        node.type(),
        aidge_core.fibnlr_get_group(node).id,
        channels,
        aidge_core.fibnlr_get_npr(node).value(),
        aidge_core.fibnlr_get_nnpr(node).value,
        dead,
        removed,
    )


def fibnlr_run(
    model: GraphView,
    provider: Any,
    params: fibnlr_Parameters | None = None,
    *,
    progress: Callable[[int, float | None, int], object] | None = None,
    compute: Callable[..., fibnlr_Convergence] = aidge_core.fibnlr_compute,
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
    chosen = aidge_core.fibnlr_Parameters() if params is None else params
    prepared = aidge_core.fibnlr_prepare(model, chosen)
    if not prepared:
        kinds = ", ".join(chosen.prunable_types)
        raise ValueError(
            f"[fibnlr::run] expected at least one prunable activation ({kinds}) in the network, got none"
        )
    history = compute(model, provider, chosen, progress=progress)
    dims = model.compiled_dims
    before, sketch = summarize(model, dims), outline(model)
    facts = [
        (node, _channels(node), int(aidge_core.fibnlr_get_activity_tracker(node).count_dead_neurons()))
        for node in model.get_ordered_nodes(deep=True)
        if node in prepared
    ]
    removed = aidge_core.fibnlr_prune(model, chosen, provider)
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
