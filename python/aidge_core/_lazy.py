"""Names of a package that are imported when they are used for the first time (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package.

    Args:
        package: its `__name__`.
        homes: module → the names that it gives; a name that the module does not define is a module inside it. A module that starts with a
            dot lies inside the package, and "." is the package itself.
    """
    places = {name: module for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = package if places[name] == "." else import_module(places[name], package).__name__
        found = vars(sys.modules[home]).get(name)
        value = import_module(f"{home}.{name}") if found is None else found
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return find, names
