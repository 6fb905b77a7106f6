"""The covariance start: before channels go, the layers that read them take over what the channels that stay can tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aidge_core
import numpy as np

from .statistics import occurrences, pooled, weight_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import Covariance, GraphView, Node

    from .statistics import GroupStatistics, UseStatistics

__all__ = ["take_over"]

_RIDGE = 1e-3
_TYPES = ("FC", "Conv1D", "Conv2D", "Conv3D")


def _set(node: Node, index: int, values: np.ndarray) -> None:
    producer = node.get_parent(index)
    assert producer is not None
    operator = producer.get_operator()
    operator.set_output(0, values.astype(np.asarray(operator.get_output(0)).dtype))


def _readers(producer: Node) -> set[int]:
    return {child.id() for child in producer.get_children()}


@dataclass(frozen=True)
class _Rows:
    """What arrives at the layers of one bias: number of rows, their mean and, about it, the sum of their squares; about 0 if the bias cannot change."""

    layer: Node
    is_free: bool
    count: int
    mean: np.ndarray
    scatter: np.ndarray


def _rows(layers: Sequence[Node], moments: Sequence[Covariance]) -> _Rows:
    moment = pooled(moments)
    bias = layers[0].get_parent(2)
    assert bias is not None
    is_free = _readers(bias) == {layer.id() for layer in layers}
    mean = moment.mean
    scatter = np.zeros((len(mean), len(mean)))
    if moment.samples > 1:
        scatter = moment.matrix() * (moment.samples - 1)
    if not is_free:
        scatter, mean = scatter + moment.samples * np.outer(mean, mean), np.zeros_like(mean)
    return _Rows(layers[0], is_free, moment.samples, mean, scatter)


def _by_bias(layers: Sequence[Node], moments: Sequence[Covariance]) -> list[_Rows]:
    """One entry per bias of layers that share a weight."""
    biases: dict[int, list[int]] = {}
    for number, layer in enumerate(layers):
        bias = layer.get_parent(2)
        assert bias is not None
        biases.setdefault(bias.id(), []).append(number)
    return [_rows([layers[i] for i in tied], [moments[i] for i in tied]) for tied in biases.values()]


def _take_over(layers: Sequence[Node], use: UseStatistics, kept: Sequence[int]) -> None:
    """W'_k = W_k + sum over r of W_r B_rk for every tap, bias += sum over r of W_r offset_r; B is of the rows of all layers, the offset of those of a bias."""
    weight, shared = weight_of(layers[0]), layers[0].get_parent(1)
    if weight is None or shared is None or any(weight_of(layer, 2) is None for layer in layers):
        return
    if _readers(shared) != {layer.id() for layer in layers}:
        return
    present, places = occurrences(use.channels)
    staying = [index for index, channel in enumerate(present) if channel in set(kept)]
    sets = _by_bias(layers, use.moments)
    covariance = sum(rows.scatter for rows in sets) / max(sum(rows.count for rows in sets) - 1, 1)
    removed, prediction, _ = aidge_core.predict_units(covariance, sets[0].mean, staying, _RIDGE)
    if not removed or any(len(set(indices // weight.shape[1])) > 1 for indices in places):
        return  # an output sees only the inputs of its own group
    biases = [np.array(weight_of(rows.layer, 2)) for rows in sets]
    taps = weight.reshape(*weight.shape[:2], -1)
    width, outputs = taps.shape[1], len(taps) // _conv_groups(layers[0])
    for indices in places:
        number, local = int(indices[0]) // width, indices % width
        made = slice(number * outputs, (number + 1) * outputs)
        going = taps[made][:, local[removed]]  # (outputs, removed, taps)
        taps[made, local[staying]] += np.einsum("ort,rk->okt", going, prediction)
        for rows, bias in zip(sets, biases, strict=True):
            offset = rows.mean[removed] - prediction @ rows.mean[staying]
            bias[made] += np.einsum("ort,r->o", going, offset)
    _set(layers[0], 1, taps.reshape(weight.shape))
    for rows, bias in zip(sets, biases, strict=True):
        if rows.is_free:
            _set(rows.layer, 2, bias)


def _takes_over(node: Node | None) -> bool:
    return node is not None and node.type() in _TYPES


def _conv_groups(layer: Node) -> int:
    return 1 if layer.type() == "FC" else int(layer.get_operator().attr.groups)


def _give_bias(model: GraphView, layer: Node) -> None:
    """Zeros, if the layer has no bias."""
    weight = weight_of(layer)
    if weight is None or layer.get_parent(2) is not None or _is_fed(model, layer):
        return
    zeros = np.zeros(weight.shape[0], np.float32)
    producer = aidge_core.Producer(zeros, model.unique_name(f"{layer.name()}_b"))
    producer.add_child(layer, 0, 2)
    model.add(producer)


def _is_fed(model: GraphView, layer: Node) -> bool:
    return any(node == layer and index == 2 for node, index in model.get_ordered_inputs())


def take_over(model: GraphView, group: GroupStatistics, kept: Sequence[int]) -> None:
    """Changes the Conv and FC layers of `model`, by name, that read the group, as if its other channels were gone."""
    for use in group.uses:
        layers = [model.find_node(entry.node.name()) for entry in use.uses]
        if layers and all(_takes_over(layer) for layer in layers):
            found = [layer for layer in layers if layer is not None]
            for layer in found:
                _give_bias(model, layer)
            _take_over(found, use, kept)
