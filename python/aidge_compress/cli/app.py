"""The typer application, and how errors leave it."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import typer
from rich.console import Console

from .bench import bench
from .compress import compress
from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .inspect import inspect
from .merge import merge
from .pfa import pfa
from .prune import fibnlr
from .sweep import sweep

__all__ = ["app", "main"]

app = typer.Typer(
    name="aidge",
    help="Makes trained convolutional networks smaller and faster: ONNX in, smaller ONNX out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("inspect")(inspect)
app.command("fibnlr")(fibnlr)
app.command("merge")(merge)
app.command("pfa")(pfa)
app.command("compress")(compress)
app.command("sweep")(sweep)
app.command("eval")(evaluate)
app.command("bench")(bench)
app.command("demo")(demo)
app.command("doctor")(doctor)

_EXIT_BAD_INPUT = 2
_EXIT_INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        import aidge_core

        typer.echo(f"aidge-compress {aidge_core.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Makes trained convolutional networks smaller and faster: ONNX in, smaller ONNX out."""


def _describe(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{error.strerror or 'no such file'}: {error.filename}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """A line, without the line of our source that it comes from."""
    return f"warning: {message}\n"


def main() -> None:
    """Runs the command line; a mistake of the caller's is one message and exit code 2, never a traceback."""
    import aidge_core

    warnings.formatwarning = _warning
    try:
        app()
    except (ValueError, KeyError, OSError, ImportError, aidge_core.UnsupportedError) as error:
        message = _describe(error)
        if "--json" in sys.argv:
            print(json.dumps({"error": message, "kind": type(error).__name__}))
        Console(stderr=True, highlight=False).print(f"[bold red]error:[/] {_escape(message)}", soft_wrap=True)
        sys.exit(_EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        Console(stderr=True).print(f"{Path(sys.argv[0]).name}: interrupted; nothing was written")
        sys.exit(_EXIT_INTERRUPTED)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
