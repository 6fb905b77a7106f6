"""FIBNLR to convergence: ours against PyTorch pre-hooks and against the published Aidge wheels.

    python benchmark/fibnlr.py --threads 1 2
    python benchmark/fibnlr.py --threads 1 --aidge-python .venv-aidge/bin/python

Same network, same batches, same convergence rule. Timed is the job itself, from attaching the observers to
the last activation replaced; reading the file, compiling and making the batches are not. The published wheels
are run once per thread count, because one run of theirs takes minutes; see aidge_reference.py for their
environment. ``--golden`` names a folder with net.onnx, data.npz and expected.json, on which the values are
checked first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from engines import FibnlrJob, FibnlrResult, OurFibnlr, TorchFibnlr, our_model, ratios_in_order
from harness import (
    EngineError,
    Worker,
    add_common_options,
    compare_factories,
    format_table,
    print_environment,
)
from models import NETS

__all__ = ["check_golden", "published", "values_differ_by"]

HEADER = ("net", "threads", "engine", "seconds", "iterations", "ours / engine", "NPR diff")
TORCH_NETS = [
    name for name, net in NETS.items() if net.topology is not None and net.topology != "mobilenet_v2"
]


def values_differ_by(ours: FibnlrResult, reference: FibnlrResult) -> float:
    """Largest relative difference of the two engines' ratios: by node name, or in order of execution where the
    engines name them differently."""
    mine, theirs = ours["npr"], reference["npr"]
    if len(mine) != len(theirs):
        raise ValueError(f"[benchmark::values_differ_by] expected {len(theirs)} activations, got {len(mine)}")
    names = theirs if mine.keys() == theirs.keys() else mine
    first = np.array([mine[name] for name in names])
    second = np.array(list(theirs.values()))
    return float(np.max(np.abs(first - second) / np.abs(second)))


def published(
    python: Path, model: Path, batches: list[Any], threads: int, threshold: float
) -> dict[str, Any]:
    """One run of the published wheels: seconds, iterations, npr and pruned."""
    script = Path(__file__).with_name("aidge_reference.py")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "batches.npz"
        np.savez(data, *batches)
        command = [
            str(python),
            str(script),
            str(model),
            str(data),
            f"--threads={threads}",
            f"--threshold={threshold}",
        ]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise EngineError(f"the published wheels failed: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


class GoldenRun:
    """Ours over the golden batches; the result is the list of ratios in the order of the expected values."""

    def __init__(self, *, folder: str, threads: int) -> None:
        expected = json.loads(Path(folder, "expected.json").read_text())
        batch = expected["batch"]
        with np.load(Path(folder, "data.npz")) as file:
            images = file["x"]
        self._batches = [images[i : i + batch] for i in range(0, len(images) - batch + 1, batch)]
        self._threshold = expected["convergence_threshold"]
        self._model = our_model(Path(folder, "net.onnx"), self._batches[0].shape, threads)
        self._found: FibnlrResult = {}

    def prepare(self) -> None:
        """Nothing: the golden job runs once."""
        return

    def run(self) -> None:
        """Prepare and compute."""
        import aidge_core

        params = aidge_core.fibnlr_Parameters(convergence_threshold=self._threshold)
        nodes = aidge_core.fibnlr_prepare(self._model, params)
        convergence = aidge_core.fibnlr_compute(self._model, self._batches, params)
        npr = ratios_in_order(self._model, nodes)
        self._found = {"iterations": convergence.iterations, "npr": npr, "pruned": []}

    def result(self) -> FibnlrResult:
        """Iterations and ratios."""
        return self._found


def check_golden(folder: Path) -> float:
    """Largest relative difference of our ratios from the golden ones; ValueError if the iterations differ."""
    case = json.loads((folder / "expected.json").read_text())["cases"][0]
    with Worker(GoldenRun, threads=1, folder=str(folder)) as worker:
        _, found = worker.result()
    if found["iterations"] != case["iterations"]:
        raise ValueError(
            f"[benchmark::check_golden] expected {case['iterations']} iterations, got {found['iterations']}"
        )
    expected = {name: node["npr"] for name, node in case["nodes"].items()}
    return values_differ_by(found, {"npr": expected})


def measured_rows(name: str, threads: int, options: argparse.Namespace) -> list[tuple[str, ...]]:
    """Rows of the table for one net: ours, PyTorch and, if its Python is given, the published wheels."""
    net = NETS[name]
    path = net.path(options.models)
    job = {"shape": net.shape, "max_iteration": options.max_iteration, "threshold": options.threshold}
    comparison = compare_factories(
        (OurFibnlr, {"path": str(path), **job}),
        (TorchFibnlr, {"net": name, "channels_last": options.channels_last, **job}),
        threads=threads,
        pairs=options.pairs,
    )
    ours, reference = comparison.results
    seconds, torch_seconds = comparison.medians
    label = "PyTorch hooks, channels last" if options.channels_last else "PyTorch hooks"
    found = [(label, torch_seconds, comparison.ratio, reference)]
    if options.aidge_python is not None:
        batches = FibnlrJob(**job).batches[: ours["iterations"] + 2]
        theirs = published(options.aidge_python, path, batches, threads, options.threshold)
        found.append(("published aidge", theirs["seconds"], seconds / theirs["seconds"], theirs))
    rows: list[tuple[str, ...]] = [
        (name, str(threads), "ours", f"{seconds:.3f}", str(ours["iterations"]), "", "")
    ]
    for engine, time, ratio, result in found:
        difference = f"{values_differ_by(ours, result):.1e}"
        rows.append(
            (name, str(threads), engine, f"{time:.3f}", str(result["iterations"]), f"{ratio:.3f}", difference)
        )
    for row in rows:
        print(" ".join(row), flush=True)
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="FIBNLR against PyTorch hooks and the published Aidge.")
    add_common_options(parser, nets=TORCH_NETS, default=["resnet18_cifar"])
    parser.add_argument("--max-iteration", type=int, default=100)
    parser.add_argument("--threshold", type=float, default=1e-6)
    parser.add_argument("--channels-last", action="store_true", help="PyTorch in the channels-last layout")
    parser.add_argument(
        "--aidge-python", type=Path, help="Python of an environment with the published wheels"
    )
    parser.add_argument("--golden", type=Path, help="folder with net.onnx, data.npz and expected.json")
    arguments = parser.parse_args()
    print_environment()
    if arguments.golden is not None:
        print(f"# golden values: relative difference {check_golden(arguments.golden):.1e}")
    rows: list[tuple[str, ...]] = []
    for name in arguments.nets:
        for threads in arguments.threads:
            rows += measured_rows(name, threads, arguments)
    print("\n" + format_table(HEADER, rows))


if __name__ == "__main__":
    main()
