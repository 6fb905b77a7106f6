"""Calibration data in two parts: what decisions are fitted on, and what they are judged on."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core.data.adapters import as_batches, as_provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aidge_core import GraphView

__all__ = ["Part", "split"]


class Part:
    """The samples of a provider that are, or are not, held out; a re-iterable of lists of arrays, inputs first, then what follows them."""

    def __init__(self, provider: Any, model: GraphView, share: float, *, held: bool) -> None:
        self._provider = provider
        self._specs = model.input_specs
        self._share = share
        self._held = held

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        size = (self._specs[0].dims or [None])[0]
        return self._chosen() if size is None else _refilled(self._chosen(), size)

    def _chosen(self) -> Iterator[list[np.ndarray]]:
        for batch in self._provider:
            inputs = [np.asarray(array) for array in next(iter(as_batches([batch], self._specs)))]
            count = len(inputs[0])
            rest = list(batch)[len(inputs) :] if isinstance(batch, (list, tuple)) else []
            arrays = inputs + [np.asarray(entry) for entry in rest if np.ndim(entry) and len(entry) == count]
            chosen = np.array([self._is_held(sample) == self._held for sample in inputs[0]], dtype=bool)
            if chosen.any():
                yield [np.ascontiguousarray(array[chosen]) for array in arrays]

    def _is_held(self, sample: np.ndarray) -> bool:
        """By the sample's values, so that it is on the same side in every pass, whatever the order."""
        return zlib.crc32(np.ascontiguousarray(sample).tobytes()) < self._share * 2**32


def _refilled(batches: Iterable[list[np.ndarray]], size: int) -> Iterator[list[np.ndarray]]:
    """The same samples in batches of `size`, which the file fixes; the last may be smaller."""
    rest: list[np.ndarray] = []
    for batch in batches:
        rest = [np.concatenate(pair) for pair in zip(rest, batch, strict=True)] if rest else batch
        while len(rest[0]) >= size:
            yield [array[:size] for array in rest]
            rest = [array[size:] for array in rest]
    if rest and len(rest[0]):
        yield rest


def split(provider: Any, model: GraphView, share: float) -> tuple[Any, Any]:
    """(what to fit on, what to judge on): about `share` of the samples are held out, or none (None) where they are too few; a provider that can be read
    only once is kept in memory."""
    provider = as_provider(provider)
    if iter(provider) is provider:
        provider = list(provider)
    if share <= 0:
        return provider, None
    fit, judge = (Part(provider, model, share, held=held) for held in (False, True))
    if any(next(iter(part), None) is None for part in (fit, judge)):
        return provider, None  # too few samples for two parts
    return fit, judge
