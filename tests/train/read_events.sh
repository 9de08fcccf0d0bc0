#!/usr/bin/env bash
# Prints as JSON what TensorBoard reads from a folder of event files; exit 77 where it is not installed.
#   read_events.sh FOLDER
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/../../scripts/environment.sh"

packages=$(tensorboard_folder)
if [ ! -d "$packages" ]; then
  echo "TensorBoard is not in $packages: run scripts/setup.sh --tests" >&2
  exit 77
fi
# -S: none of the packages that this system has for itself
PYTHONPATH=$packages exec python3 -S "$here/read_events.py" "$1"
