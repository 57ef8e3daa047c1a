# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero emit --target mpspdz: what is written, and what MP-SPDZ computes from it."""

from __future__ import annotations

import filecmp
import os
import re
import struct
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import mpspdz
from support import (BASELINE, CONFIG, ROOT, SOFTMAX_ONLY, TEMPERATURE, ToolTest,
                     make_tanh, run)

sys.path.insert(0, str(ROOT / "test"))

from Families import llama, neox  # noqa: E402

CONFIGS = ("SM+LN+G", "SM+LN+R", "SM+LN", "SM+G", "SM+R", "SM", "SM+ScFFN",
           "SM+ScFuFFN", "SM+ScFuFFN_i(1)", "SM(t)+ScFuFFN")
TOKENS = [100, 101, 102, 32, 95, 95, 105, 110]


def emit(model: Path, config: str, folder: Path, *options: object) -> None:
    done = run("aero", "emit", model, "--config", config, "--target", "mpspdz",
               "-o", folder, *options)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def make_model(path: Path, *options: object) -> Path:
    """An untrained GPT-2."""
    subprocess.run([sys.executable, "-m", "aero.new_gpt2", str(path),
                    *map(str, options)], check=True, capture_output=True,
                   env=dict(os.environ, PYTHONPATH=str(ROOT / "python")))
    return path


