#!/usr/bin/env bash
# top_level.sh LINT ROOT: the entries under version control; skipped (77) outside a git checkout.
set -euo pipefail
tracked=$(git -C "$2" ls-files 2>&1) || { echo "skipped: $tracked" && exit 77; }
"$1" top-level "$2" <<<"$tracked"
