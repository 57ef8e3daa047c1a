# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of metrics files, of what is shown, and of the diagnosis by entropies."""

from __future__ import annotations

import io
import math
import pathlib
import resource
import tempfile
import unittest

import torch

from aero.errors import AeroError
from aero.train.diagnosis import describe, largest_mean_entropy, verdict
from aero.train.metrics import MetricsFile, read_metrics
from aero.train.progress import Progress, clock, perplexity


class MetricsFileTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "metrics.jsonl"

    def write(self, after: int, last: int) -> None:
        metrics = MetricsFile(self.path, after)
        for step in range(after + 1, last + 1):
            metrics.write({"step": step, "loss": step / 2})
        metrics.close()

    def test_goes_on_after_a_step(self) -> None:
        self.write(0, 5)
        self.write(3, 4)
        steps = [line["step"] for line in read_metrics(self.path)]
        self.assertEqual(steps, [1, 2, 3, 4])

    def test_cut_and_foreign_lines_are_taken_out(self) -> None:
        for tail in ('{"step": 3, "lo', "\x00\x00\n", "[]\n", '{"loss": 1}\n'):
            self.path.unlink(missing_ok=True)
            self.write(0, 2)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(tail)
            self.write(2, 3)
            self.assertEqual(
                [line["step"] for line in read_metrics(self.path)], [1, 2, 3]
            )

    def test_every_line_is_json(self) -> None:
        metrics = MetricsFile(self.path, 0)
        metrics.write({"step": 1, "eval_loss": math.inf, "entropies": [[math.nan]]})
        metrics.close()
        (line,) = read_metrics(self.path)
        self.assertEqual((line["eval_loss"], line["entropies"]), (None, [[None]]))

    def test_full_disk_is_an_error_that_names_the_file(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        metrics = MetricsFile(self.path, 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            metrics.write({"step": 1})
            with self.assertRaisesRegex(AeroError, "metrics.jsonl: cannot be written"):
                metrics.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            metrics.close()


class DiagnosisTest(unittest.TestCase):
    def test_largest_mean_entropy_is_that_of_uniform_causal_attention(self) -> None:
        weights = torch.tril(torch.ones(6, 6)) / torch.arange(1, 7.0)[:, None]
        entropy = -(weights * torch.log(weights + 1e-9)).sum(-1).mean()
        self.assertAlmostEqual(largest_mean_entropy(6), float(entropy), places=5)

    def test_each_trouble_is_named_with_its_layer(self) -> None:
        largest = largest_mean_entropy(64)
        heads = [
            torch.tensor([1.5, 2.0]),
            torch.tensor([0.0, 2.0]),
            torch.tensor([largest, 0.01]),
            torch.tensor([math.nan, 1.0]),
        ]
        names = [f"layer {i}" for i in range(4)]
        lines = describe(names, heads, 64)
        self.assertEqual(len(lines), 3)
        self.assertIn("layer 1: 1 of 2 heads collapsed (near 0)", lines[0])
        self.assertIn("1 of 2 heads collapsed (near 0); 1 of 2 heads over", lines[1])
        self.assertIn("layer 3: 1 of 2 heads not finite", lines[2])
        self.assertIn("entropies nan, 1.000", lines[2])
        self.assertIn("no head has", verdict(names[:1], None, heads[:1], 64))
        said = verdict(names[:2], heads[:2], heads[2:], 64)
        self.assertIn("When last measured: layer 1: 1 of 2 heads collapsed", said)


class ProgressTest(unittest.TestCase):
    def test_lines_hold_means_since_the_last(self) -> None:
        out = io.StringIO()
        progress = Progress(10, 2, out=out)
        for step, loss in enumerate((1.0, 2.0, 4.0, 4.0), 1):
            progress.step(step, loss, 1e-3)
        lines = out.getvalue().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith("step 2  loss 1.5000  perplexity 4.482  "))
        self.assertTrue(lines[1].startswith("step 4  loss 4.0000"))

    def test_quiet_shows_nothing(self) -> None:
        out = io.StringIO()
        progress = Progress(2, 1, quiet=True, out=out)
        progress.step(1, 1.0, 1e-3)
        progress.note("x")
        self.assertEqual(out.getvalue(), "")

    def test_numbers(self) -> None:
        self.assertEqual([clock(s) for s in (5, 65, 3725)], ["0:05", "1:05", "1:02:05"])
        self.assertEqual(perplexity(1e6), math.inf)


if __name__ == "__main__":
    unittest.main()
