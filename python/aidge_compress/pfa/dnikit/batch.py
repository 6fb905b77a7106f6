"""Batches of named arrays, producers of them, and the pipeline that puts stages behind a producer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from aidge_core.data import as_provider
from aidge_core.data.arrays import to_array

__all__ = [
    "Array",
    "Batch",
    "PipelineStage",
    "Producer",
    "as_producer",
    "peek_first_batch",
    "pipeline",
    "resize_batches",
]

Array = npt.NDArray[Any]


class Batch:
    """Arrays by field name, all with the samples along the first axis.

    Args:
        fields: field name → array (samples, …).

    Raises:
        ValueError: if `fields` is empty, or the first axes differ.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        arrays = {name: np.asarray(array).view() for name, array in fields.items()}
        for array in arrays.values():
            array.flags.writeable = False
        sizes = {name: array.shape[0] if array.ndim else None for name, array in arrays.items()}
        if not sizes or None in sizes.values() or len(set(sizes.values())) != 1:
            raise ValueError(f"[pfa::Batch] expected arrays of one first dimension, got {sizes}")
        self._fields = MappingProxyType(arrays)

    @property
    def fields(self) -> Mapping[str, Array]:
        """The arrays by name; they are read-only."""
        return self._fields

    @property
    def batch_size(self) -> int:
        """Samples of this batch."""
        return int(next(iter(self._fields.values())).shape[0])

    def __eq__(self, other: object) -> bool:
        """Whether names, types and values are the same; NaN equals NaN."""
        if not isinstance(other, Batch):
            return NotImplemented
        return self._fields.keys() == other._fields.keys() and all(
            array.dtype == other._fields[name].dtype
            and np.array_equal(array, other._fields[name], equal_nan=array.dtype.kind in "fc")
            for name, array in self._fields.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Batch], tuple[dict[str, Array]]]:
        return Batch, (dict(self._fields),)

    def __repr__(self) -> str:
        shapes = ", ".join(
            f"{name}: {array.dtype} {list(array.shape)}" for name, array in self._fields.items()
        )
        return f"Batch({shapes})"


class Producer(Protocol):
    """What yields batches: `producer(batch_size)` begins a pass; every batch but the last has that size."""

    def __call__(self, batch_size: int, /) -> Iterable[Batch]:
        """Begin a pass."""


class PipelineStage(ABC):
    """Turns each batch into another one. Subclasses say how in `_get_batch_processor`."""

    @abstractmethod
    def _get_batch_processor(self) -> Callable[[Batch], Batch]:
        """Return a function that depends on nothing but its batch, which it does not change."""

    def _pipeline(self, producer: Producer) -> Producer:
        process = self._get_batch_processor()

        def produce(batch_size: int, /) -> Iterator[Batch]:
            for batch in producer(batch_size):
                yield process(batch)

        return produce


def pipeline(producer: Producer, *stages: PipelineStage | Sequence[PipelineStage]) -> Producer:
    """Return a producer that passes the batches of `producer` through the stages, one after the other.

    Nothing is computed before somebody asks for the batches. Lists of stages count as their members.

    Raises:
        ValueError: if `producer` cannot be called, or a stage is not a PipelineStage.
    """
    if not callable(producer):
        raise ValueError(f"[pfa::pipeline] expected a callable producer, got {type(producer).__name__}")
    for entry in stages:
        for stage in entry if isinstance(entry, Sequence) else [entry]:
            if not isinstance(stage, PipelineStage):
                raise ValueError(f"[pfa::pipeline] expected pipeline stages, got {type(stage).__name__}")
            producer = stage._pipeline(producer)
    return producer


def peek_first_batch(producer: Producer, batch_size: int = 1) -> Batch:
    """Return the first batch of a new pass.

    Raises:
        ValueError: if there is none.
    """
    for batch in producer(batch_size):
        return batch
    raise ValueError("[pfa::peek_first_batch] expected a producer of at least one batch, got an empty one")


def resize_batches(batches: Iterable[Batch], batch_size: int) -> Iterator[Batch]:
    """Cut and join batches so that all but the last have `batch_size` samples.

    Raises:
        ValueError: if batch_size < 1, or the fields change from batch to batch.
    """
    if batch_size < 1:
        raise ValueError(f"[pfa::resize_batches] expected batch_size >= 1, got {batch_size}")
    waiting: list[Batch] = []
    samples = 0
    for batch in batches:
        if waiting and batch.fields.keys() != waiting[0].fields.keys():
            raise ValueError(
                f"[pfa::resize_batches] expected the fields {list(waiting[0].fields)} in every batch, got {list(batch.fields)}"
            )
        waiting.append(batch)
        samples += batch.batch_size
        if samples < batch_size:
            continue
        joined = _join(waiting)
        whole = samples - samples % batch_size
        for begin in range(0, whole, batch_size):
            yield _cut(joined, begin, begin + batch_size)
        waiting = [_cut(joined, whole, samples)] if whole < samples else []
        samples -= whole
    if waiting:
        yield _join(waiting)


def _join(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(
        {name: np.concatenate([batch.fields[name] for batch in batches]) for name in batches[0].fields}
    )


def _cut(batch: Batch, begin: int, end: int) -> Batch:
    return Batch({name: array[begin:end] for name, array in batch.fields.items()})


def as_producer(source: Any, fields: str | Sequence[str] = ("input",)) -> Producer:
    """Return a producer of the batches in `source`.

    Args:
        source: a dict of arrays (field name → (samples, …)); or anything that `aidge_core.data.as_provider` takes: an array, a Database, the path
            of an .npz or .npy file, any iterable of batches (DataProvider, torch DataLoader, list …), where a batch is an array, a
            sequence of arrays or a dict of them.
        fields: names of a batch's leading entries if they have none; further entries (labels) are left out.

    Raises:
        ValueError: if `source` is none of these; while iterating, if a batch has fewer entries than `fields`.
    """
    names = [fields] if isinstance(fields, str) else list(fields)
    if isinstance(source, Mapping):
        whole = Batch(source)
        return lambda batch_size, /: resize_batches([whole], batch_size)
    provider = as_provider(source)
    return lambda batch_size, /: resize_batches((_named(batch, names) for batch in provider), batch_size)


def _named(batch: Any, names: list[str]) -> Batch:
    if isinstance(batch, Batch):
        return batch
    if isinstance(batch, Mapping):
        return Batch({name: to_array(entry) for name, entry in batch.items()})
    entries = list(batch) if isinstance(batch, (list, tuple)) else [batch]
    if len(entries) < len(names):
        raise ValueError(f"[pfa::as_producer] expected the entries {names} in a batch, got {len(entries)}")
    return Batch({name: to_array(entry) for name, entry in zip(names, entries, strict=False)})
