"""How a mistake looks on the command line: one line, with the names of options instead of those of Python arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["USAGE_ERRORS", "option_names", "plain_message", "print_error", "print_warning"]

USAGE_ERRORS: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What typer raises for a wrong option or argument."""

_TAG = re.compile(r"(^|(?<=: ))\[[A-Za-z_]\w*(?:::\w+)+\] ")
_AFTER_EXPECTED = re.compile(r"(?<=expected )\w+(?= (?:in|as|to|above|of at)\b)")
_INVALID = re.compile(r"^Invalid value for '([^']+)': ?")
_PYDANTIC = re.compile(r"^(--[\w-]+): Input should be a valid (\w+)\b.*")
_WORDS = {"integer": "a whole number", "number": "a number"}


def option_names(command: Any) -> dict[str, str]:
    """Name of an argument in Python → option, of a typer command."""
    visible = [entry for entry in command.params if not getattr(entry, "hidden", False)]
    return {entry.name: entry.opts[0] for entry in visible if entry.opts[0].startswith("--")}


def plain_message(error: BaseException, options: Mapping[str, str] | None = None) -> str:
    """What a person reads: without the tag of the C++ or Python function, and with options by their names on the command line."""
    options = options or {}
    message = _INVALID.sub(r"\1: ", _TAG.sub(r"\1", _message(error)))
    message = _PYDANTIC.sub(lambda match: f"{match[1]}: expected {_WORDS.get(match[2], match[2])}", message)
    message = _AFTER_EXPECTED.sub(lambda match: options.get(match[0], match[0]), message)
    long = [re.escape(name) for name in options if "_" in name]
    if not long:
        return message
    names = re.compile(rf"(?<![\w./-])(?:{'|'.join(long)})(?![\w./])")
    return names.sub(lambda match: options[match[0]], message)


def _message(error: BaseException) -> str:
    if isinstance(error, USAGE_ERRORS):
        return str(error.format_message())  # type: ignore[attr-defined]
    if isinstance(error, FileNotFoundError):
        return f"{error.strerror or 'no such file'}: {error.filename}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__


def _kind(error: BaseException) -> str:
    return "ValueError" if isinstance(error, USAGE_ERRORS) else type(error).__name__


def print_error(
    error: BaseException, command: str, options: Mapping[str, str], arguments: Sequence[str]
) -> None:
    """One line on standard error, and where to read more after a wrong option; with --json a document on standard output."""
    message = plain_message(error, options)
    if "--json" in arguments:
        print(json.dumps({"error": message, "kind": _kind(error)}))
    err = Console(stderr=True, highlight=False)
    err.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
    if isinstance(error, USAGE_ERRORS):
        err.print(Text(f"{command} --help lists all options", style="dim"), soft_wrap=True)


def print_warning(message: Warning | str, *_: object, **__: object) -> None:
    """In the place of warnings.showwarning: a line, without the line of our source that it comes from."""
    text = _TAG.sub(r"\1", str(message))
    Console(stderr=True, highlight=False).print(Text.assemble(("warning: ", "yellow"), text), soft_wrap=True)
