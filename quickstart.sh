#!/usr/bin/env bash
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# From nothing to a private answer: installs packages, builds, and runs the
# sample model between three processes. ./quickstart.sh ["prompt"]
set -euo pipefail
cd "$(dirname "$0")"

prompt=${1:-"    return self."}

cmake/install-packages.sh build
echo "Building into build/ ..."
cmake/build.sh build -DAERO_BUILD_TESTS=OFF
echo
exec build/bin/aero run examples/models/python-sm-t-scfuffn.onnx \
  --config as-is --prompt "$prompt" --new-tokens 32
