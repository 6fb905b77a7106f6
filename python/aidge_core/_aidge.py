"""Accepts Eclipse Aidge's names of arguments; a call that means something else in Eclipse Aidge raises an error that says how to write it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import _core

__all__ = ["as_in_aidge"]

_OF_A_NETWORK = (
    "fibnlr",
    "fibnlr_prepare",
    "fibnlr_compute",
    "fibnlr_prune",
    "fibnlr_compute_NNPR",
    "fibnlr_find_groups",
    "fibnlr_find_node_by_group",
)
_POOLINGS = ("PaddedAvgPooling1D", "PaddedAvgPooling2D", "PaddedAvgPooling3D")
_PADDING, _COUNTED = 3, 6
"""Positions of padding_dims and of count_include_pad."""


def as_in_aidge() -> dict[str, Callable[..., Any]]:
    """Return the functions of this package that look at how they are called first, by name; they do what those of _core do."""
    found = {name: _with_graph_view(name) for name in _OF_A_NETWORK}
    return {**found, "Gemm": _gemm(), **{name: _average_pooling(name) for name in _POOLINGS}}


def _with_graph_view(name: str) -> Callable[..., Any]:
    function = getattr(_core, name)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "graph_view" in kwargs:
            if args or "model" in kwargs:
                raise TypeError(f"[fibnlr::{name}] expected one network, got graph_view= beside another one")
            kwargs["model"] = kwargs.pop("graph_view")
        return function(*args, **kwargs)

    return call


def _gemm() -> Callable[..., Any]:
    function = _core.Gemm

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args:
            given = ", ".join(map(str, args))
            raise TypeError(
                f"[operator::Gemm] expected alpha= and beta= by name, got ({given}): a layer of channels, as Gemm is in Aidge, is FC({given})"
            )
        return function(**kwargs)

    return call


def _average_pooling(name: str) -> Callable[..., Any]:
    function = getattr(_core, name)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        padding = kwargs.get("padding_dims", args[_PADDING] if len(args) > _PADDING else ())
        if any(padding) and "count_include_pad" not in kwargs and len(args) <= _COUNTED:
            raise TypeError(
                f"[operator::{name}] expected count_include_pad=True, as in Aidge, or count_include_pad=False, as in ONNX, with padding_dims "
                f"{list(padding)}, got neither"
            )
        return function(*args, **kwargs)

    return call
