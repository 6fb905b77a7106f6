"""The Python code in README.md and docs/ runs as it stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if BLOCK.search(page.read_text("utf-8"))
]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "import torch" in page.read_text("utf-8") or page.name == "recovery.md":
        pytest.importorskip("torch")
        pytest.importorskip("onnxscript")
    shutil.copy(ROOT / "python" / "aidge_compress" / "demo" / "mnist_resnet18.onnx", tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    images = rng.random((128, 1, 28, 28), dtype=np.float32)
    labels = rng.integers(0, 10, 128)
    np.savez(tmp_path / "calibration.npz", image=images, label=labels)
    names = {"images": images, "labels": labels, "__name__": page.stem}
    for number, block in enumerate(BLOCK.findall(page.read_text("utf-8"))):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


def stripped(text: str) -> list[str]:
    """The lines of a text, without indentation and without empty lines."""
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("language", "file"), [("cpp", "prune.cpp"), ("cmake", "CMakeLists.txt")])
def test_cpp_and_cmake_code_of_pages_is_that_of_the_example_which_ci_builds(language: str, file: str) -> None:
    example = "\n".join(stripped((ROOT / "examples" / "cpp" / file).read_text("utf-8")))
    pages = "\n".join(page.read_text("utf-8") for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    blocks = re.findall(rf"^```{language}\n(.*?)^```", pages, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        for part in re.split(r"^(?://|#) …$", block, flags=re.MULTILINE):
            assert "\n".join(stripped(part)) in example
