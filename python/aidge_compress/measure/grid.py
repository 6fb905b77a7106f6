"""Grids of a sweep: lists of values for the options of a method, under the names that the options have everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..options import OptionInfo, as_dict, changed, describe

if TYPE_CHECKING:
    from .trial import Bench, Case

__all__ = ["Grid", "grid_of", "unique"]

T = TypeVar("T", bound="Grid")


def unique(values: Sequence[Any], name: str) -> list[Any]:
    """The values without repetitions. ValueError if there is none."""
    found = list(dict.fromkeys(values))
    if not found:
        raise ValueError(f"[sweep::grid] expected at least one of {name}, got none")
    return found


class Grid:
    """All combinations of lists of values of a method's options.

    `grid_of` makes a frozen dataclass of a subclass: one field per option that has `tries`, which are its default, and one per fixed option,
    which has one value for the whole sweep. A single value stands for a list of one.

    Attributes:
        former: other names of the fields → their names.
        fixed: options that the statistics depend on.
    """

    former: ClassVar[Mapping[str, str]] = {}
    fixed: ClassVar[tuple[str, ...]] = ()
    _sources: ClassVar[tuple[type[Any], ...]] = ()

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    @classmethod
    def infos(cls, *, fixed: bool = False) -> dict[str, OptionInfo]:
        """The options that have lists, or those that are fixed, by name."""
        own = [{info.name: info for info in describe(source)} for source in cls._sources]
        names = [entry.name for entry in fields(cls)]  # type: ignore[arg-type]
        found = {name: next(infos[name] for infos in own if name in infos) for name in names}
        return {name: info for name, info in found.items() if (name in cls.fixed) is fixed}

    def __post_init__(self, *former: Any) -> None:
        for name, value in zip(self.former, former, strict=True):
            if value is not None:
                self._take(name, value)
        for name in self.infos():
            value = getattr(self, name)
            single = isinstance(value, (str, int, float))
            object.__setattr__(self, name, (value,) if single else tuple(value))

    def _take(self, former: str, value: Any) -> None:
        """Sets the field that `former` was a name of."""
        object.__setattr__(self, self.former[former], value)

    def lists(self) -> dict[str, Sequence[Any]]:
        """The values to try, by option. ValueError if there is none of one."""
        return {name: unique(getattr(self, name), name) for name in self.infos()}

    def matters(self, name: str, options: Mapping[str, Any]) -> bool:
        """Whether an option makes a difference together with these others."""
        return True

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination that differs, as options by name. ValueError if a list is empty, or a value unknown or out of range."""
        lists = self.lists()
        defaults = [source() for source in self._sources]
        seen = set()
        for combination in product(*lists.values()):
            everything = dict(zip(lists, combination, strict=True))
            checked: dict[str, Any] = {}
            for default in defaults:
                own = {name: value for name, value in everything.items() if hasattr(default, name)}
                checked |= as_dict(changed(default, own, "sweep::grid"))
            options = {name: checked[name] for name in lists if self.matters(name, checked)}
            if tuple(options.items()) not in seen:
                seen.add(tuple(options.items()))
                yield options

    def cases(self, bench: Bench) -> Iterator[Case]:
        """One case per setting, after one pass over the data for all of them."""
        raise NotImplementedError

    def statistics(self) -> str:
        """What the statistics of that pass depend on besides network and data."""
        return ""


def grid_of(
    *sources: type[Any], shared: Mapping[type[Any], Sequence[str]] | None = None
) -> Callable[[type[T]], type[T]]:
    """A decorator that makes a frozen dataclass of a subclass of Grid.

    Args:
        sources: options dataclasses of the method.
        shared: options dataclass of another method → the options that this one has too.
    """

    def decorate(cls: type[T]) -> type[T]:
        wanted = [(source, None) for source in sources] + list((shared or {}).items())
        annotations: dict[str, Any] = {}
        for source, names in wanted:
            for info in describe(source):
                tried = info.tries is not None and (names is None or info.name in names)
                if tried or info.name in cls.fixed:
                    annotations[info.name] = Any if info.name in cls.fixed else Sequence[Any]
                    setattr(cls, info.name, info.tries if tried else info.default)
        for name in cls.former:
            annotations[name] = InitVar[Any]
            setattr(cls, name, None)
        cls._sources = tuple(source for source, _ in wanted)
        cls.__annotations__ = annotations
        return dataclass(frozen=True)(cls)

    return decorate
