"""The samples of a run in memory: those that are trained on, and those that decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core.data.labels import CLASSES

from ..measure.labels import Labels, labelled_batches
from ..network.sources import batches_of

if TYPE_CHECKING:
    from aidge_core import GraphView

__all__ = ["Samples", "read", "split"]


@dataclass(frozen=True)
class Samples:
    """Inputs of a network, one array each with the samples first, and labels by kind, if there are some for all samples."""

    inputs: tuple[np.ndarray, ...]
    labels: Mapping[str, np.ndarray]

    @property
    def classes(self) -> np.ndarray | None:
        """One class per sample; None without."""
        return self.labels.get(CLASSES)

    @property
    def batch(self) -> list[np.ndarray]:
        """The inputs, then the labels."""
        return [*self.inputs, *self.labels.values()]

    def __len__(self) -> int:
        return len(self.inputs[0])

    def take(self, places: np.ndarray) -> Samples:
        """Some of the samples, in this order."""
        labels = {kind: array[places] for kind, array in self.labels.items()}
        return Samples(tuple(array[places] for array in self.inputs), labels)

    def batches(self, size: int) -> Iterator[Samples]:
        """All samples in order; the last batch may be smaller."""
        for begin in range(0, len(self), size):
            yield self.take(np.arange(begin, min(begin + size, len(self))))


def read(data: Any, model: GraphView) -> Samples:
    """All samples of a source of batches.

    Raises:
        ValueError: if there are none, they have different sizes, or a value is not finite.
    """
    parts: list[list[np.ndarray]] = []
    labels: list[Labels] = []
    for inputs, found in labelled_batches(batches_of(data, model), model):
        parts.append([np.array(entry) for entry in inputs])
        labels.append(found)
    if not parts:
        raise ValueError("[recover::data] expected data with at least one batch, got none")
    sizes = {tuple(array.shape[1:] for array in part) for part in parts}
    if len(sizes) > 1:
        raise ValueError(
            f"[recover::data] expected samples of one size, got {len(sizes)} sizes: {sorted(sizes)[:3]}"
        )
    arrays = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
        raise ValueError("[recover::data] expected finite values, got NaN or infinity")
    kinds = [kind for kind in labels[0] if all(kind in entry for entry in labels)]
    return Samples(arrays, {kind: np.concatenate([entry[kind] for entry in labels]) for kind in kinds})


def split(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples]:
    """(those to train on, those that are held out).

    Raises:
        ValueError: if there are fewer than two samples.
    """
    if len(samples) < 2:
        raise ValueError(
            f"[recover::data] expected at least 2 samples, one of which is held out, got {len(samples)}"
        )
    order = np.random.default_rng(seed).permutation(len(samples))
    count = min(max(1, round(share * len(samples))), len(samples) - 1)
    return samples.take(np.sort(order[count:])), samples.take(np.sort(order[:count]))
