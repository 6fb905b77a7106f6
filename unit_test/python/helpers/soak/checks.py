"""Runs a case and says what is wrong with how it ended."""

from __future__ import annotations

import json
import re
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NoReturn

import aidge_core
import aidge_onnx
import numpy as np
import onnx

from .. import commands
from ..networks import run_ort, same
from .cases import Case, make_case
from .options import COMMANDS

__all__ = ["run_case", "soak"]

_CODES = {"compress": (0, 1, 2, 3, 4), "fibnlr": (0, 1, 2), "merge": (0, 1, 2), "quantize": (0, 1, 2)}
_WRITTEN = (0, 3, 4)
"""Exit codes after which the files are there."""
_TOLERANCE = 1e-4
"""Of the largest output, as the commands verify."""
_ROUNDED = 0.05
"""Of quantised networks: integer kernels round a value to the next step now and then, which later layers enlarge."""
_TAG = re.compile(r"\[\w+(::\w+)+\]")


def soak(seed: int, *, process: bool = False) -> str:
    """What is wrong with the case of this number, with its command line; "" if nothing is. process: in a new process instead of this one."""
    with tempfile.TemporaryDirectory(prefix="soak ") as folder:
        case = make_case(seed, Path(folder))
        problems = list(run_case(case, process=process))
    again = f"python unit_test/soak.py --seed {seed}"
    return "" if not problems else f"seed {seed} ({again})\n{case}\n  " + "\n  ".join(problems)


def run_case(case: Case, *, process: bool = False) -> Iterator[str]:
    """Runs the command and yields what is wrong."""
    before = _files(case.folder)
    start = commands.process if process else commands.run
    try:
        done = start(case.command, *case.arguments, folder=case.folder)
    except Exception:  # whatever it is, it is what we are looking for
        yield "an exception left the command:\n" + traceback.format_exc(limit=-6)
        return
    yield from _ending(case, done)
    yield from _left_over(case, done.returncode, before)
    document: dict[str, Any] = {}
    if "--json" in case.arguments:
        try:
            document = json.loads(done.stdout, parse_constant=_not_json)
        except ValueError as error:
            yield f"standard output is not one JSON document ({error}): {done.stdout[-300:]!r}"
            return
        if (done.returncode == 2) != ("error" in document and "kind" in document):
            yield f"exit code {done.returncode} and a document with the keys {sorted(document)}"
    out = case.folder / "out.onnx"
    if done.returncode in _WRITTEN and out in case.written and out.exists():
        yield from _written(case, out, document)


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def _ending(case: Case, done: CompletedProcess[str]) -> Iterator[str]:
    """The exit code, and the lines on standard error."""
    code, lines = done.returncode, done.stderr.strip().splitlines()
    if code not in _CODES.get(case.command, (0, 2)):
        yield f"exit code {code}: {done.stderr[-500:]}"
    if "Traceback" in done.stderr + done.stdout:
        yield f"a traceback: {done.stderr[-1000:]}"
    errors = [line for line in lines if line.startswith("error:")]
    if len(errors) != (code == 2):
        yield f"exit code {code} with {len(errors)} lines of error: {done.stderr!r}"
    known = ("error:", "warning:", "wrote ", "aidge ", "note:")
    if others := [line for line in lines if line and not line.startswith(known)]:
        yield f"lines that are neither error nor warning: {others[:3]}"
    for error in errors:
        if _TAG.search(error):
            yield f"an error with the name of a function: {error}"
        if len(error) < len("error: .....") or error.rstrip().endswith("error:"):
            yield f"an error that says nothing: {error!r}"
        for name in sorted(_python_names()):
            if re.search(rf"(?<![\w./-]){name}(?![\w./])", error):
                yield f"an error that names the Python argument {name}: {error}"


def _python_names() -> set[str]:
    """Arguments that are written otherwise on the command line."""
    entries = [entry for command in COMMANDS.values() for entry in command.params]
    return {entry.name for entry in entries if "_" in entry.name.strip("_") and "__" not in entry.name}


