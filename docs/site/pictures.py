"""Make the pictures in docs/images: the report of `aidge demo` in light and dark, and the command `aidge compress` in a terminal.

    python docs/site/pictures.py        (make pictures)

Needs Chromium, and the packages of the extras `docs` and `test`.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1000, 1240
"""Pixels of the picture of the report: its top, with the figures and the first charts."""
COLUMNS = 80

sys.path.insert(0, str(ROOT / "unit_test" / "python"))


def run_aidge(*arguments: str, folder: Path) -> str:
    """Return what `aidge` prints, with colours."""
    program = "import sys; sys.argv[0] = 'aidge'; from aidge_compress.cli import main; main()"
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=True,
    )
    return done.stdout


def draw_terminal(command: str, printed: str, path: Path) -> None:
    """Write what a command printed as an SVG."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(printed.rstrip()))
    drawing = console.export_svg(title="aidge compress")
    fonts = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # they would be fetched from the network
    path.write_text(fonts.sub("", drawing), encoding="utf-8")


def photograph(report: Path, dark: bool, path: Path) -> None:
    """Write the top of a report as a .png."""
    from helpers.browser import Page, open_browser

    with open_browser() as browser:
        page = Page(browser, report, WIDTH, dark)
        page.screenshot(path, limit=HEIGHT)
        page.close()


def main() -> int:
    """Make all pictures."""
    from aidge_compress.demo import NETWORK

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(Path(NETWORK).read_bytes())
        command = "compress model.onnx --data mnist:train --limit 1000 --eval mnist:test --keep-macs 0.333 --out small.onnx --report report.html"
        printed = run_aidge(*command.split(), folder=folder)
        draw_terminal(f"aidge {command}", printed, IMAGES / "terminal.svg")
        for dark in (False, True):
            photograph(folder / "report.html", dark, IMAGES / f"report-{'dark' if dark else 'light'}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
