# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a function of linalg with the stock tools of MLIR."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Sequence

import numpy as np

LLVM = Path("/usr/lib/llvm-22")
OPT = LLVM / "bin" / "mlir-opt"
RUNNER = LLVM / "bin" / "mlir-runner"
LIBRARIES = [LLVM / "lib" / f"libmlir_{name}.so"
             for name in ("runner_utils", "c_runner_utils")]

# erf and tanh are functions of libm, what LLVM has an intrinsic for is not.
TO_LLVM = """builtin.module(
  one-shot-bufferize{bufferize-function-boundaries
    function-boundary-type-conversion=identity-layout-map},
  func.func(convert-linalg-to-loops), expand-strided-metadata, lower-affine,
  convert-scf-to-cf, convert-math-to-llvm, convert-math-to-libm,
  convert-arith-to-llvm, convert-index-to-llvm, finalize-memref-to-llvm,
  convert-func-to-llvm, convert-cf-to-llvm, reconcile-unrealized-casts)"""

_TYPES = {"float32": "f32", "int64": "i64", "bool": "i1"}


def available() -> bool:
    return all(path.exists() for path in (OPT, RUNNER, *LIBRARIES))


def _type(shape: Sequence[int], element: str) -> str:
    return "tensor<" + "".join(f"{size}x" for size in shape) + element + ">"


def _literal(array: np.ndarray) -> str:
    """The array as text that an MLIR attribute holds, every bit of it."""
    raw = array.astype("<f4") if array.dtype == np.float32 else array
    flat = ('"0x' + raw.tobytes().hex().upper() + '"' if array.ndim
            else str(array.item()).lower())
    if array.dtype == bool:
        flat = str(array.tolist()).lower()
    return f"dense<{flat}>"


def add_entry(module: str, inputs: Sequence[np.ndarray],
              shapes: Sequence[Sequence[int]]) -> str:
    """``module`` with a function @entry, which calls @main and prints results.

    ``shapes`` are those of the results, all of them floats.
    """
    arguments = [_type(a.shape, _TYPES[a.dtype.name]) for a in inputs]
    results = [_type(shape, "f32") for shape in shapes]
    lines = ["func.func private @printMemrefF32(tensor<*xf32>)",
             "func.func @entry() {"]
    for index, (array, kind) in enumerate(zip(inputs, arguments)):
        lines.append(f"%a{index} = arith.constant {_literal(array)} : {kind}")
    names = ", ".join(f"%a{i}" for i in range(len(inputs)))
    lines.append(f"%r:{len(results)} = call @main({names}) : "
                 f"({', '.join(arguments)}) -> ({', '.join(results)})")
    for index, kind in enumerate(results):
        lines += [f"%c{index} = tensor.cast %r#{index} : {kind} to tensor<*xf32>",
                  f"call @printMemrefF32(%c{index}) : (tensor<*xf32>) -> ()"]
    lines += ["return", "}", ""]
    entry, count = "\n".join(lines), 0
    module, count = re.subn(r"^module.*\{$", lambda m: m[0] + "\n" + entry,
                            module, count=1, flags=re.MULTILINE)
    assert count == 1, module[:200]
    return module


def execute(module: str, inputs: Sequence[np.ndarray],
            shapes: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """The results of @main; ``module`` is text of linalg on tensors."""
    lowered = _run([OPT, "--pass-pipeline=" + TO_LLVM],
                   add_entry(module, inputs, shapes))
    printed = _run([RUNNER, "-O2", "-e", "entry", "--entry-point-result=void",
                    "--shared-libs=" + ",".join(map(str, LIBRARIES))], lowered)
    # "Unranked Memref base@ = ... data = " and the nested lists, for each.
    blocks = printed.split("data = ")[1:]
    assert len(blocks) == len(shapes), printed[:1000]
    results = []
    for block, shape in zip(blocks, shapes):
        numbers = block.split("Unranked")[0].translate({ord(c): " " for c in "[],"})
        results.append(np.array(numbers.split(), np.float32).reshape(shape))
    return results


def _run(command: Sequence[object], text: str) -> str:
    done = subprocess.run(list(map(str, command)), input=text, text=True,
                          capture_output=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed: {done.stderr[:4000]}")
    return done.stdout
