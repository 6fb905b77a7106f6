"""What results have in common: a report to pass on, and a short form of it in notebooks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .comparison import Measured
from .provenance import Context
from .story import Story, notebook_form, write_report

__all__ = ["Reportable"]


class Reportable:
    """A result that can be written as a page of HTML and shows itself in notebooks."""

    def _story(self) -> Story:
        """What the report says; see aidge_compress.report.Story."""
        raise NotImplementedError

    def notes(self) -> dict[str, str]:
        """Node name → in words what happened to it, as to_mermaid and aidge_onnx.export_onnx take it."""
        return {name: mark.text for name, mark in self._story().marks.items()}

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        model: str | os.PathLike[str] | None = None,
        data: Mapping[str, Any] | None = None,
        measured: Sequence[Measured] = (),
        command: str | None = None,
    ) -> None:
        """Write one self-contained HTML file: charts, the network with its changes, and the settings needed to repeat the run.

        Args:
            path: where to; the file is written as a whole or not at all.
            model: the ONNX file that was analysed, for its name, size and SHA-256.
            data: name → path or provider of the data that was used, e.g. {"calibration": "calibration.npz"}.
            measured: further figures before and after (aidge_compress.report.Measured), e.g. the accuracy.
            command: what was run, if it was a command.

        Raises:
            OSError: if `path` cannot be written, or a given file cannot be read.
        """

        context = Context(model, dict(data or {}), tuple(measured), command)
        write_report(path, self._story(), context)

    def _repr_html_(self) -> str:
        return notebook_form(self._story())
