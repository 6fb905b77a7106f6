"""Check that `make test` lost no test: compare its reports with the lower bounds in expected_tests.txt.

A line of that file is `<runner>:<area> <count>`, where an area is a folder of C++ tests or a file of Python tests.
`--update` raises the bounds to what the reports hold and drops areas that are gone.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit_test"))
from run_tests import ROOT, outcome_of

BOUNDS = Path(__file__).with_name("expected_tests.txt")
REPORTS = {"ctest": ROOT / "build/ctest.xml", "pytest": ROOT / "build/pytest.xml"}


def area_of(runner: str, case: ElementTree.Element) -> str:
    """Return the area that a test case of a JUnit report belongs to."""
    if runner == "ctest":
        return f"ctest:{case.get('name', '').split('.')[0]}"
    modules = [part for part in case.get("classname", "").split(".") if part.startswith("test_")]
    return f"pytest:{modules[0] if modules else '?'}"


def main() -> int:
    """Print what is missing and the totals; 1 where a test failed or vanished."""
    passed: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for runner, report in REPORTS.items():
        for case in ElementTree.parse(report).iter("testcase"):
            outcome = outcome_of(case)
            totals[outcome] += 1
            passed[area_of(runner, case)] += outcome == "passed"
    if "--update" in sys.argv[1:]:
        BOUNDS.write_text("".join(f"{area} {passed[area]}\n" for area in sorted(passed)), encoding="utf-8")
    bounds = {
        area: int(count) for area, count in map(str.split, BOUNDS.read_text(encoding="utf-8").splitlines())
    }
    lost = [area for area in bounds if passed[area] < bounds[area]]
    for area in lost:
        print(f"{area}: expected at least {bounds[area]} passed tests, got {passed[area]}")
    for area in sorted(passed.keys() - bounds.keys()):
        print(
            f"{area}: {passed[area]} passed tests without a lower bound (python .ci/test_counts.py --update)"
        )
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if lost or totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
