#!/usr/bin/env bash
# Installs what the build needs, on Debian 12 or Ubuntu 22.04 / 24.04 (as root, or with sudo):
#   - the packages of third_party/debian-packages.txt
#   - LibTorch, unpacked from the wheels pinned in third_party/wheels.txt; pip only downloads them
# A second call finds everything in place and returns at once.
#
#   --tests           also TensorBoard's Python package, with which a test opens our event files;
#                     without network or pip that test is skipped
#
#   MENTOR_DEPS       where LibTorch is unpacked (default ~/.cache/mentor); clones share it
#   MENTOR_WITH_CUDA  ON, OFF, or auto: with CUDA where an NVIDIA driver is present
#   MENTOR_TORCH_DIR  an installed Python torch 2.11 to use instead (the folder that holds lib/)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

say() {
  echo "setup: $*"
}

# --- Debian packages -----------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The packages among the arguments that are not installed.
not_installed() {
  local present
  present=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    awk '$1 == "installed" { print $2 }' | sort -u) || true
  comm -23 <(printf '%s\n' "$@" | sort -u) <(printf '%s\n' "$present")
}

# The packages among the arguments that the package lists of this system offer.
offered() {
  local package
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then echo "$package"; fi
  done
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq \
    install -y --no-install-recommends "$@" >/dev/null
}

install_packages() {
  local list=$root/third_party/debian-packages.txt required optional missing extra
  mapfile -t required < <(grep -v -e '^#' -e '^?' "$list")
  mapfile -t optional < <(sed -n 's/^?//p' "$list")
  has_compiler || required+=(g++-12)
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    fail "this is neither Debian nor Ubuntu: install the counterparts of ${required[*]}" \
      "by hand, then build with scripts/build.sh"
  fi
  mapfile -t missing < <(not_installed "${required[@]}")
  mapfile -t extra < <(not_installed "${optional[@]}")
  if [ "${#missing[@]}" -gt 0 ]; then
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
      fail "packages are missing, and this is neither root nor is there sudo. Ask an administrator" \
        "to run: apt-get install -y ${missing[*]}"
    say "installing the packages ${missing[*]}"
    as_root apt-get -o DPkg::Lock::Timeout=600 -qq update ||
      fail "'apt-get update' failed: check the network and /etc/apt/sources.list, then run again"
    apt_install "${missing[@]}" ||
      fail "apt-get could not install a package (see above). Try by hand: apt-get install ${missing[*]}"
  fi
  # Not worth a password of their own.
  [ "${#missing[@]}" -gt 0 ] || [ "$(id -u)" = 0 ] || return 0
  mapfile -t extra < <(offered "${extra[@]}")
  [ "${#extra[@]}" -gt 0 ] || return 0
  say "installing the optional packages ${extra[*]}"
  apt_install "${extra[@]}" || say "going on without the optional packages ${extra[*]}"
}

# --- Wheels --------------------------------------------------------------------------------------

# The pinned requirements of the groups named, in pip's format.
pins() {
  awk -v groups=" $* " 'index(groups, " " $1 " ") { sub(/^[^ ]+ /, ""); print }' \
    "$root/third_party/wheels.txt"
}

require_pip() {
  command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 ||
    fail "python3 with pip is needed to download LibTorch: apt-get install python3-pip"
  [ "$(uname -m)" = x86_64 ] ||
    fail "the pinned LibTorch is for x86_64, this is $(uname -m): install torch $torch_version" \
      "for Python and set MENTOR_TORCH_DIR to its folder"
}

require_space() {
  local wanted_gb=$1 free_gb
  free_gb=$(df -Pk "$MENTOR_DEPS" | awk 'NR == 2 { print int($4 / 1000000) }')
  [ "$free_gb" -ge "$wanted_gb" ] ||
    fail "$MENTOR_DEPS has $free_gb GB free, $wanted_gb GB are needed:" \
      "make room, or set MENTOR_DEPS to a folder on a larger disk"
}

# download FOLDER GROUP...: the wheels of the groups, checked against their sha256. They are named
# for one Python version, so that it does not matter which one this system has.
download() {
  local folder=$1 glibc platforms=(--platform any --platform manylinux1_x86_64
    --platform manylinux2010_x86_64 --platform manylinux2014_x86_64)
  shift
  for glibc in $(seq 5 28); do platforms+=(--platform "manylinux_2_${glibc}_x86_64"); done
  mkdir -p "$folder"
  pins "$@" >"$folder/requirements.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
    --require-hashes --requirement "$folder/requirements.txt" --dest "$folder" \
    --only-binary=:all: --python-version 311 --implementation cp --abi cp311 --abi none \
    "${platforms[@]}" ||
    fail "pip could not download a pinned wheel (see above). Check the network and" \
      "'python3 -m pip config list', then run this again; a wrong hash means that what the" \
      "package index serves is not what third_party/wheels.txt pins"
}

# install_python_packages FOLDER TARGET GROUP: for the Python of this system, as pip installs them.
install_python_packages() {
  local folder=$1 target=$2
  mkdir -p "$folder"
  pins "$3" >"$folder/requirements.txt"
  python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-compile \
    --root-user-action=ignore --require-hashes --requirement "$folder/requirements.txt" \
    --only-binary=:all: --target "$target" || fail "pip could not install a pinned wheel (see above)"
}

