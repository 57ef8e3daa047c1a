# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of runs at the edges: parts of batches, changed schedules, foreign files,
closed terminals."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from aero.train.checkpoint import load_checkpoint
from aero.train.metrics import read_metrics
from aero.train.run import CHECKPOINT, METRICS, RESULT, TOKENIZER, spaced

from .onnx_support import needs_tool, run
from .training_case import PYTHON, TrainingCase, write_model


class PartsTest(TrainingCase):
    """What must not depend on how a batch is computed, or how often one looks."""

    def test_penalty_is_of_the_whole_batch(self) -> None:
        # Entropies that differ between windows, and a penalty that is most of the
        # gradient.
        write_model(self.model, "SM+ScFFN", init_std=0.7)
        options = ("--entropy-lambda", 1e5, "--entropy-gamma", 0, "--own-thresholds",
                   "--steps", 5, "--lr", 1e-4)
        whole = self.train("a", *options)
        parts = self.train("b", *options, "--accumulate", 4)
        for one, other in zip(*(read_metrics(p / METRICS) for p in (whole, parts))):
            for key in ("penalty", "gradient_norm"):
                self.assertAlmostEqual(one[key] / other[key], 1, places=4, msg=key)
        name = "regularizer/own.0"
        first, second = (load_checkpoint(p / CHECKPOINT).arrays[name]
                         for p in (whole, parts))
        self.assertGreater(np.abs(first - 0.5).min(), 1e-4)
        np.testing.assert_allclose(first, second, atol=1e-6)

    def test_spectral_norm_follows_one_matrix_a_step(self) -> None:
        options = ("--normalize", "spectral", "--steps", 3, "--warmup", 0, "--lr", 1e-2)
        whole, parts = (load_checkpoint(self.train(*each, *options) / CHECKPOINT).arrays
                        for each in (("a",), ("b", "--accumulate", 4)))
        followed = [name for name in whole if name.endswith(".right")]
        self.assertEqual(len(followed), 4)
        for name in followed:
            np.testing.assert_allclose(whole[name], parts[name], atol=1e-4)

    def test_looking_changes_nothing(self) -> None:
        for options in ((), ("--normalize", "spectral")):
            seldom = self.train(f"a{len(options)}", *options)
            often = self.train(f"b{len(options)}", *options, "--entropy-every", 3,
                               "--eval-every", 4)
            self.assert_same_training(seldom, often)

    def test_as_many_windows_as_are_wanted(self) -> None:
        windows = torch.arange(100)[:, None]
        self.assertEqual(spaced(windows, 64).shape[0], 64)
        self.assertGreaterEqual(int(spaced(windows, 64)[-1]), 98)
        self.assertEqual(spaced(windows, 300).flatten().tolist(), list(range(100)))

    @needs_tool
    def test_bfloat16_of_a_rewritten_network(self) -> None:
        write_model(self.model, "SM+LN+G")
        for config in ("as-is", "SM", "SM(t)+ScFuFFN"):
            path = self.folder / "model.onnx"
            write_model(path, "SM+LN+G")
            done = run("aero", "rewrite", path, "--config", config, "-o",
                       self.folder / "new.onnx")
            self.assertEqual(done.returncode, 0, done.stderr)
            (self.folder / "new.onnx").replace(path)
            lines = read_metrics(self.train(config, "--precision", "bfloat16") / METRICS)
            self.assertLess(lines[-1]["loss"], lines[0]["loss"])


class ChangedScheduleTest(TrainingCase):
    """Norms that --change-options takes out after their step."""

    def setUp(self) -> None:
        super().setUp()
        write_model(self.model, "SM+LN+G")

    def test_late_norms_go_after_the_next_step(self) -> None:
        self.train("a", "--steps", 20)
        options = ("--steps", 30, "--remove-norms", "5:5", "--change-options")
        lines = read_metrics(self.train("a", *options) / METRICS)
        replaced = {line["step"]: len(line["norms_replaced"]) for line in lines
                    if "norms_replaced" in line}
        self.assertEqual(replaced, {21: 4, 25: 1})
        operators = {node.op_type
                     for node in onnx.load(str(self.folder / "a" / RESULT)).graph.node}
        self.assertFalse(operators & {"ReduceMean", "Sqrt", "LayerNormalization"})

    def test_without_a_step_left_is_an_error(self) -> None:
        out = self.train("a")
        held = (out / RESULT).read_bytes()
        code, _, errors = self.run_main("a", "--remove-norms", "5:5", "--change-options")
        self.assertEqual(code, 1)
        self.assertIn("would have gone by step 30, and no step is left", errors)
        self.assertEqual((out / RESULT).read_bytes(), held)


