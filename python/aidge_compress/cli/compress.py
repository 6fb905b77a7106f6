"""`aidge compress`: one command from a trained network to a smaller one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..measure.verify import Verification, write_verified
from ..network.opening import compile_model
from ..network.sources import DATA_HELP, DataOptions, channel_values, open_data
from ..numbers import counted, shown
from ..report import Measured
from .common import console, load, percent, plain_table, print_json, quantity
from .reporting import REPORT_HELP, check_folders, write_report
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption
from .verify import print_verification

if TYPE_CHECKING:
    from rich.console import Console

    from ..channels import CompressionResult, Quality

__all__ = ["compress"]

_EXIT_CHECK_FAILED = 1
_EXIT_TOO_LOSSY = 3
_EXIT_SLOWER = 4
_MARGIN = 1.05
_LEAST = 1e-4
"""Latencies closer than this ratio, or than these seconds, are called the same."""


@dataclass(frozen=True)
class _Files:
    """Bytes and medians of ONNX Runtime in seconds, before and after; None where there is no file or no ONNX Runtime."""

    bytes_before: int
    bytes_after: int | None = None
    runtime_before: float | None = None
    runtime_after: float | None = None


def _runtime_medians(paths: list[Path], inputs: list[Any]) -> list[float] | None:
    """Median seconds of a pass in ONNX Runtime, measured alternately; None if it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    from ..measure.latency import medians_in_turn

    def runner(path: Path) -> Any:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [entry.name for entry in session.get_inputs()]
        feeds = dict(zip(names, inputs, strict=True))
        return lambda: session.run(None, feeds)

    try:
        return medians_in_turn([runner(path) for path in paths])
    except Exception:  # a file whose batch is fixed, say: there is no figure then
        return None


def _files(model: Path, out: Path | None, inputs: list[Any], timed: bool) -> _Files:
    if out is None or not out.exists():
        return _Files(model.stat().st_size)
    medians = _runtime_medians([model, out], inputs) if timed else None
    return _Files(model.stat().st_size, out.stat().st_size, *(medians or (None, None)))


def _print_layers(out: Console, result: CompressionResult) -> None:
    table = plain_table()
    table.add_column("layer", overflow="fold")
    for title in ("channels", "parameters", "MACs", "error"):
        table.add_column(title, justify="right", no_wrap=True)
    for layer in result.layers:
        cells = (
            f"{layer.channels[0]} → {layer.channels[1]}",
            f"{quantity(layer.parameters[0])} → {quantity(layer.parameters[1])}",
            f"{quantity(layer.macs[0])} → {quantity(layer.macs[1])}",
            "" if layer.error is None else f"{layer.error:.3f}",
        )
        table.add_row(layer.name, *cells)
    out.print(table)
    out.print("error: of the layer's output on held-out samples, relative to its variance in the original\n")


def _ratio(before: float | None, after: float | None) -> str:
    return f"{after / before:.2f}" if before and after is not None else ""


def _print_totals(out: Console, result: CompressionResult, files: _Files) -> None:
    before, after = result.before, result.after
    table = plain_table()
    for title in ("", "before", "after", "ratio"):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for name, old, new in (
        ("MACs", before.macs, after.macs),
        ("parameters", before.parameters, after.parameters),
    ):
        table.add_row(name, quantity(old), quantity(new), _ratio(old, new))
    if files.bytes_after is not None:
        sizes = (files.bytes_before, files.bytes_after)
        table.add_row("file", *(shown(size, "bytes") for size in sizes), _ratio(*sizes))
    for name, old_s, new_s in (
        ("latency, aidge", before.seconds, after.seconds),
        ("latency, ONNX Runtime", files.runtime_before, files.runtime_after),
    ):
        if old_s is not None:
            table.add_row(name, shown(old_s, "seconds"), shown(new_s, "seconds"), _ratio(old_s, new_s))
    out.print(table)