# unpack WITH_CUDA WHEELS_FOLDER TARGET: libraries and headers, no Python.
unpack() {
  local with_cuda=$1 wheels=$2 target=$3 wheel library
  local excluded=('torch/lib/libtorch_python.so' 'torch/lib/libshm*')
  [ "$with_cuda" = yes ] ||
    excluded+=('torch/lib/libtorch_cuda*.so' 'torch/lib/libc10_cuda.so' 'torch/lib/libtorch.so'
      'torch/lib/libcaffe2_nvrtc.so' 'torch/lib/libtorch_nvshmem.so')
  for wheel in "$wheels"/torch-*.whl; do
    unzip -q "$wheel" 'torch/include/*' 'torch/lib/*' 'torch-*/METADATA' 'torch-*/licenses/*' \
      -x "${excluded[@]}" -d "$target"
  done
  for wheel in "$wheels"/nvidia_*.whl; do unzip -q -o "$wheel" -d "$target"; done
  # Wheels carry libcudart.so.13 only; a linker that is told -lcudart looks for libcudart.so.
  for library in "$target"/nvidia/*/lib/lib*.so.*; do
    [ -e "${library%.so.*}.so" ] || ln -s "$(basename "$library")" "${library%.so.*}.so"
  done
}

# install_tree NAME GIGABYTES GROUP...: a folder in MENTOR_DEPS that exists only when it is whole.
# Its stamp holds the pins it was made from; other pins replace it.
install_tree() {
  local name=$1 gigabytes=$2 target=$MENTOR_DEPS/$1 work
  shift 2
  if [ "$(cat "$target/.pins" 2>/dev/null)" = "$(pins "$@")" ]; then return 0; fi
  require_pip
  mkdir -p "$MENTOR_DEPS" || fail "cannot create $MENTOR_DEPS: set MENTOR_DEPS to a folder of yours"
  exec 9>"$MENTOR_DEPS/.lock" || fail "cannot write to $MENTOR_DEPS: set MENTOR_DEPS to a folder of yours"
  flock 9  # another set-up may be at it: then its result is found below
  if [ "$(cat "$target/.pins" 2>/dev/null)" = "$(pins "$@")" ]; then return 0; fi
  require_space "$gigabytes"
  work=$(mktemp -d "$MENTOR_DEPS/.$name.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "downloading the wheels of $name (up to $gigabytes GB of disk while unpacking)"
  [ "$*" = tests ] || download "$work/wheels" "$@"
  say "unpacking $name into $target"
  mkdir "$work/tree"
  case "$*" in
    tests) install_python_packages "$work/wheels" "$work/tree" tests ;;
    cmake) unzip -q "$work"/wheels/cmake-*.whl 'cmake/data/*' -d "$work" && mv "$work"/cmake/data/* "$work/tree" ;;
    *cuda*) unpack yes "$work/wheels" "$work/tree" ;;
    *) unpack no "$work/wheels" "$work/tree" ;;
  esac
  pins "$@" >"$work/tree/.pins"
  if [ -e "$target" ]; then mv "$target" "$work/replaced"; fi
  chmod 755 "$work/tree"
  mv "$work/tree" "$target"
  rm -rf "$work"
  trap - EXIT
  exec 9>&-
}

check_installed_torch() {
  local header=$MENTOR_TORCH_DIR/include/torch/headeronly/version.h found
  [ -e "$MENTOR_TORCH_DIR/lib/libtorch_cpu.so" ] && [ -e "$header" ] ||
    fail "MENTOR_TORCH_DIR is '$MENTOR_TORCH_DIR', which holds no torch $torch_version:" \
      "name the 'torch' folder of a Python installation, or unset it"
  found=$(awk '/define TORCH_VERSION_(MAJOR|MINOR|PATCH) / { printf "%s%s", dot, $3; dot = "." }' "$header")
  [ "$found" = "$torch_version" ] ||
    fail "$MENTOR_TORCH_DIR holds torch $found: this program needs $torch_version"
}

install_libtorch() {
  if [ -n "${MENTOR_TORCH_DIR:-}" ]; then
    check_installed_torch
  elif wants_cuda; then
    install_tree "torch-$torch_version-cuda" 9 cpu cuda
  else
    install_tree "torch-$torch_version" 3 cpu
  fi
}

with_tests=no
case "${1:-}" in
  '') ;;
  --tests) with_tests=yes ;;
  -h | --help) usage && exit 0 ;;
  *) fail "unknown argument '$1' (see --help)" ;;
esac
install_packages
select_tools
system_cmake_is_new || install_tree "$(basename "$cmake_folder")" 1 cmake
install_libtorch
if [ "$with_tests" = yes ]; then
  (install_tree "$(basename "$(tensorboard_folder)")" 1 tests) ||
    say "going on without TensorBoard: the test that reads event files with it will be skipped"
fi
say "everything is in place; build with scripts/build.sh"
