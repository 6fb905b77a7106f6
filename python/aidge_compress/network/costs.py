"""What a network costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .summary import summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView

__all__ = ["Costs", "costs_of"]


@dataclass(frozen=True)
class Costs:
    """Costs of a whole network.

    Attributes:
        macs: multiply-accumulates of a forward pass over the dims that they are counted for.
        parameters: elements of all constants; shared ones count once.
        bytes: of the same constants; None: not counted.
        latency: median seconds of a forward pass; None: not measured.
        uncounted: layers that `macs` leaves out, because their sizes are known only in a run.
    """

    macs: int
    parameters: int
    bytes: int | None = None
    latency: float | None = None
    uncounted: int = 0

    @property
    def seconds(self) -> float | None:
        """The latency."""
        return self.latency


def _bytes(model: GraphView) -> int:
    constants = {
        node.id(): node.get_operator().get_output(0)
        for node in model.get_ordered_nodes(deep=True)
        if node.type() == "Producer"
    }
    return sum(
        int(np.prod(tensor.dims, dtype=np.int64)) * np.dtype(tensor.dtype).itemsize
        for tensor in constants.values()
    )


def costs_of(model: GraphView, dims: Sequence[Sequence[int]] = ()) -> Costs:
    """Counts the costs of a network for `dims` (one list per graph input; none: the declared ones), without running it.

    A compiled network keeps the shapes that it is compiled for.
    """
    compiled = model.compiled_dims if model.is_compiled else None
    summary = summarize(model, dims)
    if compiled is not None:
        model.forward_dims(compiled)
    return Costs(summary.macs, summary.parameters, _bytes(model), uncounted=summary.uncounted)
