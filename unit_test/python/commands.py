"""Runs the command line in this process: as quick as a call, and an exception that it lets out is one here."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aidge_compress.cli import main


@dataclass(frozen=True)
class Done:
    """Exit code, standard output and standard error of a command; warnings are lines of the latter."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded


def run(*arguments: str | float | Path) -> Done:
    """Run `aidge` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    before, shown = sys.argv, warnings.formatwarning
    sys.argv = ["aidge", *(str(argument) for argument in arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("default")
            # In its own right, so that a test runner that records warnings does not keep them.
            warnings.showwarning = lambda message, kind, *_: err.write(f"{kind.__name__}: {message}\n")
            main()
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    finally:
        sys.argv, warnings.formatwarning = before, shown
    return Done(code, out.getvalue(), err.getvalue())


def ok(*arguments: str | float | Path) -> Done:
    """Run `aidge` and check that it succeeds."""
    done = run(*arguments)
    assert done.code == 0, f"exit {done.code}\n{done.out}\n{done.err}"
    return done


def refused(*arguments: str | float | Path) -> str:
    """Run `aidge`, check that it refuses its input (exit code 2), and return the one line that says why."""
    done = run(*arguments)
    assert done.code == 2, f"exit {done.code}\n{done.out}\n{done.err}"
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    return lines[0]
