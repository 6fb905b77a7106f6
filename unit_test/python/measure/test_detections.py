"""Boxes: precision against pycocotools, the forms of detectors' outputs, and masks and boxes in files.

Expected values are pycocotools', or worked out by hand.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import aidge_compress
import numpy as np
import onnx
import pytest
from aidge_compress.measure.boxes import form_of, found_boxes, overlaps
from aidge_compress.measure.detections import average_precisions, f_scores
from aidge_compress.measure.metrics import Tally
from aidge_core.data.labels import labels_among
from helpers import onnx_models as om
from helpers.outcomes import ok, refused
from onnx import helper

INPUTS = [np.zeros((3, 3, 64, 64), np.float32)]


def random_boxes(rng: np.random.Generator, count: int, size: float = 64.0) -> np.ndarray:
    corners = np.sort(rng.uniform(0, size, (count, 2, 2)), axis=1)
    return corners.reshape(count, 4)


def scene(seed: int, samples: int, classes: int, crowds: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Labels, and boxes near them, elsewhere, of other classes, twice, and with equal scores."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(samples):
        labels = np.column_stack([random_boxes(rng, 6), rng.integers(0, classes, 6)])
        if crowds:
            labels[0, 4] = -2 - labels[0, 4]
        chosen = rng.integers(0, 6, 8)
        near = labels[chosen, :4] + rng.normal(0, 1, (8, 4))
        own = np.where(labels[:, 4] < -1, -2 - labels[:, 4], labels[:, 4])
        found = np.column_stack(
            [
                np.concatenate([near, random_boxes(rng, 6)]),
                np.round(rng.uniform(0.05, 1, 14), 1),
                np.concatenate([own[chosen], rng.integers(0, classes, 6)]),
            ]
        )
        found[:, 2:4] = np.maximum(found[:, 2:4], found[:, :2] + 0.5)
        pairs.append((found[np.argsort(-found[:, 4], kind="stable")], np.vstack([labels, [0, 0, 0, 0, -1]])))
    return pairs


@pytest.mark.parametrize("crowds", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_pycocotools(seed: int, crowds: bool) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    pairs = scene(seed, 12, 3, crowds)
    annotations, results = [], []
    for image, (found, labels) in enumerate(pairs):
        for x1, y1, x2, y2, number in labels[labels[:, 4] != -1]:
            crowd = number < -1
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": image, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1),
                    "category_id": int(-2 - number if crowd else number), "iscrowd": int(crowd),
                }
            )  # fmt: skip
        for x1, y1, x2, y2, score, number in found:
            box = [x1, y1, x2 - x1, y2 - y1]
            results.append({"image_id": image, "bbox": box, "score": score, "category_id": int(number)})
    with redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(len(pairs))],
            "categories": [{"id": number} for number in range(3)],
            "annotations": annotations,
        }
        truth.createIndex()
        run = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    got = average_precisions(pairs)
    assert got.mean() == pytest.approx(run.stats[0], abs=1e-9)
    assert got[0] == pytest.approx(run.stats[1], abs=1e-9)
    assert 0.05 < got.mean() < 0.95


def test_precision_by_hand() -> None:
    """Two labels; found are the first exactly, a wrong one, and the second with an overlap of 0.6: precision 1, then 2/3 from recall 0.5 on."""
    labels = np.array([[0, 0, 10, 10, 0], [20, 20, 30, 30, 0.0]])
    found = np.array([[0, 0, 10, 10, 0.9, 0], [50, 50, 60, 60, 0.8, 0], [20, 20, 30, 26, 0.7, 0.0]])
    got = average_precisions([(found, labels)])
    both, one = (51 + 50 * 2 / 3) / 101, 51 / 101
    np.testing.assert_allclose(got, [both] * 3 + [one] * 7)
    assert overlaps(found[:, :4], labels[:, :4])[2, 1] == pytest.approx(0.6)


def test_f_scores_by_hand() -> None:
    """Of three and two boxes two match at 0.5 and one from 0.65 on: 2 * 2 / 5 and 2 * 1 / 5. Unsure ones and other classes do not match."""
    wanted = np.array([[0, 0, 10, 10, 0.9, 0], [20, 20, 30, 30, 0.5, 1], [40, 40, 50, 50, 0.2, 1]])
    found = np.array(
        [[0, 0, 10, 10, 0.8, 0], [20, 20, 30, 26, 0.7, 1], [0, 0, 10, 10, 0.6, 1], [40, 40, 50, 50, 0.1, 1]]
    )
    np.testing.assert_allclose(f_scores([(found, wanted)]), [4 / 5] * 3 + [2 / 5] * 7)
    assert np.isnan(f_scores([(found[:0], wanted[:0])])).all()


# --- forms of outputs -----------------------------------------------------------------------------------------------


def forms() -> dict[str, list[np.ndarray]]:
    """The same boxes of three samples in each form."""
    rng = np.random.default_rng(0)
    boxes = [
        np.column_stack([random_boxes(rng, 5), np.sort(rng.uniform(0.3, 1, 5))[::-1], [0, 1, 2, 1, 0]])
        for _ in range(3)
    ]
    rows = np.stack(boxes).astype(np.float32)
    flat = np.concatenate(
        [np.column_stack([np.full(5, i), b[:, :4], b[:, 5], b[:, 4]]) for i, b in enumerate(boxes)]
    )
    separate = [rows[..., 5].astype(np.int64), rows[..., 4], rows[..., :4]]
    head = np.zeros((3, 84, 7), np.float32)  # 8*8 + 4*4 + 2*2 places of a picture of 64 x 64
    wide = np.zeros((3, 252, 8), np.float32)
    for i, b in enumerate(boxes):
        for j, (x1, y1, x2, y2, score, number) in enumerate(b):
            place = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
            head[i, 11 * j, :4] = wide[i, 40 * j, :4] = place
            head[i, 11 * j, 4 + int(number)] = score
            wide[i, 40 * j, 4], wide[i, 40 * j, 5 + int(number)] = 0.5, 2 * score
    return {
        "rows": [rows], "batch rows": [flat.astype(np.float32)], "separate": separate,
        "yolo8": [head.transpose(0, 2, 1)], "yolo5": [wide],
    }  # fmt: skip


@pytest.mark.parametrize("name", forms())
def test_boxes_are_read_out_of_every_form(name: str) -> None:
    outputs = forms()[name]
    assert form_of(outputs, [(3, 3, 64, 64)], 3) == name
    found = found_boxes(outputs, name, 3)
    expected = forms()["rows"][0]
    assert found is not None
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)
    tally = Tally()
    tally.add(outputs, {}, outputs, inputs=INPUTS)
    assert (tally.quality.metric, tally.quality.figure.after) == ("detections", 1.0)


def test_what_is_no_box_is_not_taken_for_one() -> None:
    rng = np.random.default_rng(1)
    dims = [(3, 3, 64, 64)]
    for outputs in (
        [rng.standard_normal((3, 5, 6)).astype(np.float32)],
        [rng.standard_normal((3, 84, 100)).astype(np.float32)],
        [rng.standard_normal((3, 10)).astype(np.float32)],
        [rng.standard_normal((9, 7)).astype(np.float32)],
        [np.zeros((3, 4), np.float32)] * 3,
    ):
        assert form_of(outputs, dims, 3) == ""


def test_overlapping_boxes_of_a_head_are_left_out_class_by_class() -> None:
    rng = np.random.default_rng(2)
    head = np.zeros((1, 6, 84), np.float32)
    head[0, :2] = rng.uniform(20, 40, (2, 84))
    head[0, 2:4] = rng.uniform(15, 25, (2, 84))
    head[0, 4:] = rng.uniform(0.01, 1, (2, 84))
    found = found_boxes([head], "yolo8", 1)
    assert found is not None
    left = []
    for x, y, w, h, one, two in head[0].T.astype(float):
        left.append((max(one, two), int(two > one), x - w / 2, y - h / 2, x + w / 2, y + h / 2))

    def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
        wide, high = min(a[4], b[4]) - max(a[2], b[2]), min(a[5], b[5]) - max(a[3], b[3])
        both = max(wide, 0.0) * max(high, 0.0)
        areas = [(box[4] - box[2]) * (box[5] - box[3]) for box in (a, b)]
        return both / (sum(areas) - both)

    kept: list[tuple[float, ...]] = []
    while left:
        best = max(left)
        kept.append(best)
        left = [box for box in left if box is not best and (box[1] != best[1] or overlap(box, best) <= 0.7)]
    assert 10 < len(kept) < 84
    np.testing.assert_allclose(found[0][:, 4], [box[0] for box in kept], rtol=1e-6)


def test_nan_is_no_box_and_so_a_difference() -> None:
    rows = forms()["rows"][0]
    broken = rows.copy()
    broken[1] = np.nan
    tally = Tally("detections")
    tally.add([broken], {}, [rows], inputs=INPUTS)
    assert tally.quality.figure.after == pytest.approx(2 * 10 / 25)
    assert tally.quality.not_numbers.outputs == (1,)


# --- files ----------------------------------------------------------------------------------------------------------

BOXES = [[(10, 20, 40, 50, 1)], [], [(0, 0, 60, 30, 0), (30, 5, 50, 25, 1)]]
"""x1, y1, x2, y2, class in pictures of 80 x 40."""


def detector(path: Path) -> Path:
    """Gives the mean colours of the picture as rows of two boxes: enough for a form."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["g"], "pool"),
        helper.make_node("Mul", ["g", "none"], ["zero"], "nothing"),
        helper.make_node("ReduceSum", ["zero", "axes"], ["s"], "sum", keepdims=1),
        helper.make_node("Reshape", ["s", "shape"], ["r"], "rows"),
        helper.make_node("Add", ["r", "boxes"], ["y"], "add"),
    ]
    rows = np.array([[[5, 26, 20, 41, 0.9, 1], [0, 16, 30, 31, 0.8, 0]]], np.float32)
    weights = [
        om.tensor("none", np.zeros(())), om.tensor("axes", [1], np.int64), om.tensor("shape", [-1, 1, 1], np.int64), om.tensor("boxes", rows),
    ]  # fmt: skip
    onnx.save(
        om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 40, 40))], outputs=[om.info("y", None)]), path
    )
    return path


