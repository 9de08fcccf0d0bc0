#!/usr/bin/env bash
# Sets up what is missing, builds, and runs the tests and lints.
#
#   scripts/test.sh [--cuda] [--debug] [--asan] [CTEST OPTIONS]
#
#   The first three are those of scripts/build.sh; the others go to ctest, for example -L golden,
#   -L lint, -LE slow, -R Tokenizer.
#
#   MENTOR_FIXTURES  another folder of golden fixtures than tests/golden
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then usage && exit 0; fi
build_options=()
while [[ "${1:-}" =~ ^--(cuda|debug|asan)$ ]]; do
  build_options+=("$1")
  if [ "$1" = --cuda ]; then export MENTOR_WITH_CUDA=ON; fi
  shift
done
"$root/scripts/setup.sh" --tests
"$root/scripts/build.sh" "${build_options[@]}"
select_tools
# Tests run side by side, one thread each.
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} ctest --test-dir "${MENTOR_BUILD_DIR:-$root/build}" \
  --parallel "$(nproc)" --output-on-failure --no-tests=error "$@"
