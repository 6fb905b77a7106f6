"""Every metric against formulas that are written here once more, and the choice of the one that fits.

Outputs come from ONNX Runtime or are made up; nothing of what is tested computes the expected values.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import aidge_compress
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_compress.measure.metrics import Tally
from helpers import onnx_models as om
from helpers.outcomes import ok, refused
from onnx import helper

SAMPLES = 24
RNG = np.random.default_rng(3)
PICTURES = RNG.standard_normal((SAMPLES, 3, 8, 8)).astype(np.float32)


def network(path: Path, tail: str, seed: int = 0) -> Path:
    """A small network: scores, classes, a map of scores, one map behind a sigmoid, an embedding, a picture, a number, or two outputs."""
    rng = np.random.default_rng(seed)
    width = {"map": 4, "picture": 3, "mask": 1, "two": 4}.get(tail, 5)
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
    ]
    outputs = [om.info("y", None, onnx.TensorProto.INT64 if tail == "classes" else onnx.TensorProto.FLOAT)]
    weights = [om.tensor("k", rng.standard_normal((6, 3, 3, 3)) / 3)]
    if tail in ("map", "picture", "mask"):
        nodes.append(helper.make_node("Conv", ["r", "w"], ["s"], "head"))
        last = "Sigmoid" if tail == "mask" else "Identity"
        nodes.append(helper.make_node(last, ["s"], ["y"], "last"))
        weights.append(om.tensor("w", rng.standard_normal((width, 6, 1, 1))))
    else:
        width = 1 if tail == "number" else width
        nodes += [
            helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
            helper.make_node("Flatten", ["g"], ["f"], "flat"),
            helper.make_node("MatMul", ["f", "w"], ["s"], "head"),
        ]
        weights.append(om.tensor("w", rng.standard_normal((6, width))))
        if tail == "classes":
            nodes.append(helper.make_node("ArgMax", ["s"], ["y"], "best", axis=1, keepdims=0))
        elif tail == "embedding":
            nodes.append(helper.make_node("LpNormalization", ["s"], ["y"], "unit", axis=1, p=2))
        else:
            nodes.append(helper.make_node("Identity", ["s"], ["y"], "last"))
        if tail == "two":
            nodes.append(helper.make_node("Identity", ["r"], ["z"], "features"))
            outputs.append(om.info("z", None))
    inputs = [om.info("x", ("N", 3, 8, 8))]
    onnx.save(om.model(nodes, weights, inputs=inputs, outputs=outputs), path)
    return path


def run(path: Path) -> np.ndarray:
    result: np.ndarray = onnxruntime.InferenceSession(path).run(None, {"x": PICTURES})[0]
    return result


def pair(folder: Path, tail: str) -> tuple[Path, Path]:
    one, two = (network(folder / f"{tail}{seed}.onnx", tail, seed) for seed in (1, 2))
    return one, two


def batches(*labels: np.ndarray) -> list[list[np.ndarray]]:
    """Batches of different sizes: a figure must not be a mean over batches."""
    cuts = [0, 7, 16, SAMPLES]
    return [[array[a:b] for array in (PICTURES, *labels)] for a, b in itertools.pairwise(cuts)]


def mean_iou(found: np.ndarray, masks: np.ndarray, classes: int) -> float:
    """From the confusion matrix over all pixels that count, as segmentation benchmarks do."""
    keep = masks != 255
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (masks[keep], found[keep]), 1)
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    return float(np.mean([matrix[i, i] / union[i] for i in range(classes) if union[i]]))


# --- the figures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2])
def test_mean_iou_and_pixel_agreement_are_those_of_the_confusion_matrix(scale: int, tmp_path: Path) -> None:
    one, two = pair(tmp_path, "map")
    masks = RNG.integers(0, 4, (SAMPLES, 8 * scale, 8 * scale)).astype(np.uint8)
    masks[:, :2] = 255
    found = aidge_compress.evaluate(one, batches(masks), reference=two)
    own, other = run(one).argmax(1), run(two).argmax(1)
    enlarged = [maps.repeat(scale, 1).repeat(scale, 2) for maps in (own, other)]
    assert found.metric == "miou"
    assert found.value == pytest.approx(mean_iou(enlarged[0], masks, 4))
    figure = found.quality.figure
    assert figure.before == pytest.approx(mean_iou(enlarged[1], masks, 4))
    assert figure.drop == pytest.approx(figure.before - figure.after)
    right = (enlarged[0] == masks)[masks != 255].mean()
    assert figure.details["pixel accuracy"] == pytest.approx(float(right))
    assert found.quality.find("pixel_agreement").after == pytest.approx(float((own == other).mean()))
    assert found.agreement is None


def test_one_map_behind_a_sigmoid_has_two_classes(tmp_path: Path) -> None:
    path = network(tmp_path / "mask.onnx", "mask")
    masks = RNG.integers(0, 2, (SAMPLES, 1, 8, 8))
    found = aidge_compress.evaluate(path, batches(masks))
    assert found.value == pytest.approx(mean_iou((run(path)[:, 0] > 0.5).astype(int), masks[:, 0], 2))


def test_embeddings_are_compared_by_centred_cosine_and_neighbours(tmp_path: Path) -> None:
    one, two = pair(tmp_path, "embedding")
    found = aidge_compress.evaluate(one, batches(), reference=two)
    own, other = run(one).astype(float), run(two).astype(float)
    a, b = own - other.mean(0), other - other.mean(0)
    cosines = [float(x @ y / np.linalg.norm(x) / np.linalg.norm(y)) for x, y in zip(a, b, strict=True)]
    assert found.metric == "embedding"
    assert found.agreement is None  # the largest value of an embedding says nothing
    assert found.value == pytest.approx(np.mean(cosines), abs=1e-5)

    def neighbours(rows: np.ndarray) -> list[int]:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return [
            max((j for j in range(SAMPLES) if j != i), key=lambda j: unit[i] @ unit[j])
            for i in range(SAMPLES)
        ]

    same = np.mean(np.array(neighbours(a)) == np.array(neighbours(b)))
    assert found.quality.figure.details["same nearest neighbour"] == pytest.approx(float(same))
    assert aidge_compress.evaluate(two, batches(), reference=two).value == 1.0


@pytest.mark.parametrize("labelled", [True, False])
def test_psnr_is_that_of_the_labels_or_of_the_reference(labelled: bool, tmp_path: Path) -> None:
    one, two = pair(tmp_path, "picture")
    clean = RNG.random((SAMPLES, 3, 8, 8)).astype(np.float32)
    asked = {} if labelled else {"metric": "psnr"}
    found = aidge_compress.evaluate(one, batches(*([clean] if labelled else [])), reference=two, **asked)
    wanted = (clean if labelled else run(two)).astype(float)

    def psnr(output: np.ndarray) -> float:
        return float(10 * np.log10((wanted.max() - wanted.min()) ** 2 / np.mean((output - wanted) ** 2)))

    assert found.metric == "psnr"
    assert found.value == pytest.approx(psnr(run(one)), abs=1e-4)
    before = found.quality.figure.before
    assert before == (pytest.approx(psnr(run(two)), abs=1e-4) if labelled else np.inf)
    assert "dB" in str(found)


def test_relative_error_is_over_the_variance_of_all_outputs(tmp_path: Path) -> None:
    one, two = pair(tmp_path, "number")
    found = aidge_compress.evaluate(one, batches(), reference=two)
    own, other = run(one).astype(float), run(two).astype(float)
    assert found.metric == "relative_error"
    assert found.value == pytest.approx(np.sqrt(np.mean((own - other) ** 2) / other.var()), rel=1e-4)
    assert found.quality.drop == found.value  # less is better: what it grew by is lost


def test_a_network_that_ends_in_argmax_gives_classes(tmp_path: Path) -> None:
    one, two = pair(tmp_path, "classes")
    labels = run(two)
    same = float((run(one) == labels).mean())
    found = aidge_compress.evaluate(one, batches(labels), reference=two)
    assert (found.metric, found.accuracy, found.agreement) == (
        "top1",
        pytest.approx(same),
        pytest.approx(same),
    )
    assert same < 1


# --- the choice -----------------------------------------------------------------------------------------------------

CLASSES = RNG.integers(0, 4, SAMPLES)
MASKS = RNG.integers(0, 4, (SAMPLES, 8, 8))
CHOICES = [
    ("scores", None, "agreement", "the output has shape N x 5 and there are no labels"),
    ("scores", CLASSES, "top1", "the output has shape N x 5 and the labels are classes"),
    ("scores", MASKS, "agreement", "the output has shape N x 5 and the labels are masks"),
    ("map", None, "pixel_agreement", "the output has shape N x 4 x 8 x 8 and there are no labels"),
    ("map", MASKS, "miou", "the output has shape N x 4 x 8 x 8 and the labels are masks"),
    ("map", CLASSES, "pixel_agreement", "the labels are classes"),
    ("picture", None, "relative_error", "N x 3 x 8 x 8"),  # colours are no classes
    ("embedding", CLASSES, "embedding", "N x 5"),
    ("number", None, "relative_error", "N x 1"),
    ("two", None, "agreement", "the 2 outputs have shapes N x 4, N x 6 x 8 x 8 and there are no labels"),
]


@pytest.mark.parametrize(("tail", "labels", "metric", "reason"), CHOICES)
def test_the_default_follows_from_the_outputs_and_the_labels_and_is_said(
    tail: str, labels: np.ndarray | None, metric: str, reason: str, tmp_path: Path
) -> None:
    one, two = pair(tmp_path, tail)
    arrays = {"x": PICTURES} if labels is None else {"x": PICTURES, "labels": labels}
    np.savez(tmp_path / "d.npz", **arrays)
    text = ok("eval", one, "--data", tmp_path / "d.npz", "--reference", two).out
    said = " ".join(text.split())
    assert f"metric: {metric} (" in said
    assert reason in said
    document = ok("eval", one, "--data", tmp_path / "d.npz", "--reference", two, "--json").document
    assert (document["metric"], document["figures"][0]["metric"]) == (metric, metric)
    assert reason in document["reason"]


def test_without_a_reference_and_labels_there_is_no_figure(tmp_path: Path) -> None:
    found = aidge_compress.evaluate(network(tmp_path / "n.onnx", "number"), batches())
    assert (found.metric, found.value) == (None, None)
    assert "no reference network" in str(found)


UNFIT = [
    ("scores", "miou", "expected for miou maps (samples, classes, height, width)"),
    ("scores", "pixel_agreement", "got: the output has shape N x 5"),
    ("map", "top1", "expected for top1 one score per class"),
    ("map", "agreement", "got: the output has shape N x 4 x 8 x 8 and there are no labels"),
    ("number", "embedding", "expected for embedding one vector per sample"),
]


@pytest.mark.parametrize(("tail", "metric", "message"), UNFIT)
def test_a_metric_that_does_not_fit_is_an_error_that_names_both(
    tail: str, metric: str, message: str, tmp_path: Path
) -> None:
    one, two = pair(tmp_path, tail)
    np.save(tmp_path / "d.npy", PICTURES)
    done = refused("eval", one, "--data", tmp_path / "d.npy", "--reference", two, "--metric", metric)
    assert message in " ".join(done.split())
    with pytest.raises(ValueError, match="expected for"):
        aidge_compress.compress(one, [[PICTURES]], keep_macs=0.8, metric=metric, latency=False)
    with pytest.raises(ValueError, match="expected for"):
        aidge_compress.sweep(one, [[PICTURES]], [[PICTURES]], metric=metric, latency=False)


def test_an_unknown_metric_is_an_error_that_lists_all(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", PICTURES)
    path = network(tmp_path / "n.onnx", "scores")
    for command in ("eval", "compress", "fibnlr"):
        done = refused(command, path, "--data", tmp_path / "d.npy", "--metric", "beauty")
        assert "expected a metric among detections, miou, top1," in " ".join(done.split())


# --- functions of the caller's own ----------------------------------------------------------------------------------


def test_a_function_gets_everything_at_once_and_says_its_direction(tmp_path: Path) -> None:
    one, two = pair(tmp_path, "scores")
    seen: list[Any] = []

    def distance(outputs: Any, labels: Any, reference: Any) -> float:
        seen.append((outputs[0].shape, labels.shape, reference[0].shape))
        return float(np.abs(outputs[0] - reference[0]).max())

    distance.higher_is_better = False  # type: ignore[attr-defined]
    found = aidge_compress.evaluate(one, batches(CLASSES), reference=two, metric=distance)
    assert found.value == pytest.approx(float(np.abs(run(one) - run(two)).max()), rel=1e-4)
    assert found.quality.drop == found.value
    assert seen[0] == ((SAMPLES, 5), (SAMPLES,), (SAMPLES, 5))
    with pytest.raises(ValueError, match=r"expected a number from .*nothing"):
        aidge_compress.evaluate(one, batches(), metric=lambda outputs, labels, reference: "nothing")


def test_the_command_takes_a_function_of_a_file_or_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = pair(tmp_path, "number")
    np.save(tmp_path / "d.npy", PICTURES)
    text = "def off(outputs, labels, reference):\n    return float(abs(outputs[0] - reference[0]).mean())\noff.higher_is_better = False\n"
    (tmp_path / "own_metric_for_test.py").write_text(text)
    for source in ("own_metric_for_test:off", "own_metric_for_test.py:off"):
        arguments = ("eval", one, "--data", tmp_path / "d.npy", "--reference", two, "--metric", source)
        found = ok(*arguments, "--json").document
        assert found["metric"] == source
        assert found["value"] == pytest.approx(float(np.abs(run(one) - run(two)).mean()), rel=1e-4)
    for source, message in (
        ("own_metric_for_test:none", "expected a function 'none'"),
        ("no_such_module_here:off", "expected a module that can be imported"),
        ("missing.py:off", "expected a Python file"),
    ):
        done = refused("eval", one, "--data", tmp_path / "d.npy", "--reference", two, "--metric", source)
        assert message in " ".join(done.split())


# --- thresholds -----------------------------------------------------------------------------------------------------


def test_max_drop_speaks_of_the_metric_in_its_unit_and_direction(tmp_path: Path) -> None:
    path = network(tmp_path / "map.onnx", "map")
    own = run(path).argmax(1)
    result = aidge_compress.compress(
        path, [[PICTURES]], max_drop=0.3, metric="miou", evaluation=batches(own), latency=False
    )
    figure = result.quality.figure
    assert (figure.metric, figure.before) == ("miou", 1.0)
    assert result.drop == pytest.approx(figure.before - figure.after)
    assert result.drop <= 0.3
    assert result.to_dict()["quality"]["metric"] == "miou"
    tighter = aidge_compress.compress(
        path, [[PICTURES]], max_drop=0.5, metric="relative_error", latency=False
    )
    assert 0 <= tighter.drop == tighter.quality.error <= 0.5
    with pytest.raises(ValueError, match="finite for the original, for max_drop, got psnr"):
        aidge_compress.compress(path, [[PICTURES]], max_drop=0.5, metric="psnr", latency=False)


def test_a_goal_of_quality_needs_samples_to_measure_it_on(tmp_path: Path) -> None:
    path = network(tmp_path / "n.onnx", "scores")
    with pytest.raises(ValueError, match="to measure max_drop on, got neither"):
        aidge_compress.compress(path, [[PICTURES]], max_drop=0.5, held_out=0.0, latency=False)


def test_a_sweep_judges_by_the_metric_in_its_direction(tmp_path: Path) -> None:
    path = network(tmp_path / "n.onnx", "number")
    grid = aidge_compress.CompressGrid(keep_macs=(0.9, 0.7))
    found = aidge_compress.sweep(path, [[PICTURES]], [[PICTURES]], compress=grid, latency=False)
    assert found.choice.metric is not None
    assert found.choice.metric.name == found.to_dict()["metric"] == "relative_error"
    assert "metric: relative_error (the output has shape N x 1" in str(found)
    best = min(found.outcomes().items(), key=lambda entry: (entry[1].metric, entry[1].macs))
    assert best[0] in found.pareto("macs")
    worse = [
        key
        for key, one in found.outcomes().items()
        if one.metric > best[1].metric and one.macs >= best[1].macs
    ]
    assert not set(worse) & set(found.pareto("macs"))


# --- NaN ------------------------------------------------------------------------------------------------------------


def test_samples_with_nan_are_named_and_count_as_different(tmp_path: Path) -> None:
    path = network(tmp_path / "n.onnx", "scores")
    bad = PICTURES.copy()
    bad[5, 0, 0, 0] = bad[20, 2, 3, 3] = np.nan
    np.save(tmp_path / "d.npy", bad)
    text = ok("eval", path, "--data", tmp_path / "d.npy", "--reference", path).out
    assert "NaN in the inputs of 2 samples (number 5, 20)" in " ".join(text.split())
    found = ok("eval", path, "--data", tmp_path / "d.npy", "--reference", path, "--json").document
    assert found["agreement"] == pytest.approx(
        22 / 24
    )  # although the ReLU behind the convolution may give numbers
    assert found["not_numbers"]["inputs"] == [5, 20]


def test_a_network_that_asks_which_inputs_are_nan_may_have_them(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("IsNaN", ["x"], ["m"], "missing"),
        helper.make_node("Where", ["m", "zero", "x"], ["f"], "filled"),
        helper.make_node("MatMul", ["f", "w"], ["y"], "head"),
    ]
    weights = [om.tensor("zero", np.zeros(())), om.tensor("w", RNG.standard_normal((4, 3)))]
    onnx.save(om.model(nodes, weights), tmp_path / "n.onnx")
    rows = RNG.standard_normal((6, 4)).astype(np.float32)
    rows[2, 1] = np.nan
    found = aidge_compress.evaluate(tmp_path / "n.onnx", [[rows]], reference=tmp_path / "n.onnx")
    assert (found.agreement, found.quality.not_numbers.inputs) == (1.0, (2,))


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4, 4)])
def test_nan_agrees_with_nothing_whatever_the_metric(shape: tuple[int, ...]) -> None:
    good = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    bad = good.copy()
    bad[2] = np.nan
    inputs = [np.zeros((6, 1, 4, 4), np.float32)]
    for one, two in ((bad, good), (good, bad), (bad, bad)):
        tally = Tally()
        tally.add([one], {}, [two], inputs=inputs)
        quality = tally.quality
        assert quality.figure.after == pytest.approx(5 / 6)
        assert quality.error == np.inf
        assert quality.not_numbers.outputs == ((2,) if one is bad else ())
        assert quality.not_numbers.reference == ((2,) if two is bad else ())
    for metric in ("embedding", "psnr", "relative_error") if len(shape) == 2 else ("psnr", "relative_error"):
        tally = Tally(metric)
        tally.add([bad], {}, [good], inputs=inputs)
        worst = {"embedding": 4 / 6, "psnr": -np.inf, "relative_error": np.inf}[metric]
        assert tally.quality.figure.after == pytest.approx(worst)


def test_flow_and_small_maps_are_not_taken_for_classes_of_pixels() -> None:
    """Two pictures that go in, or maps of another size, say nothing about classes."""
    rng = np.random.default_rng(0)
    picture = np.zeros((2, 3, 16, 16), np.float32)
    for inputs, channels, size in (([picture, picture], 2, 16), ([picture], 17, 4), ([picture], 3, 16)):
        output = rng.standard_normal((2, channels, size, size)).astype(np.float32)
        tally = Tally()
        tally.add([output], {}, [output], inputs=inputs)
        assert tally.quality.metric == "relative_error"


def test_a_metric_that_was_asked_for_is_not_replaced_by_another() -> None:
    scores = np.eye(4, dtype=np.float32)
    labels = {"classes": np.full(4, 9)}
    asked, fitting = Tally("top1", strict=False), Tally(strict=False)
    for tally in (asked, fitting):
        tally.add([scores], labels, [scores])
    with pytest.raises(ValueError, match="expected samples on which top1 can be measured, got none"):
        _ = asked.quality
    assert fitting.quality.metric == "agreement"
    assert "on which top1 could not be measured" in fitting.quality.reason
