"""Builds the documentation as a site that needs no network: python docs/site/build.py

Pages are those of docs/, the executed notebooks, tables that docs/site/results.py computes, and references made of docstrings and headers.
Everything lands in build/docs; a warning is an error.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
from pathlib import Path

import nbformat
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from pygments.formatters import HtmlFormatter
from results import results_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BUILD = ROOT / "build" / "docs"
PAGES = BUILD / "pages"
AREAS = (
    "core",
    "data",
    "graph",
    "operator",
    "backend",
    "scheduler",
    "statistics",
    "recipes",
    "fibnlr",
    "pfa",
    "compress",
)
MODULES = {
    "aidge_core: graphs, operators, FIBNLR": "aidge_core._core",
    "aidge_core.data": "aidge_core.data",
    "aidge_compress: all verbs": "aidge_compress",
    "aidge_compress.channels: options": "aidge_compress.channels.options",
    "aidge_compress.channels: compress": "aidge_compress.channels.run",
    "aidge_compress.channels: results": "aidge_compress.channels.result",
    "aidge_compress.fibnlr": "aidge_compress.fibnlr",
    "aidge_compress.merge": "aidge_compress.merge",
    "aidge_compress.pfa": "aidge_compress.pfa",
    "aidge_compress.quantization": "aidge_compress.quantization",
    "aidge_compress.recovery": "aidge_compress.recovery",
    "aidge_compress.sweeps": "aidge_compress.sweeps",
    "aidge_compress.distributed": "aidge_compress.distributed",
    "aidge_compress.network: costs": "aidge_compress.network.costs",
    "aidge_compress.network: inspect": "aidge_compress.network.inspecting",
    "aidge_compress.network: opening": "aidge_compress.network.opening",
    "aidge_compress.network: outlines": "aidge_compress.network.outline",
    "aidge_compress.network: Mermaid": "aidge_compress.network.mermaid",
    "aidge_compress.network: summaries": "aidge_compress.network.summary",
    "aidge_compress.measure: evaluation": "aidge_compress.measure.evaluate",
    "aidge_compress.measure: metrics": "aidge_compress.measure.registry",
    "aidge_compress.measure: figures": "aidge_compress.measure.metrics",
    "aidge_compress.measure: results": "aidge_compress.measure.result",
    "aidge_compress.measure: profiles": "aidge_compress.measure.profile",
    "aidge_compress.report": "aidge_compress.report",
    "aidge_backend_cpu": "aidge_backend_cpu",
    "aidge_onnx": "aidge_onnx",
    "aidge_onnx: from_torch": "aidge_onnx.torch.reading",
    "aidge_onnx: to_torch": "aidge_onnx.torch.writing",
}
DIFF = re.compile(r"^<!-- diff: (\S+) -->$", re.MULTILINE)
CALL = re.compile(r'"([a-z_]+(?:::[A-Za-z_]+)+)"|\[([a-z_]+(?:::[A-Za-z_]+)+)\]')
OUTSIDE = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?//[^"]*"')
IMPORTS = re.compile(r'@import\s+(?:url\()?["\']?(?:https?:)?//|url\(["\']?(?:https?:)?//')


def write(name: str, text: str) -> None:
    """Put a page among the others."""
    target = PAGES / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def stage_pages() -> None:
    """The pages as they lie in docs/, with the diffs that they show."""
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text("utf-8")
        write(page.name, DIFF.sub(lambda match: fenced("diff", (DOCS / match[1]).read_text("utf-8")), text))
    shutil.copytree(DOCS / "images", PAGES / "images")
    write("code.css", HtmlFormatter(style="default").get_style_defs(".codehilite"))
    dark = HtmlFormatter(style="github-dark").get_style_defs('[data-bs-theme="dark"] .codehilite')
    with (PAGES / "code.css").open("a", encoding="utf-8") as file:
        file.write("\n" + dark)


def fenced(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def stage_notebooks() -> None:
    """Execute the notebooks; an exception in one is an exception here."""
    for path in sorted((DOCS / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        place = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, timeout=300, resources=place).execute()
        text, resources = MarkdownExporter().from_notebook_node(notebook)
        text = re.sub(r"<style[^>]*>.*?</style>\n?", "", text, flags=re.DOTALL)
        write(f"notebooks/{path.stem}.md", re.sub(r"# noqa: \w+ \(([^)]*)\)", r"# \1", text))
        for name, content in resources["outputs"].items():
            (PAGES / "notebooks" / name).write_bytes(content)


def called_by_area(root: Path = ROOT) -> dict[str, set[str]]:
    """area → functions, of all error messages in the sources."""
    found: dict[str, set[str]] = {}
    sources = [
        path
        for folder in ("src", "include", "python_bindings")
        for path in (root / folder).rglob("*.[chi]pp")
    ]
    for path in sources + list((root / "python").rglob("*.py")):
        for in_cpp, in_python in CALL.findall(path.read_text("utf-8")):
            name = in_cpp if path.suffix != ".py" else in_python
            area, _, function = name.partition("::")
            if area in ERROR_AREAS:
                found.setdefault(area, set()).add(function)
    return found


ERROR_AREAS = (
    *AREAS,
    "backend_cpu",
    "cli",
    "distributed",
    "evaluation",
    "measure",
    "merge",
    "network",
    "profiling",
    "torch",
    "report",
    "onnx",
    "sweep",
)


def stage_errors() -> None:
    """Every function that can complain, behind the cures."""
    lines = [
        f"* **{area}**: {', '.join(f'`{name}`' for name in sorted(names))}"
        for area, names in sorted(called_by_area().items())
    ]
    with (PAGES / "errors.md").open("a", encoding="utf-8") as page:
        page.write("\n## Every place that an error can come from\n\n" + "\n".join(lines) + "\n")


def stage_references() -> dict[str, list[dict[str, str]]]:
    """Python from docstrings and stubs, C++ from the headers; returns their entries of the navigation."""
    navigation: dict[str, list[dict[str, str]]] = {"Python": [], "C++": []}
    for title, module in MODULES.items():
        page = f"python/{module.replace('.', '_')}.md"
        write(page, f"# {title}\n\n::: {module}\n")
        navigation["Python"].append({title: page})
    for area in AREAS:
        text = f"# {area}\n"
        for header in sorted((ROOT / "include" / "aidge" / area).glob("*.hpp")):
            code = re.sub(
                r"^#pragma once\n+|^#include .*\n", "", header.read_text("utf-8"), flags=re.MULTILINE
            )
            text += f'\n## {header.stem}\n\n`#include "aidge/{area}/{header.name}"`\n\n{fenced("cpp", code.strip())}\n'
        write(f"cpp/{area}.md", text)
        navigation["C++"].append({area: f"cpp/{area}.md"})
    return navigation


class Warnings(logging.Handler):
    """Counts what MkDocs and its plugins warn of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


