"""Sweeps: one pass, every decision judged once, a state that survives being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import pytest
from aidge_compress.measure.evaluate import evaluate_model
from aidge_compress.network.summary import summarize
from aidge_compress.pfa import PFA
from aidge_compress.sweeps import CompressGrid, FibnlrGrid, PfaGrid, pareto
from aidge_compress.sweeps.grids import fibnlr_parameters, label
from aidge_compress.sweeps.state import data_key, model_key
from aidge_core.data import from_arrays
from helpers.commands import aidge, run
from helpers.reporting import make_data, make_network
from hypothesis import given
from hypothesis import strategies as st

DIMS = [8, 3, 12, 12]
GRID = FibnlrGrid(thresholds=(0.0, 0.2, 1.5), normalizations=("none", "sum", "average"), groups=("none",))
EVERYTHING = {"fibnlr": GRID, "compress": CompressGrid(targets=(0.8,)), "pfa": PfaGrid(energies=(0.9,))}


class Counted:
    """A provider that counts the passes over it."""

    def __init__(self, *arrays: np.ndarray) -> None:
        self._inner = from_arrays(*arrays, batch_size=8)
        self.passes = 0

    def __iter__(self) -> Iterator[Any]:
        self.passes += 1
        return iter(self._inner)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep")
    make_network(path / "model.onnx")
    make_data(path / "data.npz")
    return path


def network(folder: Path) -> aidge_core.GraphView:
    graph = aidge_onnx.load_onnx(folder / "model.onnx")
    graph.compile("cpu", dims=[DIMS])
    return graph


def arrays(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(folder / "data.npz") as archive:
        return archive["image"], archive["label"]


@pytest.fixture(scope="module")
def result(folder: Path) -> aidge_core.SweepResult:
    images, labels = arrays(folder)
    return aidge_core.sweep(
        network(folder), from_arrays(images, batch_size=8), from_arrays(images, labels, batch_size=8), **EVERYTHING
    )  # fmt: skip


def test_every_fibnlr_setting_decides_as_fibnlr_does_from_the_start(
    folder: Path, result: aidge_core.SweepResult
) -> None:
    provider = from_arrays(arrays(folder)[0], batch_size=8)
    rows = [row for row in result.rows if row.method == "fibnlr"]
    assert len(rows) == 3 * 2 * 2 * 3
    removed_by = set()
    for row in rows:
        graph, params = network(folder), fibnlr_parameters(GRID, row.options)
        removed = {node.name() for node in aidge_core.fibnlr(graph, provider, params)}
        assert {name for name, share in result.decisions[row.decision].items() if share} == removed
        removed_by.add(frozenset(removed))
    assert len(removed_by) == len({row.decision for row in rows}) == 3


def test_data_is_read_once_and_each_decision_judged_once(folder: Path) -> None:
    images, labels = arrays(folder)
    provider, judge = Counted(images), Counted(images, labels)
    found = aidge_core.sweep(network(folder), provider, judge, fibnlr=GRID, latency=False)
    assert provider.passes == 1
    assert found.evaluated == len(found.decisions) < len(found.rows)
    assert judge.passes == 1 + found.evaluated
    assert found.outcomes()[0].latency is None


@pytest.mark.parametrize("merge", [False, True])
def test_outcomes_are_those_of_the_networks(folder: Path, merge: bool) -> None:
    images, labels = arrays(folder)
    provider, judge = from_arrays(images, batch_size=8), from_arrays(images, labels, batch_size=8)
    grid = replace(GRID, normalizations=("sum",), criteria=("threshold",), methods=("strict",))
    model = network(folder)
    nodes = len(model.get_nodes())
    found = aidge_core.sweep(model, provider, judge, fibnlr=grid, merge=merge, latency=False)
    assert len(model.get_nodes()) == nodes
    for row in found.rows:
        pruned = network(folder)
        params = fibnlr_parameters(grid, row.options)
        params.ablation_method = aidge_core.AblationMethod.IDENTITY
        aidge_core.fibnlr(pruned, provider, params)
        if merge:
            aidge_core.fuse_convolution(pruned, border="image", dims=[DIMS], repeats=0)
        expected = evaluate_model(pruned, judge, reference=network(folder))
        costs = summarize(pruned, [DIMS])
        assert (row.outcome.accuracy, row.outcome.agreement) == (expected.accuracy, expected.agreement)
        assert (row.outcome.macs, row.outcome.parameters) == (costs.macs, costs.parameters)
    if merge:
        assert min(row.outcome.macs for row in found.rows) < found.baseline.macs


def test_settings_of_compress_differ_as_compress_does_and_equal_networks_are_judged_once(
    folder: Path,
) -> None:
    images, labels = arrays(folder)
    provider, judge = from_arrays(images, batch_size=8), from_arrays(images, labels, batch_size=8)
    grid = CompressGrid(
        targets=(0.5,), selections=("elimination", "l1_norm"), allocations=("uniform", "kl", "energy")
    )
    found = aidge_core.sweep(network(folder), provider, judge, compress=grid, latency=False)
    assert len(found.rows) == 6
    networks: dict[str, set[int]] = {}
    for row in found.rows:
        chosen = {name: value for name, value in row.options.items() if name != "keep_macs"}
        smaller = aidge_core.compress(
            network(folder), provider, target=0.5, evaluation=judge, latency=False, **chosen
        )
        assert row.outcome.agreement == smaller.quality.agreement
        assert row.outcome.macs == DIMS[0] * smaller.after.macs
        networks.setdefault(model_key(smaller.model), set()).add(row.decision)
    assert found.evaluated == len(found.decisions) == len(networks) > 1
    assert all(len(decisions) == 1 for decisions in networks.values())


def test_networks_of_many_macs_keep_the_multiples_that_compress_keeps(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidge_compress.channels.run._LARGE", 1.0)
    monkeypatch.setattr("aidge_compress.channels.run._BLOCK", 4)
    provider = from_arrays(arrays(folder)[0], batch_size=8)
    (row,) = aidge_core.sweep(
        network(folder), provider, provider, compress=CompressGrid(targets=(0.6,)), latency=False
    ).rows
    smaller = aidge_core.compress(network(folder), provider, target=0.6, evaluation=provider, latency=False)
    assert smaller.layers[0].channels == (8, 4)
    assert row.outcome.macs == DIMS[0] * smaller.after.macs


def test_settings_of_compress_are_what_it_does(folder: Path, result: aidge_core.SweepResult) -> None:
    images, labels = arrays(folder)
    provider, judge = from_arrays(images, batch_size=8), from_arrays(images, labels, batch_size=8)
    compressed = next(row for row in result.rows if row.method == "compress")
    smaller = aidge_core.compress(network(folder), provider, target=0.8, evaluation=judge, latency=False)
    assert compressed.outcome.accuracy == smaller.quality.accuracy
    assert compressed.outcome.parameters == smaller.after.parameters
    assert compressed.outcome.macs == DIMS[0] * smaller.after.macs


def without_agreed_units(folder: Path, provider: Any, strategy: Any) -> aidge_core.GraphView:
    """By hand: folded, merged, and without the channels that all layers that make them would let go."""
    recipes = PFA.introspect_model(network(folder), provider).get_recipe(strategy=strategy)
    smaller = network(folder)
    aidge_core.fuse_batchnorm(smaller)
    aidge_core.fuse_convolution(smaller, dims=[[1, *DIMS[1:]]], repeats=0)
    gone: dict[Any, list[int]] = {}
    for group in aidge_core.channel_groups(smaller, dims=[DIMS]):
        names = [source.node.name() for source in group.sources]
        if group.can_be_cut() and all(name in recipes for name in names):
            sets = [set(recipes[name].maximally_correlated_units) for name in names]
            gone[names[0]] = sorted(set.intersection(*sets))
    aidge_core.remove_channels(smaller, gone, dims=[DIMS])
    return smaller


def test_settings_of_pfa_are_carried_out(folder: Path) -> None:
    images, labels = arrays(folder)
    provider, judge = from_arrays(images, batch_size=8), from_arrays(images, labels, batch_size=8)
    grid = PfaGrid(energies=(0.5, 0.7), budgets=(0.6,), kl=False, compensations=("none", "least_squares"))
    found = aidge_core.sweep(network(folder), provider, judge, pfa=grid, latency=False)
    assert len(found.rows) == 6
    cheapest = found.baseline.macs
    for row in found.rows:
        energy, budget = row.options.get("energy"), row.options.get("keep_macs")
        strategy = (
            PFA.Strategy.Budget(network(folder), macs=budget) if budget else PFA.Strategy.Energy(energy)
        )
        smaller = without_agreed_units(folder, provider, strategy)
        costs = summarize(smaller, [DIMS])
        assert row.outcome.macs == costs.macs
        if row.options["compensation"] == "none":  # least squares may add biases
            assert row.outcome.parameters == costs.parameters
            expected = evaluate_model(smaller, judge, reference=network(folder))
            assert (row.outcome.accuracy, row.outcome.agreement) == (expected.accuracy, expected.agreement)
        cheapest = min(cheapest, costs.macs)
    assert cheapest < 0.5 * found.baseline.macs
    assert found.pareto("macs")
    best = {
        kind: sum(row.outcome.agreement for row in found.rows if row.options["compensation"] == kind)
        for kind in ("none", "least_squares")
    }
    assert best["least_squares"] >= best["none"]


@given(st.dictionaries(st.integers(0, 30), st.tuples(st.integers(0, 6), st.integers(0, 6))))
def test_the_pareto_front_is_what_nothing_beats(points: dict[int, tuple[int, int]]) -> None:
    front = pareto({key: (float(a), float(b)) for key, (a, b) in points.items()})
    unbeaten = {
        point
        for point in points.values()
        if not any(c <= point[0] and m >= point[1] and (c, m) != point for c, m in points.values())
    }
    assert [points[key] for key in front] == sorted(unbeaten)


GRIDS: dict[str, dict[str, Any]] = {
    "fibnlr": {"fibnlr": GRID},
    "channels": {"compress": CompressGrid(targets=(0.8, 0.6)), "pfa": PfaGrid(energies=(0.5, 0.7))},
}

KILLED = """
import os, signal, sys
from pathlib import Path
from test_sweep import *
folder, state, after = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
images, labels = arrays(folder)

