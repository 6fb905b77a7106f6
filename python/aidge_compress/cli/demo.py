"""`aidge demo`: the main job on a real network and real data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ..demo import NETWORK
from ..measure.verify import write_verified
from ..network.opening import compile_model
from ..network.sources import DataOptions, open_data
from .common import console, load, percent, print_json
from .evaluate import run_evaluation
from .prune import print_run, run_fibnlr
from .shared_options import JsonOption, ThreadsOption
from .verify import print_verification

__all__ = ["demo"]

_EXIT_CHECK_FAILED = 1
_THRESHOLD = 0.09


def demo(
    out: Annotated[Path, typer.Option(help="Where the pruned ONNX file goes.")] = Path(
        "mnist_resnet18_pruned.onnx"
    ),
    ablation_threshold: Annotated[float, typer.Option(help="NNPR strictly below this goes.")] = _THRESHOLD,
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Prune a trained ResNet-18 for MNIST, measure it on the 10,000 test images, write it and verify it."""
    import aidge_core

    started = time.perf_counter()
    screen = console(quiet=as_json)
    network = load(NETWORK)
    compile_model(network, threads)
    original = network.clone()
    screen.print("network: ResNet-18 of width 16 for MNIST, from examples/train_mnist_resnet.py")
    screen.print("data: MNIST, statistics on training images, accuracy on all test images\n")
    calibration = open_data("mnist:train", network, DataOptions(shuffle=True, seed=0))
    test = open_data("mnist:test", network, DataOptions(batch_size=100))
    before = run_evaluation(original, test, quiet=as_json, label="evaluating the original")
    params = aidge_core.fibnlr_Parameters(
        ablation_threshold=ablation_threshold, ablation_method=aidge_core.AblationMethod.REMOVE
    )
    run = run_fibnlr(network, calibration, params, quiet=as_json)
    print_run(screen, run)
    after = run_evaluation(
        network, test, reference=original, quiet=as_json, label="evaluating the pruned network"
    )
    screen.print(f"\naccuracy before              {percent(before.accuracy)}")
    screen.print(f"accuracy after recipe        {percent(after.accuracy)}  (no retraining)")
    screen.print(f"same prediction as before    {percent(after.agreement)}")
    if ablation_threshold == _THRESHOLD:
        screen.print("(--ablation-threshold 0.1, the default of aidge fibnlr, costs 5 points here)")
    verification = write_verified(network, out, test)
    print_verification(screen, out, verification)
    seconds = time.perf_counter() - started
    screen.print(f"{seconds:.1f} s in all")
    if as_json:
        print_json(_report(run, before, after, out, verification, seconds))
    if not verification.passed:
        raise typer.Exit(_EXIT_CHECK_FAILED)


def _report(
    run: Any, before: Any, after: Any, out: Path, verification: Any, seconds: float
) -> dict[str, Any]:
    return {
        **run.to_dict(),
        "before": before.to_dict(),
        "after": after.to_dict(),
        "out": str(out),
        "verified_by": verification.engine,
        "difference": verification.difference,
        "seconds": seconds,
    }
