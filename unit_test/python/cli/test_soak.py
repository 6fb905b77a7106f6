"""Every command with random options on random networks and data: no traceback, one line of error that names options, valid JSON, no wrong file, none
left over.

75 cases; AIDGE_NIGHTLY=1 (make nightly) runs 5,000. `python unit_test/soak.py --seed N` shows one of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import aidge_backend_cpu
import numpy as np
import onnx
import pytest

pytest.importorskip("PIL.Image")

from helpers import commands
from helpers.networks import LINEAR, build_network
from helpers.soak import checks, make_case, run_case, soak
from helpers.soak.cases import Case
from helpers.soak.options import COMMANDS, Scene, draw

CASES = 5000 if os.environ.get("AIDGE_NIGHTLY") else int(os.environ.get("AIDGE_SOAK_CASES", "75"))
FIRST = int(os.environ.get("AIDGE_SOAK_FIRST", "0"))
CHUNK = 25
PROCESSES = 6


@pytest.fixture(autouse=True)
def restored_threads() -> Iterator[None]:
    before = aidge_backend_cpu.get_num_threads()
    aidge_backend_cpu.set_num_threads(1)
    yield
    aidge_backend_cpu.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIRST, FIRST + CASES, CHUNK))
def test_commands_end_well_whatever_they_are_given(first: int) -> None:
    problems = [soak(seed) for seed in range(first, min(first + CHUNK, FIRST + CASES))]
    assert not any(problems), "\n".join(filter(None, problems))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST, FIRST + PROCESSES))
def test_they_do_in_processes_of_their_own(seed: int) -> None:
    assert not soak(seed, process=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_drawn(command: str, tmp_path: Path) -> None:
    scene = Scene(tmp_path, tmp_path / "net.onnx", tmp_path / "data.npz", ["n0"], ["ReLU"], [[1, 3]])
    drawn: set[str] = set()
    for seed in range(400):
        arguments, _ = draw(command, scene, np.random.default_rng(seed), odd=seed % 2 == 0)
        drawn.update(argument for argument in arguments if argument.startswith("--"))
    options = {
        entry.opts[0]
        for entry in COMMANDS[command].params
        if entry.opts[0].startswith("--")
        and not entry.hidden
        and entry.name not in ("help", "workers", "scheduler")
    }
    assert {name for name in options if name not in drawn and f"--no-{name[2:]}" not in drawn} == set()


# --- that the checks can fail -------------------------------------------------------------------------------
def case_of(folder: Path, command: str = "merge", *arguments: str) -> Case:
    network = build_network(np.random.default_rng(4).bytes(224), LINEAR)
    model, out = folder / "net.onnx", folder / "out.onnx"
    onnx.save(network.model, model)
    return Case(0, network, command, (str(model), "--out", "out.onnx", *arguments), (out,), folder, model)


def test_a_good_command_has_no_problems(tmp_path: Path) -> None:
    assert list(run_case(case_of(tmp_path))) == []


def test_a_wrong_file_is_found(tmp_path: Path) -> None:
    case = case_of(tmp_path)

    def wrong(*_: object, **__: object) -> object:
        other = onnx.load(case.model)
        for tensor in other.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                tensor.CopyFrom(
                    onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 1.5 + 0.1, tensor.name)
                )
        onnx.save(other, tmp_path / "out.onnx")
        return commands.subprocess.CompletedProcess([], 0, "", "")

    with mock.patch.object(commands, "run", wrong):
        assert "merging changed the outputs" in list(run_case(case))


@pytest.mark.parametrize(
    ("code", "out", "err", "problem"),
    [
        (2, "", "error: one\nerror: two\n", "2 lines of error"),
        (2, "", "error: [a::b] expected one, got two\n", "name of a function"),
        (2, "", "error: expected keep_macs in (0, 1], got 2\n", "Python argument keep_macs"),
        (7, "", "", "exit code 7"),
        (0, "", "Traceback (most recent call last)\n", "a traceback"),
        (0, "", "something\n", "neither error nor warning"),
        (0, "", "", "exit code 0 without ['out.onnx']"),
        (0, '{"a": NaN}', "", "not one JSON document"),
    ],
)
def test_a_bad_ending_is_found(code: int, out: str, err: str, problem: str, tmp_path: Path) -> None:
    case = case_of(tmp_path, "merge", "--json") if out else case_of(tmp_path)
    ended = commands.subprocess.CompletedProcess([], code, out, err)
    with mock.patch.object(commands, "run", return_value=ended):
        assert problem in "\n".join(run_case(case))


def test_a_file_left_behind_and_an_exception_are_found(tmp_path: Path) -> None:
    case = case_of(tmp_path)

    def leaves(*_: object, **__: object) -> object:
        (tmp_path / ".out.onnx.unverified").write_text("half")
        return commands.subprocess.CompletedProcess([], 2, "", "error: expected more, got less\n")

    with mock.patch.object(commands, "run", leaves):
        assert "left behind: ['.out.onnx.unverified']" in "\n".join(run_case(case))
    with mock.patch.object(commands, "run", mock.Mock(side_effect=ZeroDivisionError("division"))):
        assert "ZeroDivisionError" in "\n".join(run_case(case))


def test_a_seed_is_a_case() -> None:
    shown = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            case = make_case(11, Path(folder))
            shown.append(str(case).replace(folder, ""))
    assert shown[0] == shown[1]
    assert checks.soak(11) == ""
