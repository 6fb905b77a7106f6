"""`aidge bench`: where the time of a forward pass goes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..network.opening import compile_model
from .common import console, load, parse_dims, plain_table, print_json, quantity
from .shared_options import JsonOption, ThreadsOption

if TYPE_CHECKING:
    from aidge_core import GraphView
    from rich.table import Table

    from ..measure.profile import EngineComparison, ModelProfile

__all__ = ["bench"]


class Against(str, Enum):
    """--against."""

    ort = "ort"


class Accuracy(str, Enum):
    """--convolution-accuracy."""

    direct = "direct"
    default = "default"
    fast = "fast"


def _input_dims(model: GraphView, dims: list[str], batch: int) -> list[list[int]]:
    """What --dims says, else the declared dims, with --batch as first one and 1 for the other free ones."""
    if dims:
        return parse_dims(dims)
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


def _table(profile: ModelProfile) -> Table:
    table = plain_table()
    table.add_column("layer", overflow="fold", ratio=1)
    table.add_column("type", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    for title in ("ms", "share", "GFLOP/s"):
        table.add_column(title, justify="right", no_wrap=True)
    for step in profile.steps:
        kind = step.type + (f" +{len(step.fused)}" if step.fused else "")
        speed = f"{step.gflops:.1f}" if step.macs else ""
        share = f"{100 * step.seconds / profile.step_seconds:.1f} %"
        table.add_row(step.node, kind, step.kernel.split(":")[0], f"{1e3 * step.seconds:.3f}", share, speed)
    return table


def _print(profile: ModelProfile, comparison: EngineComparison | None) -> None:
    out = console()
    out.print(_table(profile))
    shapes = ", ".join("×".join(str(dim) for dim in dims) for dims in profile.dims)
    plural = "" if profile.threads == 1 else "s"
    out.print(
        f"{shapes}, {profile.threads} thread{plural}: {1e3 * profile.seconds:.2f} ms a pass "
        f"(median of {profile.passes}; the steps together {1e3 * profile.step_seconds:.2f} ms), "
        f"{quantity(profile.macs)} MACs, {profile.gflops:.1f} GFLOP/s",
        markup=False,
    )
    out.print(
        f"memory: {profile.arena_bytes / 2**20:.1f} MiB for intermediate results, "
        f"{profile.weight_bytes / 2**20:.1f} MiB of packed weights"
    )
    if comparison is None:
        return
    lower, upper = comparison.quartiles
    out.print(
        f"{comparison.engines[1]}: {1e3 * comparison.seconds[1]:.2f} ms a pass, ours {1e3 * comparison.seconds[0]:.2f} ms; "
        f"ours / theirs {comparison.ratio:.2f} (quartiles {lower:.2f}–{upper:.2f}, {comparison.pairs} pairs in turn), "
        f"largest difference {comparison.difference:.1e}",
        markup=False,
    )


def bench(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    dims: Annotated[
        list[str] | None, typer.Option(help="Dims of an input, e.g. 8,3,224,224 (once an input).")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=0, help="Images a pass (0: as the file says, 1 where it is free).")
    ] = 0,
    threads: ThreadsOption = 0,
    passes: Annotated[int, typer.Option(min=1, help="Timed passes.")] = 20,
    against: Annotated[Against | None, typer.Option(help="Another engine to compare with, in turn.")] = None,
    pairs: Annotated[int, typer.Option(min=2, help="Pairs of samples of the comparison.")] = 20,
    convolution_accuracy: Annotated[
        Accuracy, typer.Option(help="How 3×3 convolutions are computed.")
    ] = Accuracy.default,
    measure: Annotated[
        bool, typer.Option("--measure", help="Choose among the kernels of a convolution by running each.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Time a forward pass on random data, layer by layer, and compare it with ONNX Runtime."""
    from ..measure.profile import against_onnxruntime, profile_model

    network = load(model)
    shapes = _input_dims(network, dims or [], batch)
    compile_model(
        network,
        threads,
        shapes,
        convolution_accuracy=convolution_accuracy.value,
        convolution_choice="measure" if measure else "rule",
    )
    profile = profile_model(network, passes=passes)
    comparison = against_onnxruntime(network, str(model), pairs=pairs) if against else None
    if as_json:
        document = {"model": str(model), **profile.to_dict()}
        print_json({**document, "against": comparison.to_dict() if comparison else None})
        return
    _print(profile, comparison)
