"""Tables of the methods' options in the pages of docs/, made of the options themselves: python docs/site/options.py [--check]

A table stands between `<!-- options: NAME -->` and `<!-- end -->`; NAME is a dataclass of aidge_compress.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import aidge_compress
from aidge_compress.options import OptionInfo, describe

__all__ = ["fresh", "table_of"]

DOCS = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- options: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _values(info: OptionInfo) -> str:
    if info.choices:
        return ", ".join(f"`{choice}`" for choice in info.choices)
    if info.kind is bool:
        return "`True`, `False`"
    kind = {int: "a whole number", float: "a number", tuple: "names", str: "a name"}.get(
        info.kind, "node name → group"
    )
    if info.least is not None and info.most is not None:
        return f"{kind} in {'(' if info.above else '['}{info.least:g}, {info.most:g}]"
    return (
        f"{kind}, {'above' if info.above else 'at least'} {info.least:g}" if info.least is not None else kind
    )


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"`{entry}`" for entry in value) or "none"
    return "none" if value is None else f"`{value}`"


def table_of(options: type[Any]) -> str:
    """A table in Markdown, one row per option."""
    rows = ["| option | values | default | |", "|---|---|---|---|"]
    for info in describe(options):
        rows.append(f"| `{info.name}` | {_values(info)} | {_default(info.default)} | {info.help} |")
    return "\n".join(rows) + "\n"


def fresh(text: str) -> str:
    """A page with its tables as they should be."""
    return BLOCK.sub(lambda match: match[1] + table_of(getattr(aidge_compress, match[2])) + match[3], text)


def main() -> int:
    """Write the tables, or only say which pages are stale; 1 for those."""
    stale = [
        page
        for page in sorted(DOCS.glob("*.md"))
        if fresh(page.read_text("utf-8")) != page.read_text("utf-8")
    ]
    for page in stale:
        if "--check" in sys.argv:
            print(f"{page.name} is stale: python docs/site/options.py")
        else:
            page.write_text(fresh(page.read_text("utf-8")), encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
