#!/usr/bin/env bash
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what the tests need, builds everything, runs everything. The last
# line is the sum: N passed, N failed[, N skipped].
set -euo pipefail
cd "$(dirname "$0")"

cmake/install-packages.sh test
if [ ! -d test/oracle/node_modules/onnxruntime-node ]; then
  echo "Installing ONNX Runtime, the oracle of the float tests ..."
  # Its install script would fetch GPU libraries; the CPU library is inside.
  (cd test/oracle && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
fi
echo "Building into build/ ..."
cmake/build.sh build -DAERO_BUILD_TESTS=ON -DAERO_BUILD_FUZZERS=ON
exec /usr/bin/python3 test/run_suites.py "$@"
