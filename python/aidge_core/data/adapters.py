"""Makes batches out of arrays, .npz files, and any iterable of batches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._core import GraphInput, Tensor
from .array_files import is_array_file, read_arrays
from .arrays import Array, array_or_none, converted, to_array
from .database import Database
from .provider import DEFAULT_BATCH_SIZE, DataProvider
from .tables import DictDataset, from_parquet

__all__ = ["ArrayProvider", "Batches", "as_batches", "as_provider", "from_arrays", "from_npz"]


class ArrayProvider:
    """Batches cut from arrays of the same first dimension, as lists of Tensors; see `from_arrays`."""

    def __init__(
        self,
        arrays: Sequence[Any],
        batch_size: int,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | None = None,
    ) -> None:
        self._arrays = [to_array(array) for array in arrays]
        lengths = [array.shape[0] if array.ndim else 0 for array in self._arrays]
        if not lengths or min(lengths) == 0 or len(set(lengths)) != 1:
            raise ValueError(f"[data::from_arrays] expected arrays of one first dimension > 0, got {lengths}")
        # Positions, so that order, batches and passes are the DataProvider's; the slicing is ours.
        self._order = DataProvider(
            range(lengths[0]), batch_size, shuffle=shuffle, drop_last=drop_last, seed=seed
        )
        self._shuffled = shuffle

    def batch_size(self) -> int:
        """Return the samples of a full batch."""
        return self._order.batch_size()

    def all_samples(self) -> int:
        """Return the samples that there are, also those that `drop_last` leaves out."""
        return self._order.all_samples()

    def is_of_full_batches(self, size: int) -> bool:
        """Return whether every batch has `size` samples."""
        return self._order.is_of_full_batches(size)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[list[Tensor]]:
        for indices in self._order.index_batches():
            rows: Any = indices if self._shuffled else slice(indices[0], indices[-1] + 1)
            yield [Tensor(array[rows]) for array in self._arrays]

    def part(self, first: int, stop: int) -> ArrayProvider:
        """Return a provider, in order, of the batches `first` to before `stop` of the first pass alone."""
        indices = self._order.part_indices(first, stop)
        rows: Any = indices if self._shuffled else slice(indices[0], indices[-1] + 1)
        return ArrayProvider([array[rows] for array in self._arrays], self.batch_size())

    def __repr__(self) -> str:
        shapes = ", ".join(f"{array.dtype} {list(array.shape)}" for array in self._arrays)
        return f"ArrayProvider({shapes}, batch_size={self.batch_size()})"


def from_arrays(
    images: Any,
    labels: Any = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    *,
    shuffle: bool = False,
    drop_last: bool = False,
    seed: int | None = None,
) -> ArrayProvider:
    """Cut arrays of the same first dimension into batches `[images, labels]`.

    Args:
        images: (N, …), what the network's first input takes.
        labels: (N, …), or None for batches `[images]`.
        batch_size: samples per batch; the last batch may be smaller. Batches in order are views, shuffled ones
            copies.
        shuffle: another order in every pass, from `seed` (None: 0).
        drop_last: leave a smaller last batch out.
        seed: of the shuffling.

    Raises:
        ValueError: if an array is empty, or the first dimensions differ.
    """
    arrays = [images] if labels is None else [images, labels]
    return ArrayProvider(arrays, batch_size, shuffle=shuffle, drop_last=drop_last, seed=seed)


def from_npz(
    path: str | os.PathLike[str],
    batch_size: int = DEFAULT_BATCH_SIZE,
    names: Sequence[str] | None = None,
    *,
    shuffle: bool = False,
    drop_last: bool = False,
    seed: int | None = None,
) -> ArrayProvider:
    """Batches of the arrays in an .npz file, all of the same first dimension; pickled objects are refused.

    Args:
        path: the file, or a single array as .npy.
        batch_size: samples per batch.
        names: which arrays, in the order of the network's inputs (then labels); None: all in the file's
            order.
        shuffle: see `from_arrays`.
        drop_last: see `from_arrays`.
        seed: see `from_arrays`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or empty, a name is missing, or the arrays do not belong together.
    """
    arrays = list(read_arrays(path, names).values())
    return ArrayProvider(arrays, batch_size, shuffle=shuffle, drop_last=drop_last, seed=seed)


def as_provider(source: Any, batch_size: int = DEFAULT_BATCH_SIZE) -> Iterable[Any]:
    """Return an iterable of batches for any supported form of data.

    A Database or a map-style dataset (torch, Hugging Face: with samples that are tuples or dicts) is batched, a lone array is cut along
    its first axis, and so are the arrays of a tuple whose last one is a label or a mask per sample, as in `(images, labels)`; the path of an .npz,
    .npy or .parquet file is read; any other iterable (DataProvider, torch DataLoader, list of batches, generator) is taken as it is.

    Raises:
        ValueError: if `source` is none of these.
    """
    if isinstance(source, (str, os.PathLike)):
        return _from_path(source, batch_size)
    if _is_array(source):
        return from_arrays(source, batch_size=batch_size)
    if _is_labelled(source):
        return ArrayProvider(source, batch_size)
    if isinstance(source, Database) or _is_dataset(source):
        return _from_database(source, batch_size)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, Mapping)):
        return source
    raise ValueError(f"{_WANTED}, got {type(source).__name__}")


_WANTED = (
    "[data::as_provider] expected an iterable of batches, a Database, a dataset, an array or the path of an .npz, .npy "
    "or .parquet file"
)


def _from_path(path: str | os.PathLike[str], batch_size: int) -> Iterable[Any]:
    name = os.fspath(path)
    if is_array_file(name):
        return from_npz(path, batch_size)
    if name.lower().endswith(".parquet"):
        return from_parquet(path, batch_size=batch_size)
    hint = ": open a folder of images with aidge_core.data.from_image_folder" if os.path.isdir(name) else ""
    raise ValueError(f"{_WANTED}, got {type(path).__name__} {name!r}{hint}")


def _is_labelled(source: Any) -> bool:
    """True for a tuple of arrays that ends with one integer per sample, or with one per pixel. No batch looks like that: it has as many axes as the
    others."""
    if not isinstance(source, tuple) or len(source) < 2 or not all(map(_is_array, source)):
        return False
    arrays = [array_or_none(entry) for entry in source]
    if any(array is None or not array.ndim for array in arrays):
        return False
    *inputs, labels = (array for array in arrays if array is not None)
    same = {len(array) for array in arrays if array is not None}
    if labels.dtype.kind not in "iu" or len(same) != 1:
        return False
    return (labels.ndim == 1 and inputs[0].ndim > 1) or (labels.ndim == 3 and inputs[0].ndim == 4)


def _is_dataset(source: Any) -> bool:
    """True for a map-style dataset of torch, which does not iterate, or of Hugging Face, which iterates over samples."""
    by_index = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return (
        by_index
        and not isinstance(source, Mapping)
        and (hasattr(source, "column_names") or not isinstance(source, (Iterable, str, bytes)))
    )


def _from_database(source: Any, batch_size: int) -> DataProvider:
    if not isinstance(source, Database) and len(source) and isinstance(source[0], Mapping):
        return DataProvider(DictDataset(source), batch_size)
    return DataProvider(source, batch_size)


def as_batches(provider: Any, inputs: Sequence[GraphInput]) -> Batches:
    """Return the provider's batches as lists of Tensors that start with one Tensor for each graph input, in
    order.

    A batch is an array (for a graph of one input), a sequence whose leading entries feed the inputs in order,
    or a mapping by input name. Entries behind those of the inputs (labels) are ignored. Floating-point numbers are rounded to the type that the
    input takes, integers are converted to its type if no value changes; every other difference is an error.

    Raises:
        ValueError: if `provider` is not a source of batches; while iterating, if a batch does not fit the
            inputs.
    """
    return Batches(as_provider(provider), inputs)


class Batches:
    """What `as_batches` returns: iterable again and again if the provider is, each pass with `close()`."""

    def __init__(self, provider: Iterable[Any], inputs: Sequence[GraphInput]) -> None:
        self._provider = provider
        self._inputs = list(inputs)

    def batch_count(self) -> int | None:
        """Return the batches of one pass, None if that is not known."""
        try:
            return len(self._provider)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            return None

    def __iter__(self) -> Iterator[list[Tensor]]:
        iterator = iter(self._provider)
        try:
            for number, batch in enumerate(iterator):
                yield _feed(batch, self._inputs, f"batch {number}")
                del batch
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, Tensor)) or hasattr(value, "__dlpack__")


def _feed(batch: Any, inputs: list[GraphInput], where: str) -> list[Tensor]:
    entries = _entries(batch, inputs, where)
    if len(entries) < len(inputs):
        names = [entry.name for entry in inputs]
        raise ValueError(
            f"[data::as_batches] expected {len(inputs)} entries {names} in {where}, got {len(entries)}"
        )
    tensors: list[Tensor] = []
    for position, (entry, wanted) in enumerate(zip(entries, inputs, strict=False)):
        try:
            array = to_array(entry)
        except ValueError as error:
            raise ValueError(f"[data::as_batches] entry {position} of {where}: {error}") from error
        array = converted(array, np.dtype(wanted.dtype))
        if not _fits(array, wanted):
            raise ValueError(_misfit(entries, position, wanted, where))
        tensors.append(Tensor(array))
    return tensors


def _entries(batch: Any, inputs: list[GraphInput], where: str) -> list[Any]:
    if isinstance(batch, Mapping):
        missing = [entry.name for entry in inputs if entry.name not in batch]
        if missing:
            raise ValueError(
                f"[data::as_batches] expected the inputs {missing} in {where}, got {list(batch)}"
            )
        return [batch[entry.name] for entry in inputs]
    if isinstance(batch, (list, tuple)):
        return list(batch)
    return [batch]


def _fits(array: Array, wanted: GraphInput) -> bool:
    """True if type and rank agree, and the channels (axis 1) where both are known; the rest is for shape
    inference."""
    if np.dtype(wanted.dtype) != array.dtype:
        return False
    dims = wanted.dims
    if dims is None:
        return True
    return len(dims) == array.ndim and (array.ndim < 2 or dims[1] in (None, array.shape[1]))


def _describe(value: Any) -> str:
    array = array_or_none(value)
    return type(value).__name__ if array is None else f"{array.dtype} {list(array.shape)}"


def _misfit(entries: list[Any], position: int, wanted: GraphInput, where: str) -> str:
    dims = (
        "of any shape" if wanted.dims is None else str(["?" if dim is None else dim for dim in wanted.dims])
    )
    text = (
        f"[data::as_batches] expected {wanted.dtype.name} {dims} for the input {wanted.name!r} as entry "
        f"{position} of {where}, got {_describe(entries[position])}"
    )
    for other, entry in enumerate(entries):
        array = array_or_none(entry)
        if other != position and array is not None and _fits(array, wanted):
            return (
                f"{text}; entry {other} is {_describe(entry)} and would fit: put what feeds the network first"
            )
    if np.dtype(wanted.dtype).kind == "f" and _describe(entries[position]).startswith(("uint8", "int")):
        text += "; convert and scale the images as for the training of the network"
    return text