def pictures(folder: Path, count: int = 3) -> None:
    image = pytest.importorskip("PIL.Image")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        image.fromarray(rng.integers(0, 255, (40, 80, 3), np.uint8)).save(folder / f"{number}.png")


def coco_file(path: Path) -> Path:
    rows = [(image, box) for image, boxes in enumerate(BOXES) for box in boxes]
    annotations = [
        {"image_id": image, "bbox": [x1, y1, x2 - x1, y2 - y1], "category_id": [7, 90][number], "iscrowd": 0}
        for image, (x1, y1, x2, y2, number) in rows
    ]
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(3)]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 90}, {"id": 7}]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def yolo_files(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for image, boxes in enumerate(BOXES):
        lines = [
            f"{number} {(x1 + x2) / 160} {(y1 + y2) / 80} {(x2 - x1) / 80} {(y2 - y1) / 40}"
            for x1, y1, x2, y2, number in boxes
        ]
        if lines:
            (folder / f"{image}.txt").write_text("\n".join(lines) + "\n")


def layouts(root: Path) -> dict[str, Path]:
    """The same boxes in every layout → what --data names."""
    for name in ("coco", "beside", "yolo", "flat"):
        pictures(root / name / "images" if name != "flat" else root / name)
    coco_file(root / "coco" / "annotations" / "instances.json")
    file = coco_file(root / "beside" / "boxes.json")
    yolo_files(root / "yolo" / "labels")
    yolo_files(root / "flat")
    return {"coco": root / "coco", "beside": file, "yolo": root / "yolo", "flat": root / "flat"}


@pytest.mark.parametrize("name", ["coco", "beside", "yolo", "flat"])
def test_boxes_of_files_are_where_the_network_sees_them(name: str, tmp_path: Path) -> None:
    """80 x 40 goes into 40 x 40 at half its size, with 10 rows of grey above and below."""
    data = layouts(tmp_path)[name]
    path = detector(tmp_path / "d.onnx")
    network = aidge_compress.load_onnx(path)
    (batch,) = list(aidge_compress.open_data(str(data), network, aidge_compress.DataOptions()))
    images, boxes = (np.array(entry) for entry in batch)
    assert images.shape == (3, 3, 40, 40)
    np.testing.assert_allclose(images[:, :, :10], 114 / 255, atol=1e-6)
    for rows, wanted in zip(boxes, BOXES, strict=True):
        halves = [[x1 / 2, y1 / 2 + 10, x2 / 2, y2 / 2 + 10, number] for x1, y1, x2, y2, number in wanted]
        np.testing.assert_allclose(rows[rows[:, 4] >= 0], np.reshape(halves, (-1, 5)), atol=1e-9)
    assert set(labels_among([boxes], 3)) >= {"boxes"}
    found = ok("eval", path, "--data", data, "--json").document
    assert (found["metric"], found["figures"][0]["title"]) == ("detections", "mAP 0.5:0.95")
    text = " ".join(ok("eval", path, "--data", data).out.split())
    assert "metric: detections (the output has shape N x 2 x 6 and the labels are boxes" in text


def test_masks_of_files_are_where_the_network_sees_them(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pictures(tmp_path / "d" / "images")
    (tmp_path / "d" / "masks").mkdir()
    rng = np.random.default_rng(1)
    masks = rng.integers(0, 4, (3, 40, 80)).astype(np.uint8)
    masks[0, 0] = 255
    for number, mask in enumerate(masks):
        image.fromarray(mask).save(tmp_path / "d" / "masks" / f"{number}.png")
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "head", pads=[1, 1, 1, 1])]
    weights = [om.tensor("w", rng.standard_normal((4, 3, 3, 3)))]
    path = tmp_path / "n.onnx"
    onnx.save(
        om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 40, 40))], outputs=[om.info("y", None)]), path
    )
    (batch,) = list(
        aidge_compress.open_data(
            str(tmp_path / "d"), aidge_compress.load_onnx(path), aidge_compress.DataOptions()
        )
    )
    np.testing.assert_array_equal(np.array(batch[1]), masks[:, :, 20:60])  # the middle, as of the picture
    assert ok("eval", path, "--data", tmp_path / "d", "--json").document["metric"] == "miou"
    (tmp_path / "d" / "masks" / "1.png").unlink()
    assert "expected a mask in" in refused("eval", path, "--data", tmp_path / "d")


