"""Merging of linear layers in one call whose result can be looked at: `merge_layers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aidge_core

from ..network.outline import outline
from .result import MergeResult

if TYPE_CHECKING:
    from aidge_core import GraphView

__all__ = ["merge_layers"]


def merge_layers(model: GraphView, **options: Any) -> MergeResult:
    """Do what `fuse_convolution` does with these options, and keep what a report needs. `model` is merged in place.

    Raises as fuse_convolution does.
    """
    sketch = outline(model)
    fusion = aidge_core.fuse_convolution(model, **options)
    return MergeResult(fusion, sketch, {name: value for name, value in options.items() if name != "data"})
