"""Batches kept on disk, as .npz files without pickled objects."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from aidge_core.data.array_files import naming_damage

from ...files import write_npz
from .batch import Batch, PipelineStage, Producer, resize_batches

__all__ = ["CachedProducer", "Cacher"]

_DONE = ".cache.done"
_STARTED = ".aidge_cache_dir"


def _save(path: Path, batch: Batch) -> None:
    objects = [name for name, array in batch.fields.items() if array.dtype.hasobject]
    if objects:
        raise ValueError(f"[pfa::Cacher] expected arrays of numbers, got objects in {objects}")
    arrays = {f"field_{i}": array for i, array in enumerate(batch.fields.values())}
    write_npz(path, {"names": np.array(list(batch.fields)), **arrays})


def _load(path: Path) -> Batch:
    with path.open("rb") as stream, naming_damage(path), np.load(stream, allow_pickle=False) as file:
        return Batch({str(name): file[f"field_{i}"] for i, name in enumerate(file["names"])})


class CachedProducer:
    """Batches that a Cacher has stored.

    Args:
        storage_path: the Cacher's folder.

    Raises:
        ValueError: if no complete cache lies there.
    """

    def __init__(self, storage_path: str | os.PathLike[str]) -> None:
        self._path = Path(storage_path).resolve()
        self._check()

    @property
    def storage_path(self) -> Path:
        """The folder."""
        return self._path

    def copy_to(self, new_path: str | os.PathLike[str], *, overwrite: bool = False) -> CachedProducer:
        """Copy the stored batches to another folder, and return a producer of those there.

        Args:
            new_path: the folder, created if it is missing.
            overwrite: whether a cache that it holds is replaced.

        Raises:
            ValueError: if there is a cache in it, and `overwrite` is False.
        """
        self._check()
        target = Path(new_path).resolve()
        if target == self._path:
            raise ValueError(
                f"[pfa::CachedProducer] expected another folder than the cache's own, got {target}"
            )
        target.mkdir(parents=True, exist_ok=True)
        stale = [path for path in target.iterdir() if path.name in (_STARTED, _DONE) or path.suffix == ".npz"]
        if stale and not overwrite:
            raise ValueError(f"[pfa::CachedProducer] expected a folder without a cache, got {target}")
        for path in stale:
            path.unlink()
        (target / _STARTED).touch()
        for path in sorted(self._path.glob("*.npz")):
            shutil.copyfile(path, target / path.name)
        (target / _DONE).touch()
        return CachedProducer(target)

    def _check(self) -> None:
        if not (self._path / _DONE).is_file():
            raise ValueError(f"[pfa::CachedProducer] expected a complete cache in {self._path}, got none")

    def __call__(self, batch_size: int, /) -> Iterator[Batch]:
        """Begin a pass with batches of any size."""
        self._check()
        paths = sorted(self._path.glob("*.npz"))
        return resize_batches((_load(path) for path in paths), batch_size)


class Cacher(PipelineStage):
    """Stores the batches of the first complete pass; later passes read them back, without running the stages before it.

    Args:
        storage_path: a folder that holds no cache yet (created if missing); None: a new temporary folder, which is kept until `clear`.

    Raises:
        ValueError: if the folder holds a cache already: read it with `CachedProducer`; if used in a second pipeline.
    """

    def __init__(self, storage_path: str | os.PathLike[str] | None = None) -> None:
        self._path = Path(storage_path or tempfile.mkdtemp(prefix="aidge-cacher-")).resolve()
        self._path.mkdir(parents=True, exist_ok=True)
        if any((self._path / name).exists() for name in (_STARTED, _DONE)) or any(self._path.glob("*.npz")):
            raise ValueError(f"[pfa::Cacher] expected a folder without a cache, got {self._path}")
        (self._path / _STARTED).touch()
        self._used = False

    @property
    def storage_path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def cached(self) -> bool:
        """True once a whole pass has been stored."""
        return (self._path / _DONE).is_file()

    def as_producer(self) -> CachedProducer:
        """Return a producer of the stored batches. ValueError before the first pass is complete."""
        return CachedProducer(self._path)

    def clear(self: Cacher | str | os.PathLike[str]) -> None:
        """Delete the folder and the batches stored in it.

        `Cacher.clear(path)`, as DNIKit has it, deletes that folder and the folders in it, as far as they are caches. Without a path it
        raises TypeError; DNIKit would delete every cache in the temporary folder.

        Raises:
            NotADirectoryError: if `path` is not a folder.
        """
        if isinstance(self, Cacher):
            folders = [self._path]
        else:
            root = Path(self)
            folders = [root, *root.iterdir()]
        for folder in folders:
            if (folder / _STARTED).exists():
                shutil.rmtree(folder)

    def _get_batch_processor(self) -> Callable[[Batch], Batch]:
        raise NotImplementedError("a Cacher replaces the whole pass")

    def _pipeline(self, producer: Producer) -> Producer:
        if self._used:
            raise ValueError("[pfa::Cacher] expected one pipeline a Cacher, got a second: use as_producer()")
        self._used = True

        def produce(batch_size: int, /) -> Iterator[Batch]:
            if self.cached:
                yield from self.as_producer()(batch_size)
                return
            for stale in self._path.glob("*.npz"):  # of a pass that was not completed
                stale.unlink()
            for number, batch in enumerate(producer(batch_size)):
                _save(self._path / f"{number:08d}.npz", batch)
                yield batch
            (self._path / _DONE).touch()

        return produce