def test_a_binary_mask_may_be_white(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pictures(tmp_path / "images", 2)
    (tmp_path / "masks").mkdir()
    mask = np.zeros((40, 80), np.uint8)
    mask[10:20] = 255
    for number in range(2):
        image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    network = aidge_compress.load_onnx(detector(tmp_path / "d.onnx"))
    (batch,) = list(aidge_compress.open_data(str(tmp_path), network, aidge_compress.DataOptions()))
    assert set(np.unique(np.array(batch[1]))) == {0, 1}


BROKEN: dict[str, Any] = {
    "a word": ("0 x 0.5 0.5 0.5", "expected a class and four numbers, or a polygon, in line 1 of"),
    "too few": ("0 0.5 0.5", "got '0 0.5 0.5'"),
    "a class with a fraction": ("0.5 0.5 0.5 0.5 0.5", "expected a class"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_named(name: str, tmp_path: Path) -> None:
    pictures(tmp_path / "d")
    text, message = BROKEN[name]
    (tmp_path / "d" / "0.txt").write_text(text)
    assert message in refused("eval", detector(tmp_path / "d.onnx"), "--data", tmp_path / "d")


def test_a_polygon_is_its_box_and_a_missing_image_is_named(tmp_path: Path) -> None:
    pictures(tmp_path / "d", 1)
    (tmp_path / "d" / "0.txt").write_text("1 0.1 0.2 0.5 0.2 0.3 0.6\n")
    network = aidge_compress.load_onnx(detector(tmp_path / "d.onnx"))
    (batch,) = list(aidge_compress.open_data(str(tmp_path / "d"), network, aidge_compress.DataOptions()))
    np.testing.assert_allclose(np.array(batch[1])[0, 0], [4, 14, 20, 22, 1], atol=1e-6)
    file = coco_file(tmp_path / "e" / "boxes.json")
    assert "expected the image 0.png of" in refused("eval", tmp_path / "d.onnx", "--data", file)
    file.write_text('{"images": [], "annotations": [{"id": 1}]}')
    assert "as COCO has them" in refused("eval", tmp_path / "d.onnx", "--data", file)
