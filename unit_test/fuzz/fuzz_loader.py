"""Feeds damaged models to load_onnx: only a graph, InvalidModelError or UnsupportedError may come out, each within 2 s and 1 GB.

    python unit_test/fuzz/fuzz_loader.py --cases 50000 [--seed 0] [--workers 2]     (make fuzz)

Exit code 1 and a list of cases where anything else happened; `--show SEED:INDEX` writes one of them to a file."""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 2.0
"""Of processor time a case, so that a busy machine is no failure."""
PATIENCE = 30.0
"""Wall time after which a case counts as hanging."""
START = 120.0
BYTES = 1 << 30


@dataclass
class Report:
    """How many cases ended how, and the bad ones as "seed:index what"."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def work(seed: int, first: int, end: int) -> None:
    """In a process of its own: one line a case begun, one a case ended."""
    sys.path[:0] = [str(HERE), str(HERE.parent / "python")]
    import aidge_core
    import aidge_onnx
    from mutate import case, corpus

    corpus()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + BYTES, size + BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for index in range(first, end):
        data = case(seed, index)
        print(f"begin {index}", flush=True)
        started = time.process_time()
        try:
            aidge_onnx.load_onnx(data)
            outcome = "graph"
        except (aidge_onnx.InvalidModelError, aidge_core.UnsupportedError) as error:
            outcome = type(error).__name__
        except BaseException as error:  # whatever it is, it is what we are looking for
            outcome = f"BAD {type(error).__name__}: {str(error)[:200]!r}"
        if time.process_time() - started > SECONDS:
            outcome = f"BAD took {time.process_time() - started:.1f} s, then {outcome}"
        print(f"end {index} {outcome}", flush=True)


@dataclass
class Worker:
    """A process that works through some cases; a new one goes on behind a case that ends it."""

    seed: int
    next: int
    end: int
    report: Report
    process: subprocess.Popen[bytes] | None = None
    current: int | None = None
    heard: float = 0.0
    unread: bytes = b""

    def start(self) -> None:
        command = [
            sys.executable,
            str(HERE / "fuzz_loader.py"),
            "--worker",
            f"{self.seed}:{self.next}:{self.end}",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.heard = time.monotonic() + START  # it loads packages and models first
        self.unread = b""

    def read(self) -> bool:
        """Takes in what the process has written; False if it has ended."""
        assert self.process is not None
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            self.hear(line.decode(errors="replace"))
        return bool(data)

    def hear(self, line: str) -> None:
        self.heard = time.monotonic()
        kind, index, *rest = line.split(" ", 2)
        if kind == "begin":
            self.current = int(index)
            return
        self.current, self.next = None, int(index) + 1
        outcome = rest[0].strip()
        self.report.outcomes[outcome.split(" ")[0]] += 1
        if outcome.startswith("BAD"):
            self.report.bad.append(f"{self.seed}:{index} {outcome}")

    def ended(self, what: str) -> bool:
        """After the process has gone; True if nothing is left to do."""
        if self.current is not None:
            self.report.outcomes["BAD"] += 1
            self.report.bad.append(f"{self.seed}:{self.current} {what}")
            self.current, self.next = None, self.current + 1
        elif self.next < self.end:
            self.report.bad.append(f"{self.seed}:{self.next} {what} between two cases")
            return True
        return self.next >= self.end


def fuzz(cases: int, seed: int = 0, workers: int = 2) -> Report:
    """Runs the cases 0 to `cases` of a seed."""
    report = Report()
    step = -(-cases // workers)
    team = [Worker(seed, low, min(low + step, cases), report) for low in range(0, cases, step)]
    with selectors.DefaultSelector() as selector:
        for worker in team:
            _launch(worker, selector)
        while selector.get_map():
            for key, _ in selector.select(timeout=1.0):
                worker = key.data
                if not worker.read():
                    _relaunch(worker, selector, f"the process ended with {worker.process.wait()}")
            for key in list(selector.get_map().values()):
                if time.monotonic() - key.data.heard > PATIENCE:
                    key.data.process.kill()
                    _relaunch(key.data, selector, f"no answer for {PATIENCE:.0f} s")
    return report


def _launch(worker: Worker, selector: selectors.BaseSelector) -> None:
    worker.start()
    assert worker.process is not None
    selector.register(worker.process.stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]


def _relaunch(worker: Worker, selector: selectors.BaseSelector, what: str) -> None:
    assert worker.process is not None
    selector.unregister(worker.process.stdout)  # type: ignore[arg-type]
    worker.process.stdout.close()  # type: ignore[union-attr]
    worker.process.wait()
    if not worker.ended(what):
        _launch(worker, selector)


def write_node_models(folder: Path) -> None:
    """The models of ONNX's own node tests as files; they take some seconds to make."""
    if folder.exists():
        return
    import warnings

    from onnx.backend.test.case.node import collect_testcases

    draft = folder.with_suffix(".part")
    draft.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for test in collect_testcases(None):
            (draft / f"{test.name}.onnx").write_bytes(test.model.SerializeToString())
    draft.rename(folder)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", help="SEED:INDEX of a case to write to case.onnx")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*(int(part) for part in options.worker.split(":")))
        return 0
    nodes = HERE.parents[1] / "build" / "fuzz-nodes"
    write_node_models(nodes)
    os.environ["AIDGE_FUZZ_NODES"] = str(nodes)
    if options.show:
        sys.path[:0] = [str(HERE), str(HERE.parent / "python")]
        from mutate import case

        Path("case.onnx").write_bytes(case(*(int(part) for part in options.show.split(":"))))
        return 0
    started = time.monotonic()
    report = fuzz(options.cases, options.seed, options.workers)
    print(f"{options.cases} cases in {time.monotonic() - started:.0f} s:", dict(report.outcomes))
    print("\n".join(report.bad))
    return int(bool(report.bad))


if __name__ == "__main__":
    sys.exit(main())
