"""How networks, and results that print as tables, show themselves in notebooks."""

from __future__ import annotations

from typing import Any

from aidge_core import GraphView

from ..network.outline import outline
from ..network.summary import LayerSummary, ModelSummary
from ..numbers import shown
from .drawing import draw_network
from .html import table, tag
from .page import fragment

__all__ = ["attach", "html_of"]


def _graph(graph: GraphView) -> str:
    sketch = outline(graph)
    dims = ", ".join(f"{spec.name} {spec.dims}" for spec in graph.input_specs)
    title = tag("p", tag("b", sketch.name), f" {len(sketch.nodes)} operators, inputs {dims or 'none'}")
    return fragment(title, draw_network(sketch, {}))


def _summary(summary: ModelSummary) -> str:
    rows = [
        [
            entry.name,
            entry.type,
            "–" if entry.output_dims is None else "×".join(map(str, entry.output_dims)),
            *(shown(v, "count") for v in (entry.parameters, entry.macs)),
        ]
        for entry in (*summary.layers, LayerSummary("total", "", (), summary.parameters, summary.macs))
    ]
    return fragment(table(("layer", "type", "output", "parameters", "MACs"), rows, left=2))


def html_of(value: Any) -> str:
    """The drawing of a network, the table of a summary, the text of anything else."""
    if isinstance(value, GraphView):
        return _graph(value)
    if isinstance(value, ModelSummary):
        return _summary(value)
    return fragment(tag("pre", str(value)))


def attach() -> None:
    """Lets summaries show themselves; for the classes of the compiled module, aidge_core does this."""
    setattr(ModelSummary, "_repr_html_", html_of)  # noqa: B010  (its module is below this one)