def outside_references() -> list[str]:
    """What the built pages would fetch from elsewhere."""
    found = []
    for path in (BUILD / "site").rglob("*"):
        if path.suffix in (".html", ".css"):
            pattern = OUTSIDE if path.suffix == ".html" else IMPORTS
            found += [f"{path.name}: {match}" for match in pattern.findall(path.read_text("utf-8"))]
    return found


def seen_problems() -> list[str]:
    """What a phone's browser says of the built pages, and by how much they are too wide for it; nothing where there is no Chromium."""
    sys.path.append(str(ROOT / "unit_test" / "python"))
    from helpers.browser import Page, find_chromium, open_browser

    if find_chromium() is None:
        return []
    found = []
    with open_browser() as browser:
        for path in sorted(set((BUILD / "site").rglob("*.html")) - {BUILD / "site" / "404.html"}):
            page = Page(browser, path, 400, False)
            complaints = [str(entry) for entry in page.complaints()]
            wide = [f"wider than 400 pixels by {page.overflow()}"] if page.overflow() > 0 else []
            found += [f"{path.name}: {text}" for text in wide + complaints]
            page.close()
    return found


def main() -> int:
    """Build; 1 where something was wrong."""
    shutil.rmtree(BUILD, ignore_errors=True)
    stage_pages()
    write("results.md", results_page())
    stage_notebooks()
    stage_errors()
    navigation = stage_references()
    settings = yaml.safe_load(Path(__file__).with_name("mkdocs.yml").read_text("utf-8"))
    nav = [
        {**entry, **{key: navigation[key] for key in entry if key in navigation}} for entry in settings["nav"]
    ]
    unlisted = sorted(page.name for page in PAGES.glob("*.md") if page.name not in str(nav))
    nav += [{"More": unlisted}] if unlisted else []
    warnings = Warnings()
    logging.getLogger("mkdocs").addHandler(warnings)
    build(load_config(str(Path(__file__).with_name("mkdocs.yml")), nav=nav, strict=False))
    problems = warnings.messages + outside_references() + seen_problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"{len(list((BUILD / 'site').rglob('*.html')))} pages in {BUILD / 'site'}, {len(problems)} problems"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
