#!/usr/bin/env bash
# Installs a package with the system's package manager, where it is missing and where this user may do that without being asked:
#     ensure_installed.sh catch2      for C++ tests; elsewhere CMake says what it does about it
#     ensure_installed.sh chromium    to look at reports; the tests that need it are skipped without it
set -euo pipefail

package=$1
extra=()
case $package in
catch2)
    for directory in "${Catch2_DIR:-}" /usr/{,local/}{lib,lib64,share,lib/*}/cmake/Catch2; do
        if [ -n "$directory" ] && [ -e "$directory/Catch2Config.cmake" ]; then
            exit 0
        fi
    done
    ;;
chromium)
    extra=(fonts-dejavu-core)
    if command -v chromium >/dev/null; then
        exit 0
    fi
    ;;
esac

if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    exit 0
fi
if command -v apt-get >/dev/null; then
    echo "$package is missing: installing it with apt-get"
    "${as_root[@]}" apt-get update -qq || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" "${extra[@]}" || true
fi
