"""What quantisation has brought."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import check_writable
from ..measure.feeds import runtime_name
from ..measure.metrics import Quality, relative_difference
from ..measure.result import Result
from ..measure.verify import TOLERANCE, Verification, VerificationError
from ..network.costs import Costs
from ..numbers import shown
from ..options import as_dict
from ..tables import data_frame
from .judge import session_of
from .options import QuantizeOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from onnx import ModelProto

    from ..report import Story

__all__ = ["Column", "QuantizeResult"]


@dataclass(frozen=True)
class Column:
    """One of the files that are compared: what it is, how it does, its size, and its latency in ONNX Runtime.

    Attributes:
        name: "float32", "cut", "int8", "cut and int8" or "float16 weights".
        quality: compared with the first column; None: not measured.
        bytes: of the file, with external data.
        latency: median seconds of a pass over one sample; None: not measured.
    """

    name: str
    quality: Quality | None
    bytes: int
    latency: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        quality = None if self.quality is None else self.quality.to_dict()
        return {"name": self.name, "quality": quality, "bytes": self.bytes, "latency": self.latency}


@dataclass(frozen=True, repr=False)
class QuantizeResult(Result):
    """A quantised network; see `quantize`.

    Attributes:
        model: what the file will hold, an onnx.ModelProto.
        before, after: costs; `bytes` are those of the weights, `latency` is that of ONNX Runtime for one sample.
        quality: in ONNX Runtime, compared with the reference.
        options: what was chosen.
        columns: the files that are compared; the last one is this one.
        calibration: the method that was used; "" if there are no ranges.
        errors: relative error of the outputs of each method that was tried.
        in_float: names of the nodes that stayed in float for max_drop or by the options.
        samples, held_out: how many calibrated, and how many decided.
        slower: whether ONNX Runtime is slower with it on this machine; None: not measured.
        warnings: what the reader should know.
        check: inputs and outputs of the network, with which a written file is compared.
    """

    model: ModelProto
    before: Costs
    after: Costs
    quality: Quality
    options: QuantizeOptions
    columns: tuple[Column, ...]
    calibration: str
    errors: Mapping[str, float | None]
    in_float: tuple[str, ...]
    samples: int
    held_out: int
    slower: bool | None
    warnings: tuple[str, ...]
    check: tuple[Mapping[str, np.ndarray], tuple[np.ndarray, ...]]

    def figures(self) -> list[tuple[str, tuple[str, ...]]]:
        """(what, its figure in each column) as people read them; rows of which nothing is known are left out."""
        rows: list[tuple[str, list[float | None], str]] = [
            *((figure.title, self._of_quality(figure.metric), figure.unit) for figure in self.quality.figures),
            ("file", [column.bytes for column in self.columns], "bytes"),
            ("latency, ONNX Runtime", [column.latency for column in self.columns], "seconds"),
        ]  # fmt: skip
        return [
            (name, tuple(shown(value, kind) for value in values))
            for name, values, kind in rows
            if any(value is not None for value in values)
        ]

    def _of_quality(self, name: str) -> list[float | None]:
        found = [None if column.quality is None else column.quality.find(name) for column in self.columns]
        return [None if figure is None else figure.after for figure in found]

    @property
    def drop(self) -> float:
        """What was lost of the metric (see Quality), in its unit."""
        return self.quality.drop

    def _headline(self) -> str:
        first, last = self.columns[0], self.columns[-1]
        text = f"{last.name}, file {shown(first.bytes, 'bytes')} → {shown(last.bytes, 'bytes')} ({last.bytes / first.bytes:.0%})"
        return f"{text}, calibrated by {self.calibration}" if self.calibration else text

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.warnings])

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the network."""
        plain = ("calibration", "errors", "in_float", "samples", "held_out", "slower", "warnings", "drop")
        return {
            "options": as_dict(self.options),
            "before": asdict(self.before),
            "after": asdict(self.after),
            "quality": self.quality.to_dict(),
            "columns": [column.to_dict() for column in self.columns],
            **{name: getattr(self, name) for name in plain},
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a file that is compared. ImportError if pandas is missing."""
        figures = ("samples", "metric", "drop", "accuracy", "original_accuracy", "agreement", "error")
        rows = [
            {"name": column.name, "bytes": column.bytes, "latency": column.latency, **({name: getattr(column.quality, name) for name in figures} if column.quality else {})}
            for column in self.columns
        ]  # fmt: skip
        return data_frame(rows, ["name", "bytes", "latency", *figures])

    def notes(self) -> dict[str, str]:
        """Node name → what happened to it."""
        return dict.fromkeys(self.in_float, "stays in float")

    def to_torch(self) -> Any:
        """Not for quantised networks.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "[quantize::to_torch] expected a network in float32, got a quantised one: train before it is quantised"
        )

    def save(self, path: str | os.PathLike[str]) -> Verification:
        """Write the file, run it in ONNX Runtime, and compare its outputs with those that were judged.

        Raises:
            VerificationError: if the written file computes something else; it is not left behind.
            OSError: if the file cannot be written.
        """
        verification = self.write(path)
        if not verification.passed:
            raise VerificationError(
                f"[quantize::save] expected {path} to give the right outputs, but {verification.failure}"
            )
        return verification

    def write(self, path: str | os.PathLike[str]) -> Verification:
        """As `save`; the caller looks whether the verification has passed."""
        target = Path(os.path.realpath(path))
        check_writable(target)
        with tempfile.TemporaryDirectory(prefix=".unverified.", dir=target.parent) as folder:
            draft = Path(folder) / target.name
            draft.write_bytes(self.model.SerializeToString(deterministic=True))
            feeds, expected = self.check
            got = session_of(draft.read_bytes()).run(None, dict(feeds))
            verification = Verification(
                runtime_name(),
                relative_difference(expected, got),
                TOLERANCE,
                reference="the quantised network that was evaluated",
            )
            if verification.passed:
                draft.replace(target)
        return verification

    def _story(self) -> Story:
        from .report import quantize_story

        return quantize_story(self)
