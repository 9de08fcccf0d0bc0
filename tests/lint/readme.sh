#!/usr/bin/env bash
# readme.sh MENTOR ROOT: what README.md shows works.
#   ```sh run   blocks are run, in order, in a scratch copy of the tree's top level
#   ```sh       blocks are checked: every subcommand and every flag is one that --help names
set -euo pipefail
mentor=$(realpath "$1")
root=$(realpath "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/build"
ln -s "$mentor" "$scratch/build/mentor"
for entry in README.md configs scripts tests; do ln -s "$root/$entry" "$scratch/$entry"; done
cd "$scratch"

# The commands of the blocks with one info string, continuation lines joined, comments dropped.
commands() {
  awk -v fence="^\`\`\`$1\$" '
    /^```/ { inside = !inside && $0 ~ fence; next }
    inside { sub(/(^| )# .*/, ""); if (sub(/\\$/, "")) printf "%s", $0; else if ($0) print }' README.md
}

check_flags() { # COMMAND LINE; the help text on standard input
  local help flag
  help=$(cat)
  for flag in $(grep -oE -- '(^| )--[a-z][a-z-]*' <<<"$1"); do
    grep -q -- "$flag\b" <<<"$help" || { echo "README.md: no option $flag in: $1" && return 1; }
  done
}

check_command() {
  if [[ "$1" == *" -- "* ]]; then  # mentor launch ... -- COMMAND
    check_command "${1%% -- *}" && check_command "build/mentor ${1#* -- }"
    return
  fi
  local words=() verbs=() word
  read -ra words <<<"$1"
  case "${words[0]}" in
    build/mentor)
      for word in "${words[@]:1}"; do
        [[ "$word" =~ ^[a-z][a-z-]*$ ]] && build/mentor "${verbs[@]}" "$word" --help >/dev/null 2>&1 || break
        verbs+=("$word")
      done
      [ "${#verbs[@]}" -gt 0 ] || [[ "${words[1]:-}" == --* ]] ||
        { echo "README.md: no such command: $1" && return 1; }
      build/mentor "${verbs[@]}" --help | check_flags "$1"
      ;;
    scripts/*) "${words[0]}" --help | check_flags "$1" ;;
  esac
}

failed=0
while IFS= read -r line; do check_command "$line" || failed=1; done < <(commands "sh( run)?")
commands "sh run" >run.sh
[ -s run.sh ] || { echo "README.md shows no \`\`\`sh run block" && exit 1; }
echo "running:" && cat run.sh
bash -euo pipefail run.sh || { echo "README.md: a command shown there failed" && exit 1; }
exit $failed
