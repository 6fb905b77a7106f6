"""Finds the labels among what follows a network's inputs in a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aidge_core.data import as_batches
from aidge_core.data.labels import class_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from aidge_core import GraphView

__all__ = ["check_labels", "labelled_batches"]


def labelled_batches(data: Iterable[Any], model: GraphView) -> Iterator[tuple[list[Any], np.ndarray | None]]:
    """Yield every batch as the network's inputs, and the labels behind them: the first entry that holds some, None if none does."""
    names = [entry.name for entry in model.input_specs]
    for batch in data:
        inputs = next(iter(as_batches([batch], model.input_specs)))
        if isinstance(batch, Mapping):
            rest = [entry for name, entry in batch.items() if name not in names]
        else:
            rest = list(batch)[len(inputs) :] if isinstance(batch, (list, tuple)) else []
        found = (class_labels(entry, inputs[0].dims[0]) for entry in rest)
        yield inputs, next((labels for labels in found if labels is not None), None)


def check_labels(labels: np.ndarray, classes: int) -> None:
    """ValueError if a label is not one of `classes` classes."""
    if labels.min() < 0 or labels.max() >= classes:
        found = f"labels from {labels.min()} to {labels.max()}"
        raise ValueError(
            f"[evaluation::evaluate] expected labels below {classes}, got {found} "
            "(of a folder of images, a label is the rank of its sub-folder's name)"
        )