def _left_over(case: Case, code: int, before: set[Path]) -> Iterator[str]:
    """Files that are there and should not be, or the other way round."""
    new = _files(case.folder) - before
    wanted = {path for path in case.written if path not in before}
    resumable = {case.folder / "state.json"}
    if code in _WRITTEN:
        if stray := new - wanted:
            yield f"files that nobody asked for: {sorted(path.name for path in stray)}"
        if missing := wanted - new - resumable:
            yield f"exit code {code} without {sorted(path.name for path in missing)}"
    elif stray := new - resumable:
        yield f"exit code {code} and left behind: {sorted(path.name for path in stray)}"


# --- written networks ---------------------------------------------------------------------------------------
def _written(case: Case, out: Path, document: dict[str, Any]) -> Iterator[str]:
    model = onnx.load(out)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # of the checker, of whatever type
        yield f"the file does not pass onnx.checker: {error}"
        return
    network = case.network
    feeds = [network.feeds(seed=5), *([network.feeds(batch=3, grow=1, seed=6)] if network.free else [])]
    source, found = _run(network.model, feeds), _run(model, feeds)
    here = [_run_here(out, feed) for feed in feeds]
    quantised = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    if not _same(found, here, _ROUNDED if quantised else _TOLERANCE):
        yield "the file is not what our own engine makes of it"
    approximate = "approximate" in case.arguments
    if case.command == "merge" and not approximate and not _same(source, found):
        yield "merging changed the outputs"
    untrained = "rows" in document and "--recover" not in case.arguments
    if case.command == "fibnlr" and untrained and not approximate and "affine" not in case.arguments:
        rows = [] if document["dry_run"] else document["rows"]
        expected = _without(network.model, [row["name"] for row in rows if row["removed"]])
        if expected is not None and not _same(_run(expected, feeds), found):
            yield "the outputs are not those of the source without the removed activations"
    if case.command == "compress" and _has_goal(case) and _parameters(model) > _parameters(network.model):
        yield f"it has {_parameters(model)} parameters, the source {_parameters(network.model)}"


def _has_goal(case: Case) -> bool:
    """False if only activations are replaced, by maps that have parameters."""
    return "--remove-activations" not in case.arguments or any(
        argument.startswith(("--keep-", "--macs", "--parameters", "--latency", "--max-drop"))
        for argument in case.arguments
    )


def _run(model: onnx.ModelProto, feeds: list[dict[str, np.ndarray]]) -> list[list[np.ndarray]]:
    names = [value.name for value in model.graph.input]
    return run_ort(model, *[{name: feed[name] for name in names} for feed in feeds])


def _run_here(path: Path, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    graph = aidge_onnx.load_onnx(path)
    inputs = [feed[spec.name] for spec in graph.input_specs]
    graph.compile("cpu", dims=[list(array.shape) for array in inputs])
    return [np.asarray(out).copy() for out in aidge_core.SequentialScheduler(graph).forward(inputs)]


def _same(
    expected: list[list[np.ndarray]], found: list[list[np.ndarray]], tolerance: float = _TOLERANCE
) -> bool:
    return all(
        same(one, other, tolerance)
        for wanted, got in zip(expected, found, strict=True)
        for one, other in zip(wanted, got, strict=True)
    )


def _without(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto | None:
    """The model with Identity in the place of these nodes; None if one of them stands for several nodes of the file."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    left = set(names)
    for node in copy.graph.node:
        if node.name in left and node.op_type in ("Relu", "LeakyRelu", "Clip", "PRelu", "HardSwish", "Gelu"):
            left.discard(node.name)
            kept = [node.input[0], node.output[0], node.name]
            node.CopyFrom(onnx.helper.make_node("Identity", [kept[0]], [kept[1]], kept[2]))
    return None if left else copy


def _parameters(model: onnx.ModelProto) -> int:
    """Elements of all floating-point constants."""
    tensors = list(model.graph.initializer)
    tensors += [
        entry.t for node in model.graph.node if node.op_type == "Constant" for entry in node.attribute
    ]
    return sum(int(np.prod(entry.dims)) for entry in tensors if entry.data_type == onnx.TensorProto.FLOAT)
