"""Backends are found when a network is compiled for them, or when shapes are inferred: kernels compute the numbers that follow from dims."""

from __future__ import annotations

import sys
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from . import _core
from ._core import GraphView

__all__ = ["attach", "inferring_functions"]

_DEFAULT = "cpu"


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


def _inferring(function: Any) -> Any:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        _load(_DEFAULT)
        return function(*args, **options)

    return call


def attach() -> None:
    """Let the methods of a GraphView that need a backend find its package."""
    for name in ("compile", "set_backend"):
        setattr(GraphView, name, _finding(getattr(GraphView, name)))
    for name in ("forward_dims", "infer_shapes"):
        setattr(GraphView, name, _inferring(getattr(GraphView, name)))


def inferring_functions() -> dict[str, Any]:
    """The functions of the compiled module that infer shapes, as functions that find the backend first."""
    names = ("channel_groups", "fuse_convolution", "remove_channels")
    return {name: _inferring(getattr(_core, name)) for name in names}
