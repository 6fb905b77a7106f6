"""Calibration data in two parts: what decisions are fitted on, and what they are judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import as_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core import GraphView

__all__ = ["Part", "split"]

_PRIME = 2654435761  # Knuth's multiplicative hash: whether a sample is judged has nothing to do with its neighbours


class Part:
    """The samples of a provider that are, or are not, held out; a re-iterable of lists of arrays, inputs first, then what follows them."""

    def __init__(self, provider: Any, model: GraphView, share: float, *, held: bool) -> None:
        self._provider = provider
        self._specs = model.input_specs
        self._share = share
        self._held = held

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        first = 0
        for batch in self._provider:
            inputs = [np.asarray(array) for array in next(iter(as_batches([batch], self._specs)))]
            count = len(inputs[0])
            rest = list(batch)[len(inputs) :] if isinstance(batch, (list, tuple)) else []
            arrays = inputs + [np.asarray(entry) for entry in rest if np.ndim(entry) and len(entry) == count]
            numbers = (np.arange(first, first + count, dtype=np.uint64) * _PRIME) % 2**32
            chosen = (numbers < self._share * 2**32) == self._held
            first += count
            if chosen.any():
                yield [np.ascontiguousarray(array[chosen]) for array in arrays]


def split(provider: Any, model: GraphView, share: float) -> tuple[Any, Any]:
    """(what to fit on, what to judge on): about `share` of the samples are held out; a provider that can be read once is kept in memory."""
    if iter(provider) is provider:
        provider = list(provider)
    if share <= 0:
        return provider, None
    return Part(provider, model, share, held=False), Part(provider, model, share, held=True)
