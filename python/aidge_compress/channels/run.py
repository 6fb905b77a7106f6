"""One call from a trained network to a smaller one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import aidge_core
import numpy as np
from aidge_onnx import requantise

from ..measure.held_out import replayable
from ..measure.latency import latencies
from ..measure.metrics import Quality, compare
from ..network.costs import Costs, costs_of
from ..network.layers import closed_layers
from ..network.opening import open_network
from ..network.sources import batches_of
from ..network.summary import summarize, uncounted_note
from ..options import changed, choices_of
from ..progress import Clock, Progress
from ..quantization import QuantizeOptions, quantize_cut
from ..quantization.source import check_float, need_onnxruntime
from .allocate import UnreachableTarget
from .auto import FITS, Allocation, Trial
from .budget import choose_counts
from .options import DEFAULT_DROP, CompressOptions, of_target
from .result import CompressionResult, GroupChange, LayerChange
from .stages import Cut, Prepared, choose_orders, cut, one_sample, prepare
from .statistics import weight_of
from .tokens import to_products

if TYPE_CHECKING:
    from aidge_core import CompensationReport, GraphView

    from ..network.opening import NetworkSource
    from ..network.summary import LayerSummary

__all__ = ["COMPENSATIONS", "compress"]

COMPENSATIONS = choices_of(CompressOptions, "compensation")
"""covariance: readers take over what the channels that stay can tell of those that went; least_squares, mean_variance: after that, layer after layer
new weights, or its outputs' means and variances as in the original; none: channels go, nothing more."""
_SEARCH_STEPS = 6
_LARGE = 1e8
_BLOCK = 8
INT8_BLOCK = 16
"""Channels that integer kernels take at a time."""
_SMALLEST = 0.02
_COLLAPSED = 0.5
_COLLAPSED_ERROR = 0.9
"""A metric below this share of the original's, or an error above this, is said as a warning."""


def compress(
    model: NetworkSource,
    data: Any,
    options: CompressOptions | None = None,
    *,
    evaluation: Any = None,
    target: float | Mapping[str, float] | None = None,
    progress: Progress | None = None,
    **changes: Any,
) -> CompressionResult:
    """Return a smaller network that gives nearly the same outputs, without training.

    Folds BatchNorm, removes activations, merges linear layers, removes channels until the budget is met, and fits the remaining weights by
    least squares on unlabelled data. The same input gives the same network.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView (compiled or not) or a torch.nn.Module; it stays as it is.
        data: what to calibrate on: a path as --data takes it, arrays, or any source of batches; labels only count for evaluation.
        options: the budget and how to meet it; None: the defaults.
        evaluation: data to evaluate on, with labels or without. None: a share `held_out` of the calibration samples, which are then not
            fitted on.
        target: the former word for the budget: the share of the MACs to keep, or shares by "macs", "parameters" and "latency".
        progress: called with (stage, done, total); total 0: not known. If it returns False, the call ends with Stopped.
        changes: fields of CompressOptions that differ from `options`, e.g. keep_macs=0.5, max_drop=0.01 or protect=["stem"]. With max_drop
            alone, the smallest network within that loss is searched for, by MACs; with no goal at all, within DEFAULT_DROP. The loss is that of
            `metric` (see evaluate), in its unit: 0.01 of an accuracy is 1 %, 0.5 of a PSNR is half a decibel.

    Raises:
        UnreachableTarget: (a ValueError) if the target cannot be reached; says the least that can.
        ValueError: for an option out of range; data that is empty, not finite or does not fit; nothing that could be removed, with the
            reasons.
        TypeError: for an unknown option, or a model that is none of these.
        UnsupportedError: if an operator cannot be run.
        Stopped: see `progress`.
    """
    budget = {} if target is None else of_target(target)
    asked = changed(options or CompressOptions(), {**budget, **changes}, "compress::compress")
    if asked.target is None and asked.max_drop is None and not asked.remove_activations:
        asked = replace(asked, max_drop=DEFAULT_DROP)
    if asked.int8:
        need_onnxruntime("compress::compress")
        opened = open_network(model, data)
        check_float(opened)
        data = replayable(batches_of(data, opened))
    clock = Clock(progress)
    network = model if isinstance(model, aidge_core.GraphView) else open_network(model, data)
    judge = None if evaluation is None else batches_of(evaluation, network)
    ready = prepare(network, batches_of(data, network), judge, asked, clock)
    chosen = (
        asked
        if asked.multiple is not None
        else replace(asked, multiple=INT8_BLOCK if asked.int8 else _multiple(ready))
    )
    if (asked.target is not None or asked.max_drop is not None) and not ready.measured:
        raise ValueError(
            f"[compress::compress] expected channels that can be removed, got none: {_refusals(ready)}"
        )
    if ready.judge is not None:
        _check_metric(ready, asked)
    elif asked.max_drop is not None:
        raise ValueError(
            "[compress::compress] expected evaluation data, or samples enough to hold some out, to measure max_drop on, got neither"
        )
    if asked.target is None and asked.max_drop is not None and ready.measured:
        result = _search(ready, chosen, clock, asked.max_drop)
    else:
        result = _finish(ready, chosen, clock, _at(ready, chosen, clock, asked.target))
    result = replace(result, options=asked)
    return with_int8(result, model, data, evaluation=evaluation, progress=progress) if asked.int8 else result


