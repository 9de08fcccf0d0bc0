#!/usr/bin/env bash
# configs.sh MENTOR ROOT: every configuration in configs/ passes `mentor config check`, every table
# of ablations can be planned.
set -euo pipefail
cd "$2"
mapfile -t files < <(find configs -name '*.yaml' | sort)
[ "${#files[@]}" -gt 0 ] || { echo "no configuration found in $2/configs" && exit 1; }
failed=0
for file in "${files[@]}"; do
  if grep -q '^rows:' "$file"; then
    "$1" toy ablate --plan "$file" || failed=1
  else
    "$1" config check "$file" || failed=1
  fi
done
exit $failed
