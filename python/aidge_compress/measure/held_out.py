"""Calibration data in two parts: what decisions are fitted on, and what they are judged on."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core.data.adapters import as_provider
from aidge_core.data.full_batches import aligned_arrays, refilled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aidge_core import GraphView

__all__ = ["Part", "replayable", "split"]


class Part:
    """The samples of a provider that are, or are not, held out; a re-iterable of lists of arrays, inputs first, then what follows them.

    If the file fixes its batch, samples that do not fill the last one are left out.
    """

    def __init__(self, provider: Any, model: GraphView, share: float, *, held: bool) -> None:
        self._provider = provider
        self._specs = model.input_specs
        self._share = share
        self._held = held

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        size = (self._specs[0].dims or [None])[0]
        if size is None:
            return self._chosen()
        return (batch for batch in refilled(self._chosen(), size) if len(batch[0]) == size)

    def _chosen(self) -> Iterator[list[np.ndarray]]:
        for batch in self._provider:
            arrays = aligned_arrays(batch, self._specs)
            chosen = np.array([self._is_held(sample) == self._held for sample in arrays[0]], dtype=bool)
            if chosen.any():
                yield [np.ascontiguousarray(array[chosen]) for array in arrays]

    def _is_held(self, sample: np.ndarray) -> bool:
        """By the sample's values, so that it is on the same side in every pass, whatever the order."""
        return zlib.crc32(np.ascontiguousarray(sample).tobytes()) < self._share * 2**32


def replayable(provider: Any) -> Any:
    """The provider, kept in memory if it can be read only once."""
    provider = as_provider(provider)
    return list(provider) if iter(provider) is provider else provider


def split(provider: Any, model: GraphView, share: float) -> tuple[Any, Any]:
    """(what to fit on, what to evaluate on) of a replayable provider: about `share` of the samples are held out, or none (None) if they are too few."""
    if share <= 0:
        return provider, None
    fit, held = (Part(provider, model, share, held=held) for held in (False, True))
    if any(next(iter(part), None) is None for part in (fit, held)):
        return provider, None  # too few samples for two parts
    return fit, held
