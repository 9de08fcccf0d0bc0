#!/usr/bin/env bash
# From a fresh clone to a first picture: set-up, build, weights of the embedded tiny preset, one
# generated image in out/quickstart. Untrained weights draw noise; the path is the real one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then usage && exit 0; fi
"$root/scripts/setup.sh"
"$root/scripts/build.sh" mentor
cd "$root"
out=out/quickstart
[ -e $out/weights/config.yaml ] ||
  build/mentor weights init --preset tiny --seed 0 --out $out/weights
build/mentor generate $out/weights/config.yaml --image tests/golden/end_to_end/reference.png \
  --task subject --object "green ball" --prompt "a green ball on a beach" --seed 0 \
  --out $out/picture.png
