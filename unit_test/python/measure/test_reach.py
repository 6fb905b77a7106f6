"""The benchmark of many architectures examines a network, keeps the result, and goes on where it was stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import ROOT

pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.torch]


def test_reach_examines_a_network_once(tmp_path: Path) -> None:
    script, out = ROOT / "benchmark" / "reach.py", tmp_path / "reach.jsonl"
    command = [sys.executable, str(script), "--out", str(out), "--only", "mlp"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (row,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert (row["name"], row["reason"], row["groups"], row["can_be_cut"]) == ("mlp", "", 3, 2)
    assert row["kept"] <= 0.7
    assert max(row["difference"], row["written"]) < 1e-5
    assert "1 networks: 1 load, 1 give what ONNX Runtime gives" in done.stdout
    subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(out.read_text().splitlines()) == 1
