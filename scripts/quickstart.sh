#!/usr/bin/env bash
# From a fresh clone to pictures of subjects that the model never saw, on a CPU: set-up, build, then
# the whole method from nothing on the toy world (configs/toy): codec, vision tower, text to image,
# stage 1, stage 2, pictures of held-out subjects, their scores. The last line names the report.
#
#   scripts/quickstart.sh [--short | --large] [--cases N] [--out DIR] [--floor X] [--floor-untold X]
#
#   --short             a third of the time: less training, worse pictures
#   --large             64 px, more subjects, an hour or two: what made configs/toy/large
#   --cases N           how many pictures are drawn and scored (default 300)
#   --out DIR           where everything goes (default runs/toy, or runs/toy_short, runs/toy_large)
#   --floor X           fail unless CP*PF is at least X
#   --floor-untold X    fail unless CP of what the prompts do not name is at least X
#
#   What is finished is not done again, what was interrupted goes on. Delete DIR to begin anew.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

short=
large=
cases=300
out=
floor=
floor_untold=
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --short) short=1 ;;
    --large) large=1 ;;
    --cases | --out | --floor | --floor-untold)
      [ -n "${2:-}" ] || fail "$1 needs a value"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift
      ;;
    *) fail "unknown option $1: see --help" ;;
  esac
  shift
done
[[ $cases =~ ^[1-9][0-9]*$ ]] || fail "--cases is '$cases': a number of pictures from 1 on"
for option in floor floor_untold; do
  [[ -z ${!option} || ${!option} =~ ^(0|1|0?\.[0-9]+|1\.0+)$ ]] ||
    fail "--${option//_/-} is '${!option}': a number from 0 to 1"
done
[ -z "$short" ] || [ -z "$large" ] || fail "--short and --large: one of them"
configs=configs/toy${large:+/large}
kind=${short:+short}${large:+large}
kind=${kind:-full}
out=$(realpath -m "${out:-$root/runs/toy${short:+_short}${large:+_large}}")
if [ -e "$out/kind" ] && [ "$(cat "$out/kind")" != "$kind" ]; then
  fail "$out holds a $(cat "$out/kind") quick start, this one is $kind: choose another --out, or delete it first"
fi
probe=$({ mkdir -p "$out" && mktemp "$out/probe.XXXXXX"; } 2>/dev/null) ||
  fail "--out is $out: cannot write there: choose another folder, or change its permissions"
rm "$probe"

if [ -z "${MENTOR_BUILD_DIR:-}" ]; then
  "$root/scripts/setup.sh"
  "$root/scripts/build.sh" mentor
fi
mentor=$(realpath "${MENTOR_BUILD_DIR:-$root/build}")/mentor
[ -x "$mentor" ] || fail "$mentor: there is no such program: build it with scripts/build.sh, or unset MENTOR_BUILD_DIR"
cd "$root"

ranks=$(nproc)
[ "$ranks" -le 4 ] || ranks=4 # a step has 16 samples
ranks=$((ranks == 3 ? 2 : ranks))

# say WHAT: a heading, and when it was reached
begun=$SECONDS
say() { printf '\n== %s  (%d min %02d s)\n' "$1" $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60)); }

# configure PART STEPS_IF_SHORT: `settings` becomes what differs from $configs/PART.yaml
configure() {
  settings=(--set train.out="$out/$1" --set weights.tokenizer="$out/start/spiece.model")
  [ -z "$short" ] ||
    settings+=(--set train.steps="$2" --set train.validate_every="$2" --set checkpoint.every="$2")
}
train() { # PART STEPS_IF_SHORT FROM
  configure "$1" "$2"
  "$mentor" launch --nproc "$ranks" -- train "$configs/$1.yaml" \
    --set weights.codec="$out/codec" --set train.init_from="$out/$3" "${settings[@]}"
}

echo "$kind" >"$out/kind"
[ -e "$out/start/config.yaml" ] ||
  "$mentor" weights init --config "$configs/world.yaml" --fan-in --toy-words --dtype fp32 \
    --out "$out/start"
say "1 of 6: codec and vision tower, a core each"
configure vision 350
"$mentor" train vision "$configs/vision.yaml" \
  --set weights.model="$out/start/model.safetensors" "${settings[@]}" &
both=($!)
configure codec 450
"$mentor" train codec "$configs/codec.yaml" "${settings[@]}" &
both+=($!)
# Where one fails the other stops, too: a signal lets it save what it has.
trap 'kill "${both[@]}" 2>/dev/null || true; wait' EXIT
wait -n
wait -n
trap - EXIT
say "2 of 6: text to image"
train pretrain_t2i 800 vision
say "3 of 6: stage 1, alignment"
train stage1 300 pretrain_t2i
say "4 of 6: stage 2, instruction tuning"
train stage2 650 stage1
last=stage2
if [ -n "$large" ]; then
  train stage2_dropout 0 stage2
  last=stage2_dropout
fi

held_out=$out/held_out_$cases
say "5 of 6: $cases pictures of subjects that were never shown"
[ -e "$held_out" ] ||
  "$mentor" toy make --held-out --task subject --count "$cases" --seed 1 --out "$held_out" \
    "$configs/world.yaml"
"$mentor" generate "$configs/world.yaml" --requests "$held_out/subject.requests.jsonl" \
  --set weights.model="$out/$last" --set weights.codec="$out/codec" \
  --set weights.tokenizer="$out/start/spiece.model" --out "$out/pictures_$cases" >/dev/null
say "6 of 6: scores"
runs=()
for part in codec vision pretrain_t2i stage1 stage2 ${large:+stage2_dropout}; do
  runs+=(--run "$out/$part")
done
"$mentor" toy score --cases "$held_out/subject.jsonl" "$out/pictures_$cases" \
  --json "$out/scores.json" --report "$out/report.html" "${runs[@]}" ${floor:+--floor "$floor"} \
  ${floor_untold:+--floor-untold "$floor_untold"}
say "done: $out/report.html"
