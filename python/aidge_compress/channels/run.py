"""One call from a trained network to a smaller one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import aidge_core
import numpy as np

from ..measure.latency import latencies
from ..measure.metrics import Quality
from ..network.summary import summarize
from ..progress import Clock, Progress
from .allocate import ALLOCATIONS, SELECTIONS, Limits, UnreachableTarget
from .budget import choose_counts
from .result import CompressionResult, GroupChange, LayerChange, Totals
from .stages import Cut, Options, Prepared, choose_orders, cut, one_sample, prepare

if TYPE_CHECKING:
    from aidge_core import CompensationReport, GraphView

__all__ = ["COMPENSATIONS", "compress"]

COMPENSATIONS = ("least_squares", "mean_variance", "covariance", "none")
"""covariance: readers take over what the channels that stay can tell of those that went; least_squares, mean_variance: after that, layer after layer
new weights, or its outputs' means and variances as in the original; none: channels go, nothing more."""
_METHODS = {
    "least_squares": aidge_core.CompensationMethod.LEAST_SQUARES,
    "mean_variance": aidge_core.CompensationMethod.MEAN_VARIANCE,
}

_SEARCH_STEPS = 6
_LARGE = 1e8
_BLOCK = 8
_SMALLEST = 0.02
_PARAMETERS = (
    "target", "max_drop", "allocation", "selection", "compensation", "remove_activations", "merge", "protect",
    "min_channels", "min_share", "multiple", "held_out", "latency", "seed", "memory",
)  # fmt: skip
_TARGETS = ("macs", "parameters", "latency")
_DEFAULT_MEMORY = 1 << 31


