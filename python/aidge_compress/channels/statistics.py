"""What is measured of each group of channels, and the orders in which its channels can go."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aidge_core
import numpy as np

from ..measure.latency import dims_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import CalibrationData, ChannelGroup, ChannelUse, Covariance, GraphView, Node

__all__ = ["GroupStatistics", "UseStatistics", "collect", "occurrences", "pooled", "weight_of"]

_ELIMINATION_RIDGE = 1e-4


@dataclass(frozen=True)
class UseStatistics:
    """One weight that reads a group: covariance and spectrum of the group's channels at its inputs, and W^T W.

    A product of two tensors of data (queries and keys) has no weight. What it loses without a channel is the energy of that channel's term in the
    sum: the mean square on one side times that on the other, as `covariance`, a diagonal matrix; `gram` is the identity.

    Attributes:
        uses: the layers that share the weight; empty for a product.
        moments: of the channels that are read, at the input of each of these layers.
        covariance: (size, size): of all of them together; zeros for channels that are not read.
        gram: (size, size): W^T W.
        spectrum: (size,): eigenvalues of the covariance.
    """

    uses: tuple[ChannelUse, ...]
    moments: tuple[Covariance, ...]
    covariance: np.ndarray
    gram: np.ndarray
    spectrum: np.ndarray

    @property
    def channels(self) -> Sequence[int]:
        """Of each input channel: which channel of the group it is, -1: none."""
        return self.uses[0].channels


@dataclass
class GroupStatistics:
    """A group with what was measured of it, and the order in which its channels may go."""

    group: ChannelGroup
    uses: list[UseStatistics]
    order: list[int] = field(default_factory=list)
    _elimination: list[tuple[list[int], np.ndarray]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the first layer that makes its channels."""
        return self.group.sources[0].node.name()

    def energy(self) -> np.ndarray:
        """(size + 1,): share of the spectra's sum in the k largest eigenvalues, the mean over the weights that read the group."""
        curves = []
        for use in self.uses:
            total = use.spectrum.sum()
            held = np.cumsum(use.spectrum) / total if total > 0 else np.ones(len(use.spectrum))
            curves.append(np.concatenate([[0.0], held]))
        result: np.ndarray = np.mean(curves, axis=0)
        return result

    def elimination(self) -> tuple[list[int], np.ndarray]:
        """(order in which channels go, lost share of the readers' output energy after each), by backward elimination."""
        if not self._elimination:
            share = 1.0 / len(self.uses)
            uses = [(use.covariance, use.gram, share) for use in self.uses]
            order, loss = aidge_core.eliminate_units(uses, _ELIMINATION_RIDGE)
            self._elimination.append((list(order), loss))
        return self._elimination[0]

    def covariance(self) -> np.ndarray:
        """(size, size): the covariances of the weights that read the group, each divided by its trace, summed up."""
        total = np.zeros((self.group.size, self.group.size))
        for use in self.uses:
            trace = np.trace(use.covariance)
            if trace > 0:
                total += use.covariance / trace
        return total


def weight_of(node: Node, index: int = 1) -> np.ndarray | None:
    """The constant at an input, in double; None if there is none."""
    parent = node.get_parent(index) if index < node.get_nb_inputs() else None
    if parent is None or parent.type() != "Producer":
        return None
    return np.asarray(parent.get_operator().get_output(0)).astype(np.float64)


