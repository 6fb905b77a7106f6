"""Regenerate the type stubs of the compiled modules, or check (`--check`) that those in the repository are fresh."""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("aidge_core._core", "aidge_backend_cpu._backend_cpu")
# The package is imported first: it loads the libraries that the module needs. What it adds to the module's classes in Python is none
# of the module's.
PROGRAM = """
import importlib, sys, types
import {package}
from pybind11_stubgen import main
for kind in vars(importlib.import_module("{module}")).values():
    for name, value in list(vars(kind).items()) if isinstance(kind, type) else ():
        if isinstance(value, types.FunctionType) and value.__module__.startswith("{package}"):
            setattr(kind, name, value.__wrapped__) if hasattr(value, "__wrapped__") else delattr(kind, name)
main(sys.argv[1:])
"""


def generate(module: str, directory: Path) -> str:
    """Return the stub of `module` as pybind11-stubgen writes it, formatted."""
    tools = Path(sys.executable).parent
    program = PROGRAM.format(package=module.split(".")[0], module=module)
    options = [
        "--output-dir",
        str(directory),
        "--exit-code",
        "--enum-class-locations=.*:aidge_core._core",
    ]
    subprocess.run([sys.executable, "-c", program, *options, module], check=True)
    stub = directory / (module.replace(".", "/") + ".pyi")
    subprocess.run(
        [str(tools / "ruff"), "format", "--isolated", "--line-length=110", "-q", str(stub)], check=True
    )
    return our_dtype(stub.read_text(encoding="utf-8"))


def our_dtype(stub: str) -> str:
    """Return the stub with our `dtype` where pybind11-stubgen took it for NumPy's, which its own property alone means."""
    head, start, rest = stub.partition("class dtype(enum.Enum):")
    if not start:
        return stub
    body, following, tail = rest.partition("\nclass ")
    tail = tail.replace("numpy.dtype[typing.Any]", "_dtype")
    body = body.replace("ClassVar[dtype]", "ClassVar[_dtype]")
    return f"{head}{start}{body}\n_dtype: typing.TypeAlias = dtype\n{following}{tail}"


def main() -> int:
    """Write the stubs, or compare them; 1 if one of them is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check: bool = parser.parse_args().check
    stale = 0
    for module in MODULES:
        target = ROOT / "python" / (module.replace(".", "/") + ".pyi")
        with tempfile.TemporaryDirectory() as directory:
            fresh = generate(module, Path(directory))
        present = target.read_text(encoding="utf-8") if target.exists() else ""
        if fresh == present:
            continue
        if check:
            stale = 1
            lines = difflib.unified_diff(
                present.splitlines(), fresh.splitlines(), str(target), "fresh", lineterm=""
            )
            print("\n".join(list(lines)[:60]))
            print(f"{target.relative_to(ROOT)} is stale: run `make stubs` and commit it")
        else:
            target.write_text(fresh, encoding="utf-8")
            print(f"wrote {target.relative_to(ROOT)}")
    return stale


if __name__ == "__main__":
    sys.exit(main())