class ForeignFileTest(TrainingCase):
    """Files that a run must not take for its own, or must take notice of."""

    def failure(self, out: str, *options: object) -> str:
        code, _, errors = self.run_main(out, *options)
        self.assertEqual(code, 1)
        self.assertRegex(errors, "^aero-train: error: .*\n$")
        return errors

    def test_model_is_not_overwritten(self) -> None:
        (self.folder / "a").mkdir()
        held = self.model.read_bytes()
        for link in (os.link, os.symlink):
            link(self.model, self.folder / "a" / RESULT)
            self.assertIn("would be overwritten", self.failure("a"))
            (self.folder / "a" / RESULT).unlink()
        self.assertEqual(self.model.read_bytes(), held)

    def test_what_others_left_is_kept(self) -> None:
        out = self.folder / "a"
        out.mkdir()
        (out / ".notes.1.part").write_text("mine")
        (out / METRICS).write_text('{"time": 1}\n')
        self.assertIn("is no metrics file of aero-train", self.failure("a"))
        self.assertEqual((out / METRICS).read_text(), '{"time": 1}\n')
        (out / METRICS).unlink()
        half = out / f".{RESULT}.1.part"
        half.mkdir()
        (half / RESULT).write_text("half")
        self.train("a")
        self.assertFalse(half.exists())
        self.assertEqual((out / ".notes.1.part").read_text(), "mine")

    def test_options_of_a_folder_with_a_token_file(self) -> None:
        np.save(self.folder / "t.npy", np.arange(500) % 256)
        for option, value in (("--tokenizer", "bytes"), ("--patterns", "*.c")):
            self.assertIn(f"{option} is for a folder", self.failure(
                "a", "--data", self.folder / "t.npy", option, value))

    def external(self) -> pathlib.Path:
        """Puts the weights into a file beside the model; that file."""
        model = onnx.load(str(self.model))
        onnx.save_model(model, str(self.model), save_as_external_data=True,
                        location="weights", size_threshold=0)
        return self.folder / "weights"

    def test_changed_weights_beside_the_model(self) -> None:
        data = self.external()
        self.train("a")
        content = bytearray(data.read_bytes())
        content[0] ^= 1
        data.write_bytes(bytes(content))
        self.assertIn("the model file", self.failure("a", "--steps", 40))

    def test_weights_that_are_no_file(self) -> None:
        data = self.external()
        data.unlink()
        self.assertIn("weights", self.run_main("a")[2])
        os.mkfifo(data)
        code, _, errors = self.run_main("a")
        self.assertEqual(code, 1)
        self.assertIn("no regular file", errors)

    def test_thresholds_of_another_number_of_heads(self) -> None:
        model = onnx.load(str(self.model))
        model.graph.initializer.append(
            numpy_helper.from_array(np.full(3, 0.5, np.float32), "thresholds"))
        softmax = next(n for n in model.graph.node if n.op_type == "Softmax")
        table = {"version": 1, "parameters": [
            {"role": "entropy_thresholds", "layer": 0, "name": "thresholds",
             "shape": [3], "node": softmax.name}]}
        onnx.helper.set_model_props(model, {"aero.parameters": json.dumps(table)})
        onnx.save(model, str(self.model))
        self.assertIn("thresholds of 2 heads", self.failure("a", "--entropy-lambda", 1))

    def test_full_disk_names_the_file(self) -> None:
        write_model(self.model, "SM+ScFFN", vocab=300)

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        process = self.start("a", preexec_fn=limit)
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(errors, f"^aero-train: error: .*/{TOKENIZER}: File too large\n$")


class ClosedTest(TrainingCase):
    """A terminal, or a reader of the output, that goes away."""

    def test_hang_up_saves(self) -> None:
        # The tests themselves may run behind nohup.
        process = self.start(
            "a", "--steps", 5000,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        self.assertIn("model.onnx", process.stdout.readline())
        process.send_signal(signal.SIGHUP)
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 129)
        self.assertIn("SIGHUP: stopped after step", errors)
        self.assertTrue((self.folder / "a" / CHECKPOINT).exists())

    def test_nohup_goes_on(self) -> None:
        process = self.start(
            "a", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.assertIn("model.onnx", process.stdout.readline())
        process.send_signal(signal.SIGHUP)
        process.communicate()
        self.assertEqual(process.returncode, 0)

    def test_reader_that_has_read_enough(self) -> None:
        arguments = self.arguments("a", "--steps", 100000, "--log-every", 1)
        with subprocess.Popen(
                [sys.executable, "-m", "aero.train", *arguments], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(PYTHON)}) as process:
            process.stdout.readline()
            process.stdout.close()
            errors = process.stderr.read()
        self.assertEqual(process.returncode, 128 + signal.SIGPIPE)
        self.assertRegex(errors, r"^SIGPIPE: stopped after step \d+ of 100000, saved .*\n$")
        step = load_checkpoint(self.folder / "a" / CHECKPOINT).about["step"]
        self.assertEqual(len(read_metrics(self.folder / "a" / METRICS)), step)


if __name__ == "__main__":
    unittest.main()
