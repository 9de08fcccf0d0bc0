#!/usr/bin/env bash
# The whole method on a CPU, from nothing: codec, vision tower, text to image, stage 1 and stage 2 on
# the toy world (configs/toy), pictures of subjects that were never shown, and their scores.
#
#   scripts/toy_world.sh [CASES]      300 cases if not said; results in runs/toy
#
#   What is finished is not done again: delete runs/toy to begin anew.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then usage && exit 0; fi
cases=${1:-300}
cd "$root"
mentor=${MENTOR_BUILD_DIR:-build}/mentor
out=runs/toy
ranks=$(nproc)
[ "$ranks" -le 4 ] || ranks=4 # a step has 16 samples
ranks=$((ranks == 3 ? 2 : ranks))

# One thread a rank: the products of a model this small do not gain from two.
train() { "$mentor" launch --nproc "$ranks" -- train "configs/toy/$1.yaml" --set runtime.threads=1; }

[ -e $out/start/config.yaml ] ||
  "$mentor" weights init --config configs/toy/world.yaml --fan-in --toy-words --dtype fp32 -o $out/start
# Neither needs the other.
"$mentor" train vision configs/toy/vision.yaml --set runtime.threads=1 &
"$mentor" train codec configs/toy/codec.yaml --set runtime.threads=1
wait $!
for part in pretrain_t2i stage1 stage2; do train $part; done

held_out=$out/held_out_$cases
[ -e $held_out ] ||
  "$mentor" toy make --held-out --task subject --count "$cases" --seed 1 -o $held_out configs/toy/world.yaml
"$mentor" generate configs/toy/generate.yaml --requests $held_out/subject.requests.jsonl -o $out/pictures
"$mentor" toy score --cases $held_out/subject.jsonl $out/pictures --json $out/scores.json -o $out/seen.png
