#!/usr/bin/env bash
# Builds the source distribution, installs it as a user does (isolated build, new environment; unoptimised, for time) and imports it.
set -euo pipefail

rm -rf build/sdist
python - <<'PYTHON'
from scikit_build_core.build import build_sdist

print(build_sdist("build/sdist"))
PYTHON
python -m venv build/sdist/venv
build/sdist/venv/bin/python -m pip --disable-pip-version-check install --quiet \
    -C cmake.build-type=Debug -C cmake.define.CMAKE_CXX_FLAGS_DEBUG=-O0 build/sdist/*.tar.gz
cd build/sdist
venv/bin/python -W error -c '
import aidge_core, aidge_backend_cpu, aidge_onnx
from importlib.metadata import version
assert aidge_backend_cpu.__version__ == version("aidge-compress"), aidge_backend_cpu.__version__
print("aidge-compress", version("aidge-compress"), "from", aidge_core.__file__)'
venv/bin/aidge --help >/dev/null
