"""What an installation promises: versions, typing, quick imports, and oneDNN found wherever it was put."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path

import aidge_backend_cpu
import aidge_core
import aidge_core._core
import pytest
from helpers.paths import ROOT

DISTRIBUTION = "aidge-compress"
MOST_MODULES = 200
HEAVY = {
    "PIL",
    "dask",
    "distributed",
    "matplotlib",
    "ml_dtypes",
    "onnx",
    "onnxruntime",
    "pandas",
    "rich",
    "scipy",
    "torch",
    "typer",
}
PACKAGE = Path(aidge_core._core.__file__).parent
needs_installation = pytest.mark.skipif(
    not (PACKAGE / "libaidge_core.so").exists() or not (PACKAGE / "__init__.py").exists(),
    reason="the package is not installed but used from its sources",
)


def run_python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a new interpreter outside of the sources."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(sys.prefix),
        env={**os.environ, **environment},
        check=False,
    )


def test_all_parts_have_the_version_of_the_distribution() -> None:
    expected = version(DISTRIBUTION)
    assert aidge_backend_cpu.__version__ == expected
    assert aidge_core.__version__ == expected


@needs_installation
def test_types_and_stubs_are_installed() -> None:
    installed = {str(path) for path in files(DISTRIBUTION) or []}
    for package in ("aidge_core", "aidge_backend_cpu", "aidge_onnx", "aidge_compress"):
        assert f"{package}/py.typed" in installed
    assert "aidge_core/_core.pyi" in installed
    assert "aidge_backend_cpu/_backend_cpu.pyi" in installed


@needs_installation
def test_the_licence_is_installed() -> None:
    assert any(path.name == "LICENSE" for path in files(DISTRIBUTION) or [])


def test_importing_the_core_adds_few_modules_and_nothing_heavy_to_numpy() -> None:
    """What an import costs is the modules that it loads; benchmark/import_time.py takes the time."""
    program = (
        "import json, sys, numpy\n"
        "before = set(sys.modules); import aidge_core\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = json.loads(run_python(program).stdout)
    assert not HEAVY & set(loaded)
    assert len(loaded) <= MOST_MODULES, loaded


@needs_installation
def test_onednn_is_found_when_it_is_not_where_the_libraries_look(tmp_path: Path) -> None:
    for package in ("aidge_core", "aidge_backend_cpu"):
        shutil.copytree(PACKAGE.parent / package, tmp_path / package)
    result = run_python(
        "import aidge_backend_cpu as b; print(b.__file__, b.get_num_threads())", PYTHONPATH=str(tmp_path)
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(tmp_path))


def test_a_missing_onednn_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aidge_backend_cpu, "_dnnl_candidates", list)
    with pytest.raises(ImportError, match=r"libdnnl\.so\.3.*pip install onednn-cpu-gomp==2023\.2\.0"):
        aidge_backend_cpu._load_dnnl()


def test_a_onednn_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "libdnnl.so.3"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(aidge_backend_cpu, "_dnnl_candidates", lambda: [broken])
    with pytest.raises(ImportError, match=str(broken)):
        aidge_backend_cpu._load_dnnl()


def test_the_command_line_is_installed() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("aidge")), "--help"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "fibnlr" in result.stdout


def test_the_citation_names_the_version() -> None:
    version = re.search(r"project\([^)]*VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text("utf-8"))
    assert version
    assert f"\nversion: {version[1]}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
