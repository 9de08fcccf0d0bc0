#!/usr/bin/env bash
# quickstart.sh ROOT: scripts/quickstart.sh with a program in the place of mentor that only notes its
# arguments, one a line. What the real one makes of them: quickstart.short.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/a clone/build"
cp -r "$1/scripts" "$1/configs" "$scratch/a clone"
cd "$scratch"
export MENTOR_BUILD_DIR="$scratch/a clone/build"

fail() { echo "$1" >&2 && exit 1; }
stub() { # what it does beside noting
  printf '#!/bin/bash\nprintf "%%s\\n" "$@" >>"%s"\n%s\n' "$scratch/noted" "$1" \
    >"$MENTOR_BUILD_DIR/mentor"
  chmod +x "$MENTOR_BUILD_DIR/mentor"
}
quickstart() { "$scratch/a clone/scripts/quickstart.sh" "$@" >"$scratch/said" 2>&1; }

stub ""
quickstart --short --out "$scratch/a run" --floor-untold 0.3 || fail "$(cat said)"
for argument in "train.out=$scratch/a run/codec" "train.out=$scratch/a run/stage2" \
  "weights.tokenizer=$scratch/a run/start/spiece.model" train.steps=650 --floor-untold 0.3; do
  grep -qxF -- "$argument" noted || fail "no argument '$argument' among: $(cat noted)"
done

quickstart --out "$scratch/a run" && fail "a full run went on with a short one"
grep -q "a run holds a short quick start, this one is full: choose another --out" said ||
  fail "$(cat said)"
quickstart --short --out "$scratch/a run" || fail "a short run does not go on: $(cat said)"

# What is wrong with the options is said before anything is set up, built or trained.
rm noted
printf '#!/bin/bash\ntouch "%s"\nexit 1\n' "$scratch/noted" >"$scratch/a clone/scripts/setup.sh"
refused() { # MESSAGE ARGUMENT...
  local message=$1
  shift
  MENTOR_BUILD_DIR='' quickstart "$@" && fail "not refused: $*"
  grep -qF -- "$message" said || fail "$(cat said)"
  [ ! -e noted ] || fail "something was done before: $message"
}
refused "--floor is 'abc': a number from 0 to 1" --short --out "$scratch/refused" --floor abc
refused "--floor-untold is '2': a number from 0 to 1" --short --out "$scratch/refused" --floor-untold 2
refused "--floor needs a value" --short --out "$scratch/refused" --floor ""
refused "--out needs a value" --short --out ""
refused "--out is /proc/none: cannot write there" --short --out /proc/none
[ ! -e refused ] || fail "a folder was made for nothing"

# The vision tower's failure ends the codec, which would take a minute more.
stub 'case "$2" in vision) exit 3 ;; codec) exec sleep 60 ;; esac'
before=$SECONDS
quickstart --short --out "$scratch/failed" && fail "the vision tower's failure was not noticed"
[ $((SECONDS - before)) -lt 30 ] || fail "the failure was noticed after the codec only"
