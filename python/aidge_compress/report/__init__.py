"""Reports: a result as one HTML page without scripts that needs no network.

`result.report(path)` writes it; `_repr_html_` shows its beginning in notebooks. Everything that comes from files, names above all, is escaped.
This package knows no method: each method tells its own story (see Story) in its folder.
"""

from __future__ import annotations

from ..numbers import shown
from .comparison import Measured, before_and_after
from .drawing import Mark, draw_network
from .html import Markup, Section, table, tag
from .page import fragment
from .provenance import Context, file_sha256
from .reportable import Reportable
from .story import Story, notebook_form, write_report

__all__ = [
    "Context",
    "Mark",
    "Markup",
    "Measured",
    "Reportable",
    "Section",
    "Story",
    "before_and_after",
    "draw_network",
    "file_sha256",
    "fragment",
    "notebook_form",
    "shown",
    "table",
    "tag",
    "write_report",
]
