"""Data split into partitions that workers read by themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeAlias

from aidge_core.data import as_provider
from aidge_core.data.provider import DEFAULT_BATCH_SIZE

__all__ = ["Chain", "Partition", "batches_of", "describe", "split"]

Partition: TypeAlias = "Callable[[], Iterable[Any]] | Iterable[Any] | str | os.PathLike[str]"
"""What `as_provider` takes, or a function without arguments that returns that; it must be picklable."""

Opener: TypeAlias = Callable[[], Any]


def batches_of(partition: Partition) -> Iterable[Any]:
    """Return the batches of a partition, opening it if it is a function."""
    return as_provider(partition() if callable(partition) else partition)


def describe(partition: Partition) -> str:
    """Return a short text that tells a partition from the others."""
    text = repr(partition)
    return text if len(text) <= 120 else f"{text[:117]}..."


class Chain:
    """All batches of several partitions in one process: the same data in the same order."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self._partitions = list(partitions)

    def __iter__(self) -> Iterator[Any]:
        for partition in self._partitions:
            yield from batches_of(partition)


@lru_cache(maxsize=1)
def _opened(opener: Opener) -> Any:
    """What `opener` returns, kept in this process until another one comes."""
    return opener()


@dataclass(frozen=True)
class _Slice:
    """Batches `first` to before `stop` of a source that the worker opens itself."""

    opener: Opener
    first: int
    stop: int

    def __call__(self) -> Iterable[Any]:
        part: Iterable[Any] = _opened(self.opener).part(self.first, self.stop)
        return part

    def __repr__(self) -> str:
        source = self.opener
        if isinstance(source, partial):
            arguments = ", ".join(map(repr, source.args))
            return f"batches {self.first} to {self.stop - 1} of {source.func.__name__}({arguments})"
        return f"batches {self.first} to {self.stop - 1} of {source!r}"


def split(
    source: Any, *, batches: int = 8, batch_size: int = DEFAULT_BATCH_SIZE
) -> list[Callable[[], Any] | Any]:
    """Cut data into partitions of whole batches, so that the batches are those of one process.

    Args:
        source: the path of a file that `as_provider` reads, or a function without arguments that returns an ArrayProvider or DataProvider:
            each worker opens it by itself, so nothing of it is sent. An ArrayProvider or DataProvider: each partition takes its samples
            (or its database) along.
        batches: of a partition; the last one may have fewer.
        batch_size: samples per batch, for paths.

    Shuffled providers are cut as their first pass is.

    Raises:
        ValueError: if `batches` < 1, or `source` cannot be cut: then pass your own list of partitions.
    """
    if batches < 1:
        raise ValueError(f"[distributed::split] expected batches >= 1, got {batches}")
    opener: Opener | None = None
    if isinstance(source, (str, os.PathLike)):
        opener = partial(as_provider, os.path.abspath(source), batch_size)
    elif callable(source):
        opener = source
    provider = source if opener is None else _opened(opener)
    if not hasattr(provider, "part"):
        raise ValueError(
            "[distributed::split] expected a path, an ArrayProvider, a DataProvider or a function that returns "
            f"one of these, got {type(provider).__name__}: make a list of partitions"
        )
    ranges = [(first, min(first + batches, len(provider))) for first in range(0, len(provider), batches)]
    if opener is None:
        return [provider.part(first, stop) for first, stop in ranges]
    return [_Slice(opener, first, stop) for first, stop in ranges]


def require_partitions(where: str, partitions: Sequence[Partition] | Iterable[Partition]) -> list[Partition]:
    """Return the partitions as a list. ValueError if there is none, or `partitions` is a single source."""
    if isinstance(partitions, (str, bytes, os.PathLike)) or hasattr(partitions, "part"):
        raise ValueError(
            f"[{where}] expected a list of partitions, got {type(partitions).__name__}: see aidge_compress.distributed.split"
        )
    result = list(partitions)
    if not result:
        raise ValueError(f"[{where}] expected at least one partition, got none")
    return result
