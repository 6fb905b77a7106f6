"""A network as a Mermaid flow chart, for Markdown pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .outline import Outline, outline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aidge_core import GraphView

__all__ = ["to_mermaid"]


def _mermaid_text(text: str) -> str:
    """Text within quotes in Mermaid: everything but letters, digits and harmless signs as its number."""
    plain = " .,:/_-+()×→·="
    return "".join(c if c.isalnum() or c in plain else f"#{ord(c)};" for c in text)


def to_mermaid(network: GraphView | Outline, marks: Mapping[str, str] | None = None) -> str:
    """The network as a Mermaid flow chart, for Markdown pages.

    Args:
        network: the network, or its outline.
        marks: node name → what to write on it; these nodes are emphasised.
    """
    sketch = network if isinstance(network, Outline) else outline(network)
    lines = ["flowchart TD"]
    for index, node in enumerate(sketch.nodes):
        said = (marks or {}).get(node.name)
        shape = "×".join(str(extent) for extent in node.dims)
        parts = [node.type, node.name, shape, said or ""]
        label = "<br/>".join(_mermaid_text(part) for part in parts if part)
        lines.append(f'  n{index}["{label}"]' + (":::marked" if said else ""))
        lines += [f"  n{parent} --> n{index}" for parent in node.parents]
    lines.append("  classDef marked stroke:#c8452b,stroke-width:3px")
    return "\n".join(lines) + "\n"
