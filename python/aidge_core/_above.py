"""What stood in this package and now stands in the packages above it: names, modules, and how networks show themselves.

This package imports nothing from above. The tables below say where things are, and Python looks them up when they are used for the first
time, so that scripts that were written for `aidge_core.compress` or `from aidge_core.pfa import PFA` find the same objects.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ._core import FusionReport, GraphView, RemovalReport

__all__ = ["ATTRIBUTES", "MODULES", "NAMES", "attach"]

NAMES = {
    "aidge_compress": ("distributed", "pfa"),
    "aidge_compress.channels": ("CompressionResult", "compress"),
    "aidge_compress.fibnlr": ("FibnlrResult", "fibnlr_run"),
    "aidge_compress.merge": ("MergeResult", "merge_layers"),
    "aidge_compress.network.mermaid": ("to_mermaid",),
    "aidge_compress.sweeps": ("SweepResult", "sweep"),
    "aidge_onnx.torch": ("from_torch",),
}
"""Module → names that this package gives as its own."""

MODULES: dict[str, tuple[str, ...]] = {
    "aidge_core.cli": ("aidge_compress.cli",),
    "aidge_core.cli.sources": ("aidge_compress.network.sources",),
    "aidge_core.cli.verify": ("aidge_compress.cli.verify", "aidge_compress.measure.verify", "aidge_compress.measure.metrics"),
    "aidge_core.compression": ("aidge_compress.channels",),
    "aidge_core.compression.data": ("aidge_compress.measure.held_out",),
    "aidge_core.compression.latency": ("aidge_compress.channels.timing", "aidge_compress.measure.latency"),
    "aidge_core.compression.pipeline": ("aidge_compress.channels.run",),
    "aidge_core.compression.quality": ("aidge_compress.measure.metrics",),
    "aidge_core.compression.start": ("aidge_compress.channels.compensate",),
    "aidge_core.distributed": ("aidge_compress.distributed",),
    "aidge_core.evaluation": ("aidge_compress.measure.evaluate", "aidge_compress.measure.metrics"),
    "aidge_core.merging": ("aidge_compress.merge",),
    "aidge_core.notebook": ("aidge_compress.report.notebook",),
    "aidge_core.outline": ("aidge_compress.network.outline", "aidge_compress.network.mermaid"),
    "aidge_core.pfa": ("aidge_compress.pfa",),
    "aidge_core.pfa.batch": ("aidge_compress.pfa.dnikit.batch",),
    "aidge_core.pfa.cache": ("aidge_compress.pfa.dnikit.cache",),
    "aidge_core.pfa.graphs": ("aidge_compress.network.layers",),
    "aidge_core.pfa.models": ("aidge_compress.pfa.dnikit.models", "aidge_compress.pfa.dnikit.responses"),
    "aidge_core.pfa.onnxruntime_models": ("aidge_compress.pfa.dnikit.onnxruntime_models",),
    "aidge_core.pfa.processors": ("aidge_compress.pfa.dnikit.processors",),
    "aidge_core.pfa.torch_models": ("aidge_compress.pfa.dnikit.torch_models",),
    "aidge_core.profiling": ("aidge_compress.measure.profile", "aidge_compress.measure.latency"),
    "aidge_core.pruning": ("aidge_compress.fibnlr",),
    "aidge_core.report": ("aidge_compress.report",),
    "aidge_core.report.comparison": ("aidge_compress.report.comparison", "aidge_compress.numbers"),
    "aidge_core.report.compress": ("aidge_compress.channels.report",),
    "aidge_core.report.fibnlr": ("aidge_compress.fibnlr.report",),
    "aidge_core.report.merge": ("aidge_compress.merge.report",),
    "aidge_core.report.network": ("aidge_compress.report.drawing",),
    "aidge_core.report.pfa": ("aidge_compress.pfa.report",),
    "aidge_core.report.sweep": ("aidge_compress.sweeps.report",),
    "aidge_core.reportable": ("aidge_compress.report.reportable", "aidge_compress.tables"),
    "aidge_core.summary": ("aidge_compress.network.summary",),
    "aidge_core.sweeps": ("aidge_compress.sweeps",),
    "aidge_core.sweeps.channels": ("aidge_compress.channels.trials", "aidge_compress.pfa.trials"),
    "aidge_core.sweeps.judge": ("aidge_compress.measure.trial",),
    "aidge_core.sweeps.methods": ("aidge_compress.fibnlr.trials", "aidge_compress.measure.trial"),
    "aidge_core.torch_import": ("aidge_onnx.torch.reading",),
    **{
        f"aidge_onnx.{name}": (f"aidge_onnx.{folder}.{name}",)
        for folder, names in {
            "reading": "batch builder external_data fold_ops folding functions rank_guard shape_hints source symbolic",
            "rewrites": "cleaning layer_norm patterns uses",
            "running": "runtime single_node",
            "writing": "saving writer",
        }.items()
        for name in names.split()
    },
    "aidge_onnx.checks": ("aidge_onnx.reading.checks", "aidge_onnx.protos"),
    "aidge_onnx.converters.registry": ("aidge_onnx.registry",),
    "aidge_onnx.regions": ("aidge_onnx.rewrites.regions", "aidge_onnx.generic"),
}  # fmt: skip
"""Module as it was called → where its contents are; modules inside a package of this table that are not named have kept their names."""

ATTRIBUTES = {
    ".": tuple(
        name
        for package, _, name in (module.rpartition(".") for module in MODULES)
        if package == "aidge_core" and name not in NAMES["aidge_compress"]
    )
}
"""Modules that are found as attributes of this package, too."""


def _places(name: str) -> tuple[str, ...]:
    if name in MODULES:
        return MODULES[name]
    package, _, module = name.rpartition(".")
    return tuple(f"{place}.{module}" for place in MODULES.get(package, ())[:1])


class _MovedModules(MetaPathFinder, Loader):
    """Finds modules by the names that they had."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        places = _places(fullname)
        return ModuleSpec(fullname, self, is_package=True) if places else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module itself in its place; if there are several, a module that looks names up in all of them."""
        name = module.__name__
        try:
            found = [import_module(place) for place in _places(name)]
        except ModuleNotFoundError as error:
            if error.name not in _places(name):
                raise
            raise ModuleNotFoundError(f"No module named {name!r}", name=name) from None
        if len(found) == 1:
            sys.modules[name] = found[0]
            return
        for part in reversed(found):
            vars(module).update({key: value for key, value in vars(part).items() if not key.startswith("__")})


def _repr_html_(value: Any) -> str:
    return str(import_module("aidge_compress.report.notebook").html_of(value))


def attach() -> None:
    """Find moved modules by their former names from now on, and let networks and reports show themselves in notebooks."""
    sys.meta_path.insert(0, _MovedModules())
    for kind in (GraphView, FusionReport, RemovalReport):
        setattr(kind, "_repr_html_", _repr_html_)  # noqa: B010  (the stubs do not know it)
