"""Datasets whose samples are dicts: Hugging Face datasets, lists of dicts, .parquet files."""

from __future__ import annotations

import io
import math
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, TypeAlias

from .arrays import to_array
from .database import Database, Dataset
from .images import read_image
from .provider import DEFAULT_BATCH_SIZE, DataProvider

__all__ = ["DictDataset", "ParquetRows", "from_dataset", "from_parquet"]

Transforms: TypeAlias = "Mapping[str, Callable[[Any], Any]] | None"


class DictDataset(Database):
    """Samples that are dicts, as lists of the values of some columns.

    Args:
        dataset: anything with `__len__` and `__getitem__` by index that returns dicts, such as a Hugging Face dataset.
        columns: which values, in the order of the network's inputs (then labels); None: all those of the first sample that are numbers,
            arrays of numbers or have a transform.
        transforms: for a column, what makes an array of its value; `ImageTransform` does of images.

    Raises:
        ValueError: if `dataset` is empty, a column is missing, or no column is left.
    """

    def __init__(
        self, dataset: Dataset, columns: Sequence[str] | None = None, transforms: Transforms = None
    ) -> None:
        self._dataset = dataset
        self._transforms = dict(transforms or {})
        if len(dataset) == 0:
            raise ValueError("[data::DictDataset] expected at least one sample, got none")
        first = dataset[0]
        if not isinstance(first, Mapping):
            raise ValueError(
                f"[data::DictDataset] expected samples that are dicts, got {type(first).__name__}"
            )
        chosen = (
            [name for name in first if name in self._transforms or _is_numeric(first[name])]
            if columns is None
            else list(columns)
        )
        missing = [name for name in [*chosen, *self._transforms] if name not in first]
        if missing or not chosen:
            raise ValueError(
                f"[data::DictDataset] expected {missing or 'a column of numbers'} in the samples, got {_kinds(first)}"
                ": an image needs a transform such as aidge_core.data.ImageTransform"
            )
        self._columns = chosen

    def __len__(self) -> int:
        return len(self._dataset)

    def get_item(self, index: int) -> list[Any]:
        """Return the columns of a sample."""
        sample = self._dataset[index]
        return [self._value(name, sample.get(name), index) for name in self._columns]

    def _value(self, name: str, value: Any, index: int) -> Any:
        transform = self._transforms.get(name)
        content = value.get("bytes") if transform is not None and isinstance(value, Mapping) else value
        if content is None:
            what = "a value" if transform is None else "an image"
            raise ValueError(
                f"[data::DictDataset] expected {what} in the column {name!r} of sample {index} (from 0), got none"
            )
        if transform is None:
            return value
        if isinstance(content, bytes):
            return read_image(
                io.BytesIO(content),
                transform,
                f"other bytes in the column {name!r} of sample {index} (from 0)",
            )
        return transform(value)


def from_dataset(
    dataset: Dataset,
    columns: Sequence[str] | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    *,
    transforms: Transforms = None,
    shuffle: bool = False,
    drop_last: bool = False,
    num_workers: int = 0,
    seed: int | None = None,
) -> DataProvider:
    """Batches of a dataset of dicts; see DictDataset for the samples and DataProvider for the batches."""
    return DataProvider(
        DictDataset(dataset, columns, transforms),
        batch_size,
        shuffle=shuffle,
        drop_last=drop_last,
        num_workers=num_workers,
        seed=seed,
    )


class ParquetRows:
    """The rows of a .parquet file as dicts, read a row group at a time. Needs pyarrow.

    Args:
        path: the file.
        shapes: of columns that hold arrays as flat lists.

    Raises:
        ImportError: if pyarrow is not installed.
        ValueError: if the file is not a .parquet file, or has no rows.
    """

    def __init__(
        self, path: str | os.PathLike[str], shapes: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        self.path = os.fspath(path)
        self._shapes = {name: tuple(shape) for name, shape in (shapes or {}).items()}
        file = self._open()
        groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        self.columns: list[str] = list(file.schema_arrow.names)
        """Names of the columns."""
        self._starts: list[int] = [0, *accumulate(groups)]
        self._group: tuple[int, Any] = (-1, None)
        if not len(self):
            raise ValueError(f"[data::from_parquet] expected at least one row in {self.path}, got none")

    def _open(self) -> Any:
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError as error:
            raise ImportError(
                "[data::from_parquet] expected pyarrow, got none: pip install 'aidge-compress[parquet]'"
            ) from error
        with self._naming_damage():
            return ParquetFile(self.path)

    @contextmanager
    def _naming_damage(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, PermissionError):
            raise
        except (
            Exception
        ) as error:  # pyarrow raises OSError, NotImplementedError and its own for a changed byte
            raise ValueError(
                f"[data::from_parquet] expected a .parquet file, got {self.path}: {' '.join(str(error).split())}"
            ) from error

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"[data::from_parquet] expected an index below {len(self)}, got {index}")
        number = bisect_right(self._starts, index) - 1
        if self._group[0] != number:
            with self._open() as file, self._naming_damage():
                self._group = (number, file.read_row_group(number))
        row = self._group[1].slice(index - self._starts[number], 1).to_pylist()[0]
        return {name: self._array(name, value, index) for name, value in row.items()}

    def _array(self, name: str, value: Any, index: int) -> Any:
        if not isinstance(value, list):
            return value
        shape = self._shapes.get(name)
        try:
            array = to_array(value)
            return array if shape is None else array.reshape(shape)
        except ValueError as error:
            wanted = "an array of numbers" if shape is None else f"{math.prod(shape)} numbers"
            raise ValueError(
                f"[data::from_parquet] expected {wanted} in the column {name!r} of row {index} (from 0) of {self.path}, got {error}"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_group": (-1, None)}


def from_parquet(
    path: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    transforms: Transforms = None,
    shuffle: bool = False,
    drop_last: bool = False,
    seed: int | None = None,
) -> DataProvider:
    """Batches of a .parquet file: a row is a sample, a column of (nested) lists an array, floats become float32.

    Images, as bytes or as Hugging Face stores them ({"bytes": …}), are opened for a column that has a transform.

    Args:
        path: the file.
        columns: see DictDataset.
        batch_size: samples per batch.
        shapes: of columns that hold arrays as flat lists, such as {"image": (3, 32, 32)}.
        transforms: see DictDataset.
        shuffle: see DataProvider; reading row groups in another order is slow.
        drop_last: see DataProvider.
        seed: see DataProvider.

    Raises:
        ImportError: if pyarrow is not installed.
        ValueError: if the file is no .parquet file, or a column is missing.
    """
    rows = ParquetRows(path, shapes)
    return from_dataset(
        rows, columns, batch_size, transforms=transforms, shuffle=shuffle, drop_last=drop_last, seed=seed
    )


def _is_numeric(value: Any) -> bool:
    try:
        return to_array(value).dtype.kind in "fiub"
    except (TypeError, ValueError):
        return False


def _kinds(sample: Mapping[str, Any]) -> dict[str, str]:
    return {name: type(value).__name__ for name, value in sample.items()}
