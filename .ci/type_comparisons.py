"""Counts comparisons of an operator's type with a string literal in src/; fails above the limit or where one gives no reason.

What code wants to know of an operator is a trait of its schema (include/aidge/operator/Traits.hpp). A comparison that has
to stay says why in a comment on its line or on the line before: `// type: <reason>`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LIMIT = 12
TYPE = r"\b(?:type|Type|type\(\))"
LITERAL = r'"[A-Za-z0-9]*"'
COMPARISON = re.compile(
    rf"{TYPE} *[=!]= *{LITERAL}|{LITERAL} *[=!]= *(?:[\w.]|->|\(\))*{TYPE}"
    rf"|{TYPE}\.(?:starts_with|ends_with|find|contains|compare)\({LITERAL}"
)
REASON = re.compile(r"// type: \S")


def comparisons(root: Path) -> list[tuple[str, int, bool]]:
    """File, line and whether a reason is given, once for every comparison."""
    found = []
    for path in sorted(root.rglob("*.[ch]pp")):
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            reasoned = any(REASON.search(text) for text in lines[max(0, number - 1) : number + 1])
            found += [(str(path), number + 1, reasoned)] * len(COMPARISON.findall(line.split("//")[0]))
    return found


def main() -> int:
    """Prints the count, and every comparison where something is wrong."""
    found = comparisons(Path(sys.argv[1] if len(sys.argv) > 1 else "src"))
    print(f"{len(found)} comparisons of a type with a literal (at most {LIMIT})")
    wrong = found if len(found) > LIMIT else [entry for entry in found if not entry[2]]
    for path, line, reasoned in wrong:
        print(f"{path}:{line}{'' if reasoned else ': no reason given (// type: ...)'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
