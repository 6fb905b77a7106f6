"""Figures that are right, or none: single outputs, maps, boxes, NaN, and labels in every shape that strangers write them.

The right values are computed here with NumPy from what ONNX Runtime gives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aidge_compress
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_compress.measure.metrics import Tally, relative_difference
from aidge_core.data.labels import class_labels
from helpers import onnx_models as om
from helpers.outcomes import ok
from onnx import helper

SAMPLES = 60
INPUTS = np.random.default_rng(0).standard_normal((SAMPLES, 3, 8, 8)).astype(np.float32)


def network(path: Path, tail: str, seed: int = 0) -> Path:
    """A convolutional network that ends in `tail`: one sigmoid, one number, scores, or a map of scores."""
    rng = np.random.default_rng(seed)
    width = {"map": 5, "scores": 4, "wide scores": 4}.get(tail, 1)
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
    ]
    if tail == "map":
        nodes += [helper.make_node("Conv", ["r", "w"], ["y"], "head")]
        head = rng.standard_normal((width, 6, 1, 1))
    else:
        nodes += [
            helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
            helper.make_node("Conv", ["g", "w"], ["s"], "head"),
        ]
        head = rng.standard_normal((width, 6, 1, 1)) * 3
        last = {"sigmoid": "Sigmoid", "wide scores": "Identity"}.get(tail)
        if last:
            nodes += [helper.make_node(last, ["s"], ["y"], "last")]
        else:
            nodes += [helper.make_node("Flatten", ["s"], ["y"], "flat")]
    kernel = rng.standard_normal((6, 3, 3, 3)) / 3
    weights = [om.tensor("k", kernel), om.tensor("w", head - head.mean())]
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 8, 8))]), path)
    return path


def outputs(path: Path) -> np.ndarray:
    result: np.ndarray = onnxruntime.InferenceSession(path).run(None, {"x": INPUTS})[0]
    return result.reshape(SAMPLES, -1) if result.size == SAMPLES * result.shape[1] else result


def decided(path: Path, tail: str) -> np.ndarray:
    found = outputs(path)
    return (found[:, 0] > 0.5).astype(int) if tail == "sigmoid" else found.argmax(1)


@pytest.mark.parametrize("tail", ["sigmoid", "scores", "wide scores"])
def test_agreement_and_accuracy_are_those_of_the_decisions(tail: str, tmp_path: Path) -> None:
    """meta-pytorch/captum#1122 and deeplearning4j/deeplearning4j#1322: the argmax of one output is always 0."""
    one, two = (network(tmp_path / f"{seed}.onnx", tail, seed) for seed in (1, 2))
    labels = decided(two, tail)
    np.savez(tmp_path / "d.npz", x=INPUTS, labels=labels)
    same = int((decided(one, tail) == labels).sum())
    assert 0 < same < SAMPLES
    found = ok("eval", one, "--data", tmp_path / "d.npz", "--reference", two, "--topk", 1, "--json").document
    assert (found["agreed"], found["top1"], found["labelled"]) == (same, same, SAMPLES)
    difference = np.abs(outputs(one).astype(float) - outputs(two)).max()
    assert found["worst_difference"] == pytest.approx(difference, rel=1e-4)


@pytest.mark.parametrize("tail", ["number", "map"])
def test_what_does_not_choose_has_no_accuracy_and_no_agreement(tail: str, tmp_path: Path) -> None:
    one, two = (network(tmp_path / f"{seed}.onnx", tail, seed) for seed in (1, 2))
    np.savez(tmp_path / "d.npz", x=INPUTS, labels=np.zeros(SAMPLES, np.int64))
    found = ok("eval", one, "--data", tmp_path / "d.npz", "--reference", two, "--json").document
    assert (found["agreement"], found["accuracy"], found["labelled"]) == (None, None, 0)
    assert found["worst_difference"] > 0
    text = ok("eval", one, "--data", tmp_path / "d.npz", "--reference", two).out
    assert "metric: relative_error (the output has shape N x" in text
    assert "largest difference" in text
    arguments = ("fibnlr", one, "--data", tmp_path / "d.npz", "--ablation-threshold", 1e9)
    assert "same prediction" not in ok(*arguments, "--eval", tmp_path / "d.npz").out
    swept = aidge_compress.sweep(one, tmp_path / "d.npz", tmp_path / "d.npz", latency=False)
    assert swept.baseline.agreement is None


def test_masks_beside_a_map_of_scores_are_not_labels(tmp_path: Path) -> None:
    path = network(tmp_path / "map.onnx", "map")
    np.savez(tmp_path / "d.npz", x=INPUTS, labels=np.zeros((SAMPLES, 6, 6), np.int64))
    assert ok("eval", path, "--data", tmp_path / "d.npz", "--json").document["accuracy"] is None


# --- labels ---------------------------------------------------------------------------------------------------------

CLASSES = np.arange(SAMPLES) % 4
FORMS: dict[str, np.ndarray] = {
    "int64": CLASSES,
    "uint8": CLASSES.astype(np.uint8),
    "column": CLASSES[:, None],
    "float32": CLASSES.astype(np.float32),
    "float column": CLASSES.astype(np.float64)[:, None],
    "one-hot": np.eye(4, dtype=np.int64)[CLASSES],
    "float one-hot": np.eye(4, dtype=np.float32)[CLASSES],
    "bool one-hot": np.eye(4, dtype=bool)[CLASSES],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [True, False])