def with_int8(
    result: CompressionResult,
    original: NetworkSource,
    data: Any,
    *,
    evaluation: Any = None,
    progress: Progress | None = None,
) -> CompressionResult:
    """The result with its network in int8, too.

    Args:
        result: of `compress`.
        original: the network that was compressed, as it was given.
        data, evaluation, progress: as for `compress`; the data can be read several times.

    Raises:
        ValueError, ImportError, Stopped: as `aidge_compress.quantize` does.
    """
    options = QuantizeOptions(
        held_out=result.options.held_out or 0.2, latency=result.options.latency, metric=result.options.metric
    )
    small = quantize_cut(original, result.model, data, options, evaluation=evaluation, progress=progress)
    return replace(result, int8=small)


def _check_metric(ready: Prepared, options: CompressOptions) -> None:
    """ValueError if the metric does not fit the outputs and the labels, or if max_drop is given and nothing can be lost of it."""
    first = [next(iter(ready.judge))]
    before = compare(ready.original, ready.original, first, metric=ready.metric, strict=False).figure
    if options.max_drop is not None and before is None:
        raise ValueError(
            "[compress::compress] expected an output whose size is known before a run, to measure max_drop on, got none: give a budget instead "
            "(keep_macs, keep_parameters, keep_latency)"
        )
    if options.max_drop is not None and before is not None and before.before == float("inf"):
        raise ValueError(
            f"[compress::compress] expected a metric that is finite for the original, for max_drop, got {before.metric}, which is infinite without "
            "labels of the output's shape: give a budget instead, or metric='relative_error'"
        )


def _multiple(ready: Prepared) -> int:
    """What the number of channels is rounded to where the caller leaves it open and the result is in float32."""
    dims = one_sample(ready.original, ready.data.dims)
    macs = summarize(ready.original, dims).macs / dims[0][0]
    ready.original.forward_dims(ready.data.dims)
    return _BLOCK if macs >= _LARGE else 1


def _refusals(ready: Prepared) -> str:
    reasons = [
        f"{group.sources[0].node.name()}: {group.refusal or 'protected, or read by no layer that can be measured'}"
        for group in ready.groups
    ]
    closed = closed_layers(ready.original)
    return "; ".join([closed, *reasons[:8]] if closed else reasons[:8]) or "no layer makes channels"


@dataclass(frozen=True)
class _Candidate:
    """A network of one target, how it did before least squares, and what was tried to find its counts."""

    cut: Cut
    counts: list[int]
    report: CompensationReport | None
    start: Quality | None
    tried: tuple[Trial, ...] = ()


def _at(
    ready: Prepared, options: CompressOptions, clock: Clock, target: Mapping[str, float] | None
) -> _Candidate:
    """Cuts to the target and compensates."""
    chosen = Allocation([group.group.size for group in ready.measured])
    if target is not None:
        chosen = clock.run("allocate", lambda: choose_counts(ready, options, target, clock))
    return replace(_cut_and_compensate(ready, options, clock, chosen.counts), tried=chosen.tried)


def _cut_and_compensate(
    ready: Prepared, options: CompressOptions, clock: Clock, counts: list[int]
) -> _Candidate:
    smaller = clock.run("cut", lambda: cut(ready, counts, options, compensate=True))
    model = smaller.model
    model.compile("cpu", dims=ready.data.dims)
    start = clock.run("judge", lambda: ready.quality_of(model)) if ready.judge is not None else None
    report = None
    if options.compensation in FITS:
        report = clock.run(
            "compensate",
            lambda: aidge_core.compensate_layers(
                ready.original, model, ready.data, smaller.outputs, _targets(ready), memory=options.memory,
                method=FITS[options.compensation], progress=lambda done, total, layer: clock.step("compensate", done, total),
            ),
        )  # fmt: skip
    return _Candidate(smaller, counts, report, start)


