"""Networks whose file fixes its batch, as PyTorch writes `x.view(8, -1)`: every command and every kind of data.

Some files declare the batch, others leave it free although a Reshape takes one batch size only: both give the same results.
The right values are ONNX Runtime's, which takes batches of 8 alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aidge_compress
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_core.data import DataProvider, from_arrays
from helpers import onnx_models as om
from helpers.outcomes import Done, ok, refused
from onnx import helper

Image = pytest.importorskip("PIL.Image")
pyarrow = pytest.importorskip("pyarrow")

pytestmark = pytest.mark.filterwarnings("ignore:the file leaves the batch size free")

BATCH, SAMPLES = 8, 20
IMAGES = np.random.default_rng(0).integers(0, 256, (SAMPLES, 12, 12, 3), dtype=np.uint8)
LABELS = np.arange(SAMPLES) % 4


def inputs(count: int = SAMPLES) -> np.ndarray:
    return np.ascontiguousarray((IMAGES[:count] / np.float32(255)).transpose(0, 3, 1, 2), np.float32)


@pytest.fixture(scope="module", params=["declared", "free", "free, all dims of the view constant"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for batches of 8, and data of 20 and of 5 samples."""
    from pyarrow import parquet

    declared: int | str = BATCH if request.param == "declared" else "N"
    last = 48 if "constant" in request.param else -1

    path = tmp_path_factory.mktemp("fixed")
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "conv1", strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"], "relu1"),
        helper.make_node("Conv", ["r", "l"], ["d"], "conv2", strides=[2, 2]),
        helper.make_node("Relu", ["d"], ["s"], "relu2"),
        helper.make_node("Reshape", ["s", "shape"], ["f"], "view"),
        helper.make_node("Gemm", ["f", "w"], ["y"], "fc"),
    ]
    weights = [
        om.weights("k", 8, 3, 3, 3),
        om.weights("l", 12, 8, 3, 3),
        om.weights("w", 48, 4),
        om.tensor("shape", [BATCH, last], np.int64),
    ]
    ends = {"inputs": [om.info("x", (declared, 3, 12, 12))], "outputs": [om.info("y", (declared, 4))]}
    onnx.save(om.model(nodes, weights, **ends), path / "net.onnx")
    for count in (SAMPLES, 5):
        for image, number in zip(IMAGES[:count], range(count), strict=True):
            folder = path / f"folder{count}" / str(number % 4)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number:02}.png")
        np.savez(path / f"{count}.npz", x=inputs(count), labels=LABELS[:count])
        np.save(path / f"{count}.npy", inputs(count))
        columns = {"x": list(inputs(count).reshape(count, -1)), "label": LABELS[:count].tolist()}
        parquet.write_table(pyarrow.table(columns), path / f"{count}.parquet")
    return path


def data(place: Path, kind: str, count: int = SAMPLES) -> Path:
    return place / (f"folder{count}" if kind == "folder" else f"{count}.{kind}")


def hits(place: Path, count: int) -> int:
    """How many labels ONNX Runtime finds among the first so many samples."""
    session = onnxruntime.InferenceSession(place / "net.onnx", providers=["CPUExecutionProvider"])
    scores = [session.run(None, {"x": inputs()[at : at + BATCH]})[0] for at in range(0, count, BATCH)]
    return int((np.concatenate(scores).argmax(1) == LABELS[:count]).sum())


COMMANDS: dict[str, tuple[Any, ...]] = {
    "fibnlr": ("--max-iteration", 0, "--convergence-threshold", 0),
    "eval": (),
    "compress": ("--macs", 0.7, "--no-timing"),
    "pfa": (),
    "sweep": ("--no-timing",),
    "merge": ("--repeats", 0),
}
KINDS = ("folder", "npz", "npy", "parquet")


def arguments(command: str, place: Path, path: Path) -> list[Any]:
    more = ["--eval", path] if command == "sweep" else []
    return [command, place / "net.onnx", "--data", path, *more, *COMMANDS[command]]


