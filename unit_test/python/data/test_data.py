"""Databases and DataProvider: values, order, errors, and that nothing hangs."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from typing import Any

import aidge_core
import numpy as np
import pytest
from aidge_core import Database, DataProvider, Tensor, dtype
from helpers.data_sources import PATIENCE, Failing, Mine, Numbers, eventually, labels, running, workers

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
