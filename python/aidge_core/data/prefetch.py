"""Results of a function over a list of tasks, computed ahead by threads, in order."""

from __future__ import annotations

import atexit
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeVar, cast

__all__ = ["Prefetcher"]

Task = TypeVar("Task")
Result = TypeVar("Result")

#: Tasks under way or done but not yet taken, for each worker.
AHEAD = 2
#: Seconds that the end of the program waits for a worker that is busy.
EXIT_PATIENCE = 1.0

_running: weakref.WeakSet[Thread] = weakref.WeakSet()
_exiting = Event()


class _Slot(Generic[Result]):
    """Place of one result: either a value or an exception, once `done` is set."""

    def __init__(self) -> None:
        self.done = Event()
        self.value: Result | None = None
        self.error: BaseException | None = None


class Prefetcher(Iterator[Result], Generic[Task, Result]):
    """Calls `function(task, stop)` for every task in threads and yields the results in the order of the
    tasks.

    At most `AHEAD` results a worker wait to be taken. An exception of the function comes out in its task's
    turn and ends the iteration. Closing or dropping the iterator stops the workers: those that wait end at
    once, a busy one after the call that it is in (`stop` is set, so that the function may return early). The
    threads are daemons, so that one which never returns cannot keep the program from ending.
    """

    def __init__(
        self, function: Callable[[Task, Event], Result], tasks: Sequence[Task], num_workers: int
    ) -> None:
        self._todo: SimpleQueue[tuple[Task, _Slot[Result]] | None] = SimpleQueue()
        self._waiting: deque[_Slot[Result]] = deque()
        self._tasks = iter(tasks)
        stop = Event()
        workers = min(num_workers, len(tasks))
        # The threads know the queue but not this object, so that dropping it is noticed.
        self._finalizer = weakref.finalize(self, _stop, self._todo, stop, workers)
        for _ in range(workers * AHEAD):
            self._submit()
        for number in range(workers):
            thread = Thread(
                target=_work, args=(function, self._todo, stop), name=f"aidge-data-{number}", daemon=True
            )
            _running.add(thread)
            thread.start()

    def _submit(self) -> None:
        for task in self._tasks:
            slot: _Slot[Result] = _Slot()
            self._waiting.append(slot)
            self._todo.put((task, slot))
            return

    def __next__(self) -> Result:
        if not self._waiting:
            self.close()
            raise StopIteration
        slot = self._waiting[0]
        slot.done.wait()
        if not self._waiting:  # closed by another thread
            raise StopIteration
        self._waiting.popleft()
        if slot.error is not None:
            self.close()
            try:
                raise slot.error
            finally:
                slot.error = None  # no cycle through the traceback
        self._submit()
        return cast(Result, slot.value)

    def close(self) -> None:
        """Stop the workers; nothing more comes."""
        self._tasks = iter(())
        self._finalizer()
        waiting = list(self._waiting)
        self._waiting.clear()
        for slot in waiting:
            slot.done.set()  # wakes another thread that waits in __next__


def _stop(todo: SimpleQueue[tuple[Task, _Slot[Result]] | None], stop: Event, workers: int) -> None:
    stop.set()
    for _ in range(workers):
        todo.put(None)


def _work(
    function: Callable[[Task, Event], Result],
    todo: SimpleQueue[tuple[Task, _Slot[Result]] | None],
    stop: Event,
) -> None:
    while (work := todo.get()) is not None:
        task, slot = work
        if stop.is_set() or _exiting.is_set():
            return
        try:
            slot.value = function(task, stop)
        except BaseException as error:  # handed over: it leaves __next__ in the caller's thread
            slot.error = error
        slot.done.set()
        del work, task, slot  # a waiting worker keeps no batch alive


def _leave() -> None:
    """Before the interpreter exits: starts no new work, and waits a moment for work under way."""
    _exiting.set()
    deadline = time.monotonic() + EXIT_PATIENCE
    for thread in list(_running):
        thread.join(max(0.0, deadline - time.monotonic()))


atexit.register(_leave)
