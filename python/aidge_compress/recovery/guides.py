"""Which values inside the two networks are compared: outputs of blocks, by the names of their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from aidge_core import GraphView, Node

__all__ = ["Follower", "fit", "guide_names"]

_ROWS = 4096
_RIDGE = 1e-3
_USELESS = 0.9
"""A map that leaves this much of the reference's variance says nothing."""
_FEW_JOINS = 3


def guide_names(
    small: GraphView, reference: GraphView, dims: Sequence[Sequence[int]], most: int
) -> list[str]:
    """Names of at most `most` nodes of both networks whose outputs differ at most in their channels, spread over the depth.

    Where blocks end, in nodes that join two computed values; in networks without such nodes, layers with weights.
    """
    if not most:
        return []
    sizes = [_sizes(model, dims) for model in (small, reference)]
    outputs = {node.name() for node, _ in small.get_ordered_outputs()}
    fitting = [
        node
        for node in small.get_ordered_nodes()
        if node.name() in sizes[0]
        and node.name() in sizes[1]
        and node.name() not in outputs
        and channel_axis(sizes[0][node.name()], sizes[1][node.name()]) is not None
    ]
    chosen = [node for node in fitting if _computed(node) > 1]
    if len(chosen) < _FEW_JOINS:
        chosen = [node for node in fitting if _computed(node) > 1 or _has_weight(node)]
    if len(chosen) > most:
        chosen = [chosen[round(place)] for place in np.linspace(0, len(chosen) - 1, most)]
    return list(dict.fromkeys(node.name() for node in chosen))


def _sizes(model: GraphView, dims: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    shapes = model.infer_shapes([list(entry) for entry in dims])
    return {
        node.name(): list(found[0][0])
        for node, found in shapes.items()
        if not node.get_operator().is_producer()
        and np.dtype(found[0][1]).kind == "f"
        and len(found[0][0]) > 1
    }


def channel_axis(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The axis of the channels of two values that agree elsewhere: the one that differs, else 1, or the last of three; None if more differ."""
    if len(one) != len(other):
        return None
    apart = [axis for axis, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if not apart:
        return 2 if len(one) == 3 else 1
    return apart[0] if len(apart) == 1 and apart[0] > 0 else None


def _computed(node: Node) -> int:
    parents = [parent for parent in node.get_parents() if parent is not None]
    return len({parent.id() for parent in parents if not parent.get_operator().is_producer()})


def _has_weight(node: Node) -> bool:
    return any(
        parent is not None
        and parent.get_operator().is_producer()
        and len(parent.get_operator().get_output(0).dims) > 1
        for parent in node.get_parents()
    )


@dataclass(frozen=True)
class Follower:
    """How a value of the small network stands for one of the reference: channels last, times a matrix, plus an offset.

    Attributes:
        name: of the node in both networks.
        axis: of the channels.
        matrix: (channels of the small one, channels of the reference) and an offset; None: the values themselves.
        scale: the reference's variance.
        error: share of that variance that the map leaves.
    """

    name: str
    axis: int
    matrix: tuple[Any, Any] | None
    scale: float
    error: float

    def loss(self, small: Any, reference: Any) -> Any:
        """Mean squared difference over the variance."""
        if self.matrix is not None:
            weight, offset = self.matrix
            small = small.movedim(self.axis, -1) @ weight + offset
            reference = reference.movedim(self.axis, -1)
        return (small - reference).square().mean() / self.scale


def fit(name: str, small: np.ndarray, reference: np.ndarray) -> Follower | None:
    """Fit the map by ridge regression on values of both networks; None if it says nothing."""
    axis = channel_axis(small.shape, reference.shape)
    if axis is None:
        return None
    rows = [np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]) for array in (small, reference)]
    step = max(1, len(rows[0]) // _ROWS)
    x, y = (array[::step].astype(np.float64) for array in rows)
    centre, target = x.mean(0), y.mean(0)
    variance = float(((y - target) ** 2).mean())
    if not variance > 0:
        return None
    covariance = (x - centre).T @ (x - centre)
    covariance += np.eye(len(covariance)) * (_RIDGE * np.trace(covariance) / len(covariance) + 1e-12)
    weight = np.linalg.solve(covariance, (x - centre).T @ (y - target))
    offset = target - centre @ weight
    error = float(((x @ weight + offset - y) ** 2).mean()) / variance
    if error > _USELESS:
        return None
    if x.shape == y.shape and float(((x - y) ** 2).mean()) / variance <= 2 * error + 0.02:
        return Follower(name, axis, None, variance, error)
    return Follower(name, axis, (weight.astype(np.float32), offset.astype(np.float32)), variance, error)