def _print_quality(out: Console, result: CompressionResult, where: str) -> None:
    start, quality = result.start_quality, result.quality
    if not quality.samples:
        return
    out.print(f"\non {quality.samples} samples {where}, no retraining:")
    if result.original_quality.accuracy is not None:
        out.print(f"accuracy before                {percent(result.original_quality.accuracy)}")
        if start is not None:
            out.print(f"accuracy before least squares  {percent(start.accuracy)}")
        out.print(f"accuracy after recipe          {percent(quality.accuracy)}")
    if quality.agreement is not None:
        if start is not None:
            out.print(f"agreement before least squares {percent(start.agreement)}")
        out.print(f"agreement with the original    {percent(quality.agreement)}")
    out.print(f"relative error of the outputs  {quality.error:.4f}")


def _judge_retrained(path: Path | None, result: CompressionResult, judge: Any) -> Quality | None:
    if path is None:
        return None
    if judge is None:
        raise ValueError("[cli::compress] expected --eval with --retrained, got none")
    from ..measure.metrics import compare

    network = load(path)
    compile_model(network)
    return compare(network, result.original, judge)


def _print_retrained(out: Console, quality: Quality | None) -> None:
    if quality is None:
        return
    if quality.accuracy is not None:
        out.print(f"accuracy after retraining      {percent(quality.accuracy)}")
    if quality.agreement is not None:
        out.print(f"agreement after retraining     {percent(quality.agreement)}")


def _print_rest(out: Console, result: CompressionResult) -> None:
    if result.removed_activations:
        out.print(f"activations removed: {', '.join(result.removed_activations)}", markup=False)
    refused = [group for group in result.groups if group.refusal]
    for group in refused:
        out.print(f"stays whole: {', '.join(group.layers)}: {group.refusal}", markup=False)
    for warning in result.warnings:
        out.print(f"note: {warning}", markup=False)
    out.print(
        f"{counted(result.samples, 'calibration sample')}, {counted(result.passes, 'pass')} over them, "
        f"{sum(result.seconds.values()):.1f} s"
    )


def _run(network: Any, provider: Any, quiet: bool, **options: Any) -> CompressionResult:
    import aidge_core
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total if total > 1 else None)

        return aidge_core.compress(network, provider, progress=show, **options)


def _measured(files: _Files) -> list[Measured]:
    return [
        Measured("file", files.bytes_before, files.bytes_after, "bytes"),
        Measured("latency, ONNX Runtime", files.runtime_before, files.runtime_after, "seconds"),
    ]


def _verdict(out: Console, result: CompressionResult, files: _Files, max_drop: float | None) -> int:
    """The exit code that the figures deserve, with the reasons."""
    code = 0
    pairs = (
        ("aidge", result.before.seconds, result.after.seconds),
        ("ONNX Runtime", files.runtime_before, files.runtime_after),
    )
    for engine, before, after in pairs:
        if before is not None and after is not None and after > max(_MARGIN * before, before + _LEAST):
            out.print(
                f"slower in {engine}: {shown(before, 'seconds')} before, {shown(after, 'seconds')} after"
            )
            code = _EXIT_SLOWER
    if max_drop is not None and result.drop > max_drop:
        out.print(f"the loss of {result.drop:.4f} exceeds --max-drop {max_drop}")
        code = _EXIT_TOO_LOSSY
    return code