def _targets(ready: Prepared) -> dict[str, str]:
    """Layers that have taken over an activation aim at that one's output."""
    return {entry.layer: entry.name for entry in ready.removed if entry.layer}


def _search(ready: Prepared, options: CompressOptions, clock: Clock, max_drop: float) -> CompressionResult:
    """The smallest network, by MACs, whose loss is within max_drop; bisected in the logarithm of the share."""
    quick = replace(options, latency=False)
    best = _at(ready, options, clock, None)
    low, high = float(np.log(_SMALLEST)), 0.0
    for step in range(_SEARCH_STEPS):
        clock.step("search", step, _SEARCH_STEPS)
        middle = (low + high) / 2
        try:
            candidate = _at(ready, options, clock, {"macs": float(np.exp(middle))})
        except UnreachableTarget:
            low = middle
            continue
        if _finish(ready, quick, clock, candidate).drop <= max_drop:
            best, high = candidate, middle
        else:
            low = middle
    return _finish(ready, options, clock, best)


def _finish(
    ready: Prepared, options: CompressOptions, clock: Clock, candidate: _Candidate
) -> CompressionResult:
    """Judges and measures."""
    model, warnings = candidate.cut.model, list(ready.warnings)
    to_products(model, ready.products)
    requantise(model)
    model.compile("cpu", dims=ready.data.dims)
    quality = Quality(0)
    if ready.judge is not None:
        quality = clock.run("judge", lambda: ready.quality_of(model))
        warnings += _collapse(quality)
    else:
        warnings.append("no samples were held out: the loss is not known")
    seconds: Sequence[float | None] = (None, None)
    if options.latency:
        dims = one_sample(ready.original, ready.data.dims)
        seconds = clock.run("latency", lambda: latencies([ready.whole, model], dims))
    layers, totals = _layers(ready, candidate)
    if note := uncounted_note(totals[0].uncounted):
        warnings.append(note)
    return CompressionResult(
        model=model,
        original=ready.whole,
        before=replace(totals[0], latency=seconds[0]),
        after=replace(totals[1], latency=seconds[1]),
        start_quality=candidate.start,
        quality=quality,
        options=options,
        layers=layers,
        groups=_groups(ready, candidate),
        removed_activations=tuple(entry.name for entry in ready.removed),
        merged=ready.merged,
        samples=ready.data.samples,
        passes=ready.data.passes + (1 + len(ready.removed) if options.remove_activations else 0),
        seconds=dict(clock.seconds),
        warnings=tuple(warnings),
        tried=candidate.tried,
    )


def _collapse(quality: Quality) -> list[str]:
    """What to say of outputs that have little to do with the original's."""
    figure = quality.figure
    if figure is None or quality.error is None:
        return []
    share = figure.unit == "share" and figure.before is not None
    lost = share and figure.after < _COLLAPSED * (figure.before or 0.0)
    if not lost and quality.error <= _COLLAPSED_ERROR:
        return []
    found = f"relative error of the outputs {quality.error:.2f}"
    if figure.metric != "relative_error":
        found = f"{figure}, {found}"
    return [f"large loss ({found}): keep more, or give more calibration data"]


def _groups(ready: Prepared, candidate: _Candidate) -> tuple[GroupChange, ...]:
    counts = {id(group.group): count for group, count in zip(ready.measured, candidate.counts, strict=True)}
    changes = []
    for group in ready.groups:
        names = tuple(source.node.name() for source in group.sources)
        refusal = group.refusal or next(
            (candidate.cut.refused[name] for name in names if name in candidate.cut.refused), ""
        )
        refused = any(name in candidate.cut.refused for name in names)
        kept = group.size if refused else counts.get(id(group), group.size)
        changes.append(GroupChange(names, group.size, kept, refusal))
    return tuple(changes)


def _has_weight(model: GraphView, name: str) -> bool:
    node = model.find_node(name)
    return node is not None and weight_of(node) is not None


def _channels(layer: LayerSummary | None, axis: int) -> int:
    """Output channels; 0 for a layer that was merged into another."""
    return 0 if layer is None or layer.output_dims is None else layer.output_dims[axis]


