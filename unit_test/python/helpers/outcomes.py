"""What a command ends with: success with a document, or one line that says why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import commands


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
    done = commands.run(*arguments)
    return Done(done.returncode, done.stdout, done.stderr)


def ok(*arguments: str | float | Path) -> Done:
    """Run `aidge` and check that it succeeds."""
    done = run(*arguments)
    assert done.code == 0, f"exit {done.code}\n{done.out}\n{done.err}"
    return done


def refused(*arguments: str | float | Path) -> str:
    """Run `aidge`, check that it refuses its input (exit code 2), and return the one line, after warnings, that says why."""
    done = run(*arguments)
    assert done.code == 2, f"exit {done.code}\n{done.out}\n{done.err}"
    lines = [line for line in done.err.strip().splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1, done.err
    return lines[0]
