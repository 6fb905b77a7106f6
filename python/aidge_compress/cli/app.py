"""The typer application, and how errors leave it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from .bench import bench
from .compress import compress
from .demo import demo
from .doctor import doctor
from .errors import USAGE_ERRORS, option_names, print_error, print_warning
from .evaluate import evaluate
from .inspect import inspect
from .merge import merge
from .pfa import pfa
from .prune import fibnlr
from .quantize import quantize
from .recover import recover
from .shared_options import epilog
from .sweep import sweep

__all__ = ["app", "run"]

_SMALLER, _LOOK, _MEASURE, _HELP = "Make a network smaller", "Look at a network", "Measure", "Help"
_COMMANDS = (
    (_SMALLER, "compress", compress, (
        "aidge compress model.onnx --data pictures/ --out small.onnx",
        "aidge compress model.onnx --data calib.npz --keep-macs 0.5 --out small.onnx",
    )),
    (_SMALLER, "fibnlr", fibnlr, (
        "aidge fibnlr model.onnx --data pictures/ --ablation-method none",
        "aidge fibnlr model.onnx --data pictures/ --out pruned.onnx --report r.html",
    )),
    (_SMALLER, "merge", merge, ("aidge merge model.onnx --out merged.onnx",)),
    (_SMALLER, "pfa", pfa, (
        "aidge pfa model.onnx --data calib.npz --strategy energy --energy 0.95",
    )),
    (_SMALLER, "quantize", quantize, (
        "aidge quantize model.onnx --data pictures/ --out model_int8.onnx",
        "aidge quantize model.onnx --weights float16 --out model_16.onnx",
    )),
    (_SMALLER, "recover", recover, (
        "aidge recover small.onnx --reference model.onnx --data pictures/ --out better.onnx",
    )),
    (_SMALLER, "sweep", sweep, (
        "aidge sweep model.onnx --data calib.npz --eval test.npz --report sweep.html",
        "aidge sweep model.onnx --data calib.npz --eval test.npz --try compress",
    )),
    (_LOOK, "inspect", inspect, ("aidge inspect model.onnx",)),
    (_MEASURE, "eval", evaluate, ("aidge eval small.onnx --data test.npz --reference model.onnx",)),
    (_MEASURE, "bench", bench, ("aidge bench model.onnx --batch 8 --against ort",)),
    (_HELP, "demo", demo, ("aidge demo",)),
    (_HELP, "doctor", doctor, ("aidge doctor",)),
)  # fmt: skip


def _without_types_of_flags(params: list[Any]) -> list[Any]:
    """The same options; the help of a flag has no word for a value, arguments are files, and the least used one of typer's own is not listed."""
    for entry in params:
        if getattr(entry, "is_flag", False):
            entry.metavar = ""
        if entry.param_type_name == "argument":
            entry.display_type_rich = lambda ctx: "FILE"
            entry.get_usage_pieces = lambda ctx, name=entry.metavar: [name]
        entry.hidden = getattr(entry, "hidden", False) or entry.name == "show_completion"
    return params


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types_of_flags(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types_of_flags(super().get_params(ctx))


app = typer.Typer(
    name="aidge",
    cls=_Group,
    help="Make trained networks smaller and faster: ONNX in, smaller verified ONNX out.",
    epilog=epilog(
        "aidge demo",
        "aidge inspect model.onnx",
        "aidge compress model.onnx --data pictures/ --out small.onnx",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for _panel, _name, _command, _examples in _COMMANDS:
    _help = "\n\n".join(" ".join(part.split()) for part in (_command.__doc__ or "").split("\n\n"))
    app.command(_name, cls=_Command, help=_help, rich_help_panel=_panel, epilog=epilog(*_examples))(_command)

_EXIT_BAD_INPUT = 2


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
    """Make trained networks smaller and faster: ONNX in, smaller verified ONNX out."""


def _running(command: Any, arguments: Sequence[str]) -> tuple[str, dict[str, str]]:
    """How the command that was called is written, and its options."""
    known = getattr(command, "commands", {})
    name = next((argument for argument in arguments if not argument.startswith("-")), "")
    return (f"aidge {name}", option_names(known[name])) if name in known else ("aidge", {})


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code; a mistake of the caller is one message and exit code 2, never a traceback."""
    import aidge_core

    given = list(arguments)
    warnings.showwarning = print_warning
    command = typer.main.get_command(app)
    try:
        code = command.main(given, prog_name="aidge", standalone_mode=False)
    except (USAGE_ERRORS, ValueError, KeyError, OSError, ImportError, aidge_core.UnsupportedError) as error:
        if type(error).__name__ != "NoArgsIsHelpError":  # the help is printed already
            print_error(error, *_running(command, given), given)
        return _EXIT_BAD_INPUT
    except typer.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0
