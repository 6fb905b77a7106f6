"""Nodes whose sizes only a run tells: the boxes that NonMaxSuppression keeps, NonZero, Unique, Compress, Loop, TopK of a computed number.

ultralytics/ultralytics#20370 and end-to-end exports of detectors: whatever does not depend on those sizes is measured, pruned, merged and
compressed; what cannot be known is "–" in tables and null in JSON, and the totals say what they leave out. The right values are ONNX
Runtime's for the same file, and the same network without its tail.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_compress
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers import onnx_models as om
from helpers.outcomes import ok, refused
from onnx import TensorProto, helper

INPUTS = np.random.default_rng(1).standard_normal((24, 3, 16, 16)).astype(np.float32)
node = helper.make_node
BACKBONE = [
    node("Conv", ["x", "k1", "b1"], ["c1"], "conv1", pads=[1] * 4),
    node("Relu", ["c1"], ["r1"], "relu1"),
    node("Conv", ["r1", "k2", "b2"], ["c2"], "conv2", pads=[1] * 4, strides=[2, 2]),
    node("Relu", ["c2"], ["r2"], "relu2"),
    node("Conv", ["r2", "k3"], ["c3"], "conv3"),
    node("Conv", ["c3", "k4"], ["f"], "conv4"),
]
WEIGHTS = [
    om.weights("k1", 16, 3, 3, 3),
    om.tensor("b1", np.linspace(-0.5, 1.5, 16)),
    om.weights("k2", 24, 16, 3, 3),
    om.tensor("b2", np.linspace(0, 1, 24)),
    om.weights("k3", 24, 24, 1, 1),
    om.weights("k4", 7, 24, 1, 1),
]


def ints(name: str, *values: int) -> onnx.TensorProto:
    return om.tensor(name, values, np.int64)


Tail = tuple[list[Any], list[Any], list[tuple[str, int, Any]]]


def yolo() -> Tail:
    """Boxes and scores of all places as they are, and the kept ones gathered, cast and put side by side."""
    nodes = [
        node("Split", ["f", "parts"], ["fb", "fs"], axis=1),
        node("Reshape", ["fb", "s4"], ["t4"]),
        node("Transpose", ["t4"], ["boxes"], perm=[0, 2, 1]),
        node("Reshape", ["fs", "s3"], ["t3"]),
        node("Sigmoid", ["t3"], ["scores"], "sigmoid"),
        node("NonMaxSuppression", ["boxes", "scores", "most", "iou", "least"], ["kept"], "nms"),
        node("Gather", ["kept", "two"], ["places"], axis=1),
        node("Gather", ["kept", "one"], ["classes"], axis=1),
        node("Squeeze", ["boxes", "first"], ["b0"]),
        node("Gather", ["b0", "places"], ["chosen"], "chosen", axis=0),
        node("Cast", ["classes"], ["as_float"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["as_float", "last"], ["column"]),
        node("Concat", ["chosen", "column"], ["found"], "found", axis=1),
    ]
    constants = [
        ints("parts", 4, 3), ints("s4", 0, 4, -1), ints("s3", 0, 3, -1), ints("most", 5), ints("first", 0),
        ints("last", 1), om.tensor("two", 2, np.int64), om.tensor("one", 1, np.int64),
        om.tensor("iou", [0.5]), om.tensor("least", [0.3]),
    ]  # fmt: skip
    return nodes, constants, [("boxes", om.FLOAT, [1, 64, 4]), ("found", om.FLOAT, ["k", 5])]


def end_to_end() -> Tail:
    """Only what NonMaxSuppression keeps."""
    nodes, constants, outputs = yolo()
    return nodes, constants, outputs[1:]


def ssd() -> Tail:
    """The best scores, as many as are above a threshold."""
    nodes = [
        node("Reshape", ["f", "rows"], ["flat"]),
        node("Greater", ["flat", "least"], ["above"]),
        node("Cast", ["above"], ["counts"], to=om.INT64),
        node("ReduceSum", ["counts"], ["k"], keepdims=0),
        node("Unsqueeze", ["k", "first"], ["number"]),
        node("TopK", ["flat", "number"], ["best", "where"], "topk", axis=1),
        node("Softmax", ["best"], ["shares"], axis=1),
        node("GlobalAveragePool", ["f"], ["pooled"]),
        node("Flatten", ["pooled"], ["classes"]),
    ]
    constants = [ints("rows", 0, -1), ints("first", 0), om.tensor("least", 0.4)]
    return nodes, constants, [("classes", om.FLOAT, [1, 7]), ("shares", om.FLOAT, [1, "k"])]


def masks() -> Tail:
    """The features at the places that are active, and a fully connected layer on each."""
    nodes = [
        node("Transpose", ["f"], ["last_axis"], perm=[0, 2, 3, 1]),
        node("ReduceMax", ["f"], ["most"], axes=[1], keepdims=0),
        node("Greater", ["most", "least"], ["mask"]),
        node("NonZero", ["mask"], ["where"], "nonzero"),
        node("Transpose", ["where"], ["index"], perm=[1, 0]),
        node("GatherND", ["last_axis", "index"], ["rows"], "rows"),
        node("Gemm", ["rows", "w", "b"], ["y"], "behind", transB=1),
        node("Relu", ["y"], ["z"], "relu_behind"),
        node("Gemm", ["z", "w2"], ["found"], "behind2", transB=1),
    ]
    constants = [
        om.tensor("least", 0.5),
        om.weights("w", 6, 7),
        om.tensor("b", np.ones(6)),
        om.weights("w2", 4, 6),
    ]
    return nodes, constants, [("found", om.FLOAT, ["k", 4]), ("f", om.FLOAT, [1, 7, 8, 8])]


def unique() -> Tail:
    """Which classes there are on the map."""
    nodes = [
        node("ArgMax", ["f"], ["best"], axis=1, keepdims=0),
        node("Unique", ["best"], ["there"], "unique", sorted=1),
        node("Identity", ["f"], ["map"]),
    ]
    return nodes, [], [("there", om.INT64, ["k"]), ("map", om.FLOAT, [1, 7, 8, 8])]


def pressed() -> Tail:
    """Rows that a condition selects, and numbers up to their count."""
    nodes = [
        node("Reshape", ["f", "rows"], ["flat"]),
        node("ReduceMean", ["flat"], ["means"], axes=[1], keepdims=0),
        node("Greater", ["means", "zero"], ["condition"]),
        node("Compress", ["flat", "condition"], ["some"], "compress", axis=0),
        node("Shape", ["some"], ["size"]),
        node("Gather", ["size", "i0"], ["count"]),
        node("Range", ["i0", "count", "i1"], ["numbers"], "range"),
        node("ReduceMean", ["f"], ["y"], axes=[2, 3], keepdims=0),
    ]
    constants = [
        ints("rows", 7, 64),
        om.tensor("zero", 0.0),
        om.tensor("i0", 0, np.int64),
        om.tensor("i1", 1, np.int64),
    ]
    return (
        nodes,
        constants,
        [("y", om.FLOAT, [1, 7]), ("some", om.FLOAT, ["k", 64]), ("numbers", om.INT64, ["k"])],
    )


def loop() -> Tail:
    """As many turns as there are active values."""
    body = helper.make_graph(
        [
            node("Identity", ["going_in"], ["going"]),
            node("Mul", ["state", "half"], ["next"]),
            node("Identity", ["next"], ["shown"]),
        ],
        "body",
        [om.info("turn", (), om.INT64), om.info("going_in", (), TensorProto.BOOL), om.info("state", (1, 7))],
        [om.info("going", (), TensorProto.BOOL), om.info("next", (1, 7)), om.info("shown", (1, 7))],
        [om.tensor("half", 0.5)],
    )
    nodes = [
        node("ReduceMean", ["f"], ["y"], axes=[2, 3], keepdims=0),
        node("Greater", ["y", "zero"], ["above"]),
        node("Cast", ["above"], ["counts"], to=om.INT64),
        node("ReduceSum", ["counts"], ["turns"], keepdims=0),
        node("Loop", ["turns", "yes", "y"], ["end", "all"], "loop", body=body),
    ]
    constants = [om.tensor("zero", -0.2), om.tensor("yes", True, np.bool_)]
    return nodes, constants, [("y", om.FLOAT, [1, 7]), ("all", om.FLOAT, ["k", 1, 7])]


TAILS: dict[str, Callable[[], Tail]] = {
    entry.__name__: entry for entry in (yolo, end_to_end, ssd, masks, unique, pressed, loop)
}


def save(tail: str, folder: Path) -> tuple[Path, Path]:
    """The network with this tail, and its data."""
    nodes, constants, outputs = TAILS[tail]()
    model = om.model(
        [*BACKBONE, *nodes], [*WEIGHTS, *constants], inputs=[om.info("x", (1, 3, 16, 16))],
        outputs=[om.info(name, dims, kind) for name, kind, dims in outputs],
    )  # fmt: skip
    onnx.checker.check_model(model)
    path, data = folder / "net.onnx", folder / "d.npy"
    onnx.save(model, path)
    np.save(data, INPUTS)
    return path, data


def same(source: Path, written: Path, samples: int = 6) -> bool:
    """Whether both files give the same in ONNX Runtime, the sizes included."""
    for index in range(samples):
        feeds = {"x": INPUTS[index : index + 1]}
        for wanted, found in zip(om.run(str(source), feeds), om.run(str(written), feeds), strict=True):
            if wanted.shape != found.shape or not np.allclose(wanted, found, rtol=1e-4, atol=1e-5):
                return False
    return True


@pytest.mark.parametrize("tail", TAILS)
def test_it_runs_as_in_onnx_runtime(tail: str, tmp_path: Path) -> None:
    path, _ = save(tail, tmp_path)
    graph = aidge_onnx.load_onnx(path)
    graph.compile("cpu")
    scheduler = aidge_core.SequentialScheduler(graph)
    for index in range(4):
        x = INPUTS[index : index + 1]
        for wanted, found in zip(om.run(str(path), {"x": x}), scheduler.forward([x]), strict=True):
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tail", TAILS)
def test_inspect_says_what_is_not_known(tail: str, tmp_path: Path) -> None:
    path, _ = save(tail, tmp_path)
    document = ok("inspect", path, "--json").document
    layers = {layer["name"]: layer for layer in document["layers"]}
    assert layers["conv2"]["macs"] == 24 * 16 * 9 * 64
    known = 16 * 3 * 9 * 256 + 24 * 16 * 9 * 64 + (24 * 24 + 24 * 7) * 64
    assert document["macs"] == known
    unknown = [name for name, layer in layers.items() if layer["output_dims"] is None]
    assert unknown
    uncounted = [name for name, layer in layers.items() if layer["macs"] is None]
    assert uncounted == (["behind", "behind2"] if tail == "masks" else [])
    assert document["uncounted"] == len(uncounted)
    text = ok("inspect", path).out
    assert ("leave out 2 layers" in text) == (tail == "masks")
    rows = [line.split() for line in text.splitlines() if line.split() and line.split()[0] in unknown]
    assert rows
    assert all("–" in row for row in rows)


@pytest.mark.parametrize("tail", TAILS)
def test_fibnlr_removes_what_it_removes_without_the_tail(tail: str, tmp_path: Path) -> None:
    path, data = save(tail, tmp_path)
    options = (
        "--data",
        data,
        "--ablation-threshold",
        0.3,
        "--normalization",
        "none",
        "--group",
        "image_size",
    )
    found = ok(
        "fibnlr", path, *options, "--out", tmp_path / "out.onnx", "--report", tmp_path / "r.html", "--json"
    )
    short = tmp_path / "short.onnx"
    onnx.save(
        om.model(BACKBONE, WEIGHTS, inputs=[om.info("x", (1, 3, 16, 16))], outputs=[om.info("f", None)]),
        short,
    )
    wanted = ok("fibnlr", short, *options, "--json").document
    rows = {row["name"]: row for row in found.document["rows"]}
    for row in wanted["rows"]:
        assert rows[row["name"]]["npr"] == pytest.approx(row["npr"], abs=1e-6)
    assert found.document["out"]["verified"]


@pytest.mark.parametrize("tail", TAILS)
def test_merging_is_exact(tail: str, tmp_path: Path) -> None:
    path, _ = save(tail, tmp_path)
    out = tmp_path / "out.onnx"
    done = ok("merge", path, "--out", out, "--report", tmp_path / "r.html", "--json").document
    assert done["merged"][0]["nodes"][:2] == ["conv3", "conv4"]
    assert done["after"]["macs"] < done["before"]["macs"]
    assert same(path, out)
    if tail == "masks":
        assert done["uncounted"] >= 2
        assert "leave out 2 layers" in ok("merge", path).out


@pytest.mark.parametrize("tail", TAILS)
def test_compress_makes_it_smaller(tail: str, tmp_path: Path) -> None:
    path, data = save(tail, tmp_path)
    out = tmp_path / "out.onnx"
    done = ok(
        "compress",
        path,
        "--data",
        data,
        "--keep-macs",
        0.6,
        "--out",
        out,
        "--report",
        tmp_path / "r.html",
        "--json",
    )
    document = done.document
    assert document["after"]["macs"] <= 0.6 * document["before"]["macs"]
    assert document["verification"]["passed"]
    assert out.stat().st_size < path.stat().st_size
    quality = document["quality"]
    if tail == "end_to_end":
        assert quality["error"] is None
    else:
        assert 0 < quality["error"] < 2
    assert quality["samples"] == 4  # a fifth of 24
    if tail in ("yolo", "end_to_end", "masks", "unique"):
        assert quality["agreement"] is None  # the first output does not choose among classes


@pytest.mark.parametrize("tail", TAILS)
def test_quality_is_never_that_of_rows_that_a_run_made(tail: str, tmp_path: Path) -> None:
    path, data = save(tail, tmp_path)
    done = ok("eval", path, "--data", data, "--reference", path, "--json").document
    assert done["samples"] == len(INPUTS)
    assert done["agreement"] == (1.0 if tail in ("ssd", "pressed", "loop") else None)
    assert done["worst_difference"] == (None if tail == "end_to_end" else 0.0)
    sweep = ok("sweep", path, "--data", data, "--eval", data, "--no-timing", "--json").document
    assert sweep["baseline"]["accuracy"] is None


@pytest.mark.parametrize("tail", TAILS)
def test_the_other_commands_work_around_them(tail: str, tmp_path: Path) -> None:
    path, data = save(tail, tmp_path)
    recipes = ok("pfa", path, "--data", data, "--json").document
    assert set(recipes["recipes"]) >= {"conv1", "conv2"}
    ok("bench", path, "--passes", 2, "--json")
    report = json.loads(json.dumps(aidge_compress.profile(path, passes=2).to_dict(), allow_nan=False))
    assert report["macs"] > 0
    graph = aidge_onnx.load_onnx(path)
    groups = aidge_core.channel_groups(graph)
    removal = aidge_core.remove_channels(graph, {groups[0].sources[0].node: [0, 3]})
    assert removal.uncounted == (2 if tail == "masks" else 0)
    assert ("do not count 2 operators" in str(removal)) == (tail == "masks")
    assert removal.macs_after < removal.macs_before


def test_without_an_output_to_compare_a_loss_is_refused_and_a_budget_is_the_cure(tmp_path: Path) -> None:
    path, data = save("end_to_end", tmp_path)
    for goal in ((), ("--max-drop", 0.1)):
        message = refused("compress", path, "--data", data, *goal)
        assert "--keep-macs" in message
        assert "--max-drop" in message


def padded() -> onnx.ModelProto:
    """Pads with -inf in front of a MaxPool, as NASNet and hybrid ViT do."""
    nodes = [
        node("Conv", ["x", "k1", "b1"], ["c1"], "conv1", pads=[1] * 4),
        node("Relu", ["c1"], ["r1"], "relu1"),
        node("Pad", ["r1", "pads", "least"], ["p"], "pad"),
        node("MaxPool", ["p"], ["m"], "pool", kernel_shape=[3, 3], strides=[2, 2]),
        node("Conv", ["m", "k2", "b2"], ["c2"], "conv2"),
        node("GlobalAveragePool", ["c2"], ["g"]),
        node("Flatten", ["g"], ["y"]),
    ]
    constants = [*WEIGHTS[:4], ints("pads", 0, 0, 0, 0, 0, 0, 1, 1), om.tensor("least", -np.inf)]
    return om.model(nodes, constants, inputs=[om.info("x", ("n", 3, 16, 16))], outputs=[om.info("y", None)])


def test_a_pad_with_minus_infinity_is_a_valid_model(tmp_path: Path) -> None:
    """issue 18: 'Pad with -inf before MaxPool is refused as an invalid model'; the right values are ONNX Runtime's."""
    path, data, out = tmp_path / "net.onnx", tmp_path / "d.npy", tmp_path / "out.onnx"
    onnx.save(padded(), path)
    np.save(data, INPUTS)
    graph = aidge_onnx.load_onnx(path)
    graph.compile("cpu", dims=[[24, 3, 16, 16]])
    (found,) = aidge_core.SequentialScheduler(graph).forward([INPUTS])
    np.testing.assert_allclose(np.asarray(found), om.run(str(path), {"x": INPUTS})[0], rtol=1e-4, atol=1e-5)
    ok("merge", path, "--out", out)
    assert same(path, out)
    ok("fibnlr", path, "--data", data, "--out", out, "--ablation-threshold", 0)
    assert same(path, out)
    done = ok("compress", path, "--data", data, "--keep-macs", 0.6, "--out", out, "--json").document
    assert done["after"]["macs"] <= 0.6 * done["before"]["macs"]
    assert np.isfinite(om.run(str(out), {"x": INPUTS})[0]).all()
