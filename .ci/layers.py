"""The order of the Python packages, drawn and checked: python .ci/layers.py

Every import counts, also those inside functions; only those under `if TYPE_CHECKING:`, which never run, do not. 1 if an import goes up or sideways,
if files import each other in a circle, or if a module imports the package that it lies in.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[1] / "python"
FLOORS: tuple[tuple[str, ...], ...] = (
    ("aidge_core._core", "aidge_core._files", "aidge_core._lazy"),
    ("aidge_core.data",),
    ("aidge_core._above", "aidge_core._aidge", "aidge_core._backends"),
    ("aidge_core",),
    ("aidge_backend_cpu", "aidge_onnx.errors"),
    ("aidge_onnx.names", "aidge_onnx.protos", "aidge_onnx.registry", "aidge_onnx.tensors"),
    ("aidge_onnx.generic",),
    ("aidge_onnx.reading",),
    ("aidge_onnx.rewrites", "aidge_onnx.running", "aidge_onnx.writing"),
    ("aidge_onnx.converters",),
    ("aidge_onnx.export", "aidge_onnx.load"),
    ("aidge_onnx.backend", "aidge_onnx.requantising", "aidge_onnx.torch"),
    ("aidge_onnx",),
    (
        "aidge_compress.demo",
        "aidge_compress.files",
        "aidge_compress.numbers",
        "aidge_compress.options",
        "aidge_compress.progress",
        "aidge_compress.tables",
    ),
    ("aidge_compress.network",),
    ("aidge_compress.report",),
    ("aidge_compress.measure",),
    ("aidge_compress.quantization",),
    ("aidge_compress.channels", "aidge_compress.fibnlr", "aidge_compress.merge", "aidge_compress.recovery"),
    ("aidge_compress.pfa", "aidge_compress.stepwise"),
    ("aidge_compress.distributed", "aidge_compress.sweeps"),
    ("aidge_compress.cli",),
    ("aidge_compress",),
)
"""From the ground up. What stands on one floor does not know what stands beside it."""


def modules() -> dict[str, Path]:
    """Name → file of every module of ours."""
    found = {}
    for path in sorted(PYTHON.rglob("*.py")):
        parts = path.relative_to(PYTHON).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _run_time(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements below a node that run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for alternative in child.orelse:
                yield from _run_time(ast.Module([alternative], []))
        elif isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        else:
            yield from _run_time(child)


def imports(name: str, path: Path, known: Mapping[str, Path]) -> set[str]:
    """Modules of ours that a file imports."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in _run_time(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(entry.name for entry in node.names)
            continue
        start = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*start, *([node.module] if node.module else [])])
        for entry in node.names:
            inner = f"{base}.{entry.name}"
            found.add(inner if inner in known or inner.endswith(("._core", "._backend_cpu")) else base)
    return {entry for entry in found if entry.split(".")[0] in {module.split(".")[0] for module in known}}


def own_absolute(name: str, path: Path) -> list[str]:
    """The modules of the same package that a file imports by their full names."""
    package = name.split(".")[0]
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [entry.name for entry in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
        found += [entry for entry in names if entry.split(".")[0] == package]
    return found


def floor(name: str) -> tuple[int, str]:
    """(number, member) of the floor that a module stands on."""
    matches = [
        (len(member), number, member)
        for number, members in enumerate(FLOORS)
        for member in members
        if name == member or name.startswith(f"{member}.")
    ]
    if not matches:
        raise ValueError(f"[layers] expected {name} to stand on a floor, got none: add it to FLOORS")
    return max(matches)[1:]


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Sets of modules that reach each other."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for entry in graph.get(waiting.pop(), ()):
                if entry not in seen:
                    seen.add(entry)
                    waiting.append(entry)
        return seen

    reach = {name: reached(name) for name in graph}
    rings = {
        frozenset(other for other in reach[name] if name in reach.get(other, ()))
        for name in graph
        if name in reach[name]
    }
    return [set(ring) for ring in rings]


def problems() -> list[str]:
    """A line for each import that goes up or sideways, each circle, and each module that imports the package that it lies in."""
    known = modules()
    graph = {name: imports(name, path, known) for name, path in known.items()}
    found = []
    for name, targets in graph.items():
        mine = floor(name)
        for target in targets:
            other = floor(target)
            if other[0] > mine[0] or (other[0] == mine[0] and other[1] != mine[1]):
                found.append(f"{name} (floor {mine[0]}) imports {target} (floor {other[0]})")
            if name.startswith(f"{target}.") and "." not in target:
                found.append(f"{name} imports {target}, which it lies in")
        if absolute := own_absolute(name, known[name]):
            found.append(f"{name} imports {', '.join(absolute)} by the full name: expected a relative import")
    found += [f"a circle of {len(ring)} files: {', '.join(sorted(ring))}" for ring in circles(graph)]
    return found


def main() -> int:
    """Draw the floors, the highest first; 1 if something is wrong."""
    known = modules()
    for number, members in reversed(list(enumerate(FLOORS))):
        counts = [sum(floor(name)[1] == member for name in known) for member in members]
        print(f"{number:2}  " + ", ".join(f"{m} ({c})" for m, c in zip(members, counts, strict=True)))
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    graph = {name: imports(name, path, known) for name, path in known.items()}
    ring = sum(len(circle) for circle in circles(graph))
    print(f"{len(known)} modules, {sum(map(len, graph.values()))} imports, {ring} modules in circles")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
