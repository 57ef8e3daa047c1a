# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of whole runs: results, what they leave, and what stops them."""

from __future__ import annotations

import json
import math
import os
import pty
import random
import resource
import signal
import time
import unittest

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from aero.data import is_eval_file
from aero.export import export_onnx
from aero.models.gpt2 import GPT2, named_config
from aero.train.checkpoint import load_checkpoint
from aero.train.metrics import read_metrics
from aero.train.run import CHECKPOINT, METRICS, RESULT, SUMMARY, TOKENIZER

from .test_export import interpret
from .training_case import SHAPE, TrainingCase, weights, write_model


class ResultTest(TrainingCase):
    """What a run gives."""

    def test_training_lowers_the_loss_and_gives_onnx(self) -> None:
        out = self.train("a", "--steps", 60, "--lr", "1e-2")
        lines = read_metrics(out / METRICS)
        self.assertEqual([line["step"] for line in lines], list(range(1, 61)))
        self.assertAlmostEqual(lines[0]["loss"], math.log(256), delta=1.0)
        self.assertLess(lines[-1]["loss"], lines[0]["loss"] - 1.0)
        self.assertEqual(lines[-1]["tokens"], 60 * 4 * 8)
        self.assertEqual(len(lines[9]["entropies"]), 2)
        self.assertEqual(len(lines[9]["entropies"][0]), 2)
        roles = [scalar["role"] for scalar in lines[9]["scalars"]]
        self.assertEqual(roles, ["ffn_alpha", "ffn_beta"] * 2)
        self.assertNotIn("entropies", lines[8])
        self.assertIn("eval_loss", lines[9])
        before, after = weights(self.model), weights(out / RESULT)
        self.assertEqual(set(before), set(after))
        changed = [n for n in before if not np.array_equal(before[n], after[n])]
        self.assertIn("h.0.alpha", changed)
        self.assertIn("h.1.attn.c_attn.weight", changed)

    def test_summary_is_about_the_file_that_was_written(self) -> None:
        out = self.train("a")
        summary = json.loads((out / SUMMARY).read_text())
        model = onnx.load(str(out / RESULT))
        evaluation = sorted(self.data.iterdir())
        self.assertEqual(summary["train_files"] + summary["eval_files"], 30)
        total, count = 0.0, 0
        for path in evaluation:
            text = path.read_bytes()
            for start in range(0, len(text) - 8 if is_eval_file(path.name) else 0, 8):
                window = np.frombuffer(text[start : start + 9], np.uint8)
                logits = interpret(model, window[None, :8].astype(np.int64))[0]
                logits = logits - logits.max(-1, keepdims=True)
                chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
                total -= np.log(chances[np.arange(8), window[1:]]).sum()
                count += 8
        self.assertEqual(summary["eval_windows"], count // 8)
        self.assertAlmostEqual(summary["eval_loss"], total / count, places=4)
        self.assertAlmostEqual(summary["eval_perplexity"], math.exp(total / count), 1)
        self.assertEqual(summary["eval_byte_perplexity"], summary["eval_perplexity"])
        self.assertEqual(len(summary["entropies"]), 2)
        for attention in summary["entropies"]:
            self.assertEqual(len(attention["heads"]), 2)
            self.assertTrue(all(0 <= e <= math.log(8) for e in attention["heads"]))
        self.assertEqual(summary["options"]["steps"], 30)

    def test_accumulated_parts_are_one_batch(self) -> None:
        whole = weights(self.train("a") / RESULT)
        parts = weights(self.train("b", "--accumulate", 4) / RESULT)
        for name, value in whole.items():
            np.testing.assert_allclose(value, parts[name], rtol=2e-2, atol=2e-4)

    def test_threads_do_not_make_it_random(self) -> None:
        options = ("--batch", 512, "--steps", 5, "--threads", 2)
        self.addCleanup(torch.set_num_threads, 1)
        first = self.train("a", *options)
        for out in ("b", "c"):
            self.assert_same_training(first, self.train(out, *options))

    def test_seed_and_options_matter(self) -> None:
        usual = weights(self.train("a") / RESULT)
        for options in (
            ("--seed", 2),
            ("--weight-decay", 0.9),
            ("--grad-clip", 0.01),
            ("--precision", "bfloat16"),
        ):
            other = weights(self.train(f"b{options[0]}", *options) / RESULT)
            name = "h.0.attn.c_attn.weight"
            self.assertFalse(np.array_equal(usual[name], other[name]), options)

    def test_scalars_have_their_own_rates_and_no_decay(self) -> None:
        options = ("--lr-factor", "ffn_alpha=0", "--weight-decay", 0.9)
        before = weights(self.model)
        after = weights(self.train("a", *options) / RESULT)
        self.assertEqual(before["h.0.alpha"], after["h.0.alpha"])
        self.assertNotEqual(before["h.0.beta"], after["h.0.beta"])

    def test_normalised_matrices_are_written_as_they_are_read(self) -> None:
        held = weights(self.train("a", "--normalize", "weight") / RESULT)
        lengths = np.linalg.norm(held["h.1.mlp.c_fc.weight"], axis=0)
        np.testing.assert_allclose(lengths, 1.0, 1e-5)
        held = weights(self.train("b", "--normalize", "spectral") / RESULT)
        largest = np.linalg.svd(held["h.1.mlp.c_proj.weight"])[1][0]
        self.assertAlmostEqual(float(largest), 1.0, places=4)

    def test_byte_pairs_are_learned_and_kept(self) -> None:
        write_model(self.model, "SM+ScFFN", vocab=300)
        out = self.train("a")
        summary = json.loads((out / SUMMARY).read_text())
        self.assertEqual(summary["tokenizer"], "bpe")
        self.assertLess(summary["train_tokens"], summary["train_bytes"] / 2)
        self.assertLess(summary["eval_byte_perplexity"], summary["eval_perplexity"])
        tokenizer = json.loads((out / TOKENIZER).read_text())
        self.assertLessEqual(len(tokenizer["merges"]), 44)
        again = self.train("b", "--tokenizer", out / TOKENIZER)
        self.assert_same_training(out, again)

    def test_token_files(self) -> None:
        tokens = np.random.default_rng(1).integers(0, 256, 2000).astype(np.uint16)
        np.save(self.folder / "t.npy", tokens)
        tokens.tofile(self.folder / "t.bin")
        first = self.train("a", "--data", self.folder / "t.npy")
        second = self.train("b", "--data", self.folder / "t.bin")
        self.assert_same_training(first, second)
        summary = json.loads((first / SUMMARY).read_text())
        self.assertEqual(summary["eval_tokens"], 200)
        self.assertIsNone(summary["eval_byte_perplexity"])

    def test_samples_are_windows_of_the_evaluation_side(self) -> None:
        path = self.folder / "s.npy"
        self.train("a", "--save-samples", path)
        samples = np.load(path)
        self.assertEqual(samples.shape[1:], (8,))
        self.assertLessEqual(len(samples), 64)
        texts = b"|".join(p.read_bytes() for p in self.data.iterdir())
        for row in samples:
            self.assertIn(bytes(row.astype(np.uint8)), texts)

    def test_dry_run_writes_nothing(self) -> None:
        code, written, _ = self.run_main("a", "--dry-run", 3)
        self.assertEqual(code, 0)
        self.assertRegex(written, r"tokens/s\n30 steps, 960 tokens, .* hours on cpu")
        self.assertFalse((self.folder / "a").exists())

    def test_output_is_lines_or_a_bar_or_nothing(self) -> None:
        _, written, _ = self.run_main("a")
        self.assertRegex(written, r"step 10  loss .*perplexity .*entropy .*s/step")
        self.assertNotIn("\r", written)
        self.assertEqual(self.run_main("b", "--quiet"), (0, "", ""))
        main_end, process_end = pty.openpty()
        with self.start("c", stdout=process_end) as process:
            os.close(process_end)
            shown = b""
            while True:
                try:
                    part = os.read(main_end, 4096)
                except OSError:
                    break
                if not part:
                    break
                shown += part
            process.wait()
        os.close(main_end)
        self.assertIn(b"\r[####", shown)
        self.assertIn(b"30/30  loss", shown)


class ResumeTest(TrainingCase):
    """Runs that stop and go on."""

    def test_killed_at_random_times_equals_uninterrupted(self) -> None:
        steps = ("--steps", 200)
        whole = self.train("whole", *steps)
        rng = random.Random(7)
        kills = 0
        for _ in range(200):
            process = self.start("killed", *steps)
            log = self.folder / "killed" / METRICS
            size = log.stat().st_size if log.exists() else 0
            # Training has begun when the metrics grow (or the process ends).
            while process.poll() is None:
                if log.exists() and log.stat().st_size != size:
                    break
                time.sleep(0.002)
            time.sleep(rng.random() * 0.3)
            process.kill()
            process.communicate()
            if process.returncode == 0:
                break
            kills += 1
            self.assertEqual(process.returncode, -signal.SIGKILL)
            if kills == 3:
                break
        self.assertGreaterEqual(kills, 1)
        killed = self.train("killed", *steps)
        self.assert_same_training(whole, killed)
        first, second = (read_metrics(p / METRICS) for p in (whole, killed))
        for line in first + second:
            del line["seconds"]
        self.assertEqual(first, second)
        self.assertEqual(
            (whole / RESULT).read_bytes(), (killed / RESULT).read_bytes()
        )

    def test_what_a_killed_process_left_is_removed(self) -> None:
        (self.folder / "a").mkdir()
        left = self.folder / "a" / f".{CHECKPOINT}.123.part"
        left.write_bytes(b"half")
        self.train("a")
        self.assertFalse(left.exists())

    def test_spectral_norm_goes_on_where_it_was(self) -> None:
        options = ("--normalize", "spectral", "--steps", 500)
        whole = self.train("whole", *options)
        process = self.start("stopped", *options)
        self.assertIn("model.onnx", process.stdout.readline())
        process.terminate()
        process.communicate()
        self.assertEqual(process.returncode, 143)
        stopped = self.train("stopped", *options)
        self.assert_same_training(whole, stopped)
        self.assertEqual(
            (whole / RESULT).read_bytes(), (stopped / RESULT).read_bytes()
        )

    def test_signals_save_and_say_how_to_go_on(self) -> None:
        whole = self.train("whole", "--steps", 500)
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            process = self.start("stopped", "--steps", 500)
            self.assertIn("model.onnx", process.stdout.readline())
            process.send_signal(number)
            _, errors = process.communicate()
            self.assertEqual(process.returncode, code, errors)
            self.assertRegex(
                errors,
                rf"^{signal.Signals(number).name}: stopped after step \d+ of 500, "
                r"saved in .*checkpoint.npz; run the same command again to go on\n$",
            )
            self.assertFalse((self.folder / "stopped" / RESULT).exists())
        self.assert_same_training(whole, self.train("stopped", "--steps", 500))

    def test_finish_writes_what_there_is(self) -> None:
        code, _, errors = self.run_main("a", "--finish")
        self.assertEqual(code, 1)
        self.assertIn("there is no checkpoint to finish", errors)
        out = self.train("a")
        (out / RESULT).unlink()
        options = ("--steps", 90, "--change-options", "--finish")
        self.assertEqual(self.train("a", *options), out)
        self.assertEqual(json.loads((out / SUMMARY).read_text())["step"], 30)
        self.assertTrue((out / RESULT).exists())

    def test_checkpoint_of_another_run_is_refused_by_name(self) -> None:
        self.train("a")
        held = (self.folder / "a" / CHECKPOINT).read_bytes()
        for options, message in (
            (("--lr", 1e-3), "a run with --lr 0.002, not 0.001"),
            (("--seed", 5), "a run with --seed 1, not 5"),
        ):
            code, _, errors = self.run_main("a", *options)
            self.assertEqual(code, 1)
            self.assertIn(message, errors)
        (self.data / "m0.py").write_text("changed = True\n")
        self.assertIn("the training data differs", self.run_main("a")[2])
        write_model(self.model, "SM+ScFFN", alpha_init=2.0)
        errors = self.run_main("a")[2]
        self.assertIn("the model file (model.onnx, now model.onnx) differs", errors)
        self.assertEqual((self.folder / "a" / CHECKPOINT).read_bytes(), held)

    def test_options_can_be_changed_on_purpose(self) -> None:
        self.train("a")
        out = self.train("a", "--steps", 40, "--change-options")
        self.assertEqual(load_checkpoint(out / CHECKPOINT).about["step"], 40)

    def test_one_process_a_folder(self) -> None:
        process = self.start("a", "--steps", 100000)
        try:
            process.stdout.readline()
            code, _, errors = self.run_main("a", "--steps", 100000)
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(code, 1)
        self.assertIn("another aero-train is running there", errors)

    def test_full_disk_keeps_the_last_checkpoint(self) -> None:
        out = self.train("a")
        size = (out / CHECKPOINT).stat().st_size
        step = load_checkpoint(out / CHECKPOINT).about["step"]

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

        options = ("--steps", 60, "--change-options")
        process = self.start("a", *options, preexec_fn=limit)
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(
            errors,
            "^aero-train: error: .*cannot write the checkpoint of step 35: File too "
            "large; the one before it is kept. Make room .*\n$",
        )
        self.assertEqual(load_checkpoint(out / CHECKPOINT).about["step"], step)
        self.assertEqual([p for p in out.iterdir() if p.suffix == ".part"], [])
        self.assertEqual(
            load_checkpoint(self.train("a", *options) / CHECKPOINT).about["step"], 60
        )


class DivergenceTest(TrainingCase):
    """Runs that become infinite."""

    def test_divergence_says_what_attention_did_and_keeps_the_checkpoint(self) -> None:
        out = self.train("a")
        options = ("--lr", "1e18", "--steps", 90, "--change-options")
        code, _, errors = self.run_main("a", *options, "--grad-clip", "1e9")
        self.assertEqual(code, 1)
        self.assertRegex(errors, r"step \d+: training diverged \(loss")
        self.assertRegex(errors, r"layer [01]: \d of 2 heads (not finite|collapsed)")
        self.assertRegex(errors, r"The checkpoint of step \d+ is kept in .*npz")
        for array in load_checkpoint(out / CHECKPOINT).arrays.values():
            self.assertTrue(np.isfinite(array).all())

    def scale(self, name: str, factor: float) -> None:
        """Multiplies an initializer of the model."""
        model = onnx.load(str(self.model))
        for tensor in model.graph.initializer:
            if tensor.name == name:
                value = numpy_helper.to_array(tensor) * np.float32(factor)
                tensor.CopyFrom(numpy_helper.from_array(value, name))
        onnx.save(model, str(self.model))

    def test_collapsed_heads_are_announced_once(self) -> None:
        self.scale("h.1.attn.c_attn.weight", 1e4)
        code, written, _ = self.run_main("a", "--lr", "1e-6")
        self.assertEqual(code, 0)
        said = "layer 1: 2 of 2 heads collapsed (near 0); entropies 0."
        self.assertEqual(written.count(said), 1, written)
        self.assertIn("step 10  " + said, written)

    def test_model_that_is_infinite_from_the_start(self) -> None:
        self.scale("h.0.attn.c_attn.weight", math.nan)
        code, _, errors = self.run_main("a")
        self.assertEqual(code, 1)
        self.assertIn("step 1: training diverged (loss nan", errors)
        self.assertIn("layer 0: 2 of 2 heads not finite", errors)
        self.assertIn("There is no checkpoint yet", errors)


class InputTest(TrainingCase):
    """Models and data that cannot be trained on."""

    def failure(self, *options: object) -> str:
        code, _, errors = self.run_main("a", *options)
        self.assertEqual(code, 1)
        self.assertRegex(errors, "^aero-train: error: .*\n$")
        self.assertFalse((self.folder / "a" / RESULT).exists())
        return errors

    def test_bad_data(self) -> None:
        np.save(self.folder / "t.npy", np.arange(1000))
        np.save(self.folder / "short.npy", np.arange(9))
        self.assertIn("is 256, but", self.failure("--data", self.folder / "t.npy"))
        short = self.failure("--data", self.folder / "short.npy")
        self.assertIn("one window takes 9", short)
        self.assertIn("no such file", self.failure("--data", self.folder / "none"))
        self.assertIn("fits *.c", self.failure("--patterns", "*.c"))

    def test_bad_models(self) -> None:
        for content in (b"", b"junk" * 100):
            self.model.write_bytes(content)
            self.assertIn("model.onnx", self.failure())

    def test_shared_vectors_are_an_error(self) -> None:
        export_onnx(GPT2(named_config("SM+LN+G", **SHAPE)), self.model)
        self.assertIn("aero rewrite", self.failure())

    def test_thresholds_are_needed_for_the_regulariser(self) -> None:
        self.assertIn("SM(t)", self.failure("--entropy-lambda", "1e-3"))


class NormTest(TrainingCase):
    """Norms replaced while training."""

    def setUp(self) -> None:
        super().setUp()
        write_model(self.model, "SM+LN+G")

    def test_norms_go_one_after_another(self) -> None:
        options = ("--steps", 40, "--remove-norms", "5:6", "--lr", "1e-2")
        out = self.train("a", *options)
        lines = read_metrics(out / METRICS)
        replaced = {
            line["step"]: line["norms_replaced"]
            for line in lines
            if "norms_replaced" in line
        }
        self.assertEqual(list(replaced), [5, 11, 17, 23, 29])
        self.assertEqual(replaced[5], ["/ln_f/Div"])
        self.assertEqual(replaced[29], ["/h.0/ln_1/Div"])
        self.assertLess(lines[-1]["loss"], lines[0]["loss"] - 1.0)
        summary = json.loads((out / SUMMARY).read_text())
        self.assertEqual(len(summary["norm_sigmas"]), 5)
        self.assertTrue(all(s > 0 for s in summary["norm_sigmas"].values()))
        model = onnx.load(str(out / RESULT))
        operators = {node.op_type for node in model.graph.node}
        self.assertFalse(operators & {"ReduceMean", "Sqrt", "LayerNormalization"})
        said = {entry.key: entry.value for entry in model.metadata_props}
        self.assertEqual(said["aero.configuration"], "SM+G")
        self.assertEqual(said["aero.changes"], "aero-train: norm 5")

    def test_order_and_steps_are_options(self) -> None:
        steps, order = "2,4,4,9,30", "first-first"
        options = ("--remove-norms", steps, "--remove-norms-order", order)
        lines = read_metrics(self.train("a", *options) / METRICS)
        replaced = {n["step"]: n.get("norms_replaced") for n in lines}
        self.assertEqual(replaced[2], ["/h.0/ln_1/Div"])
        self.assertEqual(replaced[4], ["/h.0/ln_2/Div", "/h.1/ln_1/Div"])
        self.assertEqual(replaced[30], ["/ln_f/Div"])

    def test_scale_is_the_mean_deviation_of_the_tokens(self) -> None:
        path = self.folder / "s.npy"
        options = ("--steps", 1, "--lr", "1e-12", "--norm-windows", 4096)
        out = self.train(
            "a", *options, "--remove-norms", "1,1,1,1,1", "--save-samples", path
        )
        summary = json.loads((out / SUMMARY).read_text())
        held = weights(self.model)
        texts = b"".join(
            (self.data / name).read_bytes()
            for name in sorted(p.name for p in self.data.iterdir())
        )
        tokens = np.frombuffer(texts, np.uint8)
        places = np.arange(len(tokens)) % 8
        stream = held["wte.weight"][tokens] + held["wpe.weight"][places]
        expected = np.sqrt(stream.var(-1) + 1e-5).mean()
        first = summary["norm_sigmas"]["/h.0/ln_1/Div_output_0"]
        self.assertAlmostEqual(first, float(expected), delta=0.05 * float(expected))

    def test_interrupted_removal_equals_uninterrupted(self) -> None:
        options = ("--remove-norms", "4:5")
        whole = self.train("whole", *options)
        process = self.start("parts", *options, "--save-every", 1)
        log = self.folder / "parts" / "checkpoint.npz"
        while process.poll() is None:
            try:
                if load_checkpoint(log).about["sigmas"]:
                    break
            except (OSError, ValueError):
                pass
            time.sleep(0.002)
        process.kill()
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        parts = self.train("parts", *options)
        self.assert_same_training(whole, parts)
        self.assertEqual((whole / RESULT).read_bytes(), (parts / RESULT).read_bytes())

    def test_schedules_that_do_not_fit_are_errors(self) -> None:
        for options, message in (
            (("--remove-norms", "1,2"), "names 2 steps, but the model has 5 norms"),
            (("--remove-norms", "10:9"), "after step 46, but --steps is 30"),
        ):
            code, _, errors = self.run_main("a", *options)
            self.assertEqual(code, 1)
            self.assertIn(message, errors)
        write_model(self.model, "SM")
        self.assertIn("has no norm", self.run_main("a", "--remove-norms", "1:1")[2])


if __name__ == "__main__":
    unittest.main()
