# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The float reference agrees with ONNX Runtime, which nobody here wrote."""

from __future__ import annotations

import json
import sys
import unittest

import numpy as np

from support import BASELINE, ROOT, SOFTMAX_ONLY, ToolTest, prompts, run

sys.path.insert(0, str(ROOT / "test"))

from Families.oracle import Run, evaluate  # noqa: E402

CONTEXT = 64
TOLERANCE = 1e-4


class ReferenceTest(ToolTest):

    def compare(self, model) -> None:
        tokens = [list(p["text"].encode())[:CONTEXT] for p in prompts()]
        padded = [t + [0] * (CONTEXT - len(t)) for t in tokens]
        token_file = self.folder / "tokens.json"
        token_file.write_text(json.dumps(padded))
        runs = [Run(model, {"tokens": np.array([row], np.int64)},
                    self.folder / str(i)) for i, row in enumerate(padded)]
        results = evaluate(runs, batch=len(runs))
        self.assertEqual({result.error for result in results}, {""})
        expected = np.concatenate([result.outputs["logits"].ravel()
                                   for result in results])
        done = run("aero", "check", model, "--config", "as-is", "--engines",
                   "float", "--prompts", token_file, "--logits", "all",
                   "--save-logits", self.folder / "aero.f32")
        self.assertEqual(done.returncode, 0, done.stderr)
        actual = np.fromfile(self.folder / "aero.f32", dtype="<f4")
        self.assertEqual(expected.size, len(tokens) * CONTEXT * 256)
        self.assertEqual(actual.size, expected.size)
        self.assertLessEqual(np.abs(actual - expected).max(), TOLERANCE)

    def test_softmax_only_sample(self) -> None:
        self.compare(SOFTMAX_ONLY)

    def test_baseline_sample(self) -> None:
        self.compare(BASELINE)


if __name__ == "__main__":
    unittest.main()
