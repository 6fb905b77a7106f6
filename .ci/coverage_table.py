"""Print the share of lines that the tests ran, for each package: reads build/coverage.json (make coverage)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

REPORT = Path(__file__).resolve().parents[1] / "build" / "coverage.json"


def package_of(file: str) -> str:
    """Return a file's package, at most two levels deep: "aidge_compress/cli" of ".../aidge_compress/cli/app.py"."""
    parts = Path(file).parts
    first = max(index for index, part in enumerate(parts) if part.startswith("aidge_"))
    return "/".join(parts[first:-1][:2])


def main() -> int:
    """Print the table and the total."""
    lines: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    for file, found in json.loads(REPORT.read_text("utf-8"))["files"].items():
        for name in (package_of(file), "total"):
            lines[name] += found["summary"]["num_statements"]
            covered[name] += found["summary"]["covered_lines"]
    for name in (*sorted(lines.keys() - {"total"}), "total"):
        print(
            f"{name:<32}{covered[name]:>7} of {lines[name]:>6} lines {covered[name] / max(lines[name], 1):>7.1%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
