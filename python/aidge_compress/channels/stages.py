"""The stages of compression: fold, remove activations, merge, measure, cut, compensate."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aidge_core

from ..measure.held_out import Part, replayable, split
from ..measure.latency import dims_at
from ..measure.metrics import Quality, compare
from ..measure.registry import Metric, metric_of
from ..network.layers import broken_layers, closed_layers
from ..progress import Clock
from .activations import RemovedActivation, remove_activations
from .allocate import removal_order
from .compensate import take_over
from .statistics import GroupStatistics, collect
from .tokens import Product, to_layers

if TYPE_CHECKING:
    from aidge_core import ChannelGroup, GraphView, Node

    from .auto import Trials
    from .options import CompressOptions

__all__ = ["Cut", "Prepared", "choose_orders", "cut", "one_sample", "prepare"]


@dataclass
class Prepared:
    """What every target starts from: networks, data, and what was measured."""

    whole: GraphView  # the original, folded
    original: GraphView  # the same with layers in the place of products (see tokens)
    products: list[Product]
    model: GraphView  # folded, without the removed activations, merged; its channels are whole
    data: aidge_core.CalibrationData
    judge: Any
    fit: Any  # samples that were measured on
    trial: Any  # samples for cutting on trial: those that nothing was measured on, if there are enough
    groups: list[ChannelGroup]
    measured: list[GroupStatistics]
    removed: tuple[RemovedActivation, ...]
    merged: int
    warnings: list[str]
    seconds: dict[str, float]
    metric: Metric | None  # that is wanted
    trials: dict[CompressOptions, Trials] = field(
        default_factory=dict
    )  # by the options without their budgets

    def quality_of(self, model: GraphView) -> Quality:
        """How `model` does compared with the original. Labels of held-out calibration data only count if they are classes of the output."""
        return compare(
            model, self.original, self.judge, metric=self.metric, strict=not isinstance(self.judge, Part)
        )


def _fold(model: GraphView, dims: list[list[int]]) -> GraphView:
    folded = model.clone()
    aidge_core.remove_identity(folded)
    aidge_core.remove_dropout(folded)
    aidge_core.fuse_batchnorm(folded)
    folded.compile("cpu", dims=dims)
    return folded


def _with_layers(model: GraphView, dims: list[list[int]]) -> list[Product]:
    products = to_layers(model)
    model.compile("cpu", dims=dims)
    return products


def one_sample(model: GraphView, dims: Sequence[Sequence[int]]) -> list[list[int]]:
    """The same dims for a batch of one; of the file's batch where that is fixed."""
    first = [(spec.dims or [None])[0] for spec in model.input_specs]
    return [[batch or 1, *entry[1:]] for batch, entry in zip(first, dims, strict=True)]


