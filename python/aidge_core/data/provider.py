"""Batches of a database's samples, in order or shuffled, loaded ahead by threads where asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import index as as_int
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import Tensor
from .arrays import stack, to_array
from .database import Database, Dataset, Subset, database_length, read_item
from .prefetch import Prefetcher

__all__ = ["DEFAULT_BATCH_SIZE", "BatchIterator", "DataProvider"]

Arrays = list[npt.NDArray[Any]]

DEFAULT_BATCH_SIZE = 64
"""Samples per batch when the caller gives no other number."""


def _add_note(error: BaseException, note: str) -> None:
    """`error.add_note(note)`, which Python 3.10 has not."""
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:
        vars(error)["__notes__"] = [*getattr(error, "__notes__", []), note]


class DataProvider:
    """Batches of a database: each is a list of Tensors, one per modality, with the samples stacked along a new
    first axis.

    Every `iter()` starts a new, independent pass. Types are kept, except that Python's own floats become float32.

    Args:
        database: a Database, or anything with `__getitem__` and `__len__` (a map-style torch dataset).
        batch_size: samples per batch; the last batch of a pass may be smaller.
        backend: where the Tensors lie; only "cpu".
        shuffle: another order in every pass. The orders follow from `seed` and the number of passes begun.
        drop_last: leave a smaller last batch out.
        num_workers: threads that load ahead, at most two batches each; 0 loads in the caller's thread.
        seed: of the shuffling; None means 0, so that two runs of a program agree.

    Raises:
        ValueError: if an argument is out of range; at `iter()` if the database is empty; while iterating if
            samples of one batch differ in shape, type or number of entries. What the database raises comes
            out as it is, with a note that names the sample.
    """

    def __init__(
        self,
        database: Database | Dataset,
        batch_size: int,
        backend: str = "cpu",
        shuffle: bool = False,
        drop_last: bool = False,
        num_workers: int = 0,
        seed: int | None = None,
    ) -> None:
        if not (hasattr(database, "get_item") or hasattr(database, "__getitem__")):
            raise ValueError(
                f"[data::DataProvider] expected a database with get_item and len, "
                f"got {type(database).__name__}"
            )
        if backend != "cpu":
            raise ValueError(f'[data::DataProvider] expected backend "cpu", got {backend!r}')
        self._database = database
        self._batch_size = _at_least(1, batch_size, "batch_size")
        self._num_workers = _at_least(0, num_workers, "num_workers")
        self._seed = 0 if seed is None else _at_least(0, seed, "seed")
        self._shuffle = bool(shuffle)
        self._drop_last = bool(drop_last)
        self._passes = 0

    def batch_size(self) -> int:
        """Return the samples of a full batch."""
        return self._batch_size

    def __len__(self) -> int:
        batches = len(self._database) / self._batch_size
        return math.floor(batches) if self._drop_last else math.ceil(batches)

    def all_samples(self) -> int:
        """Return the samples that there are, also those that `drop_last` leaves out."""
        return len(self._database)

    def is_of_full_batches(self, size: int) -> bool:
        """Return whether every batch has `size` samples."""
        rest = 0 if self._drop_last else len(self._database) % size
        return self._batch_size == size and rest == 0

    def index_batches(self) -> list[list[int]]:
        """Begin a pass: return the sample indices of its batches."""
        self._passes += 1
        return self._order(self._passes - 1)

    def _order(self, number: int) -> list[list[int]]:
        """The sample indices of the batches of pass `number`."""
        order = np.arange(database_length(self._database))
        if self._shuffle:
            order = np.random.default_rng([self._seed, number]).permutation(order)
        starts = range(0, len(self) * self._batch_size, self._batch_size)
        return [order[start : start + self._batch_size].tolist() for start in starts]

    def part_indices(self, first: int, stop: int) -> list[int]:
        """Return the sample indices of the batches `first` to before `stop` of the first pass."""
        return [index for batch in self._order(0)[first:stop] for index in batch]

    def part(self, first: int, stop: int) -> DataProvider:
        """Return a provider, in order, of the batches `first` to before `stop` of the first pass alone."""
        chosen = Subset(self._database, self.part_indices(first, stop))
        return DataProvider(chosen, self._batch_size, num_workers=self._num_workers)

    def head(self, samples: int) -> DataProvider:
        """Return a provider, in order, of the first `samples` samples of the first pass alone."""
        chosen = Subset(self._database, self.part_indices(0, len(self))[:samples])
        return DataProvider(
            chosen, self._batch_size, drop_last=self._drop_last, num_workers=self._num_workers
        )

    def __iter__(self) -> BatchIterator:
        return BatchIterator(_Loader(self._database), self.index_batches(), self._num_workers)

    def __repr__(self) -> str:
        return (
            f"DataProvider({type(self._database).__name__}, batch_size={self._batch_size}, "
            f"shuffle={self._shuffle}, drop_last={self._drop_last}, num_workers={self._num_workers})"
        )


def _at_least(low: int, value: int, name: str) -> int:
    try:
        number = as_int(value)
    except TypeError:
        raise ValueError(f"[data::DataProvider] expected {name} as an int, got {value!r}") from None
    if number < low:
        raise ValueError(f"[data::DataProvider] expected {name} >= {low}, got {number}")
    return number


class _Loader:
    """Reads the samples of one batch."""

    def __init__(self, database: Database | Dataset) -> None:
        self._database = database

    def __call__(self, indices: list[int], stop: Event) -> Arrays:
        items: list[Arrays] = []
        for index in indices:
            if stop.is_set():
                return []
            items.append(self._read(index))
        return stack(items, indices)

    def _read(self, index: int) -> Arrays:
        note = f"[data::DataProvider] while reading item {index} of {type(self._database).__name__}"
        try:
            return [to_array(entry) for entry in read_item(self._database, index)]
        except StopIteration as error:
            # An iterator that let it through would seem to have ended.
            raise RuntimeError(f"{note}: it raised StopIteration") from error
        except BaseException as error:
            _add_note(error, note)
            raise


class BatchIterator(Iterator[list[Tensor]]):
    """One pass over a provider; `close()` ends it early, as dropping it does."""

    def __init__(self, load: _Loader, batches: list[list[int]], num_workers: int) -> None:
        self._source: Iterator[Arrays]
        if num_workers:
            self._source = Prefetcher(load, batches, num_workers)
        else:
            never = Event()
            self._source = (load(indices, never) for indices in batches)
        self._remaining = len(batches)

    def __next__(self) -> list[Tensor]:
        arrays = next(self._source)
        self._remaining -= 1
        return [Tensor(array) for array in arrays]

    def __length_hint__(self) -> int:
        return self._remaining

    def close(self) -> None:
        """End the pass; nothing more comes."""
        self._remaining = 0
        self._source.close()  # type: ignore[attr-defined]
