"""Finds the labels among what follows a network's inputs in a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aidge_core.data import as_batches
from aidge_core.data.labels import labels_among

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from aidge_core import GraphView

__all__ = ["Labels", "check_labels", "labelled_batches"]

Labels = Mapping[str, "np.ndarray"]
"""Kind of labels (see aidge_core.data.labels) → those of a batch."""


def labelled_batches(data: Iterable[Any], model: GraphView) -> Iterator[tuple[list[Any], Labels]]:
    """Yield every batch as the network's inputs, and the labels behind them: of each kind the first entry that holds some."""
    names = [entry.name for entry in model.input_specs]
    for batch in data:
        inputs = next(iter(as_batches([batch], model.input_specs)))
        if isinstance(batch, Mapping):
            rest = [entry for name, entry in batch.items() if name not in names]
        else:
            rest = list(batch)[len(inputs) :] if isinstance(batch, (list, tuple)) else []
        yield inputs, labels_among(rest, inputs[0].dims[0] if inputs[0].dims else 1)


def check_labels(labels: np.ndarray, classes: int) -> None:
    """ValueError if a label is not one of `classes` classes."""
    if labels.min() < 0 or labels.max() >= classes:
        found = f"labels from {labels.min()} to {labels.max()}"
        raise ValueError(
            f"[evaluation::evaluate] expected labels below {classes}, got {found} "
            "(of a folder of images, a label is the rank of its sub-folder's name)"
        )