def prepare(
    model: GraphView, provider: Any, evaluation: Any, options: CompressOptions, clock: Clock
) -> Prepared:
    """Everything before channels are chosen; `model` stays as it is."""
    for name in options.protect:
        model.get_node(name)  # raises, naming the nearest names
    if names := broken_layers(model):
        raise ValueError(
            f"[compress::compress] expected finite weights, got NaN or infinity in the weights of {names}"
        )
    provider = replayable(provider)
    evaluation = list(evaluation) if isinstance(evaluation, Iterator) else evaluation
    part, held = split(provider, model, options.held_out)
    judge, fit = (held, part) if evaluation is None else (evaluation, provider)
    data = clock.run("read", lambda: aidge_core.CalibrationData(model, fit, memory=options.memory))
    dims = data.dims
    whole = clock.run("fold", lambda: _fold(model, dims))
    original = whole.clone()
    products = clock.run("fold", lambda: _with_layers(original, dims))
    smaller = original.clone()
    warnings: list[str] = []
    removed: tuple[RemovedActivation, ...] = ()
    if options.remove_activations:
        removed = clock.run(
            "activations",
            lambda: remove_activations(
                original, smaller, fit, options.remove_activations, frozenset(options.protect)
            ),
        )
        if len(removed) < options.remove_activations:
            warnings.append(
                f"only {len(removed)} of {options.remove_activations} activations could be removed"
            )
    merged = 0
    if options.merge:
        report = clock.run(
            "merge", lambda: aidge_core.fuse_convolution(smaller, dims=one_sample(smaller, dims), repeats=0)
        )
        merged = len(report.merged)
        smaller.compile("cpu", dims=dims)
    protected = _surviving(options.protect, model, smaller, warnings)
    if closed := closed_layers(original):
        warnings.append(f"not reduced: {closed}")
    groups = aidge_core.channel_groups(smaller, dims=dims)
    usable = [
        group
        for group in groups
        if group.can_be_cut() and _can_be_measured(smaller, group) and not _is_protected(group, protected)
    ]
    tries = options.allocation == "auto" and evaluation is not None and held is not None
    seen = aidge_core.CalibrationData(model, part, memory=options.memory // 4) if tries else data
    measured = clock.run("measure", lambda: collect(smaller, usable, seen)) if usable else []
    clock.run("select", lambda: choose_orders(measured, options))
    for group in measured:
        if data.samples < 2 or min(use.covariance.shape[0] for use in group.uses) > 4 * data.samples:
            warnings.append(
                f"few samples ({data.samples}) for the {group.group.size} channels of {group.name}"
            )
            break
    trial = fit if held is None else held
    return Prepared(
        whole,
        original,
        products,
        smaller,
        data,
        judge,
        part,
        trial,
        groups,
        measured,
        removed,
        merged,
        warnings,
        clock.seconds,
        metric_of(options.metric),
    )


def choose_orders(measured: Sequence[GroupStatistics], options: CompressOptions) -> None:
    """Sets the order in which each group's channels go."""
    for group in measured:
        group.order = removal_order(group, options.selection, options.limits.min_channels, options.seed)


def _can_be_measured(model: GraphView, group: ChannelGroup) -> bool:
    """Whether layers of the network itself, with their channels on axis 1, read it."""
    readers = [*group.uses, *group.products]
    nodes = [source.node for source in group.sources] + [reader.node for reader in readers]
    if not readers or any(model.find_node(node.name()) != node for node in nodes):
        return False
    return all(
        use.node.type() not in ("Gemm", "MatMul") or len(dims_at(use.node, use.input)) == 2
        for use in group.uses
    )


def _surviving(
    names: Sequence[str], model: GraphView, smaller: GraphView, warnings: list[str]
) -> frozenset[str]:
    """The protected nodes, or what is left in front of those that were folded or merged."""
    left = {node.name() for node in smaller.get_ordered_nodes(deep=True)}
    found: set[str] = set()
    for name in names:
        node: Node | None = model.get_node(name)
        while node is not None and node.name() not in left:
            node = node.get_parent(0)
        if node is None or node.type() == "Producer":
            warnings.append(f"{name} is protected, but was merged into another layer; merge=False keeps it")
        else:
            found.add(node.name())
    return frozenset(found)


def _is_protected(group: ChannelGroup, protected: Collection[str]) -> bool:
    nodes = [source.node for source in group.sources] + list(group.crossed)
    return any(node.name() in protected for node in nodes)


@dataclass(frozen=True)
class Cut:
    """A network without some channels.

    Attributes:
        model: a smaller copy.
        outputs: of each cut layer, which of its outputs it still has.
        refused: for each layer of which more stays than was wanted, why.
    """

    model: GraphView
    outputs: dict[str, list[int]]
    refused: dict[str, str]


def cut(prepared: Prepared, counts: Sequence[int], options: CompressOptions, *, compensate: bool) -> Cut:
    """Keeps so many channels of each measured group; `compensate`: those that read them take over what they can (the covariance start)."""
    copy = prepared.model.clone()
    request: dict[Node | str, Sequence[Any]] = {}
    for group, count in zip(prepared.measured, counts, strict=True):
        going = set(group.order[: group.group.size - count])
        if not going:
            continue
        if compensate and options.compensation != "none":
            take_over(copy, group, [unit for unit in range(group.group.size) if unit not in going])
        for source in group.group.sources:
            request[source.node.name()] = [
                index for index, channel in enumerate(source.channels) if channel in going
            ]
    outputs: dict[str, list[int]] = {}
    refused: dict[str, str] = {}
    if request:
        report = aidge_core.remove_channels(copy, request, dims=prepared.data.dims)
        for entry in [*(layer for group in report.removed for layer in group), *report.passed]:
            gone = set(entry.channels)
            outputs[entry.node] = [index for index in range(entry.before) if index not in gone]
        refused = {name: refusal.reason for refusal in report.refused for name in refusal.nodes}
    return Cut(copy, outputs, refused)
