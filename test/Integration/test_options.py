# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Options that say how a configuration is made, and calibration."""

from __future__ import annotations

import unittest

import numpy as np
import onnx
from onnx import numpy_helper

from support import BASELINE, ToolTest, run, run_json

CONTEXT, VOCABULARY = 64, 256


class OptionsTest(ToolTest):

    def setUp(self) -> None:
        super().setUp()
        rows = np.random.default_rng(4).integers(0, VOCABULARY, (4, CONTEXT))
        self.tokens = self.folder / "tokens.npz"
        np.savez(self.tokens, rows)
        self.out = self.folder / "out.onnx"

    def rewrite(self, config: str, *options: object):
        return ("aero", "rewrite", BASELINE, "--config", config, "-o",
                self.out, *options)

    def difference(self, *options: object) -> float:
        result = run_json(*self.rewrite("SM+G", "--report", *options))
        return result["passes"][-1]["relative_difference"]

    def test_static_norms_are_nearer_than_none(self) -> None:
        check = ("--check", self.tokens)
        removed = self.difference(*check)
        affine = self.difference(*check, "--norm-mode", "affine")
        static = self.difference(*check, "--norm-mode", "static",
                                 "--calibrate", self.tokens)
        self.assertLess(static, affine)
        self.assertLess(static, removed / 100)
        self.assertNotEqual(affine, removed)

    def test_json_calibrates_too(self) -> None:
        prompts = self.folder / "tokens.json"
        with np.load(self.tokens) as arrays:
            prompts.write_text(str(arrays["arr_0"].tolist()))
        check = ("--check", self.tokens, "--norm-mode", "static",
                 "--calibrate")
        self.assertEqual(self.difference(*check, self.tokens),
                         self.difference(*check, prompts))

    def test_initial_values(self) -> None:
        done = run(*self.rewrite(
            "SM(t)+ScFFN", "--initial-alpha", 2, "--initial-beta", 0.25,
            "--initial-temperature", 0.125, "--temperature-shape", "head"))
        self.assertEqual(done.returncode, 0, done.stderr)
        values = {tensor.name: numpy_helper.to_array(tensor)
                  for tensor in onnx.load(str(self.out)).graph.initializer}
        self.assertEqual(values["aero.scale_ffn.3.alpha"], 2)
        self.assertEqual(values["aero.scale_ffn.0.beta"], 0.25)
        np.testing.assert_array_equal(values["aero.temperature.1"],
                                      np.full((4, 1), 0.125, np.float32))

    def test_learnable_slope(self) -> None:
        done = run(*self.rewrite("SM+R", "--initial-slope", 0.0625))
        self.assertEqual(done.returncode, 0, done.stderr)
        model = onnx.load(str(self.out))
        slopes = [numpy_helper.to_array(tensor)
                  for tensor in model.graph.initializer
                  if tensor.name.startswith("aero.leaky_slope.")]
        self.assertEqual([float(slope) for slope in slopes], [0.0625] * 4)
        self.assertFalse([node for node in model.graph.node
                          if node.op_type in ("Relu", "Gelu", "Erf")])

    def test_every_command_takes_them(self) -> None:
        report = run_json("aero", "report", BASELINE, "--config", "SM+ScFuFFN",
                          "--norm-mode", "static", "--calibrate", self.tokens)
        self.assertGreater(report["total"]["online_bytes"], 0)
        inspected = run_json("aero", "inspect", BASELINE, "--config", "SM+R",
                             "--initial-slope", 0.1)
        self.assertIn("leaky_relu", {row["kind"]
                                     for row in inspected["nonlinear"]})

    def test_contradictions(self) -> None:
        short = self.folder / "short.npz"
        np.savez(short, np.zeros((2, 9), int))
        cases = [
            ("SM", ("--norm-mode", "static"), "--calibrate FILE"),
            ("SM", ("--calibrate", self.tokens), "--norm-mode static"),
            ("SM", ("--norm-mode", "affine", "--calibrate", self.tokens),
             "--norm-mode static"),
            ("SM+LN", ("--norm-mode", "affine"), "'norm-mode'", "'SM+LN'"),
            ("SM", ("--initial-alpha", 1), "'initial-alpha'", "'SM'"),
            ("SM", ("--initial-beta", 1), "'initial-beta'"),
            ("SM+ScFFN", ("--initial-temperature", 1), "'initial-temperature'"),
            ("SM+ScFFN", ("--initial-threshold", 1), "'initial-threshold'"),
            ("SM+ScFFN", ("--temperature-shape", "head"),
             "'temperature-shape'"),
            ("SM+G", ("--initial-slope", 0.1), "'initial-slope'", "'SM+G'"),
            ("SM", ("--norm-mode", "static", "--calibrate", short),
             "short.npz", "prompt 0 has 9 tokens", "whole context of 64"),
            ("SM", ("--norm-mode", "none"), "--norm-mode", "affine"),
            ("SM(t)", ("--temperature-shape", "x"), "--temperature-shape"),
            ("SM+ScFFN", ("--initial-alpha", "one"), "--initial-alpha"),
            ("SM+ScFFN", ("--initial-alpha", 0), "alpha not 0"),
            ("SM+ScFFN", ("--initial-beta", "nan"), "finite initial values"),
            ("SM(t)", ("--initial-temperature", -1), "temperature above 0"),
            ("SM(t)", ("--initial-threshold", 1.5), "threshold in [0, 1]"),
            ("SM+R", ("--initial-slope", "inf"), "finite slope"),
        ]
        for config, options, *fragments in cases:
            with self.subTest(config, options=options):
                self.assert_error(run(*self.rewrite(config, *options)),
                                  *fragments)
        done = run(*self.rewrite("SM", "--initial-alpha", 1, "--initial-slope",
                                 1))
        self.assert_error(done, "needs a configuration", problems=2)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
