"""`aidge compress`: one command from a trained network to a smaller one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..channels import CompressOptions, UnreachableTarget
from ..channels.options import DEFAULT_DROP
from ..channels.run import INT8_BLOCK, with_int8
from ..measure.verify import Verification, write_verified
from ..network.files import file_bytes
from ..network.opening import compile_for
from ..network.sources import open_data
from ..numbers import counted, shown
from ..quantization.source import check_float, need_onnxruntime
from ..report import Measured
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, load, print_json, quality_rows, quantity, ratio, reading_of
from .generated import options_of, takes
from .quantize import print_files
from .recovering import RecoverOption, check_recover, recovered, say_recovery
from .reporting import check_outputs, write_report
from .verify import print_verification

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from ..channels import CompressionResult, Quality

__all__ = ["OPTIONS", "compress"]

_EXIT_CHECK_FAILED = 1
_EXIT_TOO_LOSSY = 3
_EXIT_SLOWER = 4
_MARGIN = 1.05
_LEAST = 1e-4
"""Latencies closer than this ratio, or than these seconds, are called the same."""
_BUDGETS = {"keep_macs": "MACs", "keep_parameters": "parameters", "keep_latency": "layers' time"}
OPTIONS = options_of(
    CompressOptions,
    "How small",
    flags={"latency": "--timing/--no-timing"},
    former={
        "keep_macs": ("--macs",),
        "keep_parameters": ("--parameters",),
        "keep_latency": ("--latency",),
    },
)


@dataclass(frozen=True)
class _Files:
    """Bytes of the ONNX files, and medians of ONNX Runtime in seconds, before and after; None without a file or without ONNX Runtime."""

    bytes_before: int
    bytes_after: int | None = None
    runtime_before: float | None = None
    runtime_after: float | None = None


def _runtime_medians(paths: list[Path], inputs: Mapping[str, np.ndarray]) -> list[float] | None:
    """Median seconds of a pass in ONNX Runtime, measured alternately; None if it is not installed or cannot run them."""
    from ..measure.feeds import open_session, session_feeds
    from ..measure.latency import medians_in_turn

    def runner(path: Path) -> Any:
        session = open_session(path)
        feeds = session_feeds(session, inputs)
        return lambda: session.run(None, feeds)

    try:
        return medians_in_turn([runner(path) for path in paths])
    except Exception:  # e.g. a file whose batch is fixed: it is not timed
        return None


def _measure_files(model: Path, out: Path | None, inputs: Mapping[str, np.ndarray], timed: bool) -> _Files:
    """Looks at the files before and after; `inputs`: one batch to time them with."""
    if out is None or not out.exists():
        return _Files(file_bytes(model))
    medians = _runtime_medians([model, out], inputs) if timed else None
    return _Files(file_bytes(model), file_bytes(out), *(medians or (None, None)))


def _goal(options: CompressOptions) -> str:
    shares = [
        f"{100 * share:.4g} % of the {_BUDGETS[name]}"
        for name in _BUDGETS
        if (share := getattr(options, name)) is not None
    ]
    if shares:
        return f"keeping {' and '.join(shares)}"
    if options.max_drop is not None:
        return f"the smallest network found that loses at most {options.max_drop:g} of the metric (--max-drop {options.max_drop:g})"
    return f"replacing {counted(options.remove_activations, 'activation')}"


def _layers(screen: Screen, result: CompressionResult) -> None:
    rows = [
        (
            layer.name,
            f"{layer.channels[0]} → {layer.channels[1]}",
            f"{quantity(layer.parameters[0])} → {quantity(layer.parameters[1])}"
            if layer.parameters[0]
            else "shared",
            f"{quantity(layer.macs[0])} → {quantity(layer.macs[1])}",
            "" if layer.error is None else f"{layer.error:.3f}",
        )
        for layer in result.layers
    ]
    screen.say()
    screen.table(["layer", "channels", "parameters", "MACs", "error"], rows)
    screen.say(
        "error: of the layer's output on held-out samples, relative to its variance in the original", "dim"
    )


def _print_totals(screen: Screen, result: CompressionResult, files: _Files) -> None:
    """The figures before and after, in bold."""
    quality = result.quality
    sizes = (files.bytes_before, files.bytes_after)
    rows = [
        (name, shown(old, kind), shown(new, kind), ratio(old, new))
        for name, kind, old, new in (
            ("MACs", "count", result.before.macs, result.after.macs),
            ("parameters", "count", result.before.parameters, result.after.parameters),
            ("file", "bytes", *sizes),
            ("time per sample, aidge", "seconds", result.before.latency, result.after.latency),
            ("time per sample, ONNX Runtime", "seconds", files.runtime_before, files.runtime_after),
        )
        if new is not None
    ]
    screen.before_and_after(rows + (quality_rows(quality) if quality.samples else []))


def _print_notes(screen: Screen, result: CompressionResult, where: str) -> None:
    quality, start = result.quality, result.start_quality
    if quality.samples:
        text = f"quality: on {counted(quality.samples, 'sample')} {where}, without retraining"
        if start is not None and start.figure is not None:
            text += f" ({shown(start.figure.after, start.figure.unit)} before the weights were fitted)"
        screen.say(f"{text}; metric: {quality.metric or 'none'} ({quality.reason})")
        if str(quality.not_numbers):
            screen.say(f"warning: {quality.not_numbers}; they count as different")
    if result.removed_activations:
        screen.say(f"activations removed: {', '.join(result.removed_activations)}")
    for group in result.groups:
        if group.refusal:
            screen.say(f"not reduced: {', '.join(group.layers)}: {group.refusal}")
    for warning in result.warnings:
        screen.say(f"note: {warning}")
    if result.allocation_note:
        screen.say(result.allocation_note)
    screen.say(
        f"{counted(result.samples, 'calibration sample')}, {counted(result.passes, 'pass')} over them, "
        f"{sum(result.seconds.values()):.1f} s"
    )


def _quality_of_retrained(path: Path | None, result: CompressionResult, judge: Any) -> Quality | None:
    if path is None:
        return None
    from ..measure.metrics import compare

    network = load(path)
    compile_for(network, judge)
    return compare(network, result.original, judge, metric=result.options.metric)


def _print_retrained(screen: Screen, quality: Quality | None) -> None:
    for figure in quality.figures if quality is not None else ():
        screen.say(f"After retraining: {figure.title} {shown(figure.after, figure.unit)}")


def _slower(screen: Screen, result: CompressionResult, files: _Files) -> bool:
    """Whether one of the engines is slower than before; says so."""
    pairs = (
        ("aidge", result.before.latency, result.after.latency),
        ("ONNX Runtime", files.runtime_before, files.runtime_after),
    )
    found = False
    for engine, before, after in pairs:
        if before is not None and after is not None and after > max(_MARGIN * before, before + _LEAST):
            times = f"{shown(before, 'seconds')} before, {shown(after, 'seconds')} after"
            screen.say(f"note: slower in {engine}: {times} (--multiple 8 or 16 may help)")
            found = True
    return found


def _verdict(
    screen: Screen, result: CompressionResult, files: _Files, max_drop: float | None, strict: bool
) -> int:
    """The exit code that was asked for, with the reasons."""
    code = _EXIT_SLOWER if _slower(screen, result, files) and strict else 0
    drop = result.drop if result.int8 is None else max(result.drop, result.int8.drop)
    if max_drop is not None and drop > max_drop:
        screen.say(f"the loss of {drop:.4f} in {result.quality.metric} exceeds --max-drop {max_drop:g}")
        code = _EXIT_TOO_LOSSY
    return code


@takes(reading=shared.UNSEEDED_READING, chosen=OPTIONS)
def compress(
    *,
    model: shared.ModelArgument,
    data: shared.DataOption,
    chosen: dict[str, Any],
    out: shared.OutOption = None,
    evaluate: Annotated[
        str | None,
        typer.Option(
            "--eval",
            help="Measure the quality on this data, with labels or without. Default: a fifth of --data, held out.",
            metavar="DATA",
        ),
    ] = None,
    report: shared.ReportOption = None,
    recover: RecoverOption = None,
    layers: Annotated[bool, typer.Option("--layers", help="Also list every layer before and after.")] = False,
    fail_if_slower: Annotated[
        bool,
        typer.Option(
            "--fail-if-slower", help="Exit with code 4 if the result is slower (by 5 % and 0.1 ms)."
        ),
    ] = False,
    retrained: Annotated[
        Path | None,
        typer.Option(
            help="A network that you fine-tuned from an earlier result: its quality on --eval is printed too.",
            metavar="FILE",
        ),
    ] = None,
    as_json: shared.JsonOption = False,
    reading: dict[str, Any],
    threads: shared.ThreadsOption = None,
) -> None:
    """Remove channels to a budget, without training.

    Removes channels, then fits the remaining weights by least squares. Without a budget, it looks for the smallest network that loses at
    most 1 % of quality. Quality is --metric: by default the accuracy if the data has classes as labels, else the agreement with the original
    network, or what fits other networks; the output says which.

    Exit codes: 0 done; 1 nothing was written: the file failed its check, or the network would have grown; 2 bad input; 3 the loss exceeds a --max-drop that you gave;
    4 slower, with --fail-if-slower.
    """
    options, default = _options(chosen)
    if retrained is not None and evaluate is None:
        raise ValueError("[cli::compress] expected --eval with --retrained, got none")
    check_outputs({"--out": out, "--report": report}, model, data, evaluate, retrained)
    check_recover(recover, data)
    network = load(model)
    if options.int8:
        need_onnxruntime("cli::compress")
        check_float(network)
    if threads:
        import aidge_backend_cpu

        aidge_backend_cpu.set_num_threads(threads)
    data_options = reading_of(network, reading, options.seed)
    provider = open_data(data, network, data_options)
    judge = None
    if evaluate:
        judge = open_data(evaluate, network, data_options.for_evaluation())
    screen = Screen(quiet=as_json)
    if default:
        screen.say(
            "No goal given: looking for the smallest network that loses at most 1 %, or 0.01 of a metric that is not a share (other goals: --keep-macs, --max-drop).\n"
        )
    from ..channels import compress as run
    from ..measure.latency import random_inputs

    try:
        with progress_bar(as_json) as progress:
            multiple = INT8_BLOCK if options.int8 and options.multiple is None else options.multiple
            floats = replace(options, int8=False, multiple=multiple)
            result = run(network, provider, floats, evaluation=judge, progress=progress)
    except UnreachableTarget as error:
        raise ValueError(f"[cli::compress] {_unreachable(options, error)}") from error
    after_training = _quality_of_retrained(retrained, result, judge)
    grown = _grown(result, options)
    recovery = None
    if not grown:
        recovery = recovered(
            recover, result.model, result.original, provider, judge, metric=options.metric, quiet=as_json
        )
    if recovery is not None:
        result = replace(result, model=recovery.model)
    result = replace(result, options=options)
    if options.int8 and not grown:
        with progress_bar(as_json) as progress:
            result = with_int8(result, model, provider, evaluation=judge, progress=progress)
    verification = None
    if out is not None and not grown:
        small = result.int8
        verification = write_verified(result.model, out, provider) if small is None else small.write(out)
    arrays = random_inputs(result.model, [[1, *dims[1:]] for dims in result.model.compiled_dims])
    inputs = {spec.name: array for spec, array in zip(result.model.input_specs, arrays, strict=True)}
    files = _measure_files(
        model, out if verification and verification.passed else None, inputs, options.latency
    )
    if grown:
        screen.headline(grown + "\n")
    screen.headline(f"{model.name}, {_goal(options)}\n")
    _print_totals(screen, result, files)
    screen.say()
    _print_notes(screen, result, "of --eval" if evaluate else "of --data that nothing was fitted on")
    _print_retrained(screen, after_training)
    trained = say_recovery(screen, recovery)
    if result.int8 is not None:
        screen.say()
        print_files(screen, result.int8)
    if out is not None and verification is not None:
        print_verification(screen, out, verification)
    code = _verdict(screen, result, files, chosen.get("max_drop"), fail_if_slower)
    code = _EXIT_CHECK_FAILED if grown else code
    if layers:
        _layers(screen, result)
    if not grown and (verification is None or verification.passed):
        write_report(
            report, result, model, {"data": data, "evaluation": evaluate}, [*trained, *_measured(files)]
        )
    if as_json:
        document = _document(model, result, files, after_training, verification, code)
        print_json({**document, "recovery": None if recovery is None else recovery.to_dict()})
    if verification is not None and not verification.passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)
    if code:
        raise typer.Exit(code)


def _grown(result: CompressionResult, options: CompressOptions) -> str:
    """Why a network that should have become smaller is not written; "" if it has no more parameters than before."""
    before, after = result.before.parameters, result.after.parameters
    if after <= before or (options.target is None and options.max_drop is None):
        return ""
    return (
        f"The result was not written: it has more parameters than before ({quantity(before)}, now {quantity(after)}). "
        "Weights that layers share remain shared, so merged layers are the likely cause: try --no-merge."
    )


def _unreachable(options: CompressOptions, error: UnreachableTarget) -> str:
    least = ", ".join(f"--keep-{name} {share:.4f}" for name, share in error.least.items())
    given = ", ".join(f"--keep-{name} {share:g}" for name, share in (options.target or {}).items())
    return (
        f"expected a goal that can be reached, at least {least}, got {given} (--min-channels also limits it)"
    )


def _options(chosen: dict[str, Any]) -> tuple[CompressOptions, bool]:
    """The options, and whether the goal is the default one."""
    options = CompressOptions(**chosen)
    if options.target is None and options.max_drop is None and not options.remove_activations:
        return CompressOptions(**{**chosen, "max_drop": DEFAULT_DROP}), True
    return options, False


def _measured(files: _Files) -> list[Measured]:
    return [
        Measured("file", files.bytes_before, files.bytes_after, "bytes"),
        Measured("latency, ONNX Runtime", files.runtime_before, files.runtime_after, "seconds"),
    ]


def _document(
    model: Path, result: CompressionResult, files: _Files, retrained: Quality | None, verification: Verification | None, code: int
) -> dict[str, Any]:  # fmt: skip
    checked = None if verification is None else {**asdict(verification), "passed": verification.passed}
    return {
        "model": str(model),
        **result.to_dict(),
        **asdict(files),
        "retrained": retrained.to_dict() if retrained else None,
        "verification": checked,
        "exit_code": code,
    }
