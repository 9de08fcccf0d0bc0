#!/usr/bin/env bash
# format.sh ROOT: every C++ source is as clang-format 14 writes it. Other versions differ in details,
# so that without version 14 the test is skipped (exit code 77).
set -euo pipefail
formatter=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$formatter" ] || ! "$formatter" --version | grep -q 'version 14\.'; then
  echo "skipped: clang-format 14 is not installed (apt-get install clang-format-14)"
  exit 77
fi
cd "$1"
find include src tests scripts -name '*.h' -o -name '*.cpp' -o -name '*.cu' | sort |
  xargs "$formatter" --dry-run -Werror
