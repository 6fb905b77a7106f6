"""How the command line looks: help, results and errors in a terminal of 80 columns."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer
from aidge_compress.cli.app import app
from helpers.commands import run
from helpers.toy import classifier, save

COMMANDS = ("compress", "fibnlr", "merge", "pfa", "sweep", "inspect", "eval", "bench", "demo", "doctor")
ODD = "a[b]/c[/d]"
LONG = "/features/block.12/depthwise_separable/pointwise_projection_with_a_long_name/Conv"


def narrow(*arguments: str | Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `aidge` in 80 columns and check its exit code."""
    done = run(*arguments, COLUMNS="80")
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose names hold brackets, or are longer than a line, in a file whose name holds brackets; and data."""
    path = tmp_path_factory.mktemp("appearance")
    rng = np.random.default_rng(0)
    weights = {
        "w1": rng.standard_normal((12, 3, 3, 3)) / 5,
        "w2": np.abs(rng.standard_normal((12, 12, 3, 3))) / 7,
        "b2": np.full(12, 0.5),
        "w3": rng.standard_normal((4, 12)),
    }
    names = (ODD, f"relu{ODD}", LONG, f"relu{LONG}", "fc[bold]")
    save(classifier(weights, names=names), path / "m[red].onnx")
    np.savez(path / "d[x].npz", image=rng.standard_normal((40, 3, 8, 8)).astype(np.float32))
    return path


def test_help_has_panels_by_task_and_whole_summaries() -> None:
    text = narrow("--help").stdout
    for panel in ("Make a network smaller", "Look at a network", "Measure", "Help"):
        assert f"─ {panel} ─" in text
    lines = text.splitlines()
    for command in COMMANDS:
        (line,) = [line for line in lines if line.startswith(f"│ {command} ")]
        assert line.rstrip(" │").endswith(".")
        assert "..." not in line


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_has_an_example_and_names_no_types(command: str) -> None:
    text = narrow(command, "--help").stdout
    assert all(len(line) <= 80 for line in text.splitlines())
    assert f"aidge {command}" in text[text.index("Example") :]
    assert not any(
        kind in text for kind in ("<float>", "<int>", "<str>", "<path>", "<bool>", "TEXT", "INTEGER")
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_no_word_of_a_help_text_is_broken_and_every_default_is_visible(command: str) -> None:
    text = narrow(command, "--help").stdout
    words = [word for line in text.splitlines() for word in line.strip("│ ").split()]
    known = typer.main.get_command(app).commands[command]
    for entry in (entry for entry in known.params if not entry.hidden):
        flags = () if entry.param_type_name == "argument" else (*entry.opts, *entry.secondary_opts)
        assert {*flags, *(entry.help or "").split()} <= set(words), entry.name
        if entry.required or entry.default in (None, False, ()) or "efault" in (entry.help or ""):
            continue
        default = entry.default if entry.default is not True else entry.opts[0].removeprefix("--")
        said = ", ".join(default) if isinstance(default, (list, tuple)) else default
        assert f"[default: {said}]" in " ".join(words), entry.name


def test_experts_have_a_panel_and_defaults_are_visible() -> None:
    text = narrow("fibnlr", "--help").stdout
    usual, expert = text.split("─ Expert options ─")
    assert "--convergence-threshold" in expert
    assert "--convergence-threshold" not in usual
    for default in ("0.1", "sum", "image_size"):
        assert f"[default: {default}]" in usual


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"],
        ["bench", "--passes", "1"],
        ["fibnlr", "--data", "d[x].npz"],
        ["pfa", "--data", "d[x].npz"],
        ["compress", "--data", "d[x].npz", "--keep-macs", "0.7", "--layers"],
    ],
)
def test_names_are_whole_and_brackets_in_them_are_not_markup(folder: Path, arguments: list[str]) -> None:
    command, *options = (part.replace("d[x].npz", str(folder / "d[x].npz")) for part in arguments)
    text = narrow(command, folder / "m[red].onnx", *options).stdout
    assert "m[red].onnx" in text.splitlines()[0]
    assert ODD in text
    assert LONG in text
    assert "\x1b" not in text


def test_a_result_says_what_was_asked_for_and_begins_with_the_totals(folder: Path) -> None:
    common = ["compress", folder / "m[red].onnx", "--data", folder / "d[x].npz", "--no-timing"]
    text = narrow(*common, "--macs", "0.7").stdout
    assert text.splitlines()[0] == "m[red].onnx, keeping 70 % of the MACs"
    assert text.splitlines()[2].split() == ["before", "after"]
    assert "channels" not in text
    same = narrow(*common, "--keep-macs", "0.7").stdout
    seconds = re.compile(r"[0-9.]+ s$", re.MULTILINE)
    assert seconds.sub("", same) == seconds.sub("", text)


def test_without_a_goal_compress_looks_for_the_smallest_network_within_one_percent(folder: Path) -> None:
    common = ["compress", folder / "m[red].onnx", "--data", folder / "d[x].npz", "--no-timing"]
    text = narrow(*common).stdout
    assert "No goal given" in text
    assert "loses at most 1 %" in text
    document = json.loads(narrow(*common, "--json").stdout)
    assert document["options"]["max_drop"] == 0.01
    assert document["exit_code"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compress", "--allocation", "foo"],
            "--allocation: expected one of auto, energy, loss, uniform, kl, got 'foo'",
        ),
        (["compress", "--keep-macs", "2"], "expected --keep-macs in (0, 1], got 2.0"),
        (["compress", "--macs", "2"], "expected --keep-macs in (0, 1], got 2.0"),
        (["compress", "--multiple", "0"], "expected --multiple of at least 1, got 0"),
        (["compress", "--bogus"], "No such option: --bogus"),
        (["pfa", "--unit-strategy", "foo"], "--unit-strategy: expected one of l1_max, l1_min, abs_max"),
        (
            ["sweep", "--eval", "no.npz", "--unit-strategy", "foo"],
            "--unit-strategy: expected one of l1_max, l1_min",
        ),
        (["sweep", "--eval", "no.npz", "--threshold", "0.1,x"], "expected numbers, got 'x'"),
        (["fibnlr", "--preset", "foo"], "--preset: expected one of default, paper, none"),
        (["compress"], "no such file"),
    ],
)
def test_mistakes_are_found_before_the_data_is_opened_and_name_the_option(
    folder: Path, arguments: list[str], message: str
) -> None:
    command, *options = arguments
    done = narrow(command, folder / "m[red].onnx", "--data", "missing[red].npz", *options, "--json", expect=2)
    first = done.stderr.splitlines()[0]
    assert first.startswith("error: ")
    assert message in first
    assert "::" not in done.stderr
    assert json.loads(done.stdout)["error"] == first.removeprefix("error: ")


def test_every_command_takes_the_same_spellings_of_a_choice(folder: Path) -> None:
    files = [folder / "m[red].onnx", "--data", folder / "d[x].npz"]
    for spelling in ("abs_max", "AbsMax", "absmax", "abs-max"):
        narrow("pfa", *files, "--unit-strategy", spelling, "--limit", "30", "--json")
    sweep = ["sweep", *files, "--eval", folder / "d[x].npz", "--no-timing", "--json"]
    rows = json.loads(
        narrow(*sweep, "--try", "pfa", "--unit-strategy", "AbsMax,l1-max", "--energy", "0.9").stdout
    )["rows"]
    assert {row["options"]["unit_strategy"] for row in rows} == {"abs_max", "l1_max"}
