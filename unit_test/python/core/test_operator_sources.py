"""The sources of operators: types are not compared with strings, and a schema and its kernel are in files of one stem."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
