# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs an emitted StableHLO module in the reference interpreter of StableHLO."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np

TOOL = os.environ.get("STABLEHLO_TRANSLATE", "")
CALL = re.compile(r"stablehlo\.custom_call @mhlo\.erf\((%\w+)\) \{.*?\} : "
                  r"\((tensor<\S+>)\) -> tensor<\S+>")


def available() -> bool:
    return bool(TOOL)


def define_erf(name: str, kind: str) -> str:
    """erf, which SPU knows as a custom call and the interpreter does not:
    Abramowitz and Stegun 7.1.26, largest error 1.5e-7."""
    lines, count = [], 0

    def add(text: str) -> str:
        nonlocal count
        lines.append(f"    %v{count} = stablehlo.{text} : {kind}")
        count += 1
        return f"%v{count - 1}"

    def constant(value: float) -> str:
        return add(f"constant dense<{value:.9f}>")

    one = constant(1)
    size = add("abs %x")
    t = add(f"multiply {size}, {constant(0.3275911)}")
    t = add(f"divide {one}, {add(f'add {one}, {t}')}")
    total = constant(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        total = add(f"multiply {total}, {t}")
        total = add(f"add {total}, {constant(factor)}")
    total = add(f"multiply {total}, {t}")
    square = add(f"negate {add(f'multiply {size}, {size}')}")
    total = add(f"multiply {total}, {add(f'exponential {square}')}")
    total = add(f"subtract {one}, {total}")
    total = add(f"multiply {total}, {add('sign %x')}")
    body = "\n".join(lines)
    return (f"  func.func private @{name}(%x: {kind}) -> {kind} {{\n{body}\n"
            f"    return {total} : {kind}\n  }}\n")


def literal(values: np.ndarray, kind: str) -> str:
    return f'dense<"0x{values.tobytes().hex().upper()}"> : tensor<{kind}>'


def run(emitted: Path, tokens: list[int], folder: Path) -> np.ndarray:
    """The logits of a module that `aero emit --target spu` wrote."""
    about = json.loads((emitted / "arguments.json").read_text())
    text = (emitted / about["module"]).read_text()
    weights = np.load(emitted / about["weights"])
    # The interpreter takes arguments on its command line only, where weights do
    # not fit: a function of constants calls the model.
    types = sorted(set(kind for _, kind in CALL.findall(text)))
    functions = "".join(define_erf(f"erf{i}", kind) for i, kind in enumerate(types))
    text = CALL.sub(lambda call: f"func.call @erf{types.index(call[2])}({call[1]}) : "
                                 f"({call[2]}) -> {call[2]}", text)
    text = text.replace("func.func public @main(", "func.func private @model(")
    body, names, kinds = [], [], []
    for i, argument in enumerate(about["arguments"]):
        if argument["owner"] == "server":
            values = weights[argument["name"]]
        elif argument["owner"] == "client":
            values = np.zeros(argument["shape"], np.int32)
            row = tokens + [0] * (len(values) - len(tokens))
            values[np.arange(len(values)), row] = 1
        else:
            values = np.array(len(tokens) - 1, np.int64)
        assert list(values.shape) == argument["shape"], argument
        element = {"float32": "f32", "int32": "i32", "int64": "i64"}[argument["type"]]
        kind = "x".join([*map(str, values.shape), element])
        body.append(f"    %a{i} = stablehlo.constant {literal(values, kind)}\n")
        names.append(f"%a{i}")
        kinds.append(f"tensor<{kind}>")
    result = re.search(r"^ {6}-> (tensor<\S+>) \{$", text, re.MULTILINE)
    assert result, text[:2000]
    main = (f"  func.func public @main() -> {result[1]} {{\n{''.join(body)}"
            f"    %r = func.call @model({', '.join(names)}) : ({', '.join(kinds)}) -> "
            f"{result[1]}\n    return %r : {result[1]}\n  }}\n")
    module = folder / "module.mlir"
    module.write_text(text.rstrip()[:-1] + functions + main + "}\n")
    done = subprocess.run([TOOL, "--interpret", str(module)], text=True,
                          capture_output=True, timeout=600)
    if done.returncode != 0:
        raise AssertionError(done.stderr[:4000])
    shape = [int(size) for size in result[1][len("tensor<"):].split("x")[:-1]]
    numbers = done.stdout[done.stdout.index("{"):]
    values = re.findall(r"[-+]?(?:\d+\.\d+(?:[eE][-+]?\d+)?|nan|inf)", numbers,
                        re.IGNORECASE)
    return np.array(values, np.float64).reshape(shape)


def verify(emitted: Path) -> None:
    """Parses and verifies the module as it is, and with all its ops known."""
    about = json.loads((emitted / "arguments.json").read_text())
    done = subprocess.run([TOOL, "--serialize", "--target=current",
                           str(emitted / about["module"])],
                          capture_output=True, timeout=600)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode()[:4000])
