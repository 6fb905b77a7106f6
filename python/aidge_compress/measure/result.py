"""What every result of a method has."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..network.costs import Costs
from ..network.summary import uncounted_note
from ..numbers import shown
from ..options import as_dict
from ..report.reportable import Reportable
from .latency import random_inputs
from .verify import Verification, VerificationError, write_verified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aidge_core import GraphView

__all__ = ["Result"]


class Result(Reportable):
    """A network that a method has made, what it cost before and after, and how it does.

    Attributes:
        model: the network that came out, compiled; the argument of the call stays as it was.
        before, after: costs of the network that went in, and of the one that came out.
        quality: compared with the network that went in; None: not measured.
        options: what was chosen, a frozen dataclass of the method.

    `notes()`, `report(path)` and the form in notebooks are those of Reportable; `to_dict()` is for JSON, `to_frame()` for pandas,
    `to_torch()` for PyTorch.
    """

    model: Any
    before: Any
    after: Any
    quality: Any
    options: Any

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The options by name."""
        return as_dict(self.options)

    def _common(self) -> dict[str, Any]:
        """What all results tell in JSON."""
        figures = {"before": self.before, "after": self.after}
        told = {name: None if value is None else asdict(value) for name, value in figures.items()}
        quality = None if self.quality is None else self.quality.to_dict()
        return {"options": as_dict(self.options), **told, "quality": quality}

    def _headline(self) -> str:
        """What was done, in a few words."""
        raise NotImplementedError

    def __str__(self) -> str:
        lines = [f"{type(self).__name__}: {self._headline()}"]
        if self.before is not None and self.after is not None:
            lines.append(_costs(self.before, self.after))
        if self.quality is not None and self.quality.samples:
            lines.append(str(self.quality))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{str(self).splitlines()[0]}>"

    def to_torch(self) -> Any:
        """The network as a torch.nn.Module in evaluation mode, which can be trained; see aidge_onnx.torch.to_torch.

        Raises:
            UnsupportedError: lists the operators that PyTorch cannot have.
            ImportError: if PyTorch is missing.
        """
        from aidge_onnx.torch import to_torch

        return to_torch(self.model)

    def save(self, path: str | os.PathLike[str]) -> Verification | None:
        """Write the network as an ONNX file whose nodes say what happened to them, and compare its outputs with the network in memory.

        Raises:
            VerificationError: if the written file computes something else; it is not left behind.
            OSError: if the file cannot be written.
        """
        return save_verified(self.model, Path(path), self.notes())


def save_verified(model: GraphView, path: Path, notes: Mapping[str, str]) -> Verification:
    """See Result.save."""
    if not model.is_compiled:
        model = model.clone()
        model.compile("cpu")
    known = {node.name() for node in model.get_ordered_nodes()}
    kept = {name: text for name, text in notes.items() if name in known}
    verification = write_verified(model, path, [random_inputs(model)], kept or None)
    if not verification.passed:
        raise VerificationError(
            f"[measure::save] expected {path} to give the right outputs, but {verification.failure}"
        )
    return verification


def _share(name: str, before: float | None, after: float | None, kind: str) -> str:
    if before is None or after is None:
        return ""
    ratio = f" ({after / before:.0%})" if before else ""
    return f"{name} {shown(before, kind)} → {shown(after, kind)}{ratio}"


def _costs(before: Costs, after: Costs) -> str:
    parts = [
        _share("MACs", before.macs, after.macs, "count"),
        _share("parameters", before.parameters, after.parameters, "count"),
        _share("latency", before.latency, after.latency, "seconds"),
    ]
    note = uncounted_note(after.uncounted)
    return ", ".join(part for part in parts if part) + (f"; {note}" if note else "")