def compress(
    model: GraphView,
    provider: Any,
    *,
    target: float | Mapping[str, float] | None = None,
    max_drop: float | None = None,
    evaluation: Any = None,
    allocation: str = "energy",
    selection: str = "elimination",
    compensation: str = "least_squares",
    remove_activations: int = 0,
    merge: bool = True,
    protect: Iterable[str] = (),
    min_channels: int = 4,
    min_share: float = 0.0,
    multiple: int | None = None,
    held_out: float = 0.2,
    latency: bool = True,
    seed: int = 0,
    memory: int = _DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> CompressionResult:
    """Return a smaller network that gives nearly the same outputs, without training.

    Folds BatchNorm, removes activations, merges linear layers, removes channels down to the target, and lets the layers that are left make up for
    what went by least squares on unlabelled data. `model` stays as it is. The same input gives the same network.

    Args:
        model: the trained network; need not be compiled.
        provider: calibration batches as for fibnlr_compute; labels are ignored but for judging.
        target: share of the original's MACs that may stay, in (0, 1], or shares by "macs", "parameters" and "latency" (of the layers' times as
            measured here). None: no channels go, unless max_drop says how many.
        max_drop: the largest loss (CompressionResult.drop). Without `target` the smallest network within it is searched for, by MACs.
        evaluation: batches to judge on, with labels or without. None: a share `held_out` of the calibration samples, which are then not fitted on.
        allocation: how channels are shared out among the layers, one of ALLOCATIONS.
        selection: which channels of a layer stay, one of SELECTIONS.
        compensation: one of COMPENSATIONS.
        remove_activations: how many activations to replace by channel-wise affine maps.
        merge: merge layers between which nothing is left, where that is exact and cheaper.
        protect: names of nodes whose channels stay.
        min_channels, min_share: what every group of channels keeps at least, as a number and as a share.
        multiple: every group keeps a multiple of so many, or all. None: of 8 for networks of at least 10⁸ MACs a sample, where engines
            that work on blocks of channels are much slower with odd numbers of them; else of 1.
        latency: measure the networks' latency.
        seed: of selection "random".
        memory: bytes for calibration data and tensors between layers; beyond it data is read and computed again.
        progress: called with (stage, done, total); total 0: not known. If it returns False, the call ends with Stopped.

    Raises:
        UnreachableTarget: (a ValueError) if the target cannot be reached; says the least that can.
        ValueError: for an option out of range; data that is empty, not finite or does not fit; nothing that could be cut, with the reasons; no target at all.
        UnsupportedError: if an operator cannot be run.
        Stopped: see `progress`.
    """
    wanted = _target(target)
    protect = tuple(protect)
    parameters = {name: value for name, value in locals().items() if name in _PARAMETERS}
    options = _options(
        allocation, selection, compensation, Limits(min_channels, min_share, 1 if multiple is None else multiple), protect, remove_activations,
        merge, latency, seed, memory,
    )  # fmt: skip
    if not isinstance(model, aidge_core.GraphView):
        kind = type(model).__name__
        raise TypeError(
            f"[compress::compress] expected a GraphView, got {kind} (aidge_onnx.load_onnx, aidge_core.from_torch)"
        )
    if not 0.0 <= held_out < 1.0:
        raise ValueError(f"[compress::compress] expected held_out in [0, 1), got {held_out}")
    if wanted is None and max_drop is None and not remove_activations:
        raise ValueError("[compress::compress] expected a target, max_drop or remove_activations, got none")
    clock = Clock(progress)
    ready = prepare(model, provider, evaluation, options, clock, held_out)
    if multiple is None:
        options = replace(options, limits=replace(options.limits, multiple=_multiple(ready)))
    if (wanted is not None or max_drop is not None) and not ready.measured:
        raise ValueError(
            f"[compress::compress] expected channels that can be removed, got none: {_refusals(ready)}"
        )
    if wanted is None and max_drop is not None and ready.measured:
        result = _search(ready, options, clock, max_drop)
    else:
        result = _finish(ready, options, clock, _at(ready, options, clock, wanted))
    return replace(result, parameters=parameters)


def _target(target: float | Mapping[str, float] | None) -> dict[str, float] | None:
    if target is None:
        return None
    shares = dict(target) if isinstance(target, Mapping) else {"macs": float(target)}
    if (
        not shares
        or not set(shares) <= set(_TARGETS)
        or not all(0.0 < share <= 1.0 for share in shares.values())
    ):
        raise ValueError(
            f"[compress::compress] expected target as shares in (0, 1] of {', '.join(_TARGETS)}, got {target}"
        )
    return shares


def _options(
    allocation: str, selection: str, compensation: str, limits: Limits, protect: Iterable[str], activations: int,
    merge: bool, latency: bool, seed: int, memory: int,
) -> Options:  # fmt: skip
    for name, value, choices in (
        ("allocation", allocation, ALLOCATIONS),
        ("selection", selection, SELECTIONS),
        ("compensation", compensation, COMPENSATIONS),
    ):
        if value not in choices:
            raise ValueError(f"[compress::compress] expected {name} as one of {choices}, got {value!r}")
    if (
        limits.min_channels < 1
        or limits.multiple < 1
        or not 0.0 <= limits.min_share <= 1.0
        or activations < 0
    ):
        raise ValueError(
            f"[compress::compress] expected min_channels and multiple >= 1, min_share in [0, 1], remove_activations >= 0, "
            f"got {limits} and {activations}"
        )
    names = frozenset([protect] if isinstance(protect, str) else protect)
    return Options(
        allocation, selection, compensation, limits, names, activations, merge, latency, seed, memory
    )


def _multiple(ready: Prepared) -> int:
    """What the number of channels is rounded to where the caller leaves it open."""
    dims = one_sample(ready.original, ready.data.dims)
    macs = summarize(ready.original, dims).macs / dims[0][0]
    ready.original.forward_dims(ready.data.dims)
    return _BLOCK if macs >= _LARGE else 1


def _refusals(ready: Prepared) -> str:
    reasons = [
        f"{group.sources[0].node.name()}: {group.refusal or 'protected, or read by no layer that can be measured'}"
        for group in ready.groups
    ]
    return "; ".join(reasons[:8]) or "no layer makes channels"


@dataclass(frozen=True)
class _Candidate:
    """A network of one target, and how it did before least squares."""

    cut: Cut
    counts: list[int]
    report: CompensationReport | None
    start: Quality | None


def _at(ready: Prepared, options: Options, clock: Clock, target: Mapping[str, float] | None) -> _Candidate:
    """Cuts to the target and compensates."""
    counts = [group.group.size for group in ready.measured]
    if target is not None:
        counts = clock.run("allocate", lambda: choose_counts(ready, options, target))
    return _cut_and_compensate(ready, options, clock, counts)


def _cut_and_compensate(ready: Prepared, options: Options, clock: Clock, counts: list[int]) -> _Candidate:
    smaller = clock.run("cut", lambda: cut(ready, counts, options, compensate=True))
    model = smaller.model
    model.compile("cpu", dims=ready.data.dims)
    start = clock.run("judge", lambda: ready.quality_of(model)) if ready.judge is not None else None
    report = None
    if options.compensation in _METHODS:
        report = clock.run(
            "compensate",
            lambda: aidge_core.compensate_layers(
                ready.original, model, ready.data, smaller.outputs, _targets(ready), memory=options.memory,
                method=_METHODS[options.compensation], progress=lambda done, total, layer: clock.step("compensate", done, total),
            ),
        )  # fmt: skip
    return _Candidate(smaller, counts, report, start)


def _targets(ready: Prepared) -> dict[str, str]:
    """Layers that have taken over an activation aim at that one's output."""
    return {entry.layer: entry.name for entry in ready.removed if entry.layer}


def _search(ready: Prepared, options: Options, clock: Clock, max_drop: float) -> CompressionResult:
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


def _finish(ready: Prepared, options: Options, clock: Clock, candidate: _Candidate) -> CompressionResult:
    """Judges and measures."""
    model, warnings = candidate.cut.model, list(ready.warnings)
    quality = Quality(0, None, 0.0, None)
    if ready.judge is not None:
        quality = clock.run("judge", lambda: ready.quality_of(model))
    else:
        warnings.append("no samples were held out: the loss is not known")
    seconds: Sequence[float | None] = (None, None)
    if options.latency:
        dims = one_sample(ready.original, ready.data.dims)
        seconds = clock.run("latency", lambda: latencies([ready.original, model], dims))
    layers, totals = _layers(ready, candidate)
    return CompressionResult(
        model=model,
        original=ready.original,
        before=replace(totals[0], seconds=seconds[0]),
        after=replace(totals[1], seconds=seconds[1]),
        start_quality=candidate.start,
        quality=quality,
        layers=layers,
        groups=_groups(ready, candidate),
        removed_activations=tuple(entry.name for entry in ready.removed),
        merged=ready.merged,
        samples=ready.data.samples,
        passes=ready.data.passes + (1 + len(ready.removed) if options.activations else 0),
        seconds=dict(clock.seconds),
        warnings=tuple(warnings),
    )


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


def _layers(ready: Prepared, candidate: _Candidate) -> tuple[tuple[LayerChange, ...], tuple[Totals, Totals]]:
    dims = one_sample(ready.original, ready.data.dims)
    summaries = [summarize(model, dims) for model in (ready.original, candidate.cut.model)]
    for model in (ready.original, candidate.cut.model):
        model.forward_dims(ready.data.dims)
    after = {layer.name: layer for layer in summaries[1].layers}
    fitted = {layer.layer: layer for layer in candidate.report.layers} if candidate.report is not None else {}
    changes = []
    for layer in summaries[0].layers:
        if not layer.macs or not layer.parameters:
            continue
        now = after.get(layer.name)
        fit = fitted.get(layer.name)
        changes.append(
            LayerChange(
                layer.name,
                layer.type,
                (layer.output_dims[1], now.output_dims[1] if now else 0),
                (layer.parameters, now.parameters if now else 0),
                (layer.macs, now.macs if now else 0),
                fit.error_after if fit else None,
                fit.ridge if fit else None,
                fit.note if fit else ("" if now else "merged into another layer"),
            )
        )
    totals = tuple(Totals(summary.macs, summary.parameters) for summary in summaries)
    return tuple(changes), (totals[0], totals[1])


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
        self._multiple = 1
        options = self._options("energy", "elimination", "least_squares")
        self._ready = prepare(model, provider, None, options, self._clock, 0.0)
        self._multiple = _multiple(self._ready)
        if not self._ready.measured:
            raise ValueError(
                f"[compress::compress] expected channels that can be removed, got none: {_refusals(self._ready)}"
            )

    def _options(self, allocation: str, selection: str, compensation: str) -> Options:
        limits = Limits(4, 0.0, self._multiple)
        return _options(allocation, selection, compensation, limits, (), 0, True, False, 0, _DEFAULT_MEMORY)

    def decide(
        self, *, target: float | Mapping[str, float], allocation: str, selection: str, compensation: str
    ) -> Decision:
        """What `compress` with these options and its defaults would take out.

        Raises:
            ValueError: as `compress` does for these options.
        """
        options = self._options(allocation, selection, compensation)
        wanted = _target(target)
        assert wanted is not None
        choose_orders(self._ready.measured, options)
        counts = choose_counts(self._ready, options, wanted)
        groups = zip(self._ready.measured, counts, strict=True)
        gone = tuple(frozenset(group.order[: group.group.size - count]) for group, count in groups)
        return Decision(gone, compensation)

    def agree(self, units: Mapping[str, Collection[int]], compensation: str) -> Decision:
        """What can go where these outputs of layers may: a channel goes if all layers that make it let it go, and nothing makes it stay.

        Raises:
            ValueError: if there is no such compensation.
        """
        self._options("energy", "elimination", compensation)
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
        options = self._options("energy", "elimination", decision.compensation)
        for group, gone in zip(self._ready.measured, decision.gone, strict=True):
            group.order = sorted(gone)
        counts = [
            group.group.size - len(gone)
            for group, gone in zip(self._ready.measured, decision.gone, strict=True)
        ]
        candidate = _cut_and_compensate(self._ready, options, self._clock, counts)
        return _finish(self._ready, options, self._clock, candidate)
