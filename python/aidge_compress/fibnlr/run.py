"""FIBNLR in one call whose result can be looked at: `prune_activations`, and `fibnlr_run`, which works in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aidge_core

from ..measure.metrics import compare
from ..measure.registry import metric_of
from ..network.costs import costs_of
from ..network.opening import open_network, prepare
from ..network.outline import outline
from ..network.sources import batches_of
from ..options import changed
from ..progress import Progress, report_to
from .options import FibnlrOptions
from .result import ActivationRow, FibnlrResult

if TYPE_CHECKING:
    from aidge_core import GraphView, Node, fibnlr_Convergence, fibnlr_Parameters

    from ..measure.registry import MetricSource
    from ..network.opening import NetworkSource

__all__ = ["MEASURING", "fibnlr_run", "measure_activations", "prune_activations"]

MEASURING = "measuring activations"
"""The stage that measuring is reported as."""


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


def prune_activations(
    model: NetworkSource,
    data: Any,
    options: FibnlrOptions | None = None,
    *,
    evaluation: Any = None,
    metric: MetricSource = None,
    progress: Progress | None = None,
    **changes: Any,
) -> FibnlrResult:
    """Remove the activations of a network whose input is almost never negative, which are nearly the identity (FIBNLR).

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it stays as it is.
        data: what to measure on: a path as --data takes it, arrays, or any source of batches; labels are ignored.
        options: what to remove, and how; None: the defaults.
        evaluation: data to compare the networks on, with labels or without; None: they are not compared.
        metric: the figure to compare them by (see evaluate); None: the one that fits the outputs and the labels.
        progress: called with (stage, done, total).
        changes: fields of FibnlrOptions that differ from `options`, e.g. ablation_threshold=0.2.

    Raises:
        ValueError: if an option is out of range, there is no activation that could be removed, or the data does not fit.
        TypeError: for an unknown option, or a model that is none of these.
        Stopped: if `progress` returns False.
    """
    chosen = changed(options or FibnlrOptions(), changes, "fibnlr::prune_activations")
    wanted = metric_of(metric)
    network, provider = prepare(model, data)
    original = open_network(network) if evaluation is not None else None

    result = fibnlr_run(network, provider, chosen.parameters(), progress=progress)
    if original is None:
        return result
    report_to(progress, "evaluating", 0, 0)
    return replace(result, quality=compare(network, original, batches_of(evaluation, network), metric=wanted))


def measure_activations(
    model: GraphView, provider: Any, params: fibnlr_Parameters, *, progress: Progress | None = None
) -> fibnlr_Convergence:
    """Do what `aidge_core.fibnlr_compute` does; `progress` is called with ("measuring activations", batches done, max_iteration).

    Raises:
        ValueError: as fibnlr_compute does.
        Stopped: if `progress` returns False; the network and its attributes are as before.
    """

    def show(iteration: int, convergence: float | None, samples: int) -> None:
        report_to(progress, MEASURING, iteration, params.max_iteration)

    return aidge_core.fibnlr_compute(model, provider, params, progress=show)


def fibnlr_run(
    model: GraphView,
    provider: Any,
    params: fibnlr_Parameters | None = None,
    *,
    progress: Progress | None = None,
    compute: Callable[..., fibnlr_Convergence] = measure_activations,
) -> FibnlrResult:
    """Do what `fibnlr` does, and return all that was measured instead of the removed nodes alone.

    Args:
        model: a compiled network; it is pruned in place.
        provider: batches as for fibnlr_compute.
        params: None: the defaults.
        progress: called with (stage, done, total).
        compute: measures in the place of `measure_activations`, with its arguments.

    Raises:
        ValueError: if the network has no activation that can be pruned, and as fibnlr_prepare, fibnlr_compute and fibnlr_prune do.
        Stopped: if `progress` returns False; nothing is pruned then.
    """
    chosen = aidge_core.fibnlr_Parameters() if params is None else params
    prepared = aidge_core.fibnlr_prepare(model, chosen)
    if not prepared:
        kinds = ", ".join(chosen.prunable_types)
        raise ValueError(
            f"[fibnlr::run] expected at least one prunable activation ({kinds}) in the network, got none"
        )
    provider = batches_of(provider, model)
    history = compute(model, provider, chosen, progress=progress)
    dims = model.compiled_dims
    before, sketch = costs_of(model, dims), outline(model)
    facts = [
        (node, _channels(node), int(aidge_core.fibnlr_get_activity_tracker(node).count_dead_neurons()))
        for node in model.get_ordered_nodes(deep=True)
        if node in prepared
    ]
    removed = aidge_core.fibnlr_prune(model, chosen, provider)
    after = costs_of(model, dims)
    return FibnlrResult(
        rows=tuple(_row(node, channels, dead, node in removed) for node, channels, dead in facts),
        iterations=history.iterations,
        samples=history.samples,
        reason=history.reason,
        convergence=tuple(history),
        network=sketch,
        dims=tuple(tuple(entry) for entry in dims),
        model=model,
        before=before,
        after=after,
        options=FibnlrOptions.of(chosen),
    )
