"""`aidge merge`: linear layers that follow each other become one."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.latency import random_inputs
from ..measure.verify import TOLERANCE, compare_networks, write_verified
from ..network.opening import compile_model
from ..network.sources import DATA_HELP, DataOptions, channel_values, open_data
from ..report import Measured
from .common import console, load, parse_dims, print_json
from .reporting import REPORT_HELP, check_folders, file_sizes, write_report
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption
from .verify import print_verification

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..merge import MergeResult

__all__ = ["Border", "Cost", "Policy", "merge", "run_merge"]

_EXIT_CHECK_FAILED = 1


class Policy(str, Enum):
    """--policy."""

    exact_and_cheaper = "exact_and_cheaper"
    always = "always"


class Border(str, Enum):
    """--border."""

    refuse = "refuse"
    shift = "shift"
    image = "image"
    approximate = "approximate"


class Cost(str, Enum):
    """--cost."""

    macs = "macs"
    latency = "latency"


def run_merge(
    network: GraphView,
    policy: Policy = Policy.exact_and_cheaper,
    border: Border = Border.refuse,
    cost: Cost = Cost.macs,
    *,
    data: Any = None,
    repeats: int = 7,
) -> MergeResult:
    """merge_layers with the options of the command line; `network` stays as it is."""
    from ..merge import MergeOptions, merge_layers

    return merge_layers(network, MergeOptions(policy.value, border.value, cost.value, repeats), data=data)


def merge(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the merged ONNX file goes (none: only report).")
    ] = None,
    policy: Annotated[
        Policy, typer.Option(help="always: the fewest layers, whatever they cost.")
    ] = Policy.exact_and_cheaper,
    border: Annotated[
        Border,
        typer.Option(
            help="Where padding makes plain merging inexact: leave, shift the input, add the biases as an image, or measure the error."
        ),
    ] = Border.refuse,
    cost: Annotated[Cost, typer.Option(help="What merging shall lower.")] = Cost.macs,
    data: Annotated[
        str | None, typer.Option(help=f"For --border approximate, and to verify on. {DATA_HELP}")
    ] = None,
    dims: Annotated[
        list[str] | None, typer.Option(help="Dims of an input, e.g. 1,3,224,224 (once an input).")
    ] = None,
    batch_size: BatchSizeOption = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many samples (0: all).")] = 0,
    mean: MeanOption = None,
    std: StdOption = None,
    repeats: Annotated[
        int, typer.Option(min=0, help="Passes of which latency is the median (0: not measured).")
    ] = 7,
    report: Annotated[Path | None, typer.Option(help=REPORT_HELP)] = None,
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Merge linear layers that follow each other into one, where it pays, and say what that saved or cost."""
    network = load(model)
    check_folders(out, report)
    compile_model(network, threads, parse_dims(dims or []))
    reading = DataOptions(batch_size, limit, mean=channel_values(mean), std=channel_values(std))
    provider = open_data(data, network, reading) if data else None
    batches = provider if provider is not None else [random_inputs(network)]
    merged = run_merge(network, policy, border, cost, data=provider, repeats=repeats)
    difference = compare_networks(network, merged.model, batches)
    failed = border is not Border.approximate and difference > TOLERANCE
    document: dict[str, Any] = {"model": str(model), **merged.to_dict(), "difference": difference}
    screen = console(quiet=as_json)
    screen.print(str(merged.fusion), markup=False, soft_wrap=True)
    screen.print(f"largest difference from before merging: {difference:.1e} of the largest output")
    if out is not None and not failed:
        verification = write_verified(merged.model, out, batches, exact=border is not Border.approximate)
        print_verification(screen, out, verification)
        failed = not verification.passed
        document["out"] = {"path": str(out), "verified": verification.passed, **asdict(verification)}
    if not failed:
        difference_row = Measured("largest difference, of the largest output", None, difference)
        write_report(report, merged, model, {"data": data}, [file_sizes(model, out), difference_row])
    if as_json:
        print_json(document)
    if failed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
