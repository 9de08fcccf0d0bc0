# Sourced by the other scripts: where things are, and which compiler and CMake to use.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MENTOR_DEPS=$(realpath -m "${MENTOR_DEPS:-$HOME/.cache/mentor}")
export MENTOR_DEPS

torch_version=2.11.0
cmake_folder=$MENTOR_DEPS/cmake-3.31.10

# For tests only; one for each version of Python, because it holds compiled modules.
tensorboard_folder() {
  echo "$MENTOR_DEPS/tensorboard-2.21.0-$(python3 -c 'import sys; print(sys.implementation.cache_tag)')"
}

fail() {
  printf '%s: error: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# The comment at the top of the calling script is its help text.
usage() {
  awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"
}

wants_cuda() {
  case "${MENTOR_WITH_CUDA:-auto}" in
    ON | on | 1) return 0 ;;
    OFF | off | 0) return 1 ;;
    auto) [ -e /dev/nvidiactl ] || { command -v nvidia-smi && nvidia-smi -L; } >/dev/null 2>&1 ;;
    *) fail "MENTOR_WITH_CUDA is '$MENTOR_WITH_CUDA': use ON, OFF or auto" ;;
  esac
}

# version_at_least HAVE WANTED
version_at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

system_cmake_is_new() {
  command -v cmake >/dev/null && version_at_least "$(cmake --version | awk 'NR == 1 { print $3 }')" 3.25
}

has_compiler() {
  [ -n "${CXX:-}" ] ||
    { command -v g++ >/dev/null && version_at_least "$(g++ -dumpversion)" 12; }
}

# Ubuntu 22.04 has an older compiler as g++ and an older CMake; both are installed beside them.
select_tools() {
  if ! has_compiler && command -v g++-12 >/dev/null; then export CXX=g++-12; fi
  system_cmake_is_new || export PATH="$cmake_folder/bin:$PATH"
}

# As many compilers as there are cores, but no more than the memory holds: LibTorch's headers make
# one process take more than 1 GB.
compile_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemTotal/ { print int($2 / 1500000) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}
