"""How far compress reaches: small networks of many architectures, each loaded, compared with ONNX Runtime, and cut to 0.7 of its MACs.

python benchmark/reach.py --out reach.jsonl            # continues a run that was stopped; prints a table at the end
python benchmark/reach.py --out reach.jsonl --only vit resnet
python benchmark/reach.py --out reach.jsonl --table    # only the table

Weights are random (seed 0), statistics of BatchNorm are those of noise. Each network runs in a separate process, for at most --seconds. "share of
MACs": of the layers that make or read channels that can be removed. compress calibrates on 32 random inputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

KEEP = 0.7
SAMPLES = 32
TOLERANCE = 1e-3


def exported(name: str, folder: Path) -> Path:
    """The network in a file, with a free batch."""
    import torch
    from reach_networks import NETWORKS

    torch.manual_seed(0)
    _, build, shapes = NETWORKS[name]
    module = build()
    examples = tuple(torch.randn(8, *shape[1:]) for shape in shapes)
    with torch.no_grad():
        for _ in range(3):
            module.train()(*examples)
        outputs = module.eval()(*examples)
    count = len(outputs) if isinstance(outputs, tuple) else 1
    ins, outs = [f"in{i}" for i in range(len(shapes))], [f"out{i}" for i in range(count)]
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, examples, str(path), input_names=ins, output_names=outs, opset_version=17, dynamo=False,
            dynamic_axes={entry: {0: "N"} for entry in ins + outs},
        )  # fmt: skip
    return path


def session_outputs(path: Path, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """What ONNX Runtime gives."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    result: list[np.ndarray] = session.run(
        None, {entry.name: array for entry, array in zip(session.get_inputs(), arrays, strict=True)}
    )
    return result


def own_outputs(model: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """What our engine gives."""
    import aidge_core

    model.compile("cpu", dims=[list(array.shape) for array in arrays])
    return [np.asarray(out).copy() for out in aidge_core.SequentialScheduler(model).forward(data=arrays)]


def examine(name: str) -> dict[str, Any]:
    """Everything about one network; `reason` says at which stage it ended."""
    import aidge_compress
    import aidge_core
    from aidge_compress.measure.metrics import relative_difference
    from reach_networks import NETWORKS

    family, _, shapes = NETWORKS[name]
    row: dict[str, Any] = {"name": name, "family": family, "reason": ""}
    rng = np.random.default_rng(0)
    data = [rng.standard_normal((SAMPLES, *shape[1:])).astype(np.float32) for shape in shapes]
    with tempfile.TemporaryDirectory() as folder:
        stage = "export"
        try:
            path = exported(name, Path(folder))
            stage = "load"
            model = aidge_compress.load_onnx(path)
            row["loads"] = True
            stage = "forward"
            first = [array[:4] for array in data]
            expected = session_outputs(path, first)
            row["difference"] = relative_difference(expected, own_outputs(model, first))
            stage = "groups"
            groups = aidge_core.channel_groups(model, dims=[list(array.shape) for array in first])
            row["groups"], row["can_be_cut"] = len(groups), sum(group.can_be_cut() for group in groups)
            ends = [
                entry.node.name()
                for group in groups
                if group.can_be_cut()
                for entry in (*group.sources, *group.uses)
            ]
            layers = [
                entry
                for entry in aidge_compress.inspect(path, dims=[list(shape) for shape in shapes]).layers
                if entry.macs
            ]
            whole = sum(entry.macs or 0 for entry in layers)
            row["macs"], row["share"] = (
                whole,
                sum(entry.macs or 0 for entry in layers if entry.name in ends) / max(whole, 1),
            )
            refusals = [group.refusal for group in groups if group.refusal]
            row["refusals"] = sorted(set(refusals))[:4]
            stage = "compress"
            batches = [[array[begin : begin + 8] for array in data] for begin in range(0, SAMPLES, 8)]
            result = aidge_compress.compress(path, batches, keep_macs=KEEP, latency=False)
            row["kept"] = result.after.macs / max(result.before.macs, 1)
            row["metric"], row["drop"] = result.quality.metric, result.drop
            stage = "save"
            out = Path(folder) / "out.onnx"
            result.save(out)
            row["written"] = relative_difference(
                session_outputs(out, first), own_outputs(result.model, first)
            )
        except Exception as error:
            row["reason"] = f"{stage}: {type(error).__name__}: {str(error).splitlines()[0]}"[:300]
    return row


def run(name: str, seconds: float) -> dict[str, Any]:
    """`examine` in a separate process."""
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--examine", name], capture_output=True, text=True, timeout=seconds, check=False
        )  # fmt: skip
        last = done.stdout.strip().splitlines()[-1:]
        ending = done.stderr.strip().splitlines()[-1:] or [""]
        row = (
            json.loads(last[0])
            if last and done.returncode == 0
            else {"name": name, "reason": f"exit {done.returncode}: {ending[0]}"}
        )
    except subprocess.TimeoutExpired:
        row = {"name": name, "reason": f"took more than {seconds:g} s"}
    return {**row, "seconds": round(time.perf_counter() - started, 1)}


