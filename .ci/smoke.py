"""What an installed wheel must do, run in a clean environment from outside of the sources: python -I smoke.py"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import aidge_backend_cpu
import aidge_compress
import aidge_compress.demo
import aidge_core
import aidge_onnx
import numpy as np


def aidge(folder: Path, *arguments: str) -> str:
    """Run the command that the wheel has installed; CalledProcessError where it fails."""
    command = [str(Path(sys.executable).with_name("aidge")), *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def main() -> None:
    """Prune a network in Python and from the command line; AssertionError where something is not as it should be."""
    places = {
        Path(str(package.__file__)).parents[1]
        for package in (aidge_core, aidge_backend_cpu, aidge_onnx, aidge_compress)
    }
    assert len(places) == 1
    assert Path(sys.prefix) in next(iter(places)).parents, f"{places} is not in {sys.prefix}"
    assert version("aidge-compress") == aidge_core.__version__

    source = aidge_compress.demo.NETWORK
    images = np.random.default_rng(0).random((64, 1, 28, 28), dtype=np.float32)
    model = aidge_onnx.load_onnx(source)
    model.compile("cpu", dims=[[16, 1, 28, 28]])
    params = aidge_core.fibnlr_Parameters(ablation_threshold=0.5)
    removed = aidge_core.fibnlr(model, aidge_core.data.from_arrays(images, batch_size=16), params)
    assert removed
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        aidge_onnx.export_onnx(model, folder / "pruned.onnx")
        np.savez(folder / "images.npz", image=images)
        doctor = json.loads(aidge(folder, "doctor", "--json"))
        assert doctor["problems"] == 0, doctor
        arguments = ("--batch-size", "16", "--ablation-threshold", "0.5", "--json")
        run = json.loads(aidge(folder, "fibnlr", str(source), "--data", "images.npz", *arguments))
        assert sum(row["removed"] for row in run["rows"]) == len(removed)
        left = json.loads(aidge(folder, "inspect", "pruned.onnx", "--json"))["activations"]
        assert left == len(run["rows"]) - len(removed)
    print(f"aidge-compress {aidge_core.__version__}: {len(removed)} activations removed")


if __name__ == "__main__":
    main()
