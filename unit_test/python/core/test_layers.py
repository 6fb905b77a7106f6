"""The order of the packages, and the names that moved within it."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_core
import pytest
from aidge_core import _above
from helpers.paths import ROOT
from helpers.small_graphs import chain

PLACE = ROOT / ".ci" / "layers.py"


@pytest.fixture(scope="module")
def layers() -> Any:
    found = importlib.util.spec_from_file_location("layers", PLACE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_no_import_goes_up_and_no_file_is_in_a_circle(layers: Any) -> None:
    assert layers.problems() == []


def test_an_import_inside_a_function_counts_and_one_for_type_checkers_does_not(
    layers: Any, tmp_path: Path
) -> None:
    path = tmp_path / "b.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import a\nelse:\n    from . import c\n"
        "def f():\n    from .d import x\n    import p.e\n"
    )
    known = {f"p.{name}": path for name in "abcde"} | {"p": path}
    assert layers.imports("p.b", path, known) == {"p.c", "p.d", "p.e"}


def test_a_circle_and_a_climb_are_found(layers: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for name, text in (
        ("low", "def f():\n    from .high import x\n"),
        ("high", "import p.low\n"),
        ("root", "import p\n"),
        ("__init__", ""),
    ):
        (tmp_path / "p" / f"{name}.py").write_text(text)
    monkeypatch.setattr(layers, "PYTHON", tmp_path)
    monkeypatch.setattr(layers, "FLOORS", (("p.low", "p"), ("p.high", "p.root")))
    assert sorted(layers.problems()) == [
        "a circle of 2 files: p.high, p.low",
        "p.high imports p.low by the full name: expected a relative import",
        "p.low (floor 0) imports p.high (floor 1)",
        "p.root imports p by the full name: expected a relative import",
        "p.root imports p, which it lies in",
    ]
    monkeypatch.setattr(layers, "FLOORS", (("p.low",),))
    with pytest.raises(ValueError, match="expected p to stand on a floor"):
        layers.problems()


def run_python(program: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_loads_nothing_that_stands_above_it() -> None:
    loaded = json.loads(run_python("import json, sys, aidge_core; print(json.dumps(list(sys.modules)))"))
    assert not [name for name in loaded if name.startswith(("aidge_compress", "aidge_onnx", "aidge_backend"))]


@pytest.mark.parametrize("name", sorted(_above.MODULES))
def test_a_module_that_moved_is_found_by_its_former_name(name: str) -> None:
    if name.startswith("aidge_core.distributed"):
        pytest.importorskip("distributed")
    module = importlib.import_module(name)
    places = [importlib.import_module(place) for place in _above.MODULES[name]]
    if len(places) == 1:
        assert module is places[0]
    for place in reversed(places):
        for key in getattr(place, "__all__", ()):
            assert any(getattr(module, key) is getattr(other, key, None) for other in places)


def test_scripts_that_were_written_for_the_core_find_the_same_objects() -> None:
    program = """
import aidge_core
from aidge_core import CompressionResult, FibnlrResult, MergeResult, SweepResult, fibnlr_run
from aidge_core.pfa import PFA, ResponseInfo
from aidge_core.pfa.units import PFAUnitSelectionStrategyType
from aidge_core.compression.pipeline import compress
from aidge_core.sweeps.grids import FibnlrGrid
from aidge_core.outline import outline, to_mermaid
import aidge_core.report.html
import aidge_core.evaluation as evaluation
import aidge_compress as now
import aidge_compress.fibnlr, aidge_compress.report.html, aidge_compress.pfa.units
import aidge_onnx.runtime, aidge_onnx.running.runtime
from aidge_onnx import saving
assert aidge_core.compress is compress is now.compress
assert aidge_core.pfa.PFA is PFA is now.PFA
assert aidge_core.sweep is now.sweep and aidge_core.merge_layers is now.merge_layers
assert aidge_core.from_torch is now.from_torch and aidge_core.to_mermaid is to_mermaid is now.to_mermaid
assert fibnlr_run is now.fibnlr_run and FibnlrGrid is now.FibnlrGrid
assert aidge_core.report.html is now.report.html
assert PFAUnitSelectionStrategyType is now.pfa.units.PFAUnitSelectionStrategyType
assert evaluation.evaluate_model is now.evaluate_model and aidge_core.evaluation.check_labels
assert aidge_onnx.runtime is aidge_onnx.running.runtime
assert aidge_core.summary.summarize is now.summarize and aidge_core.profiling.medians_in_turn
"""
    run_python(program)


def test_the_recipe_of_aidge_runs_without_another_import() -> None:
    program = """
import aidge_core, numpy as np
model = aidge_core.sequential([aidge_core.FC(4, 4, name="fc"), aidge_core.ReLU(name="relu")])
weight, bias = (model.find_node("fc").get_parent(i) for i in (1, 2))
weight.get_operator().set_output(0, aidge_core.Tensor(np.eye(4, dtype=np.float32)))
bias.get_operator().set_output(0, aidge_core.Tensor(np.ones(4, dtype=np.float32)))
model.compile("cpu", dims=[[8, 4]])
provider = aidge_core.data.from_arrays(np.random.default_rng(0).random((8, 4), dtype=np.float32), batch_size=8)
params = aidge_core.fibnlr_Parameters(ablation_threshold=0.5, normalization=aidge_core.NormalizationMethod.NONE)
removed = aidge_core.fibnlr(model, provider, params)
print(*(node.name() for node in removed))
"""
    assert run_python(program).split() == ["relu"]


def test_every_public_name_of_the_product_exists_and_no_other() -> None:
    for package in (aidge_compress, aidge_core):
        for name in package.__all__:
            assert getattr(package, name) is not None
        assert set(package.__all__) <= set(dir(package))
        with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
            _ = package.no_such_name
    for wrong in ("aidge_core.no_such_module", "aidge_core.sweeps.no_such_module"):
        with pytest.raises(ModuleNotFoundError, match=f"No module named '{wrong}'"):
            importlib.import_module(wrong)


def test_compile_finds_the_backend_by_its_name_alone() -> None:
    program = "import aidge_core as a; m = a.sequential([a.ReLU('r')]); m.{}; print(m.backend)"
    assert run_python(program.format("compile('cpu', dims=[[1, 2]])")).strip() == "cpu"
    assert run_python(program.format("compile(backend='cpu', dims=[[1, 2]])")).strip() == "cpu"
    assert run_python(program.format("set_backend('cpu')")).strip() == "cpu"
    for wrong in ("npu", "", "a.b", "x y"):
        with pytest.raises(ValueError, match="expected a registered backend"):
            chain().compile(wrong)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        chain().compile(3)  # type: ignore[arg-type]


def test_a_network_shows_itself_when_only_the_core_was_imported() -> None:
    program = "import aidge_core as a; print(a.sequential([a.ReLU('first')])._repr_html_())"
    assert "first" in run_python(program)


def test_importing_the_product_loads_no_method_and_nothing_heavy() -> None:
    loaded = json.loads(run_python("import json, sys, aidge_compress; print(json.dumps(list(sys.modules)))"))
    assert not {"onnx", "pandas", "torch", "dask", "matplotlib", "onnxruntime", "rich", "typer"} & set(loaded)
    for method in ("channels", "fibnlr", "merge", "pfa", "sweeps", "cli"):
        assert f"aidge_compress.{method}" not in loaded
