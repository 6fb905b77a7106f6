#!/usr/bin/env bash
# Builds the source distribution and compares it with the tracked files: what builds from a clone then builds from it, too.
set -euo pipefail

rm -rf build/sdist
python - <<'PYTHON'
import subprocess
import sys
import tarfile

from scikit_build_core.build import build_sdist

name = build_sdist("build/sdist")
with tarfile.open(f"build/sdist/{name}") as archive:
    packed = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
tracked = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.split("\n")
missing = sorted(file for file in tracked if file and file not in packed)
strange = sorted(file for file in packed - set(tracked) if file != "PKG-INFO")
for title, files in (("missing", missing), ("not tracked", strange)):
    for file in files:
        print(f"{name}: {title}: {file}")
print(f"{name}: {len(packed)} files")
sys.exit(bool(missing or strange))
PYTHON