def progress(stage, done, total):
    if stage == "judging" and done == after:
        os.kill(os.getpid(), signal.SIGKILL)

aidge_core.sweep(network(folder), from_arrays(images, batch_size=8), from_arrays(images, labels, batch_size=8),
    latency=False, state=state, progress=progress, **(GRIDS[sys.argv[4]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", GRIDS)
def test_a_sweep_that_was_killed_goes_on_and_ends_with_the_same_result(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    images, labels = arrays(folder)
    state = tmp_path / "state.json"
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", KILLED, str(folder), str(state), "2", kind]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": here}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    provider, judge = Counted(images), Counted(images, labels)
    options: dict[str, Any] = {**GRIDS[kind], "latency": False}
    resumed = aidge_core.sweep(network(folder), provider, judge, state=state, **options)
    passes = provider.passes
    whole = aidge_core.sweep(network(folder), from_arrays(images, batch_size=8), judge, **options)
    assert resumed.evaluated == whole.evaluated - 2
    assert {**resumed.to_dict(), "evaluated": 0} == {**whole.to_dict(), "evaluated": 0}
    again = aidge_core.sweep(network(folder), provider, judge, state=state, **options)
    assert again.evaluated == 0
    assert provider.passes == passes + 1  # to recognise the data
    if kind == "fibnlr":
        assert passes == 1  # the statistics were there


def test_a_wider_sweep_goes_on_from_a_narrower_one(folder: Path, tmp_path: Path) -> None:
    images, labels = arrays(folder)
    provider, judge = Counted(images), Counted(images, labels)
    options: dict[str, Any] = {"latency": False, "state": tmp_path / "state.json", "identity": "the same"}
    narrow = replace(GRID, thresholds=(0.0,))
    aidge_core.sweep(network(folder), provider, judge, fibnlr=narrow, **options)
    wide = aidge_core.sweep(network(folder), provider, judge, fibnlr=GRID, **options)
    assert provider.passes == 1
    assert wide.evaluated == len(wide.decisions) - 1 == 2


def test_a_state_of_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    images, labels = arrays(folder)
    provider = from_arrays(images, labels, batch_size=8)
    grid = FibnlrGrid(
        normalizations=("sum",), thresholds=(0.2,), criteria=("threshold",), methods=("strict",)
    )
    state = tmp_path / "state.json"
    options: dict[str, Any] = {"fibnlr": grid, "latency": False, "state": state}
    aidge_core.sweep(network(folder), provider, provider, **options)
    before = state.read_bytes()
    with pytest.raises(ValueError, match="got another data"):
        aidge_core.sweep(network(folder), from_arrays(images + 1, labels, batch_size=8), provider, **options)
    changed = {**options, "fibnlr": replace(grid, max_iteration=1)}
    with pytest.raises(ValueError, match="got another statistics"):
        aidge_core.sweep(network(folder), provider, provider, **changed)
    other = network(folder)
    other.bypass("relu1")
    with pytest.raises(ValueError, match="got another network"):
        aidge_core.sweep(other, provider, provider, **options)
    assert state.read_bytes() == before
    for text in ("[]", "{", '{"format": 0}'):
        state.write_text(text)
        with pytest.raises(ValueError, match="expected a file that a sweep"):
            aidge_core.sweep(network(folder), provider, provider, **options)


def test_the_command_notices_a_picture_that_has_changed(folder: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        image.fromarray(pixels).save(pictures / f"{number}.bmp")
    state = tmp_path / "state.json"
    choice = ["--no-timing", "--normalization", "sum", "--threshold", "0.2", "--state", str(state)]
    data = ["--data", str(pictures), "--eval", str(pictures)]

    def sweep() -> tuple[int, str]:
        done = run("sweep", folder / "model.onnx", *data, *choice)
        return done.returncode, done.stdout + done.stderr

    assert sweep()[0] == 0
    assert "Evaluated 0 of them now" in sweep()[1]
    image.fromarray(pixels[::-1].copy()).save(pictures / "7.bmp")  # of the same size
    code, said = sweep()
    assert code == 2
    assert "got another data" in said


def test_keys_tell_networks_and_data_apart(folder: Path) -> None:
    assert model_key(network(folder)) == model_key(network(folder))
    images, labels = arrays(folder)
    keys = {
        data_key(from_arrays(images, batch_size=8)),
        data_key(from_arrays(images, labels, batch_size=8)),
        data_key(from_arrays(images[::-1].copy(), batch_size=8)),
        data_key([{"image": images}]),
    }
    assert len(keys) == 4


def test_progress_ends_and_ctrl_c_leaves_what_was_found(folder: Path, tmp_path: Path) -> None:
    images, labels = arrays(folder)
    provider = from_arrays(images, labels, batch_size=8)
    steps: list[tuple[str, int, int]] = []
    aidge_core.sweep(
        network(folder), provider, provider, fibnlr=GRID, latency=False, progress=lambda *s: steps.append(s)
    )
    judging = [step for step in steps if step[0] == "judging"]
    assert judging == [("judging", i, judging[-1][2]) for i in range(judging[-1][2] + 1)]

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "judging" and done == 1:
            raise KeyboardInterrupt

    state = tmp_path / "state.json"
    with pytest.raises(KeyboardInterrupt):
        aidge_core.sweep(
            network(folder), provider, provider, fibnlr=GRID, latency=False, state=state, progress=stop
        )
    assert len(json.loads(state.read_text())["outcomes"]) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_mistakes_are_named(folder: Path) -> None:
    provider = from_arrays(*arrays(folder), batch_size=8)
    for grid, message in (
        (
            FibnlrGrid(normalizations=("median",)),
            r"expected normalization as one of none, min_max, sum, average, got 'median'",
        ),
        (FibnlrGrid(thresholds=()), "expected at least one of ablation_threshold"),
        (FibnlrGrid(prunable_types=("GeLU",)), r"expected activations that can be pruned \(GeLU\), got none"),
        (FibnlrGrid(thresholds=(-1.0,)), "threshold"),
    ):
        with pytest.raises(ValueError, match=message):
            aidge_core.sweep(network(folder), provider, provider, fibnlr=grid, latency=False)
    best = PfaGrid(unit_strategies=("Best",))
    with pytest.raises(
        ValueError,
        match="expected unit_strategy as one of l1_max, l1_min, abs_max, abs_min, random, got 'Best'",
    ):
        aidge_core.sweep(network(folder), provider, provider, pfa=best, latency=False)
    with pytest.raises(ValueError, match="expected data"):
        aidge_core.sweep(network(folder), provider, [], latency=False)


def test_without_labels_agreement_counts_and_wrong_labels_are_refused(folder: Path) -> None:
    images, labels = arrays(folder)
    provider = from_arrays(images, batch_size=8)
    grid = replace(GRID, normalizations=("none",), methods=("strict",), criteria=("threshold",))
    found = aidge_core.sweep(network(folder), provider, provider, fibnlr=grid, latency=False)
    assert all(row.outcome.accuracy is None for row in found.rows)
    assert all(row.outcome.metric == row.outcome.agreement for row in found.rows)
    assert found.pareto("macs")
    assert found.pareto("latency") == []
    wrong = from_arrays(images, 5 + labels, batch_size=48)
    with pytest.raises(ValueError, match="expected labels below 5, got labels from 5 to 9"):
        aidge_core.sweep(network(folder), provider, wrong, fibnlr=grid, latency=False)


def test_a_sweep_is_a_frame_and_a_report(result: aidge_core.SweepResult, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert len(frame) == len(result.rows)
    front = set(result.pareto("macs"))
    assert frame["pareto_macs"].tolist() == [row.decision in front for row in result.rows]
    assert result.outcomes()[result.pareto("latency")[0]].latency is not None
    with pytest.raises(ValueError, match="expected macs"):
        result.pareto("beauty")
    result.report(tmp_path / "sweep.html")
    text = (tmp_path / "sweep.html").read_text("utf-8")
    for row in result.rows:
        assert row.label in text
    measured = sum(outcome.metric is not None for outcome in result.outcomes().values())
    assert text.count('class="cell"') == sum(map(len, result.decisions.values())) + measured
    assert "Accuracy against MACs" in text
    assert label({"normalization": "sum", "group": "none", "method": "loose", "ablation_threshold": 0.1}) == (
        "sum, group none, loose, threshold 0.1"
    )


def test_the_command_sweeps_keeps_and_reports(folder: Path, tmp_path: Path) -> None:
    data = str(folder / "data.npz")
    common = [
        "--data",
        data,
        "--eval",
        data,
        "--no-timing",
        "--shuffle",
        "--seed",
        "3",
        "--state",
        str(tmp_path / "state.json"),
    ]
    choice = [
        "--try",
        "fibnlr",
        "--try",
        "pfa",
        "--normalization",
        "sum",
        "--threshold",
        "0.2",
        "--energy",
        "0.8",
    ]
    report = tmp_path / "sweep.html"
    for extra, evaluated in ((["--json"], True), (["--json", "--report", str(report)], False), ([], False)):
        out = aidge("sweep", folder / "model.onnx", *common, *choice, *extra).stdout
        if extra:
            document = json.loads(out)
            assert bool(document["evaluated"]) is evaluated
            assert {row["method"] for row in document["rows"]} == {"fibnlr", "pfa"}
    assert "different decisions" in out
    assert "aidge sweep" in report.read_text("utf-8")


def test_manual_groups_are_refused_because_a_sweep_has_no_assignments(folder: Path) -> None:
    arguments = ("sweep", folder / "model.onnx", "--data", folder / "data.npz", "--eval", folder / "data.npz")
    done = aidge(*arguments, "--group", "manual", expect=2)
    assert "expected --group as none or image_size, got manual" in done.stderr
