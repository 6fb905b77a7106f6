"""Databases: samples by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast, runtime_checkable

__all__ = ["Database", "Dataset", "Subset", "database_length", "read_item"]


class Database:
    """Samples by index. Subclass it and write `get_item` and one of `__len__` and `len`.

    An item is a list with one entry per modality, for example `[image, label]`; the entries that feed the
    network come first, in the order of its inputs. An entry is an array (NumPy, torch, Tensor …) or a number.
    """

    def get_item(self, index: int) -> Sequence[Any]:
        """Return the sample `index`, 0 <= index < len(self)."""
        raise NotImplementedError(f"[data::Database] expected {type(self).__name__}.get_item, got none")

    def get_nb_modalities(self) -> int:
        """Return the number of entries of an item; by default as the first item has it."""
        return len(self.get_item(0)) if len(self) else 0

    def len(self) -> int:
        """Return the number of samples."""
        if type(self).__len__ is Database.__len__:
            raise NotImplementedError(
                f"[data::Database] expected {type(self).__name__}.__len__ or len, got none"
            )
        return self.__len__()

    def __len__(self) -> int:
        if type(self).len is Database.len:
            raise NotImplementedError(
                f"[data::Database] expected {type(self).__name__}.__len__ or len, got none"
            )
        return self.len()


@runtime_checkable
class Dataset(Protocol):
    """What a map-style torch dataset offers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def database_length(database: Database | Dataset) -> int:
    """Return the number of samples; ValueError if there is none."""
    length = len(database)
    if length <= 0:
        raise ValueError(
            f"[data::DataProvider] expected at least one sample, got an empty {type(database).__name__}"
        )
    return length


def read_item(database: Database | Dataset, index: int) -> list[Any]:
    """Return the entries of one sample; a lone array counts as one entry."""
    if hasattr(database, "get_item"):
        item = cast(Database, database).get_item(index)
    else:
        item = database[index]
    return list(item) if isinstance(item, (list, tuple)) else [item]


class Subset(Database):
    """Some samples of a database, in any order.

    A database that has `subset(indices)` is asked for a smaller one instead of being kept whole, as a folder of many files should.
    """

    def __init__(self, database: Database | Dataset, indices: Sequence[int]) -> None:
        smaller = getattr(database, "subset", None)
        self._database: Any = database if smaller is None else smaller(indices)
        self._indices = list(indices) if smaller is None else list(range(len(indices)))

    def __len__(self) -> int:
        return len(self._indices)

    def get_item(self, index: int) -> Sequence[Any]:
        """Return sample `indices[index]` of the database."""
        return read_item(self._database, self._indices[index])
