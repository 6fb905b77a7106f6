"""Runs the command line: in this process, without starting an interpreter, or in a new one for what only a process shows."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import aidge_backend_cpu
from aidge_compress.cli import main

COLUMNS = 200
"""Wide enough that no line of a table is broken."""


@contextlib.contextmanager
def _as_a_process(command: list[str], folder: Path | None, environment: Mapping[str, str]) -> Iterator[None]:
    """Give a command the arguments, folder, environment and warnings of a new process, and restore what it changes."""
    here, threads = Path.cwd(), aidge_backend_cpu.get_num_threads()
    patches = (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, {"COLUMNS": str(COLUMNS), **environment}),
        mock.patch.object(warnings, "formatwarning", warnings.formatwarning),
        warnings.catch_warnings(),
    )
    try:
        with contextlib.ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            warnings.simplefilter("default")
            warnings.showwarning = _show_warning
            os.chdir(folder or here)
            yield
    finally:
        os.chdir(here)
        aidge_backend_cpu.set_num_threads(threads)


def _show_warning(message: Warning | str, kind: type[Warning], file: str, line: int, *_: object) -> None:
    """Print a warning to standard error; pytest would record it."""
    sys.stderr.write(warnings.formatwarning(message, kind, file, line))


def run(
    *arguments: str | float | Path, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `aidge` in a folder (none: where the tests run) with further variables of the environment.

    Warnings are lines of standard error. An exception that the command line does not handle is raised."""
    out, err = io.StringIO(), io.StringIO()
    command = ["aidge", *(str(argument) for argument in arguments)]
    code: object = None
    streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with streams[0], streams[1], _as_a_process(command, folder, environment):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    number = code if isinstance(code, int) else int(code is not None)
    return subprocess.CompletedProcess(command, number, out.getvalue(), err.getvalue())


def process(
    *arguments: str | float | Path, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `aidge` in a new process: for the environment that libraries read once, and for how the process ends."""
    program = "import sys; sys.argv[0] = 'aidge'; from aidge_compress.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *(str(argument) for argument in arguments)],
        capture_output=True, text=True, cwd=folder, env={**os.environ, **environment}, check=False,
    )  # fmt: skip


def aidge(
    *arguments: str | float | Path, expect: int = 0, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `aidge` and check its exit code."""
    done = run(*arguments, folder=folder)
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def document(*arguments: str | float | Path) -> dict[str, Any]:
    """Return the JSON document that a command prints with --json."""
    loaded: dict[str, Any] = json.loads(aidge(*arguments, "--json").stdout)
    return loaded
