"""The covariance start: before channels go, the layers that read them take over what the channels that stay can tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aidge_core
import numpy as np

from .statistics import occurrences, weight_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView, Node

    from .statistics import GroupStatistics, UseStatistics

__all__ = ["take_over"]

_RIDGE = 1e-3
_TYPES = ("FC", "Conv1D", "Conv2D", "Conv3D")


def _set(node: Node, index: int, values: np.ndarray) -> None:
    producer = node.get_parent(index)
    assert producer is not None
    operator = producer.get_operator()
    operator.set_output(0, values.astype(np.asarray(operator.get_output(0)).dtype))


def _owns_parameters(node: Node) -> bool:
    producers = [node.get_parent(index) for index in (1, 2)]
    return all(producer is not None and len(producer.get_children()) == 1 for producer in producers)


def _take_over(node: Node, use: UseStatistics, kept: Sequence[int]) -> None:
    """W'_k = W_k + sum over r of W_r B_rk for every tap, bias += sum over r of W_r offset_r."""
    weight, bias = weight_of(node), weight_of(node, 2)
    if weight is None or bias is None or not _owns_parameters(node):
        return
    present, places = occurrences(use.use.channels)
    staying = [index for index, channel in enumerate(present) if channel in set(kept)]
    covariance = use.covariance[np.ix_(present, present)]
    removed, prediction, offset = aidge_core.predict_units(covariance, use.mean[present], staying, _RIDGE)
    if not removed:
        return
    taps = weight.reshape(*weight.shape[:2], -1)
    for indices in places:
        going = taps[:, indices[removed]]  # (outputs, removed, taps)
        taps[:, indices[staying]] += np.einsum("ort,rk->okt", going, prediction)
        bias = bias + np.einsum("ort,r->o", going, offset)
    _set(node, 1, taps.reshape(weight.shape))
    _set(node, 2, bias)


def take_over(model: GraphView, group: GroupStatistics, kept: Sequence[int]) -> None:
    """Changes the Conv (without groups) and FC layers of `model`, by name, that read the group, as if its other channels were gone."""
    for use in group.uses:
        node = model.find_node(use.use.node.name())
        if node is None or node.type() not in _TYPES:
            continue
        attributes = node.get_operator().attr
        if node.type() == "FC" or attributes.groups == 1:
            _take_over(node, use, kept)
