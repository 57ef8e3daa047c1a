# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero emit --target spu: what is written, and what StableHLO computes from it."""

from __future__ import annotations

import filecmp
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import stablehlo
from support import BASELINE, ROOT, SOFTMAX_ONLY, ToolTest, make_tanh, run

sys.path.insert(0, str(ROOT / "test"))

from Families import llama, neox  # noqa: E402

CONFIGS = ("SM+LN+G", "SM+LN+R", "SM+LN", "SM+G", "SM+R", "SM", "SM+ScFFN",
           "SM+ScFuFFN", "SM+ScFuFFN_i(1)", "SM(t)+ScFuFFN")
# What hlo_legalize_to_pphlo.cc of SPU converts, of the ops that are written.
OPS = {"abs", "add", "and", "broadcast_in_dim", "compare", "concatenate", "constant",
       "convert", "cosine", "custom_call", "divide", "dot_general", "dynamic_slice",
       "exponential", "iota", "logistic", "maximum", "minimum", "multiply", "not",
       "or", "power", "reduce", "reshape", "rsqrt", "select", "sine", "slice", "sqrt",
       "subtract", "tanh", "transpose"}


def emit(model: Path, config: str, folder: Path, *options: object) -> None:
    done = run("aero", "emit", model, "--config", config, "--target", "spu", "-o",
               folder, *options)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