def _layers(ready: Prepared, candidate: _Candidate) -> tuple[tuple[LayerChange, ...], tuple[Costs, Costs]]:
    dims = one_sample(ready.whole, ready.data.dims)
    summaries = [summarize(model, dims) for model in (ready.whole, candidate.cut.model)]
    for model in (ready.whole, candidate.cut.model):
        model.forward_dims(ready.data.dims)
    after = {layer.name: layer for layer in summaries[1].layers}
    fitted = {layer.layer: layer for layer in candidate.report.layers} if candidate.report is not None else {}
    on_tokens = {product.name for product in ready.products}
    changes = []
    for layer in summaries[0].layers:
        weighted = layer.parameters or _has_weight(ready.original, layer.name)
        if not layer.macs or not weighted or layer.output_dims is None:
            continue
        now = after.get(layer.name)
        fit = fitted.get(layer.name)
        axis = -1 if layer.name in on_tokens else 1
        changes.append(
            LayerChange(
                layer.name,
                layer.type,
                (layer.output_dims[axis], _channels(now, axis)),
                (layer.parameters, now.parameters if now else 0),
                (layer.macs, (now.macs or 0) if now else 0),
                fit.error_after if fit else None,
                fit.ridge if fit else None,
                fit.note if fit else ("" if now else "merged into another layer"),
            )
        )
    old, new = (costs_of(model, dims) for model in (ready.whole, candidate.cut.model))
    for model in (ready.whole, candidate.cut.model):
        model.forward_dims(ready.data.dims)
    return tuple(changes), (old, new)


@dataclass(frozen=True)
class Decision:
    """Which channels of each measured group go, and what makes up for them; equal ones make equal networks."""

    gone: tuple[frozenset[int], ...]
    compensation: str


class Compressor:
    """Many compressions of one network from one preparation: data read, network folded and merged, covariances measured once.

    Args:
        model, provider: as for `compress`; all samples are fitted on.
        progress: as for `compress`.

    Raises:
        ValueError: as `compress` does for the data, and where no channels can be removed.
    """

    def __init__(self, model: GraphView, provider: Any, *, progress: Progress | None = None) -> None:
        self._clock = Clock(progress)
        self._options = CompressOptions(held_out=0.0, latency=False)
        self._ready = prepare(model, provider, None, self._options, self._clock)
        self._options = replace(self._options, multiple=_multiple(self._ready))
        if not self._ready.measured:
            raise ValueError(
                f"[compress::compress] expected channels that can be removed, got none: {_refusals(self._ready)}"
            )

    def decide(self, **changes: Any) -> Decision:
        """What `compress` with these fields of CompressOptions would take out; one of them is a budget.

        Raises:
            ValueError: as `compress` does for these options.
        """
        options = changed(self._options, changes, "compress::compress")
        assert options.target is not None
        choose_orders(self._ready.measured, options)
        counts = choose_counts(self._ready, options, options.target, self._clock).counts
        groups = zip(self._ready.measured, counts, strict=True)
        gone = tuple(frozenset(group.order[: group.group.size - count]) for group, count in groups)
        return Decision(gone, options.compensation)

    def agree(self, units: Mapping[str, Collection[int]], compensation: str) -> Decision:
        """What can go where these outputs of layers may: a channel goes if all layers that make it let it go, and nothing makes it stay.

        Raises:
            ValueError: if there is no such compensation.
        """
        compensation = changed(self._options, {"compensation": compensation}, "compress::agree").compensation
        gone = []
        for group in (measured.group for measured in self._ready.measured):
            stays = set(group.fixed)
            for source in group.sources:
                may = units.get(source.node.name(), ())
                stays |= {channel for unit, channel in enumerate(source.channels) if unit not in may}
            gone.append(frozenset(range(group.size)) - stays)
        return Decision(tuple(gone), compensation)

    def make(self, decision: Decision) -> CompressionResult:
        """The network of a decision of `decide`; it is not judged."""
        options = changed(self._options, {"compensation": decision.compensation}, "compress::make")
        for group, gone in zip(self._ready.measured, decision.gone, strict=True):
            group.order = sorted(gone)
        counts = [
            group.group.size - len(gone)
            for group, gone in zip(self._ready.measured, decision.gone, strict=True)
        ]
        candidate = _cut_and_compensate(self._ready, options, self._clock, counts)
        return _finish(self._ready, options, self._clock, candidate)
