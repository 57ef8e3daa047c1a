# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lit suite: every .mlir, .test and .onnxtxt file below test/.

Tests of optional tools say `REQUIRES: <feature>`; lit counts them as
unsupported where the tool is missing.
"""

import os

import lit.formats
from lit.llvm import llvm_config

config.name = "AERO"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["Inputs", "Unit", "Integration", "Fuzz", "oracle"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.aero_obj_root, "test")

# A FileCheck variable of one function must not leak into the next.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope -dump-input=fail"

# AERO's tools, then FileCheck, not and split-file. The tools need no
# substitution, which would have to tell `aero` from `aero-opt` and from paths.
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.aero_tools_dir, append_path=True)

# The system's Python has onnx and numpy; the first on PATH may have neither.
config.substitutions.append((r"(?<![\w/.-])python3(?!\w)", config.python))
config.substitutions.append(("%aero_src_root", config.aero_src_root))
config.substitutions.append(("%aero_obj_root", config.aero_obj_root))

for tool in ("aero", "aero-translate", "aero-lsp-server", "aero-party"):
    if os.path.exists(os.path.join(config.aero_tools_dir, tool)):
        config.available_features.add(tool)

# AERO as a guest of the stock tools, which are a package of their own.
plugin = os.path.join(config.aero_lib_dir, "AeroPlugin.so")
config.substitutions.append(("%aero_plugin", plugin))
stock_opt = os.path.exists(os.path.join(config.llvm_tools_dir, "mlir-opt"))
if stock_opt and os.path.exists(plugin):
    config.available_features.add("mlir-opt-plugin")

# What runs linalg. The functions of the runner's library print tensors.
runner_utils = os.path.join(config.llvm_tools_dir, "..", "lib",
                            "libmlir_runner_utils.so")
config.substitutions.append(("%runner_utils", runner_utils))
if (os.path.exists(os.path.join(config.llvm_tools_dir, "mlir-runner"))
        and os.path.exists(runner_utils)):
    config.available_features.add("mlir-runner")
# From linalg on tensors, every pass of it upstream's. math-to-libm is for erf
# and tanh, which LLVM has no intrinsics for.
config.substitutions.append((
    "%linalg_to_llvm",
    "one-shot-bufferize{bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map},"
    "func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,"
    "convert-scf-to-cf,convert-math-to-llvm,convert-math-to-libm,"
    "convert-arith-to-llvm,convert-index-to-llvm,finalize-memref-to-llvm,"
    "convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts"))

oracle = os.path.join(config.aero_src_root, "test", "oracle", "node_modules",
                      "onnxruntime-node")
if os.path.isdir(oracle):
    config.available_features.add("onnxruntime")