def compress(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    data: Annotated[str, typer.Option(help=f"What to calibrate on, without labels. {DATA_HELP}")],
    out: Annotated[
        Path | None, typer.Option(help="Where the smaller ONNX file goes (none: only report).")
    ] = None,
    macs: Annotated[float | None, typer.Option(help="Share of the MACs that may stay, in (0, 1].")] = None,
    parameters: Annotated[float | None, typer.Option(help="Share of the parameters that may stay.")] = None,
    latency: Annotated[
        float | None, typer.Option(help="Share of the layers' time on this machine that may stay.")
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            help="Largest loss of accuracy (with labels) or agreement, as a fraction; alone: the smallest network within it."
        ),
    ] = None,
    evaluate: Annotated[
        str | None,
        typer.Option("--eval", help="What to judge on (none: a fifth of --data, which is then held out)."),
    ] = None,
    retrained: Annotated[
        Path | None,
        typer.Option(help="The smaller network after training of your own: judged on --eval too."),
    ] = None,
    allocation: Annotated[
        str, typer.Option(help="energy, loss, uniform or kl: how channels are shared out.")
    ] = "energy",
    selection: Annotated[
        str,
        typer.Option(
            help="elimination, cholesky, l1_norm, l2_norm, pfa_l1_max, pfa_abs_max or random: which channels stay."
        ),
    ] = "elimination",
    compensation: Annotated[
        str, typer.Option(help="least_squares, mean_variance, covariance or none.")
    ] = "least_squares",
    remove_activations: Annotated[
        int, typer.Option(min=0, help="Activations to replace by channel-wise affine maps.")
    ] = 0,
    merge: Annotated[bool, typer.Option(help="Merge layers between which nothing is left.")] = True,
    protect: Annotated[
        list[str] | None, typer.Option(help="A node whose channels stay (once a node).")
    ] = None,
    min_channels: Annotated[int, typer.Option(min=1, help="Channels that each layer keeps at least.")] = 4,
    multiple: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Layers keep a multiple of so many channels, or all (none: 8 in networks of at least 10⁸ MACs, else 1).",
        ),
    ] = None,
    batch_size: BatchSizeOption = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many calibration samples (0: all).")] = 0,
    seed: Annotated[int, typer.Option(help="Of --selection random.")] = 0,
    mean: MeanOption = None,
    std: StdOption = None,
    threads: ThreadsOption = 0,
    report: Annotated[Path | None, typer.Option(help=REPORT_HELP)] = None,
    timing: Annotated[bool, typer.Option(help="Measure latencies.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Make a network smaller without training: fold, remove activations, merge, remove channels, compensate, verify.

    Exit codes: 0 done, 1 the written file failed its check (and is not left behind), 2 bad input, 3 the loss exceeds --max-drop,
    4 the result is slower (by more than 5 % and 0.1 ms).
    """
    network = load(model)
    check_folders(out, report)
    if threads:
        import aidge_backend_cpu

        aidge_backend_cpu.set_num_threads(threads)
    reading = DataOptions(batch_size, limit, seed=seed, mean=channel_values(mean), std=channel_values(std))
    provider = open_data(data, network, reading)
    judge = (
        open_data(evaluate, network, DataOptions(batch_size, 0, mean=reading.mean, std=reading.std))
        if evaluate
        else None
    )
    target = {
        name: share
        for name, share in (("macs", macs), ("parameters", parameters), ("latency", latency))
        if share is not None
    }
    result = _run(
        network, provider, as_json, target=target or None, max_drop=max_drop, evaluation=judge, allocation=allocation,
        selection=selection, compensation=compensation, remove_activations=remove_activations, merge=merge,
        protect=protect or (), min_channels=min_channels, multiple=multiple, latency=timing, seed=seed,
    )  # fmt: skip
    from ..measure.latency import random_inputs

    screen = console(quiet=as_json)
    after_training = _judge_retrained(retrained, result, judge)
    verification = write_verified(result.model, out, provider) if out is not None else None
    inputs = random_inputs(result.model, [[1, *dims[1:]] for dims in result.model.compiled_dims])
    files = _files(model, out if verification and verification.passed else None, inputs, timing)
    _print_layers(screen, result)
    _print_totals(screen, result, files)
    _print_quality(screen, result, "of --eval" if evaluate else "of --data, held out")
    _print_retrained(screen, after_training)
    _print_rest(screen, result)
    if out is not None and verification is not None:
        print_verification(screen, out, verification)
    code = _verdict(screen, result, files, max_drop)
    if verification is None or verification.passed:
        write_report(report, result, model, {"data": data, "evaluation": evaluate}, _measured(files))
    if as_json:
        print_json(
            {
                "model": str(model),
                **result.to_dict(),
                **asdict(files),
                "retrained": asdict(after_training) if after_training else None,
                "verification": _document(verification),
                "exit_code": code,
            }
        )
    if verification is not None and not verification.passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
    if code:
        raise typer.Exit(code)


def _document(verification: Verification | None) -> dict[str, Any] | None:
    return None if verification is None else {**asdict(verification), "passed": verification.passed}
