"""Print, one a line, where pip put the CMake files of the native build requirements.

Each line is `<CMake package>=<directory>`. The packages are looked up through their metadata, so that
isolated builds (whose requirements lie outside the interpreter's prefix), editable and plain
builds all work.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

REQUIREMENTS = (
    ("Eigen3", "cmeel-eigen", "Eigen3Config.cmake"),
    ("dnnl", "onednn-devel-cpu-gomp", "dnnl-config.cmake"),
    ("pybind11", "pybind11", "pybind11Config.cmake"),
)


def config_directory(distribution: str, config_file: str) -> Path | None:
    """Return the directory of `config_file` of an installed `distribution`, or None where it is not there."""
    try:
        entries = files(distribution) or []
    except PackageNotFoundError:
        return None
    for entry in entries:
        if entry.name == config_file:
            path = Path(str(entry.locate())).resolve()
            if path.is_file():
                return path.parent
    return None


def main() -> int:
    """Print the directories that were found."""
    for package, distribution, config_file in REQUIREMENTS:
        directory = config_directory(distribution, config_file)
        if directory is not None:
            print(f"{package}={directory.as_posix()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
