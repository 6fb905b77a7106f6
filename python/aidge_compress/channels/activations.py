"""Activations replaced by the affine maps nearest to them, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aidge_core

if TYPE_CHECKING:
    from collections.abc import Collection

    from aidge_core import GraphView

__all__ = ["RemovedActivation", "remove_activations"]

_TYPES = ("ReLU", "LeakyReLU", "GeLU", "PReLU", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish")


@dataclass(frozen=True)
class RemovedActivation:
    """An activation that a·x + b took the place of.

    Attributes:
        name: of the activation.
        layer: that took a·x + b over; "": a BatchNorm of the activation's name does it.
        residual: variance of f(x) that a·x + b leaves, relative to that of f(x).
    """

    name: str
    layer: str
    residual: float


def remove_activations(
    original: GraphView, model: GraphView, provider: Any, count: int, protect: Collection[str]
) -> tuple[RemovedActivation, ...]:
    """Replaces in `model`, a copy of `original`, the `count` activations that a·x + b leaves least of; all where there are not so many."""
    names = [
        node.name()
        for node in model.get_ordered_nodes()
        if node.type() in _TYPES
        and node.name() not in protect
        and len(node.get_operator().get_output(0).dims) > 1
    ]
    residuals = aidge_core.fibnlr_fit_affine(original, provider, names)
    ranked = sorted(range(len(names)), key=lambda index: (residuals[index], index))[:count]
    chosen = [names[index] for index in sorted(ranked)]
    return tuple(
        RemovedActivation(*entry)
        for entry in aidge_core.fibnlr_replace_by_affine(original, model, provider, chosen)
    )
