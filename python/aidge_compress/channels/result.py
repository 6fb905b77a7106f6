"""What compress returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..report.reportable import Reportable
from ..tables import data_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aidge_core import GraphView

    from ..report import Story

__all__ = ["CompressionResult", "GroupChange", "LayerChange", "Totals"]


@dataclass(frozen=True)
class Totals:
    """Costs of a whole network: one sample (a batch where the file fixes its size), constants in elements, medians in seconds (None: not measured)."""

    macs: int
    parameters: int
    seconds: float | None = None


@dataclass(frozen=True)
class LayerChange:
    """A layer with weights before and after; (0, …) after where it was merged into another."""

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


@dataclass(frozen=True)
class CompressionResult(Reportable):
    """A smaller network and what it took; see `compress`.

    Attributes:
        model: the smaller network, compiled for the calibration batches.
        original: what its outputs were compared with: the original, folded.
        before, after: costs of one sample.
        start_quality, quality: after cutting and before least squares, and in the end.
        layers: one entry a layer with weights of the original.
        groups: one entry a group of channels.
        removed_activations: names.
        passes: over the calibration data.
        seconds: a stage.
        warnings: what the reader should know.
        parameters: the options by name.
    """

    model: GraphView
    original: GraphView
    before: Totals
    after: Totals
    start_quality: Quality | None
    quality: Quality
    layers: tuple[LayerChange, ...]
    groups: tuple[GroupChange, ...]
    removed_activations: tuple[str, ...] = ()
    merged: int = 0
    samples: int = 0
    passes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        quality, original = self.quality, self.original_quality
        parts = [
            _share("MACs", self.after.macs, self.before.macs),
            _share("parameters", self.after.parameters, self.before.parameters),
        ]
        if quality.accuracy is not None and original.accuracy is not None:
            parts.append(f"accuracy {original.accuracy:.2%} -> {quality.accuracy:.2%}")
        if quality.agreement is not None:
            parts.append(f"agreement {quality.agreement:.2%}")
        parts.append(f"relative error of the outputs {quality.error:.3g} ({quality.samples} samples)")
        return "\n".join([f"CompressionResult: {', '.join(parts)}", *self.warnings])

    def _story(self) -> Story:
        from .report import compress_story

        return compress_story(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a layer with weights. ImportError where pandas is missing."""
        return data_frame([asdict(layer) for layer in self.layers], list(LayerChange.__dataclass_fields__))

    @property
    def original_quality(self) -> Quality:
        """The original compared with itself: its accuracy."""
        quality = self.quality
        return Quality(
            quality.samples,
            None if quality.agreement is None else 1.0,
            0.0,
            quality.original_accuracy,
            quality.original_accuracy,
        )

    @property
    def drop(self) -> float:
        """What was lost: of accuracy if there are labels, else of agreement, else the relative error of the outputs."""
        return self.quality.drop

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the networks."""
        document = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("model", "original")
        }
        for name, value in document.items():
            if hasattr(value, "__dataclass_fields__"):
                document[name] = asdict(value)
            elif name in ("layers", "groups"):
                document[name] = [asdict(entry) for entry in value]
        original = asdict(self.original_quality)
        return {**document, "original_quality": original, "seconds": dict(self.seconds), "drop": self.drop}


def _share(name: str, after: int, before: int) -> str:
    return f"{after:,} of {before:,} {name} ({after / max(before, 1):.0%})"
