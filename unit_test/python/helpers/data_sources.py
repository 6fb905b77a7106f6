"""Databases, programs and waits that the tests of data share."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from aidge_core import Database

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


def eventually(condition: Any) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("aidge-data")]


# A program in the background of a shell ignores SIGINT, and so do its children: Ctrl-C is made to work explicitly.
SLOW_DATABASE = """
    import signal, sys, time, threading, numpy as np, aidge_core
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
