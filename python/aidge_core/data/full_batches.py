"""Batches of the one size that a network takes: batches of other sizes are regrouped, and an incomplete batch at the end is left out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .._core import GraphInput
from .adapters import as_batches
from .arrays import Array, array_or_none

__all__ = ["FullBatches", "aligned_arrays", "refilled", "say_left_out"]


def say_left_out(samples: int, size: int, data: str) -> None:
    """Warn if the last samples do not fill a batch.

    Args:
        samples: how many there are.
        size: samples of each batch, as the file of the network fixes it.
        data: what they are from, for the message.

    Raises:
        ValueError: if they do not fill a single batch.
    """
    if samples < size:
        raise ValueError(
            f"[data::full_batches] expected at least {size} samples in {data}, as the network takes batches of {size} alone, got {samples}"
        )
    if samples % size:
        warnings.warn(
            f"the network takes batches of {size} alone: the last {samples % size} of {samples} samples in {data} are left out",
            stacklevel=2,
        )


def aligned_arrays(batch: Any, inputs: Sequence[GraphInput]) -> list[Array]:
    """Return the arrays of a batch that have one entry for each sample: those of the inputs in order, then what follows them.

    Raises:
        ValueError: if the batch does not fit the inputs.
    """
    fed = [np.asarray(array) for array in next(iter(as_batches([batch], inputs)))]
    rest = list(batch)[len(fed) :] if isinstance(batch, (list, tuple)) else []
    arrays = [array for array in map(array_or_none, rest) if array is not None]
    return fed + [array for array in arrays if array.ndim and len(array) == len(fed[0])]


def refilled(batches: Iterable[list[Array]], size: int) -> Iterator[list[Array]]:
    """The same samples in batches of `size`; only the last one may be smaller."""
    rest: list[Array] = []
    for batch in batches:
        rest = [np.concatenate(pair) for pair in zip(rest, batch, strict=True)] if rest else batch
        while len(rest[0]) >= size:
            yield [array[:size] for array in rest]
            rest = [array[size:] for array in rest]
        if not len(rest[0]):
            rest = []
    if rest:
        yield rest


class FullBatches:
    """A provider's samples in batches of `size` alone, inputs first; what does not fill the last one is left out, with a warning."""

    def __init__(self, provider: Iterable[Any], inputs: Sequence[GraphInput], size: int) -> None:
        self._provider = provider
        self._inputs = list(inputs)
        self._size = size

    def __iter__(self) -> Iterator[list[Array]]:
        samples = 0
        for batch in refilled((aligned_arrays(batch, self._inputs) for batch in self._provider), self._size):
            samples += len(batch[0])
            if len(batch[0]) == self._size:
                yield batch
        if samples:
            say_left_out(samples, self._size, "the data")