def said(row: dict[str, Any]) -> str:
    """Why a network is not cut to the goal; "" if it is."""
    if row["reason"]:
        return str(row["reason"])
    if not row["difference"] <= TOLERANCE:
        return f"other outputs than ONNX Runtime ({row['difference']:.1e})"
    return (
        ""
        if row["written"] <= TOLERANCE
        else f"the file that was written gives other outputs ({row['written']:.1e})"
    )


def figure(row: dict[str, Any], name: str, form: str) -> str:
    """A figure of a row, if it has it."""
    return "–" if row.get(name) is None else format(row[name], form)


def print_table(rows: list[dict[str, Any]]) -> None:
    """A line per network, and the totals."""
    print(
        "| network | family | difference | groups that can go | share of MACs | kept | metric | drop | file | why not | s |"
    )
    print("|---|---|---:|---:|---:|---:|---|---:|---:|---|---:|")
    for row in rows:
        groups = f"{row['can_be_cut']}/{row['groups']}" if "groups" in row else "–"
        cells = [
            row["name"], row.get("family", ""), figure(row, "difference", ".0e"), groups, figure(row, "share", ".2f"), figure(row, "kept", ".2f"),
            row.get("metric") or "–", figure(row, "drop", ".3g"), figure(row, "written", ".0e"), said(row), f"{row['seconds']:.0f}",
        ]  # fmt: skip
        print(f"| {' | '.join(cells)} |")
    same = sum(row.get("difference", 1.0) <= TOLERANCE for row in rows)
    print(
        f"\n{len(rows)} networks: {sum('loads' in row for row in rows)} load, {same} give what ONNX Runtime gives, "
        f"{sum(row.get('can_be_cut', 0) > 0 for row in rows)} have channels that can go, {sum(not said(row) for row in rows)} are cut to {KEEP}, "
        "written and give the same in both engines"
    )


def main() -> None:
    """Examine the networks that the file does not have yet, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reach.jsonl"), help="where results are kept, one line of JSON each"
    )
    parser.add_argument("--only", nargs="*", help="names of networks")
    parser.add_argument("--seconds", type=float, default=300.0, help="at most for a network")
    parser.add_argument("--table", action="store_true", help="only print the table of the results so far")
    parser.add_argument("--examine", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.examine:
        print(json.dumps(examine(arguments.examine)))
        return
    known = (
        [json.loads(line) for line in arguments.out.read_text().splitlines()]
        if arguments.out.exists()
        else []
    )
    if not arguments.table:
        from reach_networks import NETWORKS

        left = [name for name in arguments.only or NETWORKS if name not in {row["name"] for row in known}]
        for number, name in enumerate(left, 1):
            row = run(name, arguments.seconds)
            known.append(row)
            with arguments.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(
                f"{number}/{len(left)} {name}: {said(row) or 'fine'} ({row['seconds']} s)",
                file=sys.stderr,
                flush=True,
            )
    print_table(known)


if __name__ == "__main__":
    main()
