"""The sources of operators: types are not compared with strings, and a schema and its kernel are in files of one stem."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import ROOT

SCRIPT = ROOT / ".ci" / "type_comparisons.py"


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)


def test_the_sources_stay_below_the_limit() -> None:
    result = run(ROOT / "src")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "line",
    [
        'if (node->type() == "Conv2D") return;',
        'if (step.type != "Add") return;',
        'return "FC" == op.type();',
        'return type.starts_with("Conv");',
    ],
)
def test_a_comparison_needs_a_reason(line: str, tmp_path: Path) -> None:
    source = tmp_path / "source.cpp"
    source.write_text(line, "utf-8")
    assert run(tmp_path).returncode == 1
    source.write_text(f"{line}  // type: no trait says this", "utf-8")
    assert run(tmp_path).returncode == 0
    source.write_text(f"{line}  // type: no trait says this\n" * 13, "utf-8")
    assert run(tmp_path).returncode == 1


def test_other_strings_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "source.cpp").write_text(
        'if (mode == "constant" || op.type() == other.type()) return;', "utf-8"
    )
    assert run(tmp_path).stdout.startswith("0 ")


def types_in(folder: Path, register: str) -> dict[str, set[str]]:
    """Stems of the files below a folder that register something, by the names of types in them."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.cpp"):
        text = path.read_text("utf-8")
        if register not in text:
            continue
        lines = [line for line in text.splitlines() if "makeNode(" not in line]
        for name in re.findall(r'"([A-Z][A-Za-z0-9]+)"', "\n".join(lines)):
            found.setdefault(name, set()).add(path.stem)
    return found


def test_the_schema_of_an_operator_and_its_kernel_are_in_files_of_one_stem() -> None:
    schemas = types_in(ROOT / "src" / "operator", "OperatorRegistry::add")
    kernels = types_in(ROOT / "src" / "backend" / "cpu", "KernelRegistry::add")
    both = schemas.keys() & kernels.keys()
    assert len(both) > 60
    assert {name: (schemas[name], kernels[name]) for name in both if not schemas[name] & kernels[name]} == {}
