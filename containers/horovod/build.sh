#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Build the Horovod wheel for TensorFlow and PyTorch over MPI, and install it.
#
#   build.sh PYTHON [CACHE]
#
# PYTHON is the environment's interpreter, with tensorflow, torch and an MPI compiler wrapper (mpicxx) already there.
# CACHE keeps the wheel, under a key made of everything that decides its bytes; a second call takes it from there.
# This is the only recipe: `make setup` and both images in containers/ call it.
set -euo pipefail

python=$(realpath -s "$1")
cache=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/sciml-bench}/horovod
here=$(cd "$(dirname "$0")" && pwd)
release=$(grep -o -E '^horovod==[0-9.]+' "$here/horovod.lock")
PATH="$(dirname "$python"):$PATH"
export PATH

say() { printf 'horovod: %s\n' "$*"; }
fail() {
  say "$1" >&2
  say "${2:-the whole log is $log}" >&2
  exit 1
}

for tool in "${HOROVOD_REAL_CXX:-g++}" make "${HOROVOD_CMAKE:-cmake}" mpicxx; do
  command -v "$tool" >/dev/null || fail "$tool is not on PATH" \
    "install a C++ compiler, make and cmake 3.13 or newer (Debian, Ubuntu: apt-get install g++ make cmake)"
done

key=$(
  {
    uname -m
    "$python" -c 'import sys, sysconfig
from importlib.metadata import distributions
print(sys.version_info[:3], sysconfig.get_platform())
names = ("tensorflow-cpu", "tensorflow", "torch", "openmpi", "mpich")
print(sorted(f"{d.name} {d.version}" for d in distributions() if d.name in names))'
    mpicxx --version | head -n 1
    mpicxx -show | sed "s#$(dirname "$(dirname "$python")")##g"
    grep -o -w -m1 -E 'avx|fma|f16c' /proc/cpuinfo | sort -u || true
    cat "$here/cxx" "$here/build.sh" "$here/horovod.lock"
  } | sha256sum | cut -c1-16
)
wheels=$cache/$key
log=$wheels/build.log
mkdir -p "$wheels"

built() { find "$wheels" -maxdepth 1 -name 'horovod-*.whl' | head -n 1; }

build() {
  say "building $release for TensorFlow and PyTorch over MPI ($(mpicxx --version | head -n 1))"
  say "three to five minutes on two cores; log: $log"
  export CXX=$here/cxx MAKEFLAGS="-j${JOBS:-$(nproc)}"
  export HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1
  export HOROVOD_WITH_MPI=1 HOROVOD_WITHOUT_GLOO=1 HOROVOD_WITHOUT_NVTX=1
  local started=$SECONDS scratch
  scratch=$(mktemp -d "$wheels/build.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  # Build isolation hides the frameworks, and pip's own cache does not know the flags above.
  "$here/../../tools/watched" "$log" horovod '\[ *[0-9]+%\] .*' \
    "$python" -m pip wheel --verbose --no-cache-dir --no-build-isolation --no-deps --no-binary horovod \
    --require-hashes --wheel-dir "$scratch" --requirement "$here/horovod.lock" || fail "the build failed"
  mv "$scratch"/horovod-*.whl "$wheels/"
  rm -rf "$scratch"
  trap - EXIT
  say "built in $((SECONDS - started)) s"
}

if [ -n "$(built)" ]; then say "taken from the cache: $(built)"; else build; fi
"$python" -m pip install --quiet --no-deps --force-reinstall "$(built)"
# A wheel that holds no framework library installs without a word: ask it.
"$python" - <<'PY' || fail "the wheel does not hold both frameworks over MPI"
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import horovod.tensorflow as tf_side
import horovod.torch as torch_side

assert tf_side.mpi_built() and torch_side.mpi_built()
PY
say "ready: TensorFlow and PyTorch over MPI"
