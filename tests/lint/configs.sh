#!/usr/bin/env bash
# configs.sh MENTOR ROOT: every configuration in configs/ passes `mentor config check`.
set -euo pipefail
cd "$2"
mapfile -t files < <(find configs -name '*.yaml' | sort)
[ "${#files[@]}" -gt 0 ] || { echo "no configuration found in $2/configs" && exit 1; }
failed=0
for file in "${files[@]}"; do "$1" config check "$file" || failed=1; done
exit $failed
