"""Some hundred damaged models; `make fuzz` tries 50,000."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from helpers.paths import ROOT

CASES = 300


@pytest.mark.slow
def test_damaged_models_give_a_graph_or_one_of_our_errors() -> None:
    path = ROOT / "unit_test" / "fuzz" / "fuzz_loader.py"
    spec = importlib.util.spec_from_file_location("fuzz_loader", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_loader"] = module
    spec.loader.exec_module(module)
    report = module.fuzz(CASES, seed=1)
    assert report.bad == []
    assert report.outcomes.total() == CASES
    assert report.outcomes["graph"] > CASES // 20
    assert report.outcomes["InvalidModelError"] > CASES // 10
