"""Interleaved timing of two or more engines, each in a separate process.

Every engine lives in a freshly spawned process whose thread count is fixed before any library is loaded, so
that two OpenMP run-times never share a process and no engine's idle threads spin beside the other's work. The
parent runs them alternately, A B B A A B ..., and compares the two times of each pair; the median of those
ratios is immune to a machine that is slower for a while.
"""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
import traceback
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from types import TracebackType

__all__ = [
    "Comparison",
    "EngineError",
    "Runner",
    "Worker",
    "add_common_options",
    "compare",
    "compare_factories",
    "environment",
    "format_table",
    "print_environment",
]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PACKAGES = ("aidge-compress", "onednn-cpu-gomp", "onnxruntime", "onnx", "torch", "numpy")
SETTLE_SECONDS = 0.1


class EngineError(RuntimeError):
    """An engine could not be set up or failed while it ran; the text is that of the engine's error."""


class Runner(Protocol):
    """What a factory returns inside the worker process."""

    def prepare(self) -> None:
        """Untimed work before each run."""

    def run(self) -> None:
        """The timed work."""

    def result(self) -> Any:
        """What the last run found, in a form that can be pickled."""


def _serve(connection: Connection, factory: Callable[..., Runner], arguments: dict[str, Any]) -> None:
    """Loop of the worker process: answers ``(repeats, wants_result)`` with ``(seconds, result)``."""
    try:
        runner = factory(**arguments)
        connection.send(("ready", None))
        while (request := connection.recv()) is not None:
            repeats, wants_result = request
            seconds = 0.0
            for _ in range(repeats):
                runner.prepare()
                began = time.perf_counter()
                runner.run()
                seconds += time.perf_counter() - began
            connection.send(("done", (seconds / repeats, runner.result() if wants_result else None)))
    except (EOFError, KeyboardInterrupt):
        return
    except BaseException as error:  # the parent reports whatever went wrong in here
        summary = f"{type(error).__name__}: {error}"
        connection.send(("failed", (summary, traceback.format_exc())))


