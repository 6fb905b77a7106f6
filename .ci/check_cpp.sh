#!/usr/bin/env bash
# The libraries as a C++ project uses them. The example is built together with the sources (add_subdirectory) and against an installation
# (find_package), with shared and with static libraries, and run each time. The sources are compiled once, without optimisation: shared
# and static libraries are made of the same objects. Prints how many symbols the libraries export.
set -euo pipefail
root=$PWD
build=$root/build/cpp
eigen=$(cd "$(python cmake/python_prefix.py | sed -n 's/^Eigen3=//p')/../../../include/eigen3" && pwd) # headers only, as in Eigen's own sources
rm -rf "$build"/{defaults,installed-*,found-*}
mkdir -p "$build"

fail() {
    echo "$1" >&2
    exit 1
}

# run_example <program>: it prints what docs/from-cpp.md shows.
sed -n '/^It prints$/,/^`registerCpuBackend`/ s/^    //p' docs/from-cpp.md > "$build/expected.txt"
run_example() {
    "$1" > "$build/output.txt" || fail "$1: expected exit code 0, got $?"
    diff "$build/expected.txt" "$build/output.txt" || fail "$1: expected what docs/from-cpp.md shows (<), got other lines (>)"
}

configure() {
    cmake -G Ninja --log-level=ERROR -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 "$@" > "$build/cmake.txt" || fail "$(cat "$build/cmake.txt")"
}

# A parent project keeps its build type and its kind of libraries, and does not install ours.
cmake -G Ninja --log-level=ERROR -S examples/cpp -B "$build/defaults" -DAIDGE_SOURCE_DIR="$root" > /dev/null
grep -qE '^CMAKE_BUILD_TYPE:STRING=$' "$build/defaults/CMakeCache.txt" || fail "expected no build type set for a parent project"
if grep -E '^BUILD_SHARED_LIBS' "$build/defaults/CMakeCache.txt"; then fail "expected no BUILD_SHARED_LIBS set for a parent project"; fi
grep -q 'aidge_core' "$build/defaults/aidge-compress/cmake_install.cmake" && fail "expected no installation of ours in a parent project"

for kind in shared static; do
    [ "$kind" = shared ] && shared=ON || shared=OFF
    configure -S examples/cpp -B "$build/along" -DAIDGE_SOURCE_DIR="$root" -DBUILD_SHARED_LIBS=$shared -DAIDGE_INSTALL=ON -DCMAKE_INSTALL_LIBDIR=lib \
        -DAIDGE_WERROR=ON -DAIDGE_CCACHE=ON -DAIDGE_VENDOR_EIGEN=ON -DFETCHCONTENT_SOURCE_DIR_EIGEN="$eigen"
    cmake --build "$build/along" > "$build/compile.txt" || fail "$(tail -n 40 "$build/compile.txt")"
    run_example "$build/along/prune"
    cmake --install "$build/along/aidge-compress" --prefix "$build/installed-$kind" > /dev/null
    configure -S examples/cpp -B "$build/found-$kind" -DCMAKE_PREFIX_PATH="$build/installed-$kind"
    cmake --build "$build/found-$kind" > "$build/compile.txt" || fail "$(tail -n 40 "$build/compile.txt")"
    run_example "$build/found-$kind/prune"
done

# Without CMake: the one header of FIBNLR is enough for a program, and errors say what is missing.
compile() {
    "${CXX:-c++}" -std=c++20 -I"$build/installed-$1/include" -x c++ - -x none -L"$build/installed-$1/lib" "${@:3}" -o "$build/$2"
}
compile shared alone -laidge_core -Wl,-rpath,"$build/installed-shared/lib" <<'PROGRAM'
#include "aidge/recipes/fibnlr.hpp"

#include <cstdio>
#include <stdexcept>

int main() {
  const Aidge::GraphViewPtr graph = Aidge::GraphView::create("empty");
  if (!Aidge::fibnlr::prepare(graph).empty()) return 1;
  try {
    graph->compile("cpu");
  } catch (const std::invalid_argument& error) {
    std::puts(error.what());
  }
}
PROGRAM
"$build/alone" | grep -q 'Aidge::registerCpuBackend()' || fail "expected an error that names registerCpuBackend, got $("$build/alone")"
compile static unregistered -laidge_backend_cpu -laidge_core -fopenmp <<'PROGRAM'
#include <cstdio>
#include <stdexcept>

#include "aidge/backend/cpu/CpuBackend.hpp"

int main() {
  try {
    Aidge::registerCpuBackend();
  } catch (const std::logic_error& error) {
    std::puts(error.what());
  }
}
PROGRAM
"$build/unregistered" | grep -q -e '--whole-archive' || fail "expected an error that names --whole-archive, got $("$build/unregistered")"

# What the libraries export: nothing of Eigen, oneDNN's wrapper or the planner.
for name in aidge_core aidge_backend_cpu; do
    library=$build/installed-shared/lib/lib$name.so
    [ "$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')" = "lib$name.so.0.1" ] || fail "$library: expected the soname lib$name.so.0.1"
    nm -DC --defined-only "$library" > "$build/symbols.txt"
    if grep -E ' (Eigen|dnnl|Aidge::plan)::' "$build/symbols.txt"; then fail "$library: expected none of these symbols"; fi
    printf '%s: %d exported symbols, %d of them in namespace Aidge\n' "$name" "$(wc -l < "$build/symbols.txt")" "$(grep -c ' Aidge::' "$build/symbols.txt")"
done
