#!/usr/bin/env bash
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs the Debian packages that AERO needs: cmake/install-packages.sh build|test
# Does nothing (and needs no root) when they are all there.
set -euo pipefail

build=(
  ca-certificates build-essential cmake ninja-build ccache
  clang-22 lld-22 llvm-22-dev libmlir-22-dev mlir-22-tools
  libprotobuf-dev protobuf-compiler libonnx-dev libeigen3-dev
  libssl-dev libcli11-dev nlohmann-json3-dev libzip-dev
)
test=(
  llvm-22-tools libclang-rt-22-dev clang-format-22 clang-tidy-22
  libgtest-dev libgmock-dev libbenchmark-dev libonnx-testdata
  python3 python3-numpy python3-onnx python3-torch python3-pip
  libopenblas0-pthread git
  openssl iproute2
)

case "${1:-}" in
  build) packages=("${build[@]}") ;;
  test)
    packages=("${build[@]}" "${test[@]}")
    # Node.js may come from elsewhere; Debian's packages would clash with it.
    command -v npm >/dev/null || packages+=(nodejs npm)
    ;;
  *) echo "usage: $0 build|test" >&2; exit 1 ;;
esac

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "error: installing packages needs root; run as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  sudo=(sudo)
fi
echo "Installing ${#missing[@]} Debian packages ..."
log=$(mktemp)
if ! { "${sudo[@]}" apt-get update -q &&
       "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
         --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "error: could not install: ${missing[*]}" >&2
  exit 1
fi
rm -f "$log"