@contextmanager
def _thread_environment(threads: int) -> Iterator[None]:
    """Sets the variables that OpenMP and BLAS read when they are loaded, for the children started inside."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update({name: str(threads) for name in THREAD_VARIABLES})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Worker:
    """An engine in a spawned process with a fixed number of threads; use it as a context manager.

    ``factory`` must be a module-level callable; it gets ``threads`` and the other keyword arguments.
    ``timeout`` is the number of seconds after which a silent engine counts as failed.
    """

    def __init__(
        self,
        factory: Callable[..., Runner],
        *,
        threads: int,
        timeout: float = 900.0,
        **arguments: Any,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._timeout = timeout
        self._connection, child = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(child, factory, {"threads": threads, **arguments}), daemon=True
        )
        with _thread_environment(threads):
            self._process.start()
        child.close()
        try:
            self._receive()
        except BaseException:
            self.close()
            raise

    def _receive(self) -> Any:
        if not self._connection.poll(self._timeout):
            raise EngineError(f"no answer within {self._timeout:g} s")
        try:
            kind, payload = self._connection.recv()
        except EOFError:
            self._process.join(5)
            raise EngineError(f"the process died with exit code {self._process.exitcode}") from None
        if kind == "failed":
            summary, trace = payload
            raise EngineError(summary) from RuntimeError(trace)
        return payload

    def time(self, repeats: int = 1) -> float:
        """Mean seconds of ``repeats`` runs."""
        self._connection.send((repeats, False))
        seconds, _ = self._receive()
        return float(seconds)

    def result(self) -> tuple[float, Any]:
        """One run: its seconds and its result."""
        self._connection.send((1, True))
        seconds, result = self._receive()
        return float(seconds), result

    def close(self) -> None:
        """Ends the process, by force if it does not end by itself."""
        with suppress(OSError):
            self._connection.send(None)
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Comparison:
    """Times in seconds of the pairs that were run, and the result of each engine's first run."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    results: tuple[Any, Any] = field(repr=False)

    @property
    def medians(self) -> tuple[float, float]:
        """Median seconds of either engine."""
        return statistics.median(self.first), statistics.median(self.second)

    @property
    def ratios(self) -> list[float]:
        """First / second, pair by pair, ascending."""
        return sorted(a / b for a, b in zip(self.first, self.second, strict=True))

    @property
    def ratio(self) -> float:
        """Median of the pairs' ratios; below 1 the first engine is faster."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile of the pairs' ratios."""
        ratios = self.ratios
        if len(ratios) < 2:
            return ratios[0], ratios[0]
        lower, _, upper = statistics.quantiles(ratios, n=4, method="inclusive")
        return lower, upper

    @property
    def undisturbed(self) -> float:
        """The ratio of the shortest times: where the machine is shared, those are the ones that nobody disturbed."""
        return min(self.first) / min(self.second)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Table cells: either median in milliseconds, the ratio, its quartiles, and the ratio of the shortest times."""
        first, second = self.medians
        lower, upper = self.spread
        return (
            f"{first * 1e3:.1f}",
            f"{second * 1e3:.1f}",
            f"{self.ratio:.3f}",
            f"{lower:.2f}-{upper:.2f}",
            f"{self.undisturbed:.3f}",
        )


def compare(first: Worker, second: Worker, *, pairs: int, sample_seconds: float = 0.1) -> Comparison:
    """Warms both up, then times ``pairs`` interleaved pairs, changing the order from pair to pair.

    A sample repeats a run until it takes about ``sample_seconds``, with the same number of repeats for both.
    """
    results = (first.result()[1], second.result()[1])
    shortest = min(first.time(), second.time())
    repeats = max(1, round(sample_seconds / max(shortest, 1e-6)))
    times: tuple[list[float], list[float]] = ([], [])
    for pair in range(pairs):
        order = (0, 1) if pair % 2 == 0 else (1, 0)
        for index in order:
            time.sleep(SETTLE_SECONDS)  # the other engine's threads spin for a while before they sleep
            times[index].append((first, second)[index].time(repeats))
    return Comparison(tuple(times[0]), tuple(times[1]), results)


def compare_factories(
    first: tuple[Callable[..., Runner], dict[str, Any]],
    second: tuple[Callable[..., Runner], dict[str, Any]],
    *,
    threads: int,
    pairs: int,
    sample_seconds: float = 0.1,
) -> Comparison:
    """`compare` of two engines given as (factory, arguments), started and ended here."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(factory, threads=threads, **arguments))
            for factory, arguments in (first, second)
        ]
        return compare(workers[0], workers[1], pairs=pairs, sample_seconds=sample_seconds)


def _processor() -> str:
    """Model name of the processor where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    """Installed version of a distribution, or the words "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _instruction_sets() -> str:
    """What our loops and oneDNN run with; asked in another process, so that no library is loaded in this one."""
    program = (
        "import aidge_backend_cpu as b; u = b.used_instruction_sets()\n"
        "print(f\"{u['loops']} (our loops), {u['onednn']} (oneDNN), AIDGE_MAX_ISA {u['cap'] or 'not set'}\")"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def environment() -> dict[str, str]:
    """Machine and versions that a figure belongs to."""
    facts = {
        "processor": f"{_processor()}, {os.cpu_count()} logical cores",
        "instruction sets": _instruction_sets(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    facts.update({name: _version(name) for name in PACKAGES})
    if hasattr(os, "getloadavg"):
        facts["load before"] = f"{os.getloadavg()[0]:.2f}"
    return facts


def print_environment() -> None:
    """Prints `environment`, one fact a line."""
    for name, value in environment().items():
        print(f"# {name}: {value}")


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = (
        "|"
        + "|".join("-" * (width + 1) + ("-" if column == 0 else ":") for column, width in enumerate(widths))
        + "|"
    )
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def add_common_options(
    parser: argparse.ArgumentParser, *, nets: Sequence[str], default: Sequence[str]
) -> None:
    """Options that every benchmark script has."""
    parser.add_argument(
        "--nets", nargs="+", choices=nets, default=list(default), metavar="NET", help=", ".join(nets)
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument(
        "--models", type=Path, default=Path("build/benchmark-models"), help="cache of ONNX files"
    )
