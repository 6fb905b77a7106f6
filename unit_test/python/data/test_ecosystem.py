"""At home where users are: their datasets, their shell, their installation."""

from __future__ import annotations

import io
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend)
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from aidge_compress.cli import doctor
from aidge_compress.demo import NETWORK
from aidge_core.data import DataProvider, DictDataset, ImageTransform, as_provider, from_dataset, from_parquet
from helpers.commands import process, run
from helpers.paths import ROOT

MODEL = NETWORK
IMAGES = np.random.default_rng(0).random((20, 1, 28, 28), dtype=np.float32)
LABELS = np.arange(20) % 10


def read(provider: Any) -> list[np.ndarray]:
    """All batches of a provider, one array a modality."""
    batches = [[np.array(entry) for entry in batch] for batch in provider]
    return [np.concatenate(entries) for entries in zip(*batches, strict=True)]


class HuggingFace:
    """What a Hugging Face dataset offers: samples by index that are dicts, and iteration over samples."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.column_names = list(rows[0])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]

    def __iter__(self) -> Any:
        return iter(self.rows)


ROWS = [
    {"id": f"n{k}", "image": image, "label": int(label)}
    for k, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True))
]


# --- dict datasets -----------------------------------------------------------------------------------------------------


def test_a_dataset_of_dicts_feeds_its_numbers_in_order() -> None:
    for provider in (from_dataset(ROWS, batch_size=8), as_provider(HuggingFace(ROWS), 8)):
        images, labels = read(provider)
        assert np.array_equal(images, IMAGES)
        assert np.array_equal(labels, LABELS)
    (labels,) = read(from_dataset(HuggingFace(ROWS), ["label"], 7))
    assert np.array_equal(labels, LABELS)


def test_a_map_style_dataset_is_batched_whatever_its_samples_are() -> None:
    class Pairs:
        def __len__(self) -> int:
            return 20

        def __getitem__(self, index: int) -> Any:
            return IMAGES[index], LABELS[index]

    class Dicts(Pairs):
        def __getitem__(self, index: int) -> Any:
            return ROWS[index]

    for dataset in (Pairs(), Dicts()):
        provider = as_provider(dataset, 6)
        assert isinstance(provider, DataProvider)
        assert np.array_equal(read(provider)[0], IMAGES)


def test_images_of_a_dataset_go_through_a_transform() -> None:
    image = pytest.importorskip("PIL.Image")
    rows = [{"image": image.new("RGB", (6, 4), (0, 51, 255)), "label": k} for k in range(3)]
    transform = ImageTransform(4, mean=0.2, std=0.5)
    images, labels = read(from_dataset(HuggingFace(rows), transforms={"image": transform}))
    assert images.shape == (3, 3, 4, 4)
    np.testing.assert_allclose(images[0, :, 0, 0], [-0.4, 0.0, 1.6], atol=1e-6)
    assert list(labels) == [0, 1, 2]


@pytest.mark.parametrize(
    ("dataset", "columns", "message"),
    [
        ([], None, "at least one sample, got none"),
        ([(1, 2)], None, "samples that are dicts, got tuple"),
        (ROWS, ["picture"], r"expected \['picture'\] in the samples, got \{'id': 'str', 'image': 'ndarray'"),
        ([{"text": "a"}], None, "a column of numbers in the samples, .* needs a transform"),
    ],
)
def test_what_is_no_dataset_of_dicts_is_an_error(dataset: Any, columns: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DictDataset(dataset, columns)


def test_a_dataset_of_dicts_measures_as_its_arrays_do() -> None:
    models = []
    for provider in (from_dataset(ROWS, batch_size=10), aidge_core.data.from_arrays(IMAGES, batch_size=10)):
        models.append(aidge_onnx.load_onnx(MODEL))
        models[-1].compile("cpu", dims=[[10, 1, 28, 28]])
        aidge_core.fibnlr_prepare(models[-1])
        aidge_core.fibnlr_compute(models[-1], provider)
    ratios = [
        [
            aidge_core.fibnlr_get_npr(node).value()
            for node in model.get_ordered_nodes()
            if aidge_core.fibnlr_has_npr(node)
        ]
        for model in models
    ]
    assert ratios[0] == ratios[1] != []


# --- .parquet ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Flat images, nested images and labels in row groups of seven."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    columns = {
        "flat": [image.ravel() for image in IMAGES],
        "nested": [image.tolist() for image in IMAGES],
        "label": LABELS,
        "name": [row["id"] for row in ROWS],
    }
    write_table(arrow.table(columns), tmp_path / "data.parquet", row_group_size=7)
    return tmp_path / "data.parquet"


def test_rows_of_a_parquet_file_are_samples(parquet: Path) -> None:
    shapes = {"flat": (1, 28, 28)}
    for columns in (["flat", "label"], ["nested", "label"]):
        images, labels = read(from_parquet(parquet, columns, 6, shapes=shapes))
        assert images.dtype == np.float32
        assert np.array_equal(images, IMAGES)
        assert np.array_equal(labels, LABELS)
    provider = from_parquet(parquet, ["label"], 6, shuffle=True, seed=1)
    assert sorted(read(provider)[0]) == sorted(LABELS)
    again = pickle.loads(pickle.dumps(provider))
    assert len(read(again)[0]) == 20
    assert len(as_provider(parquet, 8)) == 3  # type: ignore[arg-type]


def test_encoded_images_of_a_parquet_file_are_opened(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    image = pytest.importorskip("PIL.Image")
    from pyarrow.parquet import write_table

    stream = io.BytesIO()
    image.new("L", (28, 28), 51).save(stream, "png")
    as_bytes, as_struct = [stream.getvalue()] * 4, [{"bytes": stream.getvalue(), "path": None}] * 4
    for number, column in enumerate((as_bytes, as_struct)):
        path = tmp_path / f"{number}.parquet"
        write_table(arrow.table({"image": column, "label": [3] * 4}), path)
        transforms = {"image": ImageTransform(28, channels=1)}
        images, labels = read(from_parquet(path, transforms=transforms))
        np.testing.assert_allclose(images, np.full((4, 1, 28, 28), 0.2), atol=1e-6)
        document = json.loads(run("eval", str(MODEL), "--data", str(path), "--json").stdout)
        assert document["samples"] == len(labels) == 4
        assert document["labelled"] == 4 or document["accuracy"] is not None


def test_the_command_line_reads_a_parquet_file(parquet: Path) -> None:
    command = ("fibnlr", str(MODEL), "--data", str(parquet), "--batch-size", "5", "--limit", "12", "--json")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["samples"] == 12


def test_what_is_no_parquet_file_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=r"expected a \.parquet file, got .*bad\.parquet"):
        from_parquet(tmp_path / "bad.parquet")


def test_a_missing_package_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "pyarrow",
        "pyarrow.parquet",
    ):  # the second one may be loaded by now, and would be found by itself
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'aidge-compress\[parquet\]'"):
        from_parquet("data.parquet")


def test_a_folder_as_provider_is_an_error_that_knows_the_way(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"open a folder of images with .*from_image_folder"):
        as_provider(tmp_path)


# --- doctor ------------------------------------------------------------------------------------------------------------


def test_the_doctor_knows_the_processor_the_kernels_and_the_extras() -> None:
    findings = {finding.topic: finding for finding in doctor.examine()}
    assert not [finding for finding in findings.values() if finding.status == "problem"]
    assert findings["oneDNN"].value.startswith("3.")
    assert "of" in findings["threads"].value
    assert "kernels: " in findings["self-test"].value
    assert findings["onnx"].value
    assert str(ROOT) in findings["packages"].value or "site-packages" in findings["packages"].value


def test_the_doctor_finds_packages_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = {"aidge_core": ["aidge-compress", "aidge_core"], "aidge_onnx": ["aidge_onnx"]}
    monkeypatch.setattr(doctor, "packages_distributions", lambda: owners)
    (problem,) = [finding for finding in doctor.examine() if finding.status == "problem"]
    assert problem.value == "aidge_core, aidge_onnx"
    assert problem.cure.startswith("pip uninstall aidge_core aidge_onnx, then pip install --force-reinstall")


def test_the_doctor_survives_what_is_broken_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("libdnnl.so.3: no such file")

    monkeypatch.setattr(doctor, "_PARTS", (broken,))
    (finding,) = doctor.examine()
    assert (finding.status, finding.value) == ("problem", "OSError: libdnnl.so.3: no such file")


def test_the_doctor_names_what_an_absent_extra_would_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    notes = list(doctor._extras())
    assert all(note.status == "note" for note in notes)
    assert "for measuring on several processes or machines: pip install 'aidge-compress[dask]'" in [
        note.cure for note in notes
    ]


def test_every_extra_that_the_doctor_names_exists() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for extra, module, _ in doctor._EXTRAS:
        line = next(line for line in text.splitlines() if line.startswith(f"{extra} = "))
        assert doctor._DISTRIBUTIONS.get(module, module) in line


@pytest.mark.slow
def test_more_threads_than_processors_are_noted() -> None:
    done = process("doctor", "--json", OMP_NUM_THREADS="99")
    assert done.returncode == 0, done.stderr
    findings = {finding["topic"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["threads"]["status"] == "note"
    assert findings["threads"]["cure"].startswith("OMP_NUM_THREADS=")


# --- completion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [("aidge fib", "fibnlr"), ("aidge fibnlr --sched", "--scheduler"), ("aidge do", "doctor")],
)
def test_the_shell_completes_commands_and_options(words: str, expected: str) -> None:
    position = str(len(words.split()) - 1)
    done = run(_AIDGE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=position)
    assert expected in done.stdout.split()
