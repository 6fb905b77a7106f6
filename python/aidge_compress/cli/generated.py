"""Command-line options made from the options dataclasses of the methods, so that names, choices, defaults and help texts exist once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..options import OptionInfo, choice, describe

if TYPE_CHECKING:
    from ..measure.grid import Grid

__all__ = ["EXPERT", "Option", "choices", "options_of", "sweep_lists", "takes"]

EXPERT = "Expert options"
"""The panel for options that few people need."""
_WIDEST = 18


@dataclass(frozen=True)
class Option:
    """A field of an options dataclass on the command line.

    Attributes:
        info: what the field is.
        flag: how it is written, e.g. "--keep-macs" or "--timing/--no-timing".
        panel: of the help.
        former: other names that it is accepted under; the help does not list them.
        parser: from text to a value; None: by the kind of the field.
        many: whether it takes several values, separated by commas or by repeating the option.
        dest: the name of the command's argument.
        hidden: whether the help leaves it out.
    """

    info: OptionInfo
    flag: str
    panel: str
    former: tuple[str, ...] = ()
    parser: Callable[[str], Any] | None = None
    many: bool = False
    dest: str = ""
    hidden: bool = False

    @property
    def names(self) -> list[str]:
        """Names of the command's arguments, that of the option last."""
        return [*(f"{self.dest}__{number}" for number in range(len(self.former))), self.dest]

    @property
    def _convert(self) -> Callable[[str], Any] | None:
        if self.parser is not None:
            return self.parser
        if self.info.choices:
            return functools.partial(_chosen, self.info.choices)
        if self.many:
            return functools.partial(_number, self.info.kind) if self.info.kind in (int, float) else str
        return None

    @property
    def _metavar(self) -> str | None:
        word = _word(self.info.choices) or self.info.metavar
        return f"{word},…" if self.many and word else word or None

    @property
    def _help(self) -> str:
        more = " Repeat for several." if self.info.kind is tuple and not self.many else ""
        return f"{self.info.help}.{_listing(self.info.choices)}{more}"

    def parameters(self) -> Iterable[inspect.Parameter]:
        """The option, and one hidden option per former name."""
        info, convert = self.info, self._convert
        several = self.many or info.kind is tuple
        inner: Any = str if convert is not None or several else info.kind
        default = None if self.many or info.default == () else info.default
        shown: dict[str, Any] = {"help": self._help, "metavar": None if inner is bool else self._metavar}
        if self.many and convert is not None:
            shown["parser"] = functools.partial(_listed, convert)
        elif convert is not None:
            shown["parser"] = convert
        if info.choices:
            shown["autocompletion"] = _completions(info.choices)
        kind: Any = list[str] if several else inner
        optional: Any = Optional[kind] if default is None else kind  # noqa: UP045  (a type that is computed)
        listed = list(default) if isinstance(default, tuple) else default
        panel = EXPERT if info.expert else self.panel
        entry = typer.Option(self.flag, rich_help_panel=panel, hidden=self.hidden, **shown)
        yield _parameter(self.dest, Annotated[optional, entry], listed)
        for name, flag in zip(self.names, self.former, strict=False):
            hidden = typer.Option(flag, hidden=True, **shown)
            yield _parameter(name, Annotated[Optional[kind], hidden], None)  # noqa: UP045


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _word(names: Sequence[str]) -> str:
    """All choices, if they are short enough for the column of metavars; a word for them if not."""
    text = "|".join(names)
    return text if len(text) <= _WIDEST else "CHOICE"


def _listing(names: Sequence[str]) -> str:
    return f" One of: {', '.join(names)}." if _word(names) == "CHOICE" else ""


def _chosen(choices: Sequence[str], text: str) -> str:
    try:
        return choice(text, choices, "cli::option", "a value")
    except ValueError:
        raise typer.BadParameter(f"expected one of {', '.join(choices)}, got {text!r}") from None


