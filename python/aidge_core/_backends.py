"""Backends are found when a network is compiled for them."""

from __future__ import annotations

import sys
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ._core import GraphView

__all__ = ["attach"]


def _load(backend: Any) -> None:
    """Import the package aidge_backend_<name>, which registers its kernels, if there is one."""
    package = f"aidge_backend_{backend}"
    if package not in sys.modules and package.isidentifier() and find_spec(package) is not None:
        import_module(package)


def _finding(method: Any) -> Any:
    @wraps(method)
    def call(self: GraphView, backend: str, *args: Any, **options: Any) -> Any:
        _load(backend)
        return method(self, backend, *args, **options)

    return call


def attach() -> None:
    """Let `compile` and `set_backend` find the backend's package."""
    for name in ("compile", "set_backend"):
        setattr(GraphView, name, _finding(getattr(GraphView, name)))