@pytest.mark.filterwarnings("ignore:layer .* fewer than units")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_samples_that_do_not_fill_a_batch_are_left_out(command: str, kind: str, place: Path) -> None:
    done: Done = ok(*arguments(command, place, data(place, kind)), "--json")
    assert "the last 4 of 20 samples" in done.err
    if command == "eval":
        found = done.document
        assert found["samples"] == 16
        assert found["top1"] == (hits(place, 16) if kind != "npy" else 0)
    if command == "fibnlr":
        assert done.document["samples"] == 16


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_too_few_samples_for_one_batch_say_so(command: str, kind: str, place: Path) -> None:
    line = refused(*arguments(command, place, data(place, kind, 5)))
    assert "expected at least 8 samples" in line
    assert line.endswith("got 5")


def test_a_limit_that_fills_batches_is_taken_exactly(place: Path) -> None:
    for limit, samples in ((8, 8), (16, 16), (17, 16)):
        for kind in KINDS:
            done = ok(*arguments("eval", place, data(place, kind)), "--limit", limit, "--json")
            assert done.document["samples"] == samples
            assert ("left out" in done.err) == (limit != samples)
    assert "expected at least 8" in refused(*arguments("eval", place, data(place, "npz")), "--limit", 5)


def batched(size: int) -> list[list[np.ndarray]]:
    return [[inputs()[at : at + size], LABELS[at : at + size]] for at in range(0, SAMPLES, size)]


class Pairs:
    """Samples by index, as a dataset of torch has them."""

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return inputs()[index], int(LABELS[index])


SOURCES: dict[str, Any] = {
    "batches of 8": lambda: batched(8),
    "batches of 5": lambda: batched(5),
    "batches of 20": lambda: batched(20),
    "arrays": lambda: from_arrays(inputs(), LABELS, batch_size=8),
    "arrays in batches of 3": lambda: from_arrays(inputs(), LABELS, batch_size=3),
    "dataset": Pairs,
    "provider": lambda: DataProvider(Pairs(), 8),
    "generator": lambda: (batch for batch in batched(6)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_in_python_is_put_into_batches_of_the_one_size(name: str, place: Path) -> None:
    with pytest.warns(UserWarning, match="the last 4 of 20 samples"):
        found = aidge_compress.evaluate(place / "net.onnx", SOURCES[name]())
    assert (found.samples, found.top1) == (16, hits(place, 16))


def test_full_batches_are_taken_as_they_are(place: Path) -> None:
    found = aidge_compress.evaluate(place / "net.onnx", batched(8)[:2])
    assert found.samples == 16
    with pytest.raises(ValueError, match=r"at least 8 samples .* got 5"):
        aidge_compress.evaluate(place / "net.onnx", inputs(5))


def test_a_batch_size_that_only_a_reshape_fixes_is_said_and_written(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], "fc"),
        helper.make_node("Reshape", ["h", "shape"], ["y"], "view"),
    ]
    weights = [om.weights("w", 6, 10), om.tensor("shape", [12, 5], np.int64)]
    model = om.model(nodes, weights, inputs=[om.info("x", ("N", 6))], outputs=[om.info("y", ("M", 5))])
    with pytest.warns(UserWarning, match=r'node "view" \(Reshape\) needs a batch of 6'):
        graph = aidge_onnx.load_onnx(model)
    assert graph.input_specs[0].dims == [6, 6]
    again = onnx.load_from_string(aidge_onnx.to_model_proto(graph).SerializeToString())
    sample = np.random.default_rng(1).standard_normal((6, 6), dtype=np.float32)
    sessions = [onnxruntime.InferenceSession(m.SerializeToString()) for m in (model, again)]
    first, second = (session.run(None, {"x": sample})[0] for session in sessions)
    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_a_batch_of_one_that_fits_leaves_the_batch_free() -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"], "view")]
    shape = om.tensor("shape", [2, -1], np.int64)
    model = om.model(nodes, [shape], inputs=[om.info("x", ("N", 6))], outputs=[om.info("y", (2, "M"))])
    assert aidge_onnx.load_onnx(model).input_specs[0].dims == [None, 6]
