"""The documentation: no error without a cure, no page that nobody finds, and changes that apply and compile."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_core
import aidge_onnx
import pytest
from aidge_compress.cli.app import app
from aidge_compress.pfa import PFA
from helpers.paths import ROOT

DIFFS = sorted((ROOT / "docs" / "diffs").glob("*.diff"))
CPP_AREA = re.compile(r'"([a-z_]+)(?:::[A-Za-z_]+)+"')
PYTHON_AREA = re.compile(r"\[([a-z_]+)(?:::[A-Za-z_]+)+\] ")
LINES = 62  # of a change to start from, at most
CAUGHT = {"CannotBe", "NotFoldable", "NotNative", "NeedsOpset"}  # within aidge_onnx
EXAMPLE = {"area"}  # as the style is explained


def areas() -> set[str]:
    found: set[str] = set()
    for folder in ("src", "include", "python_bindings"):
        for path in (ROOT / folder).rglob("*.[chi]pp"):
            found.update(CPP_AREA.findall(path.read_text("utf-8")))
    for path in (ROOT / "python").rglob("*.py"):
        found.update(PYTHON_AREA.findall(path.read_text("utf-8")))
    return found - EXAMPLE


def test_every_area_that_raises_errors_has_its_cures() -> None:
    rows = [
        line.split("|")[1]
        for line in (ROOT / "docs" / "errors.md").read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert areas() - named == set()


def test_every_class_of_errors_and_every_exit_code_is_explained_and_no_other() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (ROOT / "python").rglob("*.py")]
    headers = [path.read_text("utf-8") for path in (ROOT / "include").rglob("*.hpp")]
    classes = {
        name for text in sources for name in re.findall(r"^class (\w+)\(\w*(?:Error|Exception)\)", text, re.M)
    }
    classes |= {
        name for text in headers for name in re.findall(r"^class (?:AIDGE_EXPORT )?(\w+Error) ", text, re.M)
    }
    spans = set(
        re.findall(r"`(?:Aidge::|[a-z_.]+\.)?(\w+(?:Error|Interrupt)|Stopped|UnreachableTarget)`", page)
    )
    assert classes - CAUGHT <= spans
    for name in re.findall(r"`(aidge_[a-z_.]+\.\w+Error)`", page):
        package, _, attribute = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(package), attribute), Exception)
    known = {name for name in spans if hasattr(builtins, name)}
    assert spans - known <= classes
    codes = {
        int(code)
        for text in sources
        for code in re.findall(r"(?:^_EXIT_\w+ = |typer\.Exit\()(\d+)", text, re.M)
    }
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)} == codes | {0}


def _exists(name: str) -> bool:
    """Whether a dotted name is something of ours, "aidge x" a command, and "x=…" a parameter."""
    if name.startswith("aidge "):
        return name.split()[1] in {command.name for command in app.registered_commands}
    if "=" in name.split("(")[0]:
        parameter = re.compile(rf"\b{name.split('=')[0]}\b\s*[:=]")
        return any(
            parameter.search(path.read_text("utf-8"))
            for path in (ROOT / "python").rglob("*.py*")
            if path.suffix != ".pyc"
        )
    parts = name.split("(")[0].strip(".").split(".")
    places = {"model": aidge_core.GraphView, "pfa": PFA}
    places |= {package.__name__: package for package in (aidge_compress, aidge_core, aidge_onnx)}
    if parts[0] in places:
        starts: list[Any] = [places[parts.pop(0)]]
    else:
        strategies = [PFA.Strategy, PFA.UnitSelectionStrategy]
        kinds = [
            aidge_core.GraphView,
            aidge_core.Node,
            aidge_core.fibnlr_Parameters,
            aidge_core.fibnlr_Convergence,
        ]
        starts = [aidge_core, aidge_core.pfa, aidge_core.HookHandle, *strategies, *kinds]
    for start in starts:
        found = start
        for part in parts:
            found = getattr(found, part, None)
        if found is not None:
            return True
    return False


def test_every_name_of_ours_beside_those_of_others_exists() -> None:
    section, checked = "", 0
    for line in (ROOT / "docs" / "coming-from.md").read_text("utf-8").splitlines():
        section = line[3:] if line.startswith("## ") else section
        cells = re.split(r"(?<!\\)\|", line)
        if not line.startswith("| ") or len(cells) != 5 or cells[2].strip() == "here":
            continue
        text = cells[2] + (cells[1] if cells[2].strip().startswith("the same") else "")
        for name in re.findall(r"`([^`]+)`", text):
            assert _exists(name), f"{section}: {name}"
            checked += 1
    assert checked > 40
    assert not _exists("aidge_core.no_such_function(model)")


def test_every_link_between_pages_leads_somewhere() -> None:
    computed = {"results.md", "fibnlr_resnet.md", "pfa_mobilenet.md"}
    for page in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\(([A-Za-z0-9_./-]+\.md)", page.read_text("utf-8")):
            known = (page.parent / target).exists() or Path(target).name in computed
            assert known, f"{page.name} links to {target}"


@pytest.mark.slow
def test_the_results_page_has_a_row_for_every_setting_and_the_same_figures_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = importlib.util.spec_from_file_location("results", ROOT / "docs" / "site" / "results.py")
    assert place is not None
    assert place.loader is not None
    results = importlib.util.module_from_spec(place)
    place.loader.exec_module(results)
    monkeypatch.setattr(results, "SHARES", (0.4,))
    page = results.results_page(samples=200, judged=100)
    assert page == results.results_page(samples=200, judged=100)
    sections = [part.splitlines() for part in page.split("\n## ")[1:]]
    assert [lines[0].split(":")[0] for lines in sections] == ["FIBNLR", "PFA", "compress"]
    first_columns = []
    for lines in sections:
        table = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")
        ]
        assert len({len(cells) for cells in table}) == 1
        first_columns.append([float(cells[0]) for cells in table[2:]])
    assert first_columns == [[0.0, *results.THRESHOLDS], list(results.ENERGIES), list(results.SHARES)]
    share = dict(zip(results.SHARES, [row for row in sections[2] if row.startswith("| 0.")], strict=True))
    assert all(float(row.split("|")[2]) <= target for target, row in share.items())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, with all changes applied."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for folder in ("include", "src", "unit_test"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.onnx")
        )
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    for diff in DIFFS:
        subprocess.run(["git", "apply", str(diff)], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.slow
def test_the_changes_of_the_extending_page_apply_and_compile(copy: Path) -> None:
    compiler = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    flags = [
        "-std=c++20",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fopenmp",
        "-fsyntax-only",
        "-Iinclude",
        "-Iunit_test",
    ]
    kinds = "src"
    if compiler is not None:
        catch = [compiler, *flags, "-x", "c++", "unit_test/catch.hpp", "-Wno-pragma-once-outside-header"]
        found = subprocess.run(catch, cwd=copy, capture_output=True, check=False).returncode == 0
        kinds = "src|unit_test" if found else kinds  # Catch2 is not everywhere
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    assert [diff.name for diff in DIFFS] == ["operator.diff", "recipe.diff", "statistic.diff"]
    for diff in DIFFS:
        assert f"<!-- diff: diffs/{diff.name} -->" in page
        assert len(diff.read_text("utf-8").splitlines()) <= LINES
        sources = re.findall(rf"^\+\+\+ b/((?:{kinds})/\S+\.cpp)$", diff.read_text("utf-8"), re.MULTILINE)
        assert sources
        if compiler is None:
            continue
        for source in sources:
            done = subprocess.run(
                [compiler, *flags, source], cwd=copy, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