def occurrences(channels: Sequence[int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """(channels of the group that stand here, ascending; for k = 0, 1, … the index of each one's k-th occurrence, as many as all have)."""
    places: dict[int, list[int]] = {}
    for index, channel in enumerate(channels):
        if channel >= 0:
            places.setdefault(channel, []).append(index)
    present = np.array(sorted(places), dtype=int)
    count = min((len(entry) for entry in places.values()), default=0)
    return present, [np.array([places[channel][k] for channel in present]) for k in range(count)]


def _columns(node: Node, weight: np.ndarray) -> np.ndarray:
    """(inputs, everything else): what each input channel is multiplied with."""
    attributes = node.get_operator().attr
    if node.type() in ("Gemm", "MatMul"):
        transposed = node.type() == "Gemm" and attributes.trans_b
        return weight.T if transposed else weight
    if node.type().startswith("ConvTranspose"):
        return weight.reshape(len(weight), -1)
    groups = int(attributes.groups) if attributes.has_attr("groups") else 1
    outputs, inputs = weight.shape[:2]
    parts = weight.reshape(groups, outputs // groups, inputs, -1)
    return np.concatenate([np.moveaxis(part, 1, 0).reshape(inputs, -1) for part in parts])


def _gram(use: ChannelUse, size: int) -> np.ndarray:
    gram = np.zeros((size, size))
    weight = weight_of(use.node)
    if weight is None:
        return gram
    columns = _columns(use.node, weight)
    present, places = occurrences(use.channels)
    for indices in places:
        gram[np.ix_(present, present)] += columns[indices] @ columns[indices].T
    return gram


def pooled(moments: Sequence[Covariance]) -> Covariance:
    """Those of all rows together."""
    total = copy(moments[0])
    for other in moments[1:]:
        total.merge(other)
    return total


def _measure(uses: Sequence[ChannelUse], size: int, moments: Sequence[Covariance]) -> UseStatistics:
    """Channels of the group that the layers do not read have zeros."""
    present, _ = occurrences(uses[0].channels)
    covariance, spectrum = np.zeros((size, size)), np.zeros(size)
    moment = pooled(moments)
    matrix = moment.matrix() if moment.samples > 1 else np.zeros((len(present), len(present)))
    covariance[np.ix_(present, present)] = matrix
    spectrum[: len(present)] = aidge_core.eigenvalues(matrix)
    return UseStatistics(tuple(uses), tuple(moments), covariance, _gram(uses[0], size), spectrum)


def _second_moments(moment: Covariance) -> np.ndarray:
    """The mean square of each unit, (units,)."""
    variance = np.diag(moment.matrix()) if moment.samples > 1 else np.zeros(len(moment.mean))
    squares: np.ndarray = variance + np.asarray(moment.mean) ** 2
    return squares


def _measure_product(product: ChannelUse, size: int, left: Covariance, right: Covariance) -> UseStatistics:
    """See UseStatistics; channels of the group over which the product does not sum have zeros."""
    present, _ = occurrences(product.channels)
    energy, is_summed = np.zeros(size), np.zeros(size)
    energy[present] = _second_moments(left) * _second_moments(right)
    is_summed[present] = 1.0
    return UseStatistics((), (), np.diag(energy), np.diag(is_summed), np.sort(energy)[::-1])


def _by_weight(uses: Sequence[ChannelUse]) -> list[list[int]]:
    """Numbers of the uses, those of one weight together."""
    tied: dict[tuple[object, ...], list[int]] = {}
    for number, use in enumerate(uses):
        parent = use.node.get_parent(1) if use.node.get_nb_inputs() > 1 else None
        weight = number if parent is None else parent.name()
        tied.setdefault((weight, use.node.type(), tuple(use.channels)), []).append(number)
    return list(tied.values())


def _units(use: ChannelUse) -> list[int]:
    """The channels, numbered without gaps."""
    number = {channel: index for index, channel in enumerate(occurrences(use.channels)[0])}
    return [number.get(channel, -1) for channel in use.channels]


def collect(
    model: GraphView, groups: Sequence[ChannelGroup], data: CalibrationData, max_rows: int = 100_000
) -> list[GroupStatistics]:
    """Covariances at every input that reads one of `groups`, in one pass over the data; the inputs of layers that share their weight are taken together."""
    wanted, axes = [], []
    for group in groups:
        for use in group.uses:
            wanted.append((use.node, use.input, _units(use)))
            axes.append(1)
        for product in group.products:
            for side, from_end in ((0, 1), (1, 2)):
                wanted.append((product.node, side, _units(product)))
                axes.append(len(dims_at(product.node, side)) - from_end)
    moments = iter(aidge_core.collect_inputs(model, data, wanted, max_rows=max_rows, axes=axes))
    statistics = []
    for group in groups:
        found = [next(moments) for _ in group.uses]
        measured = [
            _measure([group.uses[i] for i in tied], group.size, [found[i] for i in tied])
            for tied in _by_weight(group.uses)
        ]
        measured += [
            _measure_product(product, group.size, next(moments), next(moments)) for product in group.products
        ]
        statistics.append(GroupStatistics(group, measured))
    return statistics
