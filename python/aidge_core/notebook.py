"""How networks and reports of the core show themselves in notebooks."""

from __future__ import annotations

from typing import Any

from . import _core

__all__ = ["attach"]


def _graph(graph: _core.GraphView) -> str:
    from .outline import outline
    from .report import draw_network, fragment, tag

    sketch = outline(graph)
    dims = ", ".join(f"{spec.name} {spec.dims}" for spec in graph.input_specs)
    title = tag("p", tag("b", sketch.name), f" {len(sketch.nodes)} operators, inputs {dims or 'none'}")
    return fragment(title, draw_network(sketch, {}))


def _text(result: Any) -> str:
    from .report import fragment, tag

    return fragment(tag("pre", str(result)))


def attach() -> None:
    """Gives GraphView a drawing, and the reports that print as tables their text."""
    setattr(_core.GraphView, "_repr_html_", _graph)  # noqa: B010  (the stubs do not know it)
    for kind in (_core.FusionReport, _core.RemovalReport):
        setattr(kind, "_repr_html_", _text)  # noqa: B010
