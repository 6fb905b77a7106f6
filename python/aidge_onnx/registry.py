"""The converters of all operators: IMPORTERS by ONNX operator, EXPORTERS by operator type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import aidge_core

if TYPE_CHECKING:
    from .reading.builder import Builder
    from .reading.source import OnnxNode
    from .writing.writer import Writer

__all__ = ["EXPORTERS", "IMPORTERS", "Exporter", "Importer", "exports", "imports", "spatial_types"]

Importer: TypeAlias = "Callable[[OnnxNode, Builder], None]"
Exporter: TypeAlias = "Callable[[aidge_core.Node, Writer], None]"

IMPORTERS: dict[str, Importer] = {}
EXPORTERS: dict[str, Exporter] = {}


def imports(*ops: str) -> Callable[[Importer], Importer]:
    """Enters the function for these operators of the standard domain."""

    def enter(function: Importer) -> Importer:
        IMPORTERS.update(dict.fromkeys(ops, function))
        return function

    return enter


def exports(*types: str) -> Callable[[Exporter], Exporter]:
    """Enters the function for these operator types."""

    def enter(function: Exporter) -> Exporter:
        EXPORTERS.update(dict.fromkeys(types, function))
        return function

    return enter


def spatial_types(base: str) -> tuple[str, str, str]:
    """base1D, base2D, base3D."""
    return f"{base}1D", f"{base}2D", f"{base}3D"
