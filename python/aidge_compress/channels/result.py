"""What compress returns."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..measure.result import Result
from ..measure.verify import Verification
from ..network.costs import Costs
from ..quantization import QuantizeResult
from ..tables import data_frame
from .auto import Trial
from .options import CompressOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aidge_core import GraphView

    from ..report import Story

__all__ = ["CompressionResult", "GroupChange", "LayerChange"]


@dataclass(frozen=True)
class LayerChange:
    """A layer with weights before and after; (0, …) after where it was merged into another. Parameters are 0 if an earlier layer has the same ones."""

    name: str
    type: str
    channels: tuple[int, int]
    parameters: tuple[int, int]
    macs: tuple[int, int]
    error: float | None = (
        None  # of its output on held-out samples, relative to the original's variance; None: not compared
    )
    ridge: float | None = None
    note: str = ""


@dataclass(frozen=True)
class GroupChange:
    """Channels that can only go together: the layers that make them, how many stay, and why not fewer where something forbids it."""

    layers: tuple[str, ...]
    size: int
    kept: int
    refusal: str


@dataclass(frozen=True, repr=False)
class CompressionResult(Result):
    """A smaller network and what it took; see `compress`.

    Attributes:
        model: the smaller network, compiled for the calibration batches.
        original: what its outputs were compared with: the original, folded.
        before, after: costs of one sample (of a batch if the file fixes its size).
        start_quality, quality: after removing channels and before least squares, and in the end.
        options: what was asked for.
        layers: one entry per layer with weights of the original.
        groups: one entry per group of channels.
        removed_activations: names.
        merged: layers that were merged.
        passes: over the calibration data.
        seconds: by stage.
        warnings: what the reader should know.
        tried: with allocation "auto", the allocations that were tried, and the error of each.
        int8: with the option int8, the quantised network, which `save` writes; its columns compare the original, the cut network, and both in int8.
    """

    model: GraphView
    original: GraphView
    before: Costs
    after: Costs
    start_quality: Quality | None
    quality: Quality
    options: CompressOptions
    layers: tuple[LayerChange, ...]
    groups: tuple[GroupChange, ...]
    removed_activations: tuple[str, ...] = ()
    merged: int = 0
    samples: int = 0
    passes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tried: tuple[Trial, ...] = ()
    int8: QuantizeResult | None = None

    @property
    def allocation_note(self) -> str:
        """What allocation "auto" has tried and what it gave; empty if nothing was tried."""
        if not self.tried:
            return ""
        best, *others = sorted(self.tried, key=lambda trial: trial.error)
        note = f"allocation: {best.name}, with an error of {best.error:.3g} after a quick fit"
        if not others:
            return note
        return f"{note}; {len(others)} others from {others[0].error:.3g} ({others[0].name}) to {others[-1].error:.3g} ({others[-1].name})"

    def _headline(self) -> str:
        shares = [
            f"{now:,} of {old:,} {name} ({now / max(old, 1):.0%})"
            for name, old, now in (
                ("MACs", self.before.macs, self.after.macs),
                ("parameters", self.before.parameters, self.after.parameters),
            )
        ]
        return f"keeps {' and '.join(shares)}"

    def __str__(self) -> str:
        notes = [self.allocation_note] if self.tried else []
        small = [str(self.int8)] if self.int8 is not None else []
        return "\n".join([super().__str__(), *self.warnings, *notes, *small])

    def save(self, path: str | os.PathLike[str]) -> Verification | None:
        """As for every result; with the option int8 it is the quantised network that is written and verified."""
        return super().save(path) if self.int8 is None else self.int8.save(path)

    def _story(self) -> Story:
        from .report import compress_story

        return compress_story(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per layer with weights. ImportError if pandas is missing."""
        return data_frame([asdict(layer) for layer in self.layers], list(LayerChange.__dataclass_fields__))

    @property
    def original_quality(self) -> Quality:
        """The original compared with itself."""
        return self.quality.original

    @property
    def drop(self) -> float:
        """What was lost of the metric (see Quality), in its unit; 0 if nothing was measured."""
        return self.quality.drop if self.quality.samples else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the networks."""
        document = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("model", "original", "int8")
        }
        for name, value in document.items():
            if isinstance(value, Quality):
                document[name] = value.to_dict()
            elif hasattr(value, "__dataclass_fields__"):
                document[name] = asdict(value)
            elif name in ("layers", "groups", "tried"):
                document[name] = [asdict(entry) for entry in value]
        original = self.original_quality.to_dict()
        document["int8"] = None if self.int8 is None else self.int8.to_dict()
        return {**document, "original_quality": original, "seconds": dict(self.seconds), "drop": self.drop}