class EmitTest(ToolTest):

    def test_the_same_model_gives_the_same_files(self) -> None:
        for name in ("a", "b"):
            emit(BASELINE, "as-is", self.folder / name)
        names = sorted(os.listdir(self.folder / "a"))
        self.assertEqual(names, ["README.md", "arguments.json", "python-sm-ln-g.mlir",
                                 "python-sm-ln-g.npz", "run.py"])
        for name in names:
            self.assertTrue(filecmp.cmp(self.folder / "a" / name,
                                        self.folder / "b" / name, shallow=False))

    def test_arguments(self) -> None:
        out = self.folder / "out"
        emit(BASELINE, "as-is", out)
        about = json.loads((out / "arguments.json").read_text())
        weights = np.load(out / about["weights"])
        server = [a for a in about["arguments"] if a["owner"] == "server"]
        self.assertEqual([a["name"] for a in server], list(weights.files))
        for argument in server:
            self.assertEqual(argument["shape"], list(weights[argument["name"]].shape))
        self.assertEqual([(a["name"], a["owner"], a["shape"])
                          for a in about["arguments"][len(server):]],
                         [("tokens", "client", [64, 256]), ("position", "public", [])])
        text = (out / about["module"]).read_text()
        declared = re.findall(r"^ {6}%\w+: tensor<([^>]*)>", text, re.MULTILINE)
        short = {"float32": "f32", "int32": "i32", "int64": "i64"}
        self.assertEqual(declared, ["x".join([*map(str, a["shape"]), short[a["type"]]])
                                    for a in about["arguments"]])
        # Values that nobody changed are those of the file.
        table = next(t for t in onnx.load(str(BASELINE)).graph.initializer
                     if t.name == "wte.weight")
        np.testing.assert_array_equal(weights["wte.weight"],
                                      numpy_helper.to_array(table))

    def test_nothing_of_a_party_is_a_constant(self) -> None:
        for config in CONFIGS:
            out = self.folder / "".join(c if c.isalnum() else "-" for c in config)
            emit(BASELINE, config, out)
            text = (out / "python-sm-ln-g.mlir").read_text()
            for constant in re.findall(r"stablehlo\.constant dense<(.*?)>", text):
                self.assertNotIn(",", constant, "only numbers that are everywhere")
            self.assertLessEqual(set(re.findall(r"stablehlo\.(\w+)[ (]", text)), OPS)

    def test_the_driver_is_told_what_is_wrong(self) -> None:
        emit(SOFTMAX_ONLY, "as-is", self.folder / "out")
        for arguments, fragment in ((("--tokens", "1,x"), "expected numbers"),
                                    (("--tokens", "256"), "in [0, 256)"),
                                    (("--prompt", ""), "takes 1 to 64")):
            done = subprocess.run([sys.executable, self.folder / "out" / "run.py",
                                   *arguments], text=True, capture_output=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(fragment, done.stderr)

    def test_a_target_may_say_what_another_cannot(self) -> None:
        model = self.folder / "tanh.onnx"
        make_tanh(model, layers=1)
        emit(model, "as-is", self.folder / "tanh")  # tanh is an op of SPU's
        done = run("aero", "emit", model, "--config", "as-is", "--target", "mpspdz",
                   "-o", self.folder / "out")
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no form for MP-SPDZ", done.stderr)
        self.assertFalse((self.folder / "out").exists())


@unittest.skipUnless(stablehlo.available(),
                     "STABLEHLO_TRANSLATE does not name a built StableHLO tool")
class InterpretTest(ToolTest):
    """Parsed, verified and interpreted by StableHLO's own tool."""

    def check(self, model: Path, config: str, tokens: list[int],
              logits: str = "last") -> None:
        out = self.folder / "out"
        emit(model, config, out, "--logits", logits)
        stablehlo.verify(out)
        (self.folder / "tokens.json").write_text(str([tokens]))
        saved = self.folder / "logits"
        done = run("aero", "check", model, "--config", config, "--engines", "float",
                   "--prompts", self.folder / "tokens.json", "--logits", logits,
                   "--save-logits", saved)
        self.assertEqual(done.returncode, 0, done.stderr)
        actual = stablehlo.run(out, tokens, self.folder)
        expected = np.fromfile(saved, np.float32).reshape(actual.shape)
        difference = float(np.abs(actual - expected).max() / np.abs(expected).max())
        print(f"{model.name} as {config}: relative difference {difference:.1e}",
              file=sys.stderr)
        self.assertLess(difference, 1e-4)

    def make_model(self) -> Path:
        path = self.folder / "model.onnx"
        subprocess.run([sys.executable, "-m", "aero.new_gpt2", str(path), "--layers",
                        "2", "--heads", "2", "--width", "16", "--context", "8",
                        "--vocab", "32", "--init-std", "0.3", "--embedding-std", "0.5"],
                       check=True, capture_output=True,
                       env=dict(os.environ, PYTHONPATH=str(ROOT / "python")))
        return path

    def test_configurations(self) -> None:
        model = self.make_model()
        for config in CONFIGS:
            with self.subTest(config):
                self.setUp()
                self.check(model, config, [3, 1, 4, 1, 5])

    def test_trained_temperatures(self) -> None:
        """Training moves those of heads and positions apart."""
        rewritten = self.folder / "rewritten.onnx"
        done = run("aero", "rewrite", self.make_model(), "--config", "SM(t)", "-o",
                   rewritten)
        self.assertEqual(done.returncode, 0, done.stderr)
        model = onnx.load(str(rewritten))
        random, changed = np.random.default_rng(1), 0
        for tensor in model.graph.initializer:
            if "temperature" in tensor.name:
                values = random.uniform(0.5, 2, tuple(tensor.dims)).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
                changed += 1
        self.assertEqual(changed, 2)
        trained = self.folder / "trained.onnx"
        onnx.save(model, str(trained))
        self.check(trained, "as-is", [3, 1, 4, 1, 5])

    def test_all_logits(self) -> None:
        self.check(self.make_model(), "SM+LN+G", [3, 1, 4, 1, 5], "all")

    def test_llama(self) -> None:
        for module, name in ((llama, "llama-grouped"), (llama, "llama-grouped-pairs"),
                             (neox, "neox-opset17")):
            with self.subTest(name):
                self.setUp()
                case = next(case for case in module.cases() if case.name == name)
                self.check(case.write(self.folder), "as-is",
                           [int(i) for i in case.inputs["input_ids"][0]])


if __name__ == "__main__":
    unittest.main()
