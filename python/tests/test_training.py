# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the corpus, the training loop and the prompts."""

import argparse
import math
import pathlib
import tempfile
import unittest

import torch

from aero.data import (
    default_folder,
    eval_windows,
    is_eval_file,
    joined_bytes,
    load_corpus,
    training_batch,
)
from aero.models.gpt2 import GPT2, named_config
from aero.training import (
    Trainer,
    TrainingDiverged,
    TrainOptions,
    evaluate,
    greedy,
    load_model,
    value_ranges,
)
from make_prompts import is_plain, make_prompts

SHAPE = {"n_layer": 2, "n_head": 2, "d_model": 16, "context": 8}


class CorpusTest(unittest.TestCase):
    """The split by file."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for i in range(60):
            self.write(f"pkg{i % 3}/m{i}.py", f"value = {i}\n" * (i + 1))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def test_split_is_disjoint_and_complete(self) -> None:
        corpus = load_corpus(self.root)
        self.assertFalse(set(corpus.train) & set(corpus.eval))
        self.assertEqual(len(corpus.train) + len(corpus.eval), 60)

    def test_split_depends_on_the_path_alone(self) -> None:
        before = load_corpus(self.root)
        self.write("pkg0/another.py", "x = 1\n")
        self.write("pkg1/m1.py", "changed = True\n")
        after = load_corpus(self.root)
        self.assertLessEqual(set(before.train), set(after.train))
        self.assertLessEqual(set(before.eval), set(after.eval))
        self.assertNotEqual(before.fingerprint(), after.fingerprint())

    def test_skips_tests_caches_packages_and_links(self) -> None:
        for name in (
            "test/t.py",
            "pkg0/tests/t.py",
            "__pycache__/c.py",
            "site-packages/s.py",
            "dist-packages/d.py",
            "notes.txt",
            "empty.py",
        ):
            self.write(name, "" if name == "empty.py" else "x = 1\n")
        (self.root / "link.py").symlink_to(self.root / "pkg0/m0.py")
        corpus = load_corpus(self.root)
        self.assertEqual(len(corpus.train) + len(corpus.eval), 60)

    def test_empty_folder_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            with self.assertRaisesRegex(ValueError, "both sides need some"):
                load_corpus(pathlib.Path(empty))

    def test_windows_stay_inside_a_file_and_do_not_overlap(self) -> None:
        files = {"a": bytes(range(30)), "b": bytes(range(100, 109)), "c": b"short"}
        windows = eval_windows(files, context=8, count=100)
        self.assertEqual(windows[:, 0].tolist(), [0, 8, 16, 100])
        self.assertTrue(bool((windows[:, 1:] - windows[:, :-1] == 1).all()))
        self.assertEqual(eval_windows(files, 8, 2)[:, 0].tolist(), [0, 16])

    def test_batches_are_a_function_of_seed_and_step(self) -> None:
        data = torch.arange(250, dtype=torch.uint8)
        first = training_batch(data, 4, 8, seed=1, step=5)
        self.assertTrue(torch.equal(first, training_batch(data, 4, 8, 1, 5)))
        self.assertFalse(torch.equal(first, training_batch(data, 4, 8, 1, 6)))
        self.assertTrue(bool((first[:, 1:] - first[:, :-1] == 1).all()))

    def test_standard_library_prompts_are_held_out(self) -> None:
        corpus = load_corpus(default_folder())
        args = argparse.Namespace(count=20, min_bytes=8, max_bytes=60, seed=1)
        prompts = make_prompts(corpus.eval, args)
        self.assertEqual(len({p["text"] for p in prompts}), 20)
        for prompt in prompts:
            content = corpus.eval[prompt["file"]].decode("utf-8", "replace")
            self.assertTrue(is_eval_file(prompt["file"]))
            self.assertTrue(8 <= len(prompt["text"]) <= 60)
            self.assertTrue(is_plain(prompt["text"]))
            self.assertIn("\n" + prompt["text"], "\n" + content)


class TrainerTest(unittest.TestCase):
    """The training loop."""

    def trainer(self, lr: float = 1e-2, steps: int = 20, seed: int = 1) -> Trainer:
        options = TrainOptions(steps=steps, batch=4, lr=lr, warmup=4, seed=seed)
        data = joined_bytes({"a": b"def f(x):\n    return x + 1\n" * 20})
        return Trainer(named_config("SM+ScFFN", **SHAPE), options, data)

    def test_resumed_run_equals_uninterrupted_run(self) -> None:
        whole = self.trainer()
        whole.run()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "checkpoint.pt"
            first = self.trainer()
            first.run(until=7)
            first.save(path)
            second = self.trainer()
            second.restore(path)
            self.assertEqual(second.step, 7)
            second.run()
            second.save(path)
            reloaded = load_model(path)
            self.assertEqual([p.name for p in path.parent.iterdir()], [path.name])
        for model in (second.model, reloaded):
            for (name, a), (_, b) in zip(
                whole.model.state_dict().items(), model.state_dict().items()
            ):
                self.assertTrue(torch.equal(a, b), name)

    def test_checkpoint_of_another_run_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "checkpoint.pt"
            self.trainer().save(path)
            with self.assertRaisesRegex(ValueError, "trained with seed 1"):
                self.trainer(seed=2).restore(path)

    def test_other_files_are_not_checkpoints(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "checkpoint.pt"
            for content in (b"", b"junk\n", b"PK\x03\x04"):
                path.write_bytes(content)
                with self.assertRaisesRegex(ValueError, "is not a checkpoint"):
                    load_model(path)
            torch.save([1, 2], path)
            with self.assertRaisesRegex(ValueError, "is not a checkpoint"):
                load_model(path)

    def test_training_lowers_the_loss(self) -> None:
        losses = []
        self.trainer(steps=60).run(report=lambda _, loss: losses.append(loss))
        self.assertLess(losses[-1], losses[0] - 1.0)

    def test_divergence_is_a_clear_error(self) -> None:
        trainer = self.trainer()
        with torch.no_grad():
            trainer.model.wte.weight.fill_(math.nan)
        with self.assertRaisesRegex(TrainingDiverged, "step 0: loss nan.*lower --lr"):
            trainer.run()

    def test_learning_rate_schedule(self) -> None:
        options = TrainOptions(steps=100, lr=1.0, warmup=10, decay_steps=40)
        rates = [options.learning_rate(step) for step in range(100)]
        self.assertAlmostEqual(rates[0], 0.1)
        self.assertEqual(set(rates[9:60]), {1.0})
        self.assertEqual(rates[60:], sorted(rates[60:], reverse=True))
        self.assertAlmostEqual(options.learning_rate(100), options.final_lr_share)


class EvaluationTest(unittest.TestCase):
    """Perplexity, ranges and continuations."""

    def model(self) -> GPT2:
        torch.manual_seed(2)
        return GPT2(named_config("SM", **SHAPE))

    def test_untrained_perplexity_is_the_vocabulary(self) -> None:
        windows = eval_windows({"a": bytes(range(200))}, 8, 10)
        self.assertAlmostEqual(evaluate(self.model(), windows), 256.0, delta=2.0)

    def test_evaluation_does_not_depend_on_the_batch(self) -> None:
        windows = eval_windows({"a": bytes(range(200))}, 8, 10)
        model = self.model()
        one, many = evaluate(model, windows, 1), evaluate(model, windows, 7)
        self.assertAlmostEqual(one, many, places=3)

    def test_ranges_cover_the_logits(self) -> None:
        windows = eval_windows({"a": bytes(range(200))}, 8, 10)
        model = self.model()
        ranges = value_ranges(model, windows)
        logits = float(model(windows[:, :-1]).abs().max())
        self.assertAlmostEqual(ranges["max_abs_logit"], logits, places=5)
        self.assertGreater(ranges["max_abs_residual"], 0.0)
        self.assertGreater(ranges["max_abs_score"], 0.0)

    def test_greedy_keeps_the_prompt_and_runs_past_the_context(self) -> None:
        text = greedy(self.model(), b"def ", 12)
        self.assertEqual((text[:4], len(text)), (b"def ", 16))


if __name__ == "__main__":
    unittest.main()
