"""`aidge quantize`: a float32 network becomes an int8 file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..network.opening import open_network
from ..network.sources import open_data
from ..numbers import counted, shown
from ..quantization import QuantizeOptions
from ..quantization import quantize as run
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, print_json, reading_of
from .generated import options_of, takes
from .reporting import check_outputs, write_report
from .verify import print_verification

if TYPE_CHECKING:
    from ..quantization import QuantizeResult

__all__ = ["print_files", "quantize"]

_EXIT_CHECK_FAILED = 1
_OPTIONS = options_of(QuantizeOptions, "How it is quantised", flags={"latency": "--timing/--no-timing"})


def print_files(screen: Screen, result: QuantizeResult) -> None:
    """One column for each file, and how the last one came about."""
    names = [column.name for column in result.columns]
    rows = [(name, *values) for name, values in result.figures()]
    screen.table(["", *names], rows, styles=["bold"] * len(rows))
    screen.say()
    if result.calibration:
        screen.say(f"{counted(result.samples, 'calibration sample')}; ranges: {result.calibration}")
    if result.errors:
        tried = ", ".join(f"{name} {shown(error, 'number')}" for name, error in result.errors.items())
        screen.say(f"error of the outputs with each calibration: {tried}")
    quality = result.quality
    screen.say(
        f"quality: in ONNX Runtime, on {counted(result.held_out, 'sample')} that did not calibrate; metric: {quality.metric or 'none'} "
        f"({quality.reason})"
    )
    if str(quality.not_numbers):
        screen.say(f"warning: {quality.not_numbers}; they count as different")
    if result.in_float:
        screen.say(f"in float: {', '.join(result.in_float)}")
    for warning in result.warnings:
        screen.say(f"note: {warning}")


@takes(reading=shared.READING, chosen=_OPTIONS)
def quantize(
    *,
    model: shared.ModelArgument,
    chosen: dict[str, Any],
    data: Annotated[
        str | None,
        typer.Option(
            help="Data to calibrate on: as for the other commands. Only --weights float16 works without.",
            metavar="DATA",
        ),
    ] = None,
    out: shared.OutOption = None,
    evaluate: Annotated[
        str | None,
        typer.Option(
            "--eval",
            help="Choose and evaluate on this data, with labels or without. Default: a fifth of --data, held out.",
            metavar="DATA",
        ),
    ] = None,
    reading: dict[str, Any],
    report: shared.ReportOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Quantise a network to int8, without training (needs ONNX Runtime).

    Writes QuantizeLinear and DequantizeLinear around the layers, which ONNX Runtime runs with its integer kernels. The calibration that
    gives the least error on held-out samples is used. With --max-drop, the layers that cost most are kept in float.

    Exit codes: 0 done; 1 the file failed its check, and was not written; 2 bad input, or a --max-drop that cannot be reached.
    """
    options = QuantizeOptions(**chosen)
    check_outputs({"--out": out, "--report": report}, model, data, evaluate)
    network = open_network(model)
    provider = judge = None
    data_options = reading_of(network, reading)
    if data:
        provider = open_data(data, network, data_options)
    if evaluate:
        judge = open_data(evaluate, network, data_options.for_evaluation())
    with progress_bar(as_json) as progress:
        result = run(model, provider, options, evaluation=judge, progress=progress)
    screen = Screen(quiet=as_json)
    screen.headline(f"{model.name}, {result.columns[-1].name}\n")
    print_files(screen, result)
    verification = None if out is None else result.write(out)
    if out is not None and verification is not None:
        print_verification(screen, out, verification)
    passed = verification is None or verification.passed
    if passed:
        write_report(report, result, model, {"data": data, "evaluation": evaluate})
    if as_json:
        checked = None if verification is None else {**asdict(verification), "passed": passed}
        print_json({"model": str(model), **result.to_dict(), "verification": checked})
    if not passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
