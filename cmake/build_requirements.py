"""Print the build requirements of pyproject.toml, one a line, for an installation without build isolation."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # a dependency of scikit-build-core there

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
print("\n".join(project["build-system"]["requires"]))