def _completions(choices: Sequence[str]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [entry for entry in choices if entry.startswith(incomplete)]

    return complete


def choices(text: str, *names: str) -> dict[str, Any]:
    """Arguments of typer.Option, with the help text, for an option that has these values."""
    return {
        "help": f"{text}{_listing(names)}",
        "parser": functools.partial(_chosen, names),
        "autocompletion": _completions(names),
        "metavar": _word(names),
    }


def _number(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        wanted = "whole numbers" if kind is int else "numbers"
        raise typer.BadParameter(f"expected {wanted}, got {text!r}") from None


def _listed(convert: Callable[[str], Any], text: str) -> tuple[Any, ...]:
    """ "0.1,0.2" → (0.1, 0.2)."""
    return tuple(convert(part.strip()) for part in text.split(","))


def options_of(
    options: type[Any],
    panel: str,
    *,
    skip: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
    former: Mapping[str, Sequence[str]] | None = None,
    parsers: Mapping[str, Callable[[str], Any]] | None = None,
) -> list[Option]:
    """All options of a dataclass, in its order.

    Args:
        options: the dataclass; see aidge_compress.options.
        panel: of the help, for options that are not for experts.
        skip: fields that the command line does not have.
        flags: field → how it is written, if not "--" and its name with hyphens.
        former: field → names that it is accepted under too.
        parsers: field → from text to its value.
    """
    found = []
    for info in describe(options):
        if info.name in skip:
            continue
        flag = (flags or {}).get(info.name) or _flag(info)
        names = tuple((former or {}).get(info.name, ()))
        found.append(Option(info, flag, panel, names, (parsers or {}).get(info.name), dest=info.name))
    return found


def _flag(info: OptionInfo) -> str:
    name = info.name.replace("_", "-")
    return f"--{name}/--no-{name}" if info.kind is bool else f"--{name}"


def _defaults(values: Sequence[Any]) -> str:
    return f" Default: {', '.join(map(str, values))}" if values else " Default: none"


def sweep_lists(
    grid: type[Grid],
    panel: str,
    *,
    skip: Sequence[str] = (),
    former: Mapping[str, Sequence[str]] | None = None,
    help: Mapping[str, str] | None = None,  # noqa: A002  (its name everywhere)
) -> list[Option]:
    """The options that a grid has, with a list of values each.

    Args:
        grid: of the method.
        panel: of the help.
        skip: options that another group has already.
        former: name of an option → other names that it is accepted under.
        help: name of an option → what its help says instead of the sentence for one value.
    """
    made = []
    for name, info in {**grid.infos(), **grid.infos(fixed=True)}.items():
        if name in skip:
            continue
        fixed = name in grid.fixed
        many = not fixed or info.kind is tuple
        values = info.default if fixed else info.tries or ()
        text = (help or {}).get(name) or (f"{info.help}.{_defaults(values)}" if many else info.help)
        names = tuple((former or {}).get(name, ()))
        listed = replace(info, expert=fixed, help=text)
        made.append(Option(listed, _flag(info), panel, names, many=many, dest=name))
    return made


@dataclass
class _Given:
    """What the user gave, by name of the field."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, option: Option, value: Any) -> None:
        several = option.many or option.info.kind is tuple
        if several:
            flat = [part for entry in value for part in (entry if isinstance(entry, tuple) else (entry,))]
            value = tuple(flat)
        self.values[option.dest] = value


def takes(**groups: Sequence[Option]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator for a command: each keyword names an argument of the command, which becomes the given options of that group.

    The argument is a dict with the values that the user gave, not the defaults. Options for experts are listed last.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = [
            inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        ]
        later: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            if parameter.name not in groups:
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
                continue
            for option in groups[parameter.name]:
                (later if option.info.expert else parameters).extend(option.parameters())

        @functools.wraps(command)
        def run(ctx: typer.Context, **values: Any) -> None:
            arguments: dict[str, Any] = {}
            for group, options in groups.items():
                given = _Given()
                for option in options:
                    for name in option.names:
                        value = values.pop(name)
                        if _is_given(ctx, name):
                            given.add(option, value)
                arguments[group] = given.values
            command(**values, **arguments)

        everything = parameters + later
        del run.__wrapped__
        run.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
        run.__annotations__ = {entry.name: entry.annotation for entry in everything}
        return run

    return decorate


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
