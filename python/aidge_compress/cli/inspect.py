"""`aidge inspect`: what is in a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..network.opening import naming_free_dims
from .common import console, load, parse_dims, plain_table, print_json, quantity
from .reporting import check_folders
from .shared_options import JsonOption

if TYPE_CHECKING:
    from rich.table import Table

    from ..network.summary import ModelSummary

__all__ = ["inspect"]


def _table(summary: ModelSummary) -> Table:
    table = plain_table()
    table.add_column("layer", overflow="fold")
    table.add_column("type")
    table.add_column("output", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("MACs", justify="right", no_wrap=True)
    for layer in summary.layers:
        dims = "×".join(str(dim) for dim in layer.output_dims)
        parameters = quantity(layer.parameters) if layer.parameters else ""
        table.add_row(layer.name, layer.type, dims, parameters, quantity(layer.macs) if layer.macs else "")
    return table


def inspect(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    dims: Annotated[
        list[str] | None,
        typer.Option(help="Dims of an input, e.g. 1,3,224,224 (once an input; free dims are 1 otherwise)."),
    ] = None,
    mermaid: Annotated[
        Path | None, typer.Option(help="Where a flow chart in Mermaid's language goes, for Markdown.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List a network's layers, shapes, parameters, MACs and activations."""
    from ..files import write_text
    from ..network.mermaid import to_mermaid
    from ..network.summary import summarize

    check_folders(mermaid)
    network = load(model)
    shapes = parse_dims(dims or [])
    with naming_free_dims(network, shapes, "say which by --dims 1,3,224,224"):
        summary = summarize(network, shapes)
    if mermaid is not None:
        write_text(mermaid, to_mermaid(network))
    if as_json:
        print_json({"model": str(model), **summary.to_dict()})
        return
    out = console()
    for kind, entries in (("input", summary.inputs), ("output", summary.outputs)):
        for name, shape in entries:
            out.print(f"{kind} {name}: {'×'.join(str(dim) for dim in shape)}", markup=False)
    out.print(_table(summary))
    kinds: dict[str, int] = {}
    for layer in summary.activations:
        kinds[layer.type] = kinds.get(layer.type, 0) + 1
    detail = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    out.print(
        f"{len(summary.layers)} layers, {quantity(summary.parameters)} parameters, {quantity(summary.macs)} MACs, "
        f"{len(summary.activations)} activations" + (f" ({detail})" if detail else ""),
        markup=False,
    )