def test_labels_in_every_form_first_or_last_in_the_file(form: str, first: bool, tmp_path: Path) -> None:
    path = network(tmp_path / "n.onnx", "scores")
    right = int((outputs(path).argmax(1) == CLASSES).sum())
    for images in ("x", "images"):
        arrays = {images: INPUTS, "target": FORMS[form]}
        np.savez(tmp_path / "d.npz", **dict(reversed(arrays.items()) if first else arrays.items()))
        found = ok("eval", path, "--data", tmp_path / "d.npz", "--json").document
        assert (found["labelled"], found["top1"]) == (SAMPLES, right)
    for batch in ([INPUTS, FORMS[form]], {"x": INPUTS, "target": FORMS[form]}):
        assert aidge_compress.evaluate(path, [batch]).top1 == right


def test_what_is_not_one_class_per_sample_is_not_a_label() -> None:
    for entry in (
        np.array([0.5, 1.0]),
        np.array([np.nan, 1.0]),
        np.zeros((2, 3)),
        np.ones((2, 3)),
        np.zeros((2, 4, 4), np.int64),
        np.arange(3),
        ["a", "b"],
        None,
    ):
        assert class_labels(entry, 2) is None


def test_of_several_arrays_the_one_that_is_called_so_is_the_labels(tmp_path: Path) -> None:
    path = network(tmp_path / "n.onnx", "scores")
    right = int((outputs(path).argmax(1) == CLASSES).sum())
    numbers = np.arange(SAMPLES) % 3
    np.savez(tmp_path / "d.npz", ids=numbers, x=INPUTS, Labels=CLASSES)
    assert ok("eval", path, "--data", tmp_path / "d.npz", "--json").document["top1"] == right
    np.savez(tmp_path / "e.npz", ids=numbers, x=INPUTS, group=CLASSES)
    done = ok("eval", path, "--data", tmp_path / "e.npz", "--json")
    assert "['ids', 'group']" in done.err
    assert done.document["accuracy"] is None


# --- NaN ------------------------------------------------------------------------------------------------------------


def tally(found: Any, expected: Any, labels: Any = None) -> Tally:
    result = Tally()
    result.add([np.asarray(found)], {} if labels is None else {"classes": labels}, [np.asarray(expected)])
    return result


NAN, INF = np.float32(np.nan), np.float32(np.inf)
GOOD = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_nan_and_infinity_are_a_difference(bad: np.float32) -> None:
    broken = GOOD.copy()
    broken[0, 0] = bad
    for pair in ((broken, GOOD), (GOOD, broken)):
        assert relative_difference([pair[0]], [pair[1]]) == np.inf
        assert (tally(*pair).worst, tally(*pair).error) == (np.inf, np.inf)
    assert relative_difference([broken], [broken]) == 0
    assert tally(broken, broken).error == (
        np.inf if np.isnan(bad) else 0
    )  # NaN is no agreement, not even with itself


def test_nan_predicts_nothing() -> None:
    broken = GOOD.copy()
    broken[0, 0] = NAN
    found = tally(broken, GOOD, np.array([1, 0]))
    assert (found.agreement, found.accuracy, found.quality.original_accuracy) == (0.5, 0.5, 1.0)
    assert found.quality.not_numbers.outputs == (0,)
    assert tally(np.full((2, 2), NAN), GOOD, np.array([0, 0])).accuracy == 0
    assert tally(np.full((2, 2), NAN), np.full((2, 2), NAN)).agreement == 0


def test_a_constant_output_that_changes_is_an_error() -> None:
    """The variance of what was expected is 0, by which the error cannot be divided."""
    assert tally(np.full((4, 1), 3.0), np.full((4, 1), 2.0)).error == pytest.approx(0.5)
    assert tally(np.full((4, 1), 3.0), np.zeros((4, 1))).error == np.inf
    assert tally(np.full((4, 1), 3.0), np.full((4, 1), 3.0)).error == 0


def test_outputs_of_other_shapes_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \[2, 1\] and \[2, 2\]"):
        tally(GOOD, GOOD[:, :1])
    with pytest.raises(ValueError, match="as many outputs"):
        Tally().add([GOOD], {}, [GOOD, GOOD])


def test_a_network_that_gives_nan_is_not_called_the_same(tmp_path: Path) -> None:
    good, bad = network(tmp_path / "good.onnx", "scores"), tmp_path / "bad.onnx"
    model = onnx.load(good)
    weights = next(entry for entry in model.graph.initializer if entry.name == "w")
    values = onnx.numpy_helper.to_array(weights).copy()
    values[0] = np.nan
    weights.CopyFrom(onnx.numpy_helper.from_array(values, "w"))
    onnx.save(model, bad)
    np.save(tmp_path / "d.npy", INPUTS)
    for one, two in ((good, bad), (bad, good)):
        found = ok("eval", one, "--data", tmp_path / "d.npy", "--reference", two, "--json").document
        assert (found["agreement"], found["worst_difference"]) == (0.0, "inf")
