"""Runs every test: C++ through ctest, then Python through pytest. Both always run, and the last lines say how each ended.

    python unit_test/run_tests.py --build build/make --jobs 2
    python unit_test/run_tests.py --build build/make --jobs 2 --coverage
    python unit_test/run_tests.py --build build/make --jobs 2 --caps

`--coverage` also records which lines of the Python packages the tests run, in build/coverage.json.
`--caps` repeats the tests whose results depend on the instruction set: all C++ tests, and the Python tests marked `instruction_set`,
once for each value of AIDGE_MAX_ISA below what this processor can run. Without a cap the tests run with its best. The reports (JUnit) are build/ctest.xml and build/pytest.xml, and
for a cap build/<cap>/ctest.xml and build/<cap>/pytest.xml. Exits with 1 if a test failed or a runner did not finish.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

__all__ = ["ROOT", "outcome_of"]

ROOT = Path(__file__).resolve().parents[1]
CAPS = ("sse41", "avx2", "avx512")  # from the smallest to the largest
MARKER = "instruction_set"


def outcome_of(case: ElementTree.Element) -> str:
    """Return "passed", "failed" or "skipped" for a test case of a JUnit report."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def summarise(report: Path, code: int) -> tuple[str, bool]:
    """Return a line with the counts of a JUnit report, and whether all is well. `code` is the exit code of the runner."""
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return f"no report: the runner ended with exit code {code}", False
    counts = Counter(map(outcome_of, cases))
    line = f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"
    if not counts["passed"]:
        return f"{line}: no test ran", False
    if code and not counts["failed"]:
        return f"{line}, but the runner ended with exit code {code}", False
    return line, code == 0 and not counts["failed"]


def commands(build: Path, jobs: int, reports: Path, selection: list[str]) -> dict[str, list[str]]:
    """Return the command of each runner, by its name."""
    ctest = str(Path(sys.executable).with_name("ctest"))
    return {
        "ctest": [
            *(ctest, "--test-dir", str(build), "-j", str(jobs), "--output-on-failure", "--no-tests=error"),
            *("--output-junit", str(reports / "ctest.xml")),
        ],
        "pytest": [
            *(sys.executable, "-m", "pytest", "-n", str(jobs), "--dist", "worksteal"),
            *(f"--junitxml={reports / 'pytest.xml'}", *selection),
        ],
    }


def run_all(build: Path, jobs: int, cap: str, selection: list[str]) -> list[tuple[str, bool]]:
    """Run both suites, under a cap of the instruction set if `cap` is not empty; return a line and a verdict for each."""
    reports = ROOT / "build" / cap
    reports.mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    if cap:
        variables["AIDGE_MAX_ISA"] = cap
    results = []
    for name, command in commands(build, jobs, reports, selection).items():
        report = reports / f"{name}.xml"
        report.unlink(missing_ok=True)
        code = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
        line, passed = summarise(report, code)
        results.append((f"{name}{'-' + cap if cap else ''}: {line}", passed))
    return results


def lower_caps() -> tuple[str, ...]:
    """Return the values of AIDGE_MAX_ISA that are below the best instruction set of this processor."""
    program = "import aidge_backend_cpu as b; print(b.used_instruction_sets()['loops'])"
    variables = {name: value for name, value in os.environ.items() if name != "AIDGE_MAX_ISA"}
    best = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    return CAPS[: CAPS.index(best.stdout.strip())]


def main() -> int:
    """Run what the options ask for and print a summary; 1 if something failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True, help="build directory with the C++ tests")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="tests that run at the same time"
    )
    parser.add_argument(
        "--coverage", action="store_true", help="also record the lines of Python that the tests run"
    )
    parser.add_argument(
        "--caps", action="store_true", help="the tests of the instruction sets, under each cap"
    )
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    results = []
    if arguments.caps:
        caps = lower_caps()
        if not caps:
            print("This processor has no instruction set above the smallest cap: nothing to repeat.")
        for cap in caps:
            print(f"\n--- AIDGE_MAX_ISA={cap}", flush=True)
            results += run_all(build, arguments.jobs, cap, ["-m", MARKER])
    else:
        coverage = ["--cov", "--cov-report=json:build/coverage.json"] if arguments.coverage else []
        results = run_all(build, arguments.jobs, "", coverage)
    print()
    for line, _ in results:
        print(line)
    return 0 if all(passed for _, passed in results) else 1


if __name__ == "__main__":
    sys.exit(main())
