"""How long `import` takes, in fresh interpreters, and how many modules it loads beyond NumPy's.

    python benchmark/import_time.py --runs 20

Processor time (user and system) of the import statement alone. NumPy is imported before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from harness import format_table, print_environment

__all__: list[str] = []

PACKAGES = ("aidge_core", "aidge_backend_cpu", "aidge_onnx")
PROGRAM = """
import json, sys, time, numpy
before = set(sys.modules)
begin = time.process_time()
import {package}
print(json.dumps([time.process_time() - begin, len(set(sys.modules) - before)]))
"""


def measure(package: str, runs: int) -> tuple[str, str, str, str]:
    """The package, the shortest and the median time in milliseconds, and the number of modules."""
    program = PROGRAM.format(package=package)
    times, modules = [], 0
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        seconds, modules = json.loads(done.stdout)
        times.append(seconds * 1e3)
    return package, f"{min(times):.0f}", f"{statistics.median(times):.0f}", str(modules)


def main() -> None:
    """Measure each package and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, help="interpreters for each package")
    arguments = parser.parse_args()
    print_environment()
    rows = [measure(package, arguments.runs) for package in PACKAGES]
    print(format_table(("import", "ms, shortest", "ms, median", "modules"), rows))


if __name__ == "__main__":
    main()
