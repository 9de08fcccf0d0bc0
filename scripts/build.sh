#!/usr/bin/env bash
# Builds the program, build/mentor, and the tests.
#
#   scripts/build.sh [--cuda] [--debug] [--asan] [TARGET...]
#
#   --cuda    for NVIDIA GPUs, on a machine without one, too: MENTOR_WITH_CUDA=ON
#   --debug   without optimisation, with debug information
#   --asan    with AddressSanitizer and UndefinedBehaviorSanitizer
#
#   MENTOR_WITH_CUDA  ON, OFF, or auto (default): for GPUs where an NVIDIA driver is present, as in
#                     scripts/setup.sh
#   MENTOR_BUILD_DIR  another folder than build/, for example to keep a sanitised build beside it
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

build_type=Release
sanitize=
targets=()
for argument in "$@"; do
  case "$argument" in
    --cuda) MENTOR_WITH_CUDA=ON ;;
    --debug) build_type=Debug ;;
    --asan) sanitize=address,undefined ;;
    -h | --help) usage && exit 0 ;;
    -*) fail "unknown option '$argument' (see --help)" ;;
    *) targets+=("$argument") ;;
  esac
done

cuda=OFF
if wants_cuda; then cuda=ON; fi
select_tools
command -v cmake >/dev/null && command -v ninja >/dev/null ||
  fail "CMake or Ninja is missing: run scripts/setup.sh first"
build=${MENTOR_BUILD_DIR:-$root/build}
cmake -S "$root" -B "$build" -G Ninja --log-level=WARNING \
  -DMENTOR_WITH_CUDA="$cuda" -DCMAKE_BUILD_TYPE="$build_type" -DMENTOR_SANITIZE="$sanitize"
cmake --build "$build" --parallel "$(compile_jobs)" ${targets:+--target "${targets[@]}"}