class EmitTest(ToolTest):

    def test_the_same_model_gives_the_same_files(self) -> None:
        for name in ("a", "b"):
            emit(BASELINE, "as-is", self.folder / name)
        names = sorted(os.listdir(self.folder / "a"))
        self.assertEqual(names, ["Input-Binary-P0-0", "README.md", "client.py",
                                 "python-sm-ln-g.mpc"])
        for name in names:
            self.assertTrue(filecmp.cmp(self.folder / "a" / name,
                                        self.folder / "b" / name, shallow=False))

    def test_weights_are_in_the_order_of_reading(self) -> None:
        emit(BASELINE, "as-is", self.folder / "out")
        text = (self.folder / "out" / "python-sm-ln-g.mpc").read_text()
        model = text[text.index("# The model."):]
        loop = model[model.index("@for_range(3)"):]
        body = [line for line in loop.split("\n\n")[0].splitlines()
                if "read_weight(" in line]
        file = np.fromfile(self.folder / "out" / "Input-Binary-P0-0", np.float32)
        stored = {tensor.name: numpy_helper.to_array(tensor)
                  for tensor in onnx.load(str(BASELINE)).graph.initializer}
        reads, after = [], model.index("@for_range(3)")
        for at, line in ((m.start(), m[0]) for m in
                         re.finditer(r"read_weight\(.*", model)):
            if line not in "\n".join(body):
                reads.append(line)
            elif at > after and not any("h.2" in read for read in reads):
                # The body, once for each layer.
                for layer in range(3):
                    reads += [re.sub(r"h\.0\b", f"h.{layer}", inner.strip())
                              for inner in body]
        at = compared = 0
        for read in reads:
            match = re.search(r"read_weight\((\d+), (\d+), .\)  # (.*)", read)
            assert match
            rows, columns, name = int(match[1]), int(match[2]), match[3]
            values = file[at:at + rows * columns].reshape(rows, columns)
            at += values.size
            # A weight of several names was computed from theirs.
            if name in stored and "wpe" not in name:
                expected = stored[name]
                if "c_proj.weight" in name:  # its columns as rows
                    expected = expected.T
                np.testing.assert_array_equal(values.reshape(expected.shape), expected)
                compared += 1
        self.assertEqual(at, file.size)
        self.assertGreaterEqual(compared, 16)

    def test_the_clients_input(self) -> None:
        emit(SOFTMAX_ONLY, "as-is", self.folder / "out")
        path = self.folder / "input"
        subprocess.run([self.folder / "out" / "client.py", "ask", "--prompt", "ab",
                        "-o", path], check=True)
        data = path.read_bytes()
        self.assertEqual(struct.unpack("<q", data[:8]), (1,))
        rows = np.frombuffer(data[8:], np.int8).reshape(64, 256)
        self.assertTrue((rows.sum(axis=1) == 1).all())
        self.assertEqual(list(rows.argmax(axis=1)), [97, 98] + [0] * 62)

    def test_the_client_is_told_what_is_wrong(self) -> None:
        emit(SOFTMAX_ONLY, "as-is", self.folder / "out")
        (self.folder / "short").write_bytes(b"12345678")
        for arguments, fragment in (
                (("ask", "--tokens", "1,x"), "expected numbers"),
                (("ask", "--tokens", "256"), "not in [0, 256)"),
                (("ask", "--tokens", ",".join("1" * 65)), "takes 1 to 64"),
                (("ask", "--prompt", ""), "takes 1 to 64"),
                (("ask", "--tokens", "1", "-o", "no/such/file"), "cannot write"),
                (("answer", "no/such/file"), "has the program run?"),
                (("answer", "short"), "of another program")):
            with self.subTest(arguments):
                done = subprocess.run(
                    [self.folder / "out" / "client.py", *arguments], text=True,
                    capture_output=True, cwd=self.folder)
                self.assertEqual(done.returncode, 1)
                self.assertIn(fragment, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_folder_that_holds_something(self) -> None:
        out = self.folder / "out"
        out.mkdir()
        (out / "mine").write_text("text")
        arguments = ("aero", "emit", SOFTMAX_ONLY, "--config", "as-is",
                     "--target", "mpspdz", "-o", out)
        self.assert_error(run(*arguments), str(out), "--force")
        self.assertEqual(os.listdir(out), ["mine"])
        done = run(*arguments, "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((out / "mine").read_text(), "text")
        self.assertIn("README.md", os.listdir(out))

    def test_what_cannot_be_said(self) -> None:
        model = self.folder / "tanh.onnx"
        make_tanh(model, layers=1)
        out = self.folder / "out"
        done = run("aero", "emit", model, "--config", "as-is", "--target",
                   "mpspdz", "-o", out)
        self.assert_error(done, str(model), "'pi.tanh' (ONNX node '",
                          "has no form for MP-SPDZ", problems=2)
        self.assertFalse(out.exists())

    def test_an_unknown_target(self) -> None:
        done = run("aero", "emit", BASELINE, "--config", "as-is", "--target",
                   "abacus", "-o", self.folder / "out")
        self.assert_error(done, "--target", "abacus")


class RunTest(ToolTest):
    """What MP-SPDZ computes, against the float reference."""

    def check(self, model: Path, config: str, protocol: str, bound: float,
              logits: str = "last", tokens: list[int] = TOKENS) -> None:
        if reason := mpspdz.missing(protocol):
            self.skipTest(reason)
        emitted = self.folder / "emitted"
        emit(model, config, emitted, "--logits", logits)
        (self.folder / "tokens.json").write_text(str([tokens]))
        saved = self.folder / "logits"
        done = run("aero", "check", model, "--config", config, "--engines",
                   "float", "--prompts", self.folder / "tokens.json", "--logits",
                   logits, "--save-logits", saved)
        self.assertEqual(done.returncode, 0, done.stderr)
        home = self.folder / "tree"
        home.mkdir()
        answer = mpspdz.run(emitted, mpspdz.tree(home), protocol, tokens)
        actual = np.array(answer.logits)
        expected = np.fromfile(saved, np.float32).reshape(actual.shape)
        difference = float(np.abs(actual - expected).max())
        print(f"{model.name} as {config} on {protocol}: largest logit difference "
              f"{difference:.2e}, {answer.megabytes:.1f} MB, {answer.rounds} "
              f"rounds, {answer.seconds:.2f} s", file=sys.stderr)
        self.assertLess(difference, bound)
        row = 0 if logits == "last" else len(tokens) - 1
        self.assertEqual(actual[row].argmax(), expected[row].argmax())

    def test_softmax_only_sample(self) -> None:
        self.check(SOFTMAX_ONLY, "as-is", "ring", 2e-3)

    def test_sample_with_temperatures(self) -> None:
        self.check(TEMPERATURE, "as-is", "ring", 1e-2)

    def test_baseline_sample(self) -> None:
        self.check(BASELINE, "as-is", "ring", 1e-2)

    def test_all_logits(self) -> None:
        self.check(SOFTMAX_ONLY, "as-is", "ring", 5e-3, "all")

    def test_dealer(self) -> None:
        self.check(BASELINE, "as-is", "dealer-ring", 1e-2)

    def test_malicious(self) -> None:
        self.check(SOFTMAX_ONLY, "as-is", "sy-rep-ring", 2e-3)

    def test_folded_sample(self) -> None:
        self.check(SOFTMAX_ONLY, CONFIG, "dealer-ring", 2e-3)

    def test_rotary_families(self) -> None:
        """Grouped heads, SiLU, and rotations of halves, pairs and parts of a head."""
        for family, name in ((llama, "llama-grouped"), (llama, "llama-grouped-pairs"),
                             (neox, "neox-opset17")):
            case = next(case for case in family.cases() if case.name == name)
            for logits in ("last", "all"):
                with self.subTest(name, logits=logits):
                    self.setUp()
                    self.check(case.write(self.folder), "as-is", "ring", 2e-3, logits,
                               [int(i) for i in case.inputs["input_ids"][0]])


def add_configurations() -> None:
    """A test for every configuration of the paper, on an untrained network."""
    def make(config: str):
        def test(self: RunTest) -> None:
            if reason := mpspdz.missing("ring"):
                self.skipTest(reason)
            model = make_model(self.folder / "model.onnx", "--layers", 2,
                               "--width", 64, "--context", 24, "--init-std", 0.1,
                               "--embedding-std", 0.3)
            self.check(model, config, "ring", 5e-3)
        return test
    for config in CONFIGS:
        name = "".join(c if c.isalnum() else "_" for c in config)
        setattr(RunTest, f"test_config_{name}", make(config))


add_configurations()

if __name__ == "__main__":
    unittest.main()
