"""Runs commands of `aidge` with random options on random networks and data, and says where one of them ends badly.

    python unit_test/soak.py --seed 17              one case, shown
    python unit_test/soak.py --first 0 --count 500  many; exit code 1 and the seeds of those that end badly

See helpers/soak for what a case is and what is checked."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "python"))


def show(seed: int, process: bool) -> int:
    """One case with all that it prints."""
    from helpers import commands
    from helpers.soak import make_case, soak

    with tempfile.TemporaryDirectory(prefix="soak ") as folder:
        case = make_case(seed, Path(folder))
        print(case.network, f"\n{case}\n", flush=True)
        done = commands.process(case.command, *case.arguments, folder=case.folder)
        print(done.stdout, done.stderr, f"exit code {done.returncode}", sep="\n")
    problems = soak(seed, process=process)
    print(problems or "nothing is wrong with it")
    return int(bool(problems))


def many(first: int, count: int, process: bool) -> int:
    """Cases one after the other."""
    from helpers.soak import soak

    ends: Counter[bool] = Counter()
    for seed in range(first, first + count):
        problems = soak(seed, process=process)
        ends[bool(problems)] += 1
        if problems:
            print(problems, flush=True)
    print(f"{count} cases, seeds from {first}: {ends[False]} end well, {ends[True]} badly")
    return int(ends[True] > 0)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--process", action="store_true", help="each case in a process of its own")
    given = parser.parse_args()
    if given.seed is not None:
        return show(given.seed, given.process)
    return many(given.first, given.count, given.process)


if __name__ == "__main__":
    sys.exit(main())
