#!/usr/bin/env bash
# From a fresh clone to a first picture: set-up, build, weights of the embedded tiny preset, one
# generated image in out/quickstart. Untrained weights draw noise; the path is the real one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then usage && exit 0; fi
"$root/scripts/setup.sh"
"$root/scripts/build.sh" mentor
cd "$root"
build/mentor weights init --preset tiny --seed 0 --out out/quickstart/weights
build/mentor generate out/quickstart/weights/config.yaml \
  --prompt "a red apple on a wooden table" --seed 0 --out out/quickstart
