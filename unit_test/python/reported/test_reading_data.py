"""Data as strangers have it: damaged files, folders of classes, and images of every kind that Pillow writes.

The right values are Pillow's and NumPy's own, of the arrays that the files were written from.
"""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from aidge_compress.pfa import PFA
from aidge_core.data import DictDataset, ImageFolder, ImageTransform, as_provider, from_npz, from_parquet
from helpers import onnx_models as om
from helpers.outcomes import refused, run
from onnx import helper

Image = pytest.importorskip("PIL.Image")
pyarrow = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution, a ReLU and a classifier of 4 classes for images of 8 by 8."""
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "w"], ["y"], "fc"),
    ]
    weights = [om.weights("k", 6, 3, 3, 3), om.weights("w", 6, 4)]
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 8, 8))]), path)
    return path


def bytes_of(save: Any, *arrays: Any, **named: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *arrays, **named)
    return stream.getvalue()


def damaged() -> dict[str, tuple[bytes, str]]:
    """Files and what is to be said about them."""
    x = np.ones((4, 3, 8, 8), np.float32)
    archive, single = bytes_of(np.savez, x=x), bytes_of(np.save, x)
    flipped = bytearray(archive)
    flipped[len(archive) // 2] ^= 255
    objects = bytes_of(np.save, np.array([{"a": 1}], dtype=object))
    return {
        "cut.npz": (archive[: len(archive) // 2], "damaged"),
        "changed.npz": (bytes(flipped), "damaged"),
        "empty.npz": (b"", "empty"),
        "empty.npy": (b"", "empty"),
        "cut.npy": (single[: len(single) // 2], "damaged"),
        "header.npy": (single[:20], "damaged"),
        "text.npz": (b"a,b\n1,2\n", "not a NumPy file"),
        "text.npy": (b"hello", "not a NumPy file"),
        "objects.npy": (objects, "Python objects"),
        "none.npy": (bytes_of(np.save, x[:0]), "> 0"),
        "scalar.npy": (bytes_of(np.save, np.float32(3)), "first dimension"),
    }


@pytest.mark.parametrize("name", damaged())
def test_a_damaged_array_file_is_one_line(name: str, network: Path, tmp_path: Path) -> None:
    content, said = damaged()[name]
    path = tmp_path / name
    path.write_bytes(content)
    for command in ("fibnlr", "eval"):
        assert said in refused(command, network, "--data", path)
    with pytest.raises(ValueError, match=said):
        from_npz(path)


def test_no_change_of_a_byte_gets_another_exception_out(tmp_path: Path) -> None:
    dice = random.Random(0)
    x = np.ones((4, 3), np.float32)
    for name, raw in (
        ("a.npz", bytes_of(np.savez, x=x)),
        ("b.npz", bytes_of(np.savez_compressed, x=x)),
        ("c.npy", bytes_of(np.save, x)),
    ):
        for _ in range(300):
            changed = bytearray(raw)
            changed[dice.randrange(min(128, len(raw)))] = dice.randrange(256)
            (tmp_path / name).write_bytes(bytes(changed[: dice.choice((len(raw), dice.randrange(len(raw))))]))
            with contextlib.suppress(ValueError):
                from_npz(tmp_path / name)


def test_statistics_that_are_cut_off_are_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    for content in (b"", b"PK\x03\x04", bytes_of(np.savez_compressed, format=np.zeros(99))[:-30]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"PFA\.save wrote"):
            PFA.load(path)


def test_a_suffix_may_be_in_capitals(network: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((4, 3, 8, 8), np.float32)
    (tmp_path / "X.NPY").write_bytes(bytes_of(np.save, x))
    assert run("eval", network, "--data", tmp_path / "X.NPY").code == 0
    assert len(list(as_provider(tmp_path / "X.NPY"))) == 1


def test_a_damaged_parquet_file_is_one_line(network: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    good, path = tmp_path / "good.parquet", tmp_path / "x.parquet"
    parquet.write_table(pyarrow.table({"x": [[0.0] * 192] * 4}), good)
    raw = good.read_bytes()
    for content in (b"", raw[: len(raw) // 2], raw[:4] + bytes([255] * 60) + raw[64:]):
        path.write_bytes(content)
        assert "x.parquet" in refused("eval", network, "--data", path)
    parquet.write_table(pyarrow.table({"x": pyarrow.array([], pyarrow.list_(pyarrow.float32()))}), path)
    assert "at least one row" in refused("eval", network, "--data", path)
    parquet.write_table(pyarrow.table({"image": [{"bytes": None, "path": "a.png"}] * 2}), path)
    assert "expected an image" in refused("eval", network, "--data", path)


PNG = bytes_of(lambda stream: Image.new("RGB", (8, 8)).save(stream, "png"))
GOOD_ROWS = {
    "image": {"image": {"bytes": PNG, "path": ""}, "label": 1},
    "array": {"x": [0.5] * 192, "label": 1},
}


@pytest.mark.parametrize(
    ("kind", "column", "value", "said"),
    [
        ("image", "image", {"bytes": None, "path": "a.png"}, "expected an image"),
        ("image", "image", None, "expected an image"),
        ("image", "image", {"bytes": PNG[:40], "path": ""}, "expected an image"),
        ("image", "label", None, "expected a value"),
        ("array", "x", None, "expected a value"),
        ("array", "x", [0.5] * 191, "expected 192 numbers"),
        ("array", "x", [0.5] * 191 + [None], "expected 192 numbers"),
    ],
)
def test_the_row_that_cannot_be_used_is_named(
    kind: str, column: str, value: Any, said: str, network: Path, tmp_path: Path
) -> None:
    from pyarrow import parquet

    rows = [dict(GOOD_ROWS[kind]) for _ in range(7)]
    rows[5][column] = value
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet", row_group_size=3)
    line = refused("eval", network, "--data", tmp_path / "x.parquet")
    assert said in line
    assert f"column '{column}' of " in line
    assert "5 (from 0)" in line


# --- folders of classes ---------------------------------------------------------------------------------------------


def classes(root: Path, **images: int) -> Path:
    """A folder with so many images of each class."""
    for label, (name, count) in enumerate(images.items()):
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (8, 8), (label * 50, 0, 0)).save(root / name / f"{number}.png")
    return root


def test_an_empty_class_folder_keeps_its_label(tmp_path: Path) -> None:
    """torchvision.datasets.ImageFolder numbers every subfolder, so that networks trained with it do."""
    folder = ImageFolder(classes(tmp_path / "d", a=2, b=0, c=2, d=1), 8)
    assert folder.classes == ["a", "b", "c", "d"]
    found = [folder.get_item(index) for index in range(len(folder))]
    assert [int(label) for _, label in found] == [0, 2, 3, 0, 2]
    assert all(round(float(image[0, 0, 0]) * 255) == 50 * label for image, label in found)


def test_a_class_folder_of_other_files_is_refused_by_name(tmp_path: Path) -> None:
    root = classes(tmp_path / "d", a=1, b=0, c=1)
    (root / "b" / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"/b, or an empty folder .* got notes\.txt"):
        ImageFolder(root, 8)
    (root / "b").rename(root / ".b")
    assert ImageFolder(root, 8).classes == ["a", "c"]


def test_folders_beside_images_do_not_matter_if_they_hold_none(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 7).save(tmp_path / "x.png")
    (tmp_path / "notes").mkdir()
    folder = ImageFolder(tmp_path, 8)
    assert (len(folder), folder.classes) == (1, [])


# --- images ---------------------------------------------------------------------------------------------------------

RAMP = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
COLOURS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif", "ramp.pgm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_not_white(name: str, channels: Any, tmp_path: Path) -> None:
    """espressif/esp-dl#329; Pillow's convert("RGB") cuts everything above 255 off."""
    if name.endswith(".pgm"):
        (tmp_path / name).write_bytes(b"P5 8 8 65535\n" + RAMP.astype(">u2").tobytes())
    else:
        Image.fromarray(RAMP).save(tmp_path / name)
    (image,) = ImageFolder(tmp_path, 8, channels=channels).get_item(0)
    np.testing.assert_allclose(image, np.broadcast_to(RAMP / 65535, (channels, 8, 8)), atol=1e-6)
    halved = ImageFolder(tmp_path, 4, channels=channels).get_item(0)[0]
    assert abs(float(halved.mean()) - 0.5) < 0.02


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK", "YCbCr", "PA"])
def test_every_mode_is_what_pillow_makes_of_it(mode: str, tmp_path: Path) -> None:
    source = Image.fromarray(COLOURS)
    if mode in ("LA", "PA"):
        source = source.convert("RGBA" if mode == "LA" else "P")
    picture = source.convert(mode)
    for channels, plain in ((3, "RGB"), (1, "L")):
        expected = np.asarray(picture.convert(plain), np.float32).reshape(8, 8, -1).transpose(2, 0, 1) / 255
        np.testing.assert_array_equal(ImageTransform(8, channels=channels)(picture), expected)


