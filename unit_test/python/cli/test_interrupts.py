"""Ctrl-C ends a command with one line and exit code 130, whatever it is doing."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv = ["aidge", "inspect", "missing.onnx"]
from aidge_compress.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "aidge_compress.cli.app", "onnx", "aidge_compress.cli.demo"])
def test_ctrl_c_while_modules_are_imported_is_one_line(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "aidge: interrupted; nothing was written\n"
