"""`aidge inspect`: what is in a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..network.files import file_bytes, file_text
from ..network.opening import naming_free_dims
from ..network.summary import uncounted_note
from ..numbers import counted, shown
from . import shared_options as shared
from .common import Screen, load, parse_dims, print_json, quantity
from .reporting import check_outputs

if TYPE_CHECKING:
    from ..network.summary import ModelSummary

__all__ = ["inspect", "kinds_of_activations"]


def kinds_of_activations(summary: ModelSummary) -> str:
    """ "17 activations (17 ReLU)"."""
    kinds: dict[str, int] = {}
    for layer in summary.activations:
        kinds[layer.type] = kinds.get(layer.type, 0) + 1
    detail = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return counted(len(summary.activations), "activation") + (f" ({detail})" if detail else "")


def _dims(shape: tuple[int, ...] | None) -> str:
    return "–" if shape is None else "×".join(str(dim) for dim in shape)


def _print(screen: Screen, model: Path, summary: ModelSummary) -> None:
    screen.headline(
        f"{model.name}: {counted(len(summary.layers), 'layer')}, {quantity(summary.parameters)} parameters, "
        f"{quantity(summary.macs)} MACs, {kinds_of_activations(summary)}"
    )
    screen.say(f"file {file_text(model)}")
    for kind, entries in (("input", summary.inputs), ("output", summary.outputs)):
        for name, shape in entries:
            screen.say(f"{kind} {name}: {_dims(shape)}")
    if note := uncounted_note(summary.uncounted):
        screen.say(f"note: {note}")
    screen.say()
    rows = []
    for layer in summary.layers:
        parameters = quantity(layer.parameters) if layer.parameters else ""
        macs = "" if layer.macs == 0 else shown(layer.macs, "count")
        rows.append((layer.name, layer.type, _dims(layer.output_dims), parameters, macs))
    screen.table(["layer", "type", "output", "parameters", "MACs"], rows, left=["type", "output"])


def inspect(
    model: shared.ModelArgument,
    dims: shared.DimsOption = None,
    mermaid: Annotated[
        Path | None,
        typer.Option(help="Write a flow chart in the Mermaid language, for Markdown.", metavar="FILE"),
    ] = None,
    as_json: shared.JsonOption = False,
) -> None:
    """List layers, shapes, parameters and MACs.

    Free dims are taken as 1, unless --dims gives them.
    """
    from ..files import write_text
    from ..network.mermaid import to_mermaid
    from ..network.summary import summarize

    check_outputs({"--mermaid": mermaid}, model)
    network = load(model)
    shapes = parse_dims(dims, network)
    with naming_free_dims(network, shapes, "say which by --dims 1,3,224,224"):
        summary = summarize(network, shapes)
    if mermaid is not None:
        write_text(mermaid, to_mermaid(network))
    if as_json:
        print_json({"model": str(model), "bytes": file_bytes(model), **summary.to_dict()})
        return
    _print(Screen(), model, summary)