def test_floating_point_images_are_taken_in_0_to_1_alone() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_allclose(ImageTransform(8, channels=1)(Image.fromarray(ramp))[0], ramp, atol=1e-6)
    for values in (ramp * 255, ramp - 1, ramp * np.float32(np.nan), (RAMP.astype(np.int32) - 9)):
        with pytest.raises(ValueError, match="expected values from 0 to"):
            ImageTransform(8)(Image.fromarray(values))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["8 bits", "16 bits"])
def test_an_image_is_turned_as_its_exif_orientation_says(orientation: int, kind: str, tmp_path: Path) -> None:
    """The eight orientations of EXIF 2.32, 4.6.4 A, tag 274, as NumPy turns and mirrors arrays."""
    stored = RAMP if kind == "16 bits" else (RAMP // 257).astype(np.uint8)
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].T,
        8: np.rot90(stored),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(stored).save(tmp_path / "x.png", exif=exif)
    (image,) = ImageFolder(tmp_path, 8, channels=1).get_item(0)
    np.testing.assert_allclose(image[0], upright / np.iinfo(stored.dtype).max, atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_no_change_of_an_image_gets_another_exception_out(suffix: str, tmp_path: Path) -> None:
    dice = random.Random(suffix)
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(COLOURS).save(path)
    raw = path.read_bytes()
    for _ in range(100):
        changed = bytearray(raw)
        for _ in range(3):
            changed[dice.randrange(len(raw))] = dice.randrange(256)
        path.write_bytes(bytes(changed[: dice.choice((len(raw), dice.randrange(len(raw))))]))
        with warnings.catch_warnings(), contextlib.suppress(OSError):
            warnings.simplefilter("ignore")
            ImageFolder(tmp_path, 8).get_item(0)


def test_images_of_a_table_are_read_as_those_of_a_folder(tmp_path: Path) -> None:
    content = bytes_of(lambda stream: Image.fromarray(RAMP).save(stream, "png"))
    broken = {"image": {"bytes": content[:40], "path": None}}
    transform = {"image": ImageTransform(8)}
    for value in (content, {"bytes": content, "path": None}):
        data = DictDataset([{"image": value}, broken], transforms=transform)
        np.testing.assert_allclose(data.get_item(0)[0][0], RAMP / 65535, atol=1e-6)
        with pytest.raises(OSError, match="column 'image'"):
            data.get_item(1)


def test_a_parquet_of_images_runs(network: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    rows = [
        {"image": {"bytes": bytes_of(lambda s: Image.fromarray(RAMP).save(s, "png")), "path": ""}, "label": 1}
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    assert run("eval", network, "--data", tmp_path / "x.parquet", "--json").document["labelled"] == 1
    assert len(from_parquet(tmp_path / "x.parquet", ["label"])) == 1


# --- preprocessing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [("mean", "nan", "finite numbers"), ("mean", "0.5,inf,0.5", "finite numbers"), ("std", "0", "finite numbers above 0"),
     ("std", "nan", "finite numbers above 0"), ("std", "-1", "finite numbers above 0")],
)  # fmt: skip
def test_a_mean_or_std_that_cannot_be_is_refused(
    name: str, value: str, wanted: str, network: Path, tmp_path: Path
) -> None:
    classes(tmp_path / "pictures", a=2, b=2)
    line = refused("eval", network, "--data", tmp_path / "pictures", f"--{name}", value)
    assert f"expected {wanted} as --{name}, got " in line


@pytest.mark.parametrize("kind", ["npz", "npy", "parquet"])
def test_a_mean_that_arrays_do_not_use_is_said(kind: str, network: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    x, path = np.ones((4, 3, 8, 8), np.float32), tmp_path / f"x.{kind}"
    if kind == "parquet":
        parquet.write_table(pyarrow.table({"x": list(x.reshape(4, -1))}), path)
    else:
        path.write_bytes(bytes_of(np.savez, x=x) if kind == "npz" else bytes_of(np.save, x))
    assert "are used as they are" in run("eval", network, "--data", path, "--mean", "0.5").err
    assert "are used as they are" not in run("eval", network, "--data", path).err


# --- one sample -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["kl", "energy", "size"])
def test_pfa_of_one_sample_says_that_it_is_too_few(strategy: str, network: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.ones((1, 3, 8, 8), np.float32))
    done = run("pfa", network, "--data", tmp_path / "one.npy", "--strategy", strategy)
    assert (done.code, "at least 2 samples" in done.err) == (2, True)
    np.save(tmp_path / "two.npy", np.random.default_rng(0).random((2, 3, 8, 8), np.float32))
    assert run("pfa", network, "--data", tmp_path / "two.npy", "--strategy", strategy).code == 0


# --- labels that cannot be used, inputs without samples ------------------------------------------------------------
@pytest.mark.parametrize(
    "labels",
    [
        np.arange(24) % 4 + 0.5,
        np.where(np.arange(24) == 5, np.nan, 1.0),
        np.arange(20) % 4,
        np.array(list("abcd") * 6),
    ],
    ids=["fractions", "NaN", "too few", "text"],
)
def test_an_array_called_labels_that_holds_none_is_named(
    labels: np.ndarray, network: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((24, 3, 8, 8), np.float32), y=labels)
    done = run("eval", network, "--data", tmp_path / "d.npz")
    assert done.code == 0
    assert "'y' of " in done.err
    assert "is not used as labels" in done.err
    assert f"for 24 samples, got {labels.dtype} [{len(labels)}]" in done.err


@pytest.mark.parametrize("command", ["eval", "merge", "pfa"])
def test_an_input_of_no_samples_is_named(command: str, network: Path, tmp_path: Path) -> None:
    model = onnx.load(network)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 0
    onnx.save(model, tmp_path / "none.onnx")
    np.save(tmp_path / "d.npy", np.ones((24, 3, 8, 8), np.float32))
    out = ["--out", tmp_path / "o.onnx"] if command == "merge" else []
    done = run(command, tmp_path / "none.onnx", "--data", tmp_path / "d.npy", *out)
    assert done.code == 2
    assert "graph input 'x', got dims [0, 3, 8, 8] in the file" in done.err
    assert "--batch-size" not in done.err
