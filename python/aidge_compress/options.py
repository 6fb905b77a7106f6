"""Options of the methods: frozen dataclasses whose fields say everything that a command line, a table or a grid needs to know of them.

A field is made by `option`; choices are `Literal` types. `describe` gives all facts, `check` validates, and both know no method.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["OptionInfo", "as_dict", "changed", "check", "choice", "choices_of", "describe", "option"]

T = TypeVar("T")
_UNIONS = (Union, getattr(types, "UnionType", Union))


@dataclass(frozen=True)
class OptionInfo:
    """One option.

    Attributes:
        name: of the field.
        kind: the type of a value without None: bool, int, float, str, or tuple for several strings or a mapping.
        choices: all values that a str may have; empty if it is free.
        default: of the field.
        help: one sentence.
        metavar: what stands for a value in a usage line, e.g. "FRACTION".
        least, most: bounds of a number, included; None: none.
        above: if `least` itself is excluded.
        expert: whether few people need it.
        tries: values that a sweep tries by default, possibly none; None: a sweep cannot vary it.
    """

    name: str
    kind: type
    choices: tuple[str, ...]
    default: Any
    help: str
    metavar: str
    least: float | None
    most: float | None
    above: bool
    expert: bool
    tries: tuple[Any, ...] | None


def option(
    default: Any,
    help: str,  # noqa: A002  (its name everywhere)
    metavar: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    above: bool = False,
    expert: bool = False,
    tries: Sequence[Any] | None = None,
) -> Any:
    """Return a dataclass field that knows its help text and bounds; see OptionInfo."""
    facts = {
        "help": help,
        "metavar": metavar,
        "least": least,
        "most": most,
        "above": above,
        "expert": expert,
        "tries": None if tries is None else tuple(tries),
    }
    return dataclasses.field(default=default, metadata=facts)


def _parts(hint: Any) -> list[Any]:
    """The types of a field without None."""
    return (
        [entry for entry in get_args(hint) if entry is not type(None)]
        if get_origin(hint) in _UNIONS
        else [hint]
    )


def describe(options: type[Any]) -> tuple[OptionInfo, ...]:
    """All options of a dataclass, in order."""
    hints = get_type_hints(options)
    found = []
    for entry in dataclasses.fields(options):
        part = _parts(hints[entry.name])[0]
        choices = get_args(part) if get_origin(part) is Literal else ()
        kind = str if choices else (get_origin(part) or part)
        found.append(OptionInfo(entry.name, kind, choices, entry.default, **entry.metadata))
    return tuple(found)


def choices_of(options: type[Any], name: str) -> tuple[str, ...]:
    """All values that an option may have."""
    (found,) = (info.choices for info in describe(options) if info.name == name)
    return found


def _plain(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "")


def choice(value: str, choices: Sequence[str], where: str, name: str) -> str:
    """The choice that is meant, whatever its capitals, hyphens and underscores: "AbsMax" and "abs-max" are "abs_max".

    Raises:
        ValueError: if it is none of them.
    """
    for known in choices:
        if isinstance(value, str) and _plain(value) in (_plain(known), f"pfa{_plain(known)}"):
            return known
    raise ValueError(f"[{where}] expected {name} as one of {', '.join(choices)}, got {value!r}")


def _check_number(info: OptionInfo, value: float, where: str) -> None:
    if not math.isfinite(value):
        raise ValueError(f"[{where}] expected {info.name} as a finite number, got {value!r}")
    low, high = info.least, info.most
    fits = (low is None or (value > low if info.above else value >= low)) and (high is None or value <= high)
    if fits:
        return
    if low is not None and high is not None:
        wanted = f"in {'(' if info.above else '['}{low:g}, {high:g}]"
    else:
        wanted = (
            f"{'above' if info.above else 'of at least'} {low:g}"
            if low is not None
            else f"of at most {high:g}"
        )
    raise ValueError(f"[{where}] expected {info.name} {wanted}, got {value!r}")


def check(options: Any, where: str) -> None:
    """Validates a dataclass in its `__post_init__`: choices get their one spelling, numbers must be within their bounds.

    Raises:
        ValueError: names the option, the expected value, and the given one.
        TypeError: if a value is of another type.
    """
    for info in describe(type(options)):
        value = getattr(options, info.name)
        if value is None:
            continue
        if info.choices and callable(value):
            continue  # a function of the caller's own in the place of a choice
        if info.choices:
            object.__setattr__(options, info.name, choice(value, info.choices, where, info.name))
        elif info.kind in (int, float):
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or (info.kind is int and value != int(value))
            ):
                raise TypeError(
                    f"[{where}] expected {info.name} to be a number ({info.kind.__name__}), got {value!r}"
                )
            _check_number(info, value, where)


def changed(options: T, changes: Mapping[str, Any], where: str) -> T:
    """A copy with other values of some options.

    Raises:
        TypeError: if there is no such option; names all that there are.
    """
    known = [entry.name for entry in dataclasses.fields(options)]  # type: ignore[arg-type]
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise TypeError(f"[{where}] expected options among {', '.join(known)}, got {', '.join(unknown)}")
    return dataclasses.replace(options, **changes)  # type: ignore[type-var]


def as_dict(options: Any) -> dict[str, Any]:
    """The values by name, as they are."""
    return {entry.name: getattr(options, entry.name) for entry in dataclasses.fields(options)}
