"""Fails if a C++ layer includes one above it, or a library that only one folder may know. CONTRIBUTING.md says which layer a line belongs to.

python .ci/includes.py
"""

import re
import sys
from pathlib import Path

ORDER = [
    "core",
    "data",
    "operator",
    "graph",
    "nodes",
    "layers",
    "backend",
    "scheduler",
    "recipes",
    "fibnlr",
    "pfa",
    "compress",
]
MAY_SEE = {layer: set(ORDER[: place + 1]) for place, layer in enumerate(ORDER)}
MAY_SEE["statistics"] = {"core", "data", "statistics"}
for upper in ("recipes", "fibnlr", "pfa", "compress"):
    MAY_SEE[upper].add("statistics")
MAY_SEE["pfa"].discard("fibnlr")
FORWARDING = {
    "include/aidge/recipes/fibnlr.hpp"
}  # the path of Aidge's own header: it includes FIBNLR's, and nothing includes it
ONLY_IN = {"pybind11/": "python_bindings/", "dnnl": "src/backend/cpu/", "Eigen/": "src/"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def layer_of(root: Path, file: Path, included: str) -> str | None:
    """The layer of an included file of ours; None for others."""
    for folder in (root / "include", root / "src", file.parent):
        found = (folder / included).resolve()
        for base in (root / "include/aidge", root / "src"):
            if found.is_file() and found.is_relative_to(base):
                return found.relative_to(base).parts[0]
    return None


def offences(root: Path) -> list[str]:
    """One line for each include that must not be."""
    found = []
    for file in sorted(p for folder in ("include", "src") for p in (root / folder).rglob("*.[chi][pn][pc]")):
        name = file.relative_to(root).as_posix()
        own = name.removeprefix("include/aidge/").removeprefix("src/").split("/")[0]
        for included in INCLUDE.findall(file.read_text()):
            target = layer_of(root, file, included)
            if target is not None and target not in MAY_SEE[own] and name not in FORWARDING:
                found.append(f"{name}: expected nothing above {own}, got {included}")
            found += [
                f"{name}: {included} belongs to {f}"
                for lib, f in ONLY_IN.items()
                if included.startswith(lib) and not name.startswith(f)
            ]
    return found


if __name__ == "__main__":
    lines = offences(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    print(*lines, f"{len(lines)} includes that look up", sep="\n")
    sys.exit(bool(lines))
