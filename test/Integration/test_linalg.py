# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""convert-pi-to-linalg, run by the stock tools of MLIR, computes what the float
interpreter does."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path
from typing import Sequence

import numpy as np

import linalg
from support import ROOT, SOFTMAX_ONLY, ToolTest, run

sys.path.insert(0, str(ROOT / "test"))

from Families.oracle import INTERPRETER, Run, evaluate  # noqa: E402

CASES = ROOT / "test" / "Integration" / "Inputs" / "linalg"
SMALL = ROOT / "test" / "Import" / "ONNX" / "Inputs"
TOLERANCE = 1e-4
CONFIG = "aero-rewrite{config=SM+ScFuFFN}"


def signature(text: str) -> list[tuple[tuple[int, ...], str]]:
    """Shape and element type of each argument of @main."""
    head = re.search(r"@main\((.*?)\)\s*->", text, re.DOTALL)
    found = re.findall(r"tensor<((?:\d+x)*)(f32|i64|i1)>", head[1])
    return [(tuple(int(size) for size in dims.split("x")[:-1]), element)
            for dims, element in found]


def samples(text: str, seed: int) -> list[np.ndarray]:
    """Inputs for @main. Integers are indices below 3, or a mask with a row of
    zeros."""
    random = np.random.default_rng(seed)
    inputs = []
    for shape, element in signature(text):
        if element == "f32":
            inputs.append(random.standard_normal(shape).astype(np.float32))
        else:
            inputs.append(random.integers(0, 3, shape).astype(np.int64))
            if shape == (2, 5):
                inputs[-1][0] = 0
    return inputs


@unittest.skipUnless(linalg.available(), "mlir-opt or mlir-runner is missing")
class LinalgTest(ToolTest):

    def check(self, model: Path, names: Sequence[str],
              inputs: Sequence[np.ndarray], *passes: str,
              rewrite: str = "") -> float:
        """The largest difference, which has to be small."""
        options = {"pipeline": f"builtin.module({rewrite})"} if rewrite else {}
        reference, = evaluate([Run(model, dict(zip(names, inputs)),
                                   self.folder / "run", options)], INTERPRETER)
        self.assertEqual(reference.error, "")
        expected = list(reference.outputs.values())
        pipeline = ",".join([*passes, "func.func(convert-pi-to-linalg)"])
        source = model
        if model.suffix == ".onnx":
            source = self.folder / "model.mlir"
            imported = run("aero-translate", "--import-onnx", model,
                           "-o", source)
            self.assertEqual(imported.returncode, 0, imported.stderr)
        lowered = run("aero-opt", source,
                      f"--pass-pipeline=builtin.module({pipeline})")
        self.assertEqual(lowered.returncode, 0, lowered.stderr)
        self.assertNotIn(" pi.", lowered.stdout)
        actual = linalg.execute(lowered.stdout, inputs,
                                [array.shape for array in expected])
        worst = 0.0
        for index, (mine, theirs) in enumerate(zip(actual, expected)):
            with self.subTest(result=index):
                self.assertTrue(np.isfinite(theirs).all())
                difference = np.abs(mine - theirs).max()
                self.assertLessEqual(difference, TOLERANCE)
                worst = max(worst, float(difference))
        return worst

    def check_case(self, name: str) -> None:
        case = CASES / name
        inputs = samples(case.read_text(), seed=1)
        self.check(case, [f"arg{i}" for i in range(len(inputs))], inputs)

    def test_attention(self) -> None:
        self.check_case("attention.mlir")

    def test_products_sums_and_norms(self) -> None:
        self.check_case("algebra.mlir")

    def test_elements_and_shapes(self) -> None:
        self.check_case("elementwise.mlir")

    def test_small_softmax_only_model(self) -> None:
        tokens = np.array([[1, 10, 0, 7]], np.int64)
        self.check(SMALL / "gpt2-softmax-only.onnx", ["tokens"], [tokens],
                   CONFIG, rewrite=CONFIG)

    def test_small_baseline_as_it_was_exported(self) -> None:
        # LayerNorm and GELU, raised or not.
        tokens = np.array([[3, 0, 9, 2]], np.int64)
        model = SMALL / "gpt2-layernorm-gelu.onnx"
        self.check(model, ["tokens"], [tokens])
        self.check(model, ["tokens"], [tokens], "aero-rewrite",
                   rewrite="aero-rewrite")

    def test_trained_softmax_only_sample(self) -> None:
        text = b"def main(argv):\n    return len(argv)\n"
        tokens = np.zeros((1, 64), np.int64)
        tokens[0, :len(text)] = list(text)
        self.check(SOFTMAX_ONLY, ["tokens"], [tokens], CONFIG, rewrite=CONFIG)


if __name__ == "__main__":
    unittest.main()
