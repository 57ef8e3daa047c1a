# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero-train between aero rewrite and aero compile: from scratch, and with the
norms of a trained model taken out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx

from support import BASELINE, ROOT, ToolTest, run, run_json

PYTHON = ROOT / "python"
sys.path.insert(0, str(PYTHON))

CONTEXT, VOCABULARY = 64, 256


class TrainingTest(ToolTest):

    def rewrite(self, config: str, *options: object) -> Path:
        out = self.folder / "start.onnx"
        done = run("aero", "rewrite", BASELINE, "--config", config, "-o", out,
                   *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out

    def train(self, model: Path, *options: object) -> Path:
        out = self.folder / "run"
        command = [sys.executable, "-m", "aero.train", model, "--out", out,
                   "--batch", 4, "--warmup", 2, "--eval-windows", 16, "--quiet",
                   *options]
        done = subprocess.run([str(part) for part in command], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PYTHONPATH": str(PYTHON)})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return out

    def aero_logits(self, model: Path, config: str, samples: Path,
                    *options: object) -> np.ndarray:
        path = self.folder / "logits"
        done = run("aero", "check", model, "--config", config, "--prompts",
                   samples, "--logits", "all", "--save-logits", path, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return np.fromfile(path, "<f4").reshape(-1, CONTEXT, VOCABULARY)

    def test_model_with_norms_becomes_softmax_only(self) -> None:
        start = self.rewrite("SM+LN+G")
        samples = self.folder / "samples.npy"
        options = ["--steps", 12, "--lr", "1e-4", "--remove-norms", "2:1",
                   "--save-samples", samples]
        out = self.train(start, *options)
        summary = json.loads((out / "metrics.json").read_text())
        self.assertEqual(len(summary["norm_sigmas"]), 9)
        model = out / "model.onnx"
        kinds = {row["kind"] for row in
                 run_json("aero", "inspect", model, "--config", "SM")["nonlinear"]}
        self.assertEqual(kinds, {"softmax"})
        kinds = {row["kind"] for row in
                 run_json("aero", "inspect", model, "--config",
                          "as-is")["nonlinear"]}
        self.assertEqual(kinds, {"softmax", "gelu"})
        few = self.folder / "few.npy"
        np.save(few, np.load(samples)[:2])
        # Not as SM: without its GELUs, which nobody trained it for, it is chaotic.
        done = run("aero", "check", model, "--config", "as-is", "--prompts", few,
                   "--engines", "float,fixed", "--max-error", "0.02")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("aero", "compile", model, "--config", "SM+ScFuFFN", "-o",
                   self.folder / "private.aero")
        self.assertEqual(done.returncode, 0, done.stderr)

        import torch
        from aero.train.options import TrainOptions
        from aero.train.trainer import Trainer

        trainer = Trainer(start, TrainOptions(steps=12, remove_norms=(2,),
                                              remove_norms_every=1),
                          np.arange(256, dtype=np.uint8),
                          data_sha256=summary["data_sha256"],
                          tokenizer_sha256=self.tokenizer_sha256())
        trainer.restore(out / "checkpoint.npz", changed_options=True)
        trainer.module.eval()
        with torch.no_grad():
            expected = trainer.module(torch.from_numpy(np.load(few))).numpy()
        actual = self.aero_logits(model, "as-is", few, "--engines", "float")
        largest = np.abs(expected).max()
        self.assertLessEqual(np.abs(actual - expected).max(), 1e-4 * largest)

    def tokenizer_sha256(self) -> str:
        from aero.tokenizer import ByteTokenizer
        from aero.train.run import digest

        return digest(ByteTokenizer().to_dict())

    def test_regularised_temperatures_come_back(self) -> None:
        start = self.rewrite("SM(t)+ScFuFFN", "--initial-temperature", "0.5")
        samples = self.folder / "samples.npy"
        out = self.train(start, "--steps", 4, "--entropy-lambda", "1e-3",
                         "--entropy-gamma", "0", "--save-samples", samples)
        model = onnx.load(str(out / "model.onnx"))
        roles = {scalar["role"] for scalar in
                 json.loads((out / "metrics.json").read_text())["scalars"]}
        self.assertEqual(roles, {"temperature", "entropy_thresholds",
                                 "ffn_alpha", "ffn_beta"})
        before = {t.name: t.raw_data for t in onnx.load(str(start)).graph.initializer}
        after = {t.name: t.raw_data for t in model.graph.initializer}
        self.assertEqual(set(before), set(after))
        # Deep layers of a network that just lost its norms may be saturated.
        for name in ("aero.temperature.0", "aero.entropy_thresholds.0",
                     "aero.scale_ffn.0.alpha", "wte.weight"):
            self.assertNotEqual(before[name], after[name], name)
        ready = self.folder / "ready.onnx"
        done = run("aero", "import-weights", start, "--weights",
                   out / "model.onnx", "-o", ready)
        self.assertEqual(done.returncode, 0, done.stderr)
        few = self.folder / "few.npy"
        np.save(few, np.load(samples)[:2])
        first = self.aero_logits(out / "model.onnx", "as-is", few, "--engines",
                                 "float")
        second = self.aero_logits(ready, "as-is", few, "--engines", "float")
        np.testing.assert_allclose(first, second, 1e-4, 1e-4)


if __name__ == "__main__":
    unittest.main()
