#!/usr/bin/env bash
# Build a wheel, install it in a clean environment, and use it there from outside of the sources.
set -euo pipefail
rm -rf build/wheel
python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel \
    -C build-dir=build/make -C cmake.define.AIDGE_CCACHE=ON -C cmake.define.AIDGE_WERROR=ON .
python -m zipfile --list build/wheel/aidge_compress-*.whl | awk '{print $1}' > build/wheel/files.txt
for file in aidge_core/__init__.py aidge_core/_core.pyi aidge_core/py.typed aidge_compress/demo/mnist_resnet18.onnx aidge_onnx/__init__.py \
    aidge_compress/__init__.py aidge_compress/py.typed aidge_compress/report/style.css; do
    grep -qx "$file" build/wheel/files.txt || { echo "expected $file in the wheel, got none" >&2; exit 1; }
done
if grep -E '(^|/)(unit_test|examples|benchmark|docs)/' build/wheel/files.txt; then
    echo "expected packages only in the wheel" >&2
    exit 1
fi
python -m venv --without-pip build/wheel/venv
python -m pip --disable-pip-version-check --python build/wheel/venv/bin/python install --quiet build/wheel/aidge_compress-*.whl
cp .ci/smoke.py build/wheel/smoke.py
cd /
"$OLDPWD/build/wheel/venv/bin/python" -I "$OLDPWD/build/wheel/smoke.py"
