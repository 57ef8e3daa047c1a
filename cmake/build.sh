#!/usr/bin/env bash
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Configures and builds: cmake/build.sh DIRECTORY [cmake options ...]
# Shows a progress line, and the compiler's words only when something fails.
# AERO_JOBS sets the number of jobs (default: 2, MLIR takes memory).
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
build_dir=$1
shift
log=$build_dir/build.log
mkdir -p "$build_dir"

launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
if ! cmake -G Ninja -S "$source_dir" -B "$build_dir" \
     -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
     -DCMAKE_LINKER_TYPE=LLD -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld \
     "${launcher[@]}" "$@" >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "error: cmake failed; the whole log is $log" >&2
  exit 1
fi

# ninja's status line goes to the terminal; in a log one line a quarter is enough.
export NINJA_STATUS='[%f/%t] '
ninja -C "$build_dir" -j "${AERO_JOBS:-2}" >>"$log" 2>&1 &
ninja_pid=$!
last=
while kill -0 "$ninja_pid" 2>/dev/null; do
  status=$(grep -aoE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 1 || true)
  if [ "$status" != "$last" ]; then
    if [ -t 1 ]; then
      printf '\r  %s ' "$status"
    else
      done=${status#[}; done=${done%/*}; total=${status#*/}; total=${total%]}
      quarter=$((4 * done / (total > 0 ? total : 1)))
      [ "$quarter" != "${last_quarter:-}" ] && echo "  $status"
      last_quarter=$quarter
    fi
    last=$status
  fi
  sleep 1
done
[ -t 1 ] && printf '\r\033[K'
if ! wait "$ninja_pid"; then
  grep -aE -A 12 'error:|FAILED' "$log" | head -n 60 >&2 || tail -n 30 "$log" >&2
  echo "error: the build failed; the whole log is $log" >&2
  exit 1
fi
