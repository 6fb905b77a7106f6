"""Merging of linear layers in one call whose result can be looked at: `merge_layers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aidge_core
from aidge_core import GraphView

from ..measure.metrics import compare
from ..network.costs import costs_of
from ..network.layers import closed_layers
from ..network.opening import open_network
from ..network.outline import outline
from ..network.sources import batches_of
from ..options import as_dict, changed
from .options import MergeOptions
from .result import MergeResult

if TYPE_CHECKING:
    from ..measure.registry import MetricSource
    from ..network.opening import NetworkSource

__all__ = ["merge_layers"]


def merge_layers(
    model: NetworkSource,
    options: MergeOptions | None = None,
    *,
    data: Any = None,
    dims: Sequence[Sequence[int]] = (),
    evaluation: Any = None,
    metric: MetricSource = None,
    **changes: Any,
) -> MergeResult:
    """Merge adjacent linear layers of a network if that is exact and cheaper.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it is not changed.
        options: which layers, and how; None: the defaults.
        data: for border "approximate", whose error is measured on it, and for the example inputs of a module.
        dims: one list per input, for which costs are counted; none: those that the network is compiled for, or the declared ones.
        evaluation: data to compare the networks on, with labels or without; None: they are not compared.
        metric: the figure to compare them by (see evaluate); None: the one that fits the outputs and the labels.
        changes: fields of MergeOptions that differ from `options`, e.g. policy="always".

    Raises:
        ValueError: if an option is out of range, dims are open, or "approximate" has no data.
        TypeError: for an unknown option, or a model that is none of these.
    """
    chosen = changed(options or MergeOptions(), changes, "merge::merge_layers")
    network = open_network(model, data)
    if not network.is_compiled and (not isinstance(model, GraphView) or evaluation is not None):
        network.compile("cpu", dims=[list(entry) for entry in dims])
    original = open_network(network) if evaluation is not None else None
    shapes = dims or (network.compiled_dims if network.is_compiled else ())
    sketch, before = outline(network), costs_of(network, shapes)
    provider = None if data is None else batches_of(data, network)
    import aidge_backend_cpu  # noqa: F401  (measures latency, if it is asked for)

    fusion = aidge_core.fuse_convolution(
        network, data=provider, dims=[list(entry) for entry in dims], **as_dict(chosen)
    )
    quality = (
        None
        if original is None
        else compare(network, original, batches_of(evaluation, network), metric=metric)
    )
    before = replace(before, latency=fusion.seconds_before)
    after = replace(costs_of(network, shapes), latency=fusion.seconds_after)
    closed = closed_layers(network)
    warnings = (f"not merged: {closed}",) if closed else ()
    return MergeResult(fusion, sketch, network, before, after, chosen, quality, warnings)
