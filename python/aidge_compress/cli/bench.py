"""`aidge bench`: the time of each layer in a forward pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..network.opening import compile_model
from . import shared_options as shared
from .common import Screen, load, parse_dims, print_json, quantity
from .generated import EXPERT, choices

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..measure.profile import EngineComparison, ModelProfile

__all__ = ["bench"]


def _input_dims(model: GraphView, dims: list[str] | None, batch: int | None) -> list[list[int]]:
    """What --dims says, else the declared dims, with --batch as the first one and 1 for the other free ones."""
    if dims:
        return parse_dims(dims, model)
    result = []
    for spec in model.input_specs:
        if spec.dims is None:
            raise ValueError(
                f"[cli::bench] expected --dims for input {spec.name}, whose dims the file does not say"
            )
        entry = [1 if dim is None else dim for dim in spec.dims]
        if batch and entry:
            entry[0] = batch
        result.append(entry)
    return result


def _layers(screen: Screen, profile: ModelProfile) -> None:
    rows = []
    for step in profile.steps:
        kind = step.type + (f" +{len(step.fused)}" if step.fused else "")
        speed = f"{step.gflops:.1f}" if step.macs else ""
        share = f"{100 * step.seconds / profile.step_seconds:.1f} %"
        rows.append((step.node, kind, step.kernel.split(":")[0], f"{1e3 * step.seconds:.3f}", share, speed))
    screen.table(["layer", "type", "kernel", "ms", "share", "GFLOP/s"], rows, left=["type", "kernel"])


def _print(model: Path, profile: ModelProfile, comparison: EngineComparison | None) -> None:
    screen = Screen()
    shapes = ", ".join("×".join(str(dim) for dim in dims) for dims in profile.dims)
    plural = "" if profile.threads == 1 else "s"
    screen.headline(
        f"{model.name}: {1e3 * profile.seconds:.2f} ms per pass, {profile.gflops:.1f} GFLOP/s "
        f"({shapes}, {profile.threads} thread{plural})"
    )
    if comparison is not None:
        lower, upper = comparison.quartiles
        screen.headline(
            f"{comparison.engines[1]}: {1e3 * comparison.seconds[1]:.2f} ms, aidge {1e3 * comparison.seconds[0]:.2f} ms; "
            f"aidge / {comparison.engines[1].split()[0]} {comparison.ratio:.2f}"
        )
        screen.say(
            f"{comparison.pairs} pairs of timings, alternately; quartiles of the ratio {lower:.2f} to {upper:.2f}; "
            f"largest difference of an output {comparison.difference:.1e}"
        )
    screen.say(
        f"median of {profile.passes}; the layers together {1e3 * profile.step_seconds:.2f} ms; {quantity(profile.macs)} MACs; "
        f"{profile.arena_bytes / 2**20:.1f} MiB for intermediate results, {profile.weight_bytes / 2**20:.1f} MiB of packed weights\n"
    )
    _layers(screen, profile)


def bench(
    model: shared.ModelArgument,
    batch: Annotated[
        int | None,
        typer.Option(
            min=0, help="Batch size. Default: as in the file, or 1 if that leaves it free.", metavar="N"
        ),
    ] = None,
    dims: shared.DimsOption = None,
    against: Annotated[
        str | None,
        typer.Option(**choices("Also time ONNX Runtime, alternately.", "ort")),
    ] = None,
    as_json: shared.JsonOption = False,
    passes: Annotated[
        int, typer.Option(min=1, help="Number of timed passes.", metavar="N", rich_help_panel=EXPERT)
    ] = 20,
    pairs: Annotated[
        int,
        typer.Option(
            min=2, help="Number of paired timings with --against.", metavar="N", rich_help_panel=EXPERT
        ),
    ] = 20,
    convolution_accuracy: Annotated[
        str,
        typer.Option(
            rich_help_panel=EXPERT,
            **choices("How 3×3 convolutions are computed.", "direct", "default", "fast"),
        ),
    ] = "default",
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Choose the kernel of each convolution by timing all of them.",
            rich_help_panel=EXPERT,
        ),
    ] = False,
    threads: shared.ThreadsOption = None,
) -> None:
    """Time a forward pass, layer by layer.

    Runs on random data.
    """
    from ..measure.profile import against_onnxruntime, profile_model

    network = load(model)
    shapes = _input_dims(network, dims, batch)
    compile_model(
        network,
        threads or 0,
        shapes,
        convolution_accuracy=convolution_accuracy,
        convolution_choice="measure" if measure else "rule",
    )
    profile = profile_model(network, passes=passes)
    comparison = against_onnxruntime(network, str(model), pairs=pairs) if against else None
    if as_json:
        document = {"model": str(model), **profile.to_dict()}
        print_json({**document, "against": comparison.to_dict() if comparison else None})
        return
    _print(model, profile, comparison)
