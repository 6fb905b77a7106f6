"""compress: from a network to a smaller one that gives nearly the same outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend)
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from aidge_compress.channels import ALLOCATIONS, SELECTIONS
from aidge_compress.channels.cost import CostModel
from aidge_compress.channels.timing import layer_times
from aidge_compress.measure.held_out import split
from aidge_compress.network.summary import summarize
from aidge_core.data import from_arrays
from helpers.commands import run
from helpers.low_rank import CLASSES, images, mobile_network, outputs, residual_network


def shrink(
    graph: aidge_core.GraphView, x: np.ndarray | None = None, **options: Any
) -> aidge_core.CompressionResult:
    options.setdefault("latency", False)
    return aidge_core.compress(graph, from_arrays(images(400) if x is None else x, batch_size=32), **options)


@pytest.fixture(scope="module")
def halved() -> tuple[aidge_core.GraphView, aidge_core.CompressionResult]:
    graph = residual_network()
    return graph, shrink(graph, target=0.5, latency=True)


def test_the_target_is_kept_exactly(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult],
) -> None:
    graph, result = halved
    whole = summarize(graph, [[1, 3, 8, 8]])
    now = summarize(result.model, [[1, 3, 8, 8]])
    assert 0.35 * whole.macs < now.macs <= 0.5 * whole.macs
    assert (result.after.macs, result.after.parameters) == (now.macs, now.parameters)
    assert sum(layer.parameters[1] for layer in result.layers) == now.parameters


def test_the_callers_network_is_not_touched(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult],
) -> None:
    graph, _ = halved
    np.testing.assert_array_equal(outputs(graph, images(3)), outputs(residual_network(), images(3)))


def test_compensation_recovers_most_of_what_cutting_lost(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult],
) -> None:
    _, result = halved
    assert result.start_quality is not None
    plain = shrink(residual_network(), target=0.5, compensation="none", selection="l1_norm")
    assert result.quality.error < 0.5 * plain.quality.error
    assert result.quality.error <= result.start_quality.error
    assert result.quality.agreement is not None
    assert result.quality.agreement > 0.8


def test_the_result_is_the_same_every_time(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult],
) -> None:
    _, result = halved
    again = shrink(residual_network(), target=0.5)
    np.testing.assert_array_equal(outputs(result.model, images(5)), outputs(again.model, images(5)))


def test_onnx_runtime_gives_the_same_outputs(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult], tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    _, result = halved
    aidge_onnx.export_onnx(result.model, tmp_path / "small.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "small.onnx"), providers=["CPUExecutionProvider"])
    x = images(4, seed=7)
    got = session.run(None, {session.get_inputs()[0].name: x})[0]
    np.testing.assert_allclose(got, outputs(result.model, x), atol=1e-4)


def test_labels_that_are_no_classes_are_refused_to_judge_on_and_ignored_beside_calibration_data(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult],
) -> None:
    graph, _ = halved
    x = images(100, seed=3)
    wrong = from_arrays(x, np.full(100, CLASSES), batch_size=30)
    with pytest.raises(ValueError, match=f"expected labels below {CLASSES}, got labels from {CLASSES}"):
        shrink(graph, target=0.4, evaluation=wrong)
    quality = aidge_core.compress(graph, wrong, target=0.4, latency=False).quality
    assert quality.samples > 0
    assert quality.accuracy is None
    assert quality.agreement is not None


def test_what_it_says_of_the_quality_is_numpys(
    halved: tuple[aidge_core.GraphView, aidge_core.CompressionResult],
) -> None:
    graph, _ = halved
    x = images(100, seed=3)
    labels = outputs(graph, x).argmax(1)
    labels[:10] = (labels[:10] + 1) % CLASSES
    result = shrink(graph, target=0.4, evaluation=from_arrays(x, labels, batch_size=30))
    expected, got = outputs(result.original, x), outputs(result.model, x)
    same = float((expected.argmax(1) == got.argmax(1)).mean())
    assert result.quality.samples == 100
    assert result.quality.agreement == pytest.approx(same)
    assert result.quality.accuracy == pytest.approx(float((got.argmax(1) == labels).mean()))
    assert result.original_quality.accuracy == pytest.approx(0.9)
    assert result.drop == pytest.approx(0.9 - result.quality.accuracy)
    assert result.quality.error == pytest.approx(
        float(np.sqrt(((expected - got) ** 2).mean() / expected.var())), rel=1e-4
    )


def test_depthwise_channels_go_with_their_neighbours_and_branches_keep_their_own() -> None:
    graph = mobile_network()
    result = shrink(graph, target=0.5)
    now = {layer.name: layer.channels[1] for layer in result.layers}
    assert now["expand"] == now["depthwise"] < 24
    assert now["project"] < 10 or now["beside"] < 6
    notes = {layer.name: layer.note for layer in result.layers}
    assert notes["depthwise"] == "its output is the original's"
    plain = shrink(mobile_network(), target=0.5, compensation="none")
    assert result.quality.error < 0.7 * plain.quality.error


@pytest.mark.parametrize("target", [{"parameters": 0.5}, {"macs": 0.7, "parameters": 0.6}])
def test_other_targets(target: dict[str, float]) -> None:
    result = shrink(residual_network(), target=target, compensation="covariance")
    if "parameters" in target:
        assert result.after.parameters <= target["parameters"] * result.before.parameters
    if "macs" in target:
        assert result.after.macs <= target["macs"] * result.before.macs
    assert result.after.macs < result.before.macs
    assert f"{result.after.macs:,} of {result.before.macs:,} MACs" in str(result)


def test_a_latency_target_is_kept_by_the_times_of_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aidge_compress.channels.budget.layer_times",
        lambda model: (
            lambda name, inputs, outputs: 2.0 * inputs * outputs if name == "hidden" else 0.0,
            1.0,
        ),
    )
    result = shrink(residual_network(), images(60), target={"latency": 0.6}, compensation="none")
    hidden = next(layer for layer in result.layers if layer.name == "hidden")
    assert 2.0 * hidden.parameters[1] / hidden.parameters[0] + 1.0 <= 0.62 * 3.0


def test_layers_are_timed_over_a_grid_of_their_channels() -> None:
    graph = residual_network()
    graph.compile("cpu", dims=[[1, 3, 8, 8]])
    times, rest = layer_times(graph, repeats=3)
    assert rest >= 0
    assert times("first", 1.0, 1.0) > 0
    assert times("first", 0.3, 0.6) > 0
    assert times("r1", 1.0, 1.0) == 0


@pytest.mark.parametrize(
    ("name", "choice"),
    [("allocation", choice) for choice in ALLOCATIONS] + [("selection", choice) for choice in SELECTIONS],
)
def test_every_way_to_choose_keeps_the_target(name: str, choice: str) -> None:
    result = shrink(residual_network(), images(60), target=0.5, compensation="none", **{name: choice})
    assert 0.3 * result.before.macs < result.after.macs <= 0.5 * result.before.macs


def test_limits_are_kept() -> None:
    result = shrink(
        residual_network(),
        images(60),
        target=0.55,
        min_channels=6,
        multiple=4,
        protect=["hidden"],
        compensation="none",
    )
    kept = {group.layers[0]: group for group in result.groups}
    assert kept["hidden"].kept == 20
    for group in result.groups:
        assert group.kept == group.size or (group.kept >= 6 and group.kept % 4 == 0)


def test_costs_before_cutting_are_those_after_it() -> None:
    graph = residual_network()
    aidge_core.fuse_batchnorm(graph)
    graph.forward_dims([[1, 3, 8, 8]])
    groups = aidge_core.channel_groups(graph, dims=[[1, 3, 8, 8]])
    model = CostModel(graph, groups)
    counts, request = [], {}
    for group in groups:
        count = group.size if group.fixed else group.size // 2
        counts.append(count)
        if count < group.size:
            request[group.sources[0].node.name()] = list(range(count, group.size))
    macs, parameters = model.macs(counts), model.parameters(counts)
    aidge_core.remove_channels(graph, request, dims=[[1, 3, 8, 8]])
    now = summarize(graph, [[1, 3, 8, 8]])
    assert macs == pytest.approx(now.macs)
    assert parameters == pytest.approx(now.parameters)


def test_max_drop_alone_searches_for_the_smallest_network_within_it() -> None:
    result = shrink(residual_network(), images(300), max_drop=0.1)
    assert result.drop <= 0.1
    assert result.after.macs < 0.9 * result.before.macs


def test_held_out_samples_are_not_fitted_on() -> None:
    x = np.arange(200, dtype=np.float32).reshape(200, 1, 1, 1) * np.ones((1, 3, 8, 8), np.float32)
    fit, judge = split(from_arrays(x, np.arange(200), batch_size=16), residual_network(), 0.25)
    first, second = (np.concatenate([batch[0][:, 0, 0, 0] for batch in part]) for part in (fit, judge))
    assert not set(first) & set(second)
    assert sorted([*first, *second]) == list(range(200))
    assert 30 <= len(second) <= 70
    for batch in judge:
        np.testing.assert_array_equal(batch[0][:, 0, 0, 0], batch[1])


def test_samples_are_on_the_same_side_in_every_order() -> None:
    provider = from_arrays(images(100), batch_size=8, shuffle=True)
    fit, judge = split(provider, residual_network(), 0.3)
    first, second = ({sample.tobytes() for batch in part for sample in batch[0]} for part in (fit, judge))
    assert not first & second
    assert len(first) + len(second) == 100


def test_very_few_samples_are_all_fitted_on_with_a_warning() -> None:
    result = shrink(residual_network(), images(1), target=0.7)
    assert result.samples == 1
    assert result.quality.samples == 0
    assert any("few samples" in warning for warning in result.warnings)
    assert any("no samples were held out" in warning for warning in result.warnings)


def test_a_generator_serves_as_provider() -> None:
    x = images(120)
    result = aidge_core.compress(
        residual_network(), ([x[i : i + 20]] for i in range(0, 120, 20)), target=0.6, latency=False
    )
    assert result.samples + result.quality.samples == 120


def test_removed_activations_become_affine_maps() -> None:
    graph = residual_network()
    result = shrink(graph, target=None, remove_activations=2, merge=False)
    assert len(result.removed_activations) == 2
    kinds = [node.type() for node in result.model.get_ordered_nodes()]
    assert kinds.count("ReLU") == 2
    assert result.quality.error < 0.5


def test_without_a_goal_the_smallest_network_within_one_percent_is_found() -> None:
    free, asked = (shrink(residual_network(), images(60), **goal) for goal in ({}, {"max_drop": 0.01}))
    assert free.options.max_drop == 0.01
    assert free.groups == asked.groups
    assert free.after.macs < free.before.macs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 0.0}, r"shares in \(0, 1\]"),
        ({"target": {"flops": 0.5}}, "of macs, parameters, latency"),
        ({"target": 0.001}, r"a target that can be reached, at least macs 0\.0"),
        ({"target": 0.5, "selection": "best"}, "selection as one of"),
        ({"target": 0.5, "allocation": "best"}, "allocation as one of"),
        ({"target": 0.5, "compensation": "best"}, "compensation as one of"),
        ({"target": 0.5, "min_channels": 0}, "min_channels of at least 1, got 0"),
        ({"target": 0.5, "held_out": 1.0}, r"held_out in \[0, 1\)"),
        (
            {"target": 0.5, "protect": ["stem", "first", "hidden"]},
            "channels that can be removed, got none: .*head",
        ),
    ],
)
def test_what_cannot_be_done_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shrink(residual_network(), images(40), **options)


def test_what_is_no_graph_is_refused_with_the_ways_to_one() -> None:
    with pytest.raises(
        TypeError,
        match=r"expected the path or the bytes of an ONNX file, a ModelProto, a GraphView or .*got dict",
    ):
        aidge_core.compress({}, [], target=0.5)


def test_bad_data_is_an_error() -> None:
    graph = residual_network()
    bad = images(40)
    bad[:, 0] = np.inf
    with pytest.raises(ValueError, match="NaN or infinity"):
        shrink(graph, bad, target=0.5)
    with pytest.raises(ValueError, match="an empty"):
        aidge_core.compress(graph, [], target=0.5)
    with pytest.raises(ValueError, match="expected"):
        shrink(graph, np.zeros((40, 2, 8, 8), np.float32), target=0.5)


def test_progress_is_reported_and_may_fail() -> None:
    stages: list[str] = []
    shrink(
        residual_network(), images(60), target=0.6, progress=lambda stage, done, total: stages.append(stage)
    )
    assert {"read", "fold", "measure", "allocate", "cut", "compensate", "judge"} <= set(stages)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "compensate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shrink(residual_network(), images(60), target=0.6, progress=stop)


def test_the_command_writes_a_verified_network(tmp_path: Path) -> None:
    graph = residual_network()
    aidge_onnx.export_onnx(graph, tmp_path / "net.onnx")
    np.savez(tmp_path / "calib.npz", x=images(200))
    x = images(60, seed=5)
    np.savez(tmp_path / "test.npz", x=x, y=outputs(graph, x).argmax(1))
    common = [
        str(tmp_path / "net.onnx"),
        "--data",
        str(tmp_path / "calib.npz"),
        "--macs",
        "0.4",
        "--no-timing",
    ]
    judged = ["--eval", str(tmp_path / "test.npz"), "--retrained", str(tmp_path / "net.onnx")]
    done = run("compress", *common, "--out", str(tmp_path / "small.onnx"), *judged)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^accuracy +100\.00 % ", done.stdout, re.MULTILINE), done.stdout
    assert "same outputs as in memory" in done.stdout
    assert "After retraining: accuracy 100.00 %" in done.stdout
    rows = [
        line for line in done.stdout.splitlines() if "  " in line
    ]  # sentences are wrapped on a terminal only
    assert rows
    assert max(map(len, rows)) <= 80
    small = aidge_onnx.load_onnx(tmp_path / "small.onnx")
    assert summarize(small, [[1, 3, 8, 8]]).macs <= 0.4 * summarize(graph, [[1, 3, 8, 8]]).macs
    failed = run(
        "compress", *common, "--max-drop", "0", "--compensation", "none", "--selection", "random", "--json"
    )
    document = json.loads(failed.stdout)
    assert (failed.returncode, document["exit_code"]) == (3, 3)
    assert document["drop"] > 0
    unreachable = run("compress", *common[:3], "--macs", "0.0001")
    assert unreachable.returncode == 2
    assert "a goal that can be reached, at least --keep-macs" in unreachable.stderr


def test_the_fibnlr_command_fits_affine_maps(tmp_path: Path) -> None:
    aidge_onnx.export_onnx(residual_network(), tmp_path / "net.onnx")
    np.savez(tmp_path / "calib.npz", x=images(60))
    options = [
        "--ablation-method",
        "affine",
        "--ablation-threshold",
        "1000",
        "--out",
        str(tmp_path / "out.onnx"),
    ]
    done = run("fibnlr", str(tmp_path / "net.onnx"), "--data", str(tmp_path / "calib.npz"), *options)
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {node.type() for node in aidge_onnx.load_onnx(tmp_path / "out.onnx").get_nodes()}
    assert "ReLU" not in kinds
