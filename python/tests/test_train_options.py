# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of options, schedules, and how they are read."""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, Dict, List

from aero.errors import AeroError
from aero.train.cli import main, make_parser, parse, train_options
from aero.train.options import TrainOptions, difference, parse_norm_schedule

from .training_case import PYTHON


class OptionsTest(unittest.TestCase):
    def test_learning_rate_rises_stays_and_falls(self) -> None:
        options = TrainOptions(steps=100, lr=1.0, warmup=10, decay_steps=40)
        rates = [options.learning_rate(step) for step in range(100)]
        self.assertAlmostEqual(rates[0], 0.1)
        self.assertEqual(set(rates[9:60]), {1.0})
        self.assertEqual(rates[60:], sorted(rates[60:], reverse=True))
        self.assertAlmostEqual(options.learning_rate(100), options.final_lr_share)

    def test_without_decay_steps_it_falls_after_the_warmup(self) -> None:
        options = TrainOptions(steps=100, lr=1.0, warmup=20, final_lr_share=0.0)
        self.assertAlmostEqual(options.learning_rate(60), 0.5)
        self.assertEqual(TrainOptions(warmup=0).learning_rate(0), 2e-3)

    def test_bad_values_are_named(self) -> None:
        for fields, message in (
            ({"steps": 0}, "--steps must be at least 1"),
            ({"batch": 6, "accumulate": 4}, "--batch 6 is not a multiple"),
            ({"lr": 0.0}, "--lr must be positive"),
            ({"lr": float("nan")}, "--lr must be positive"),
            ({"beta2": 1.0}, "--beta2 must be at least 0 and below 1"),
            ({"entropy_gamma": 2.0}, "--entropy-gamma"),
            ({"seed": -1}, "--seed"),
            ({"lr_factors": {"x": 1.0}}, "--lr-factor x: no such role"),
            ({"lr_factors": {"ffn_alpha": -1.0}}, "must not be negative"),
            ({"normalize": "batch"}, "--normalize must be one of"),
            ({"remove_norms": (5, 3)}, "rising steps from 1"),
            ({"remove_norms": (0,)}, "rising steps from 1"),
            ({"remove_norms": (5,), "normalize": "weight"}, "cannot be combined"),
        ):
            with self.subTest(fields), self.assertRaisesRegex(AeroError, message):
                TrainOptions(**fields)

    def test_norm_schedules(self) -> None:
        self.assertEqual(parse_norm_schedule("3,5,8"), ((3, 5, 8), 0))
        self.assertEqual(parse_norm_schedule("100:20"), ((100,), 20))
        for text in ("", "a", "1:2:3", "5:0", "1;2"):
            with self.assertRaisesRegex(AeroError, "must be steps such as"):
                parse_norm_schedule(text)
        every = TrainOptions(steps=50, remove_norms=(10,), remove_norms_every=20)
        self.assertEqual(every.norm_steps(3), [10, 30, 50])
        with self.assertRaisesRegex(AeroError, "after step 70, but --steps is 50"):
            every.norm_steps(4)
        with self.assertRaisesRegex(AeroError, "names 1 steps, but .* 2 norms"):
            TrainOptions(remove_norms=(10,)).norm_steps(2)
        self.assertEqual(TrainOptions().norm_steps(7), [])

    def test_difference_survives_json(self) -> None:
        options = TrainOptions(remove_norms=(3, 5))
        held = json.loads(json.dumps(dataclasses.asdict(options)))
        self.assertIsNone(difference(options, held))
        self.assertEqual(difference(options, {**held, "lr": 1.0}), ("lr", 2e-3, 1.0))
        del held["beta2"]
        self.assertEqual(difference(options, held), ("beta2", 0.98, None))


class CommandLineTest(unittest.TestCase):
    def parse_with(self, held: Any, *more: str) -> TrainOptions:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "options.json"
            path.write_text(held if isinstance(held, str) else json.dumps(held))
            arguments = ["m.onnx", "--out", "o", "--options", str(path), *more]
            return train_options(parse(arguments))

    def test_every_training_option_has_a_flag(self) -> None:
        names = {action.dest for action in make_parser()._actions}
        fields = {field.name for field in dataclasses.fields(TrainOptions)}
        self.assertEqual(fields - names, {"lr_factors", "remove_norms_every"})
        self.assertIn("lr_factor", names)

    def test_defaults_are_those_of_the_class(self) -> None:
        options = train_options(parse(["m.onnx", "--out", "o"]))
        self.assertEqual(options, TrainOptions())

    def test_file_gives_options_and_the_command_line_goes_before_it(self) -> None:
        held: Dict[str, Any] = {"comment": "x", "lr": 0.5, "batch": 8}
        held["remove-norms"], held["own_thresholds"] = "10:5", True
        held["lr-factor"], held["entropy-lambda"] = ["ffn_alpha=2"], 1e-5
        options = self.parse_with(held, "--batch", "4", "--lr-factor", "ffn_beta=3")
        self.assertEqual((options.lr, options.batch), (0.5, 4))
        self.assertEqual((options.remove_norms, options.remove_norms_every), ((10,), 5))
        self.assertTrue(options.own_thresholds)
        factors = options.lr_factors
        self.assertEqual((factors["ffn_alpha"], factors["ffn_beta"]), (2.0, 3.0))

    def test_bad_files_are_named(self) -> None:
        for held, message in (
            ("{", "is no JSON"),
            ("[1]", "must hold one JSON object"),
            ({"learning": 1}, "'learning' is no option"),
            ({"help": True}, "'help' is no option"),
            ({"steps": 1.5}, "'steps' cannot be 1.5"),
            ({"steps": True}, "'steps' cannot be True"),
            ({"lr": "fast"}, "'lr' cannot be 'fast'"),
            ({"lr": [1]}, r"'lr' cannot be \[1\]"),
            ({"normalize": "batch"}, "'normalize' cannot be 'batch'"),
            ({"quiet": 1}, "'quiet' must be true or false"),
            ({"data": "a\0b"}, "'data' cannot be"),
        ):
            with self.subTest(held), self.assertRaisesRegex(AeroError, message):
                self.parse_with(held)

    def failure(self, *arguments: str) -> str:
        errors = io.StringIO()
        with redirect_stderr(errors):
            self.assertEqual(main(list(arguments)), 1)
        return errors.getvalue()

    def test_errors_are_one_line_and_exit_with_1(self) -> None:
        for arguments, message in (
            (["m.onnx"], "--out FOLDER is missing"),
            (["m.onnx", "--dry-run", "1"], "--dry-run must be at least 2"),
            (["m.onnx", "--out", "o", "--log-every", "0"], "--log-every must be"),
            (["m.onnx", "--out", "o", "--lr", "abc"], "--lr: invalid float value: 'abc'"),
            (["m.onnx", "--nope"], "unrecognized arguments: --nope; see aero-train --help"),
            ([], "the following arguments are required: model"),
            (["m.onnx", "--out", "o", "--threads", "9" * 20], "--threads must be between"),
            (["m.onnx", "--out", "o", "--own-thresholds"], "--entropy-lambda, which is 0"),
            (["m.onnx", "--out", "o", "--lr-factor", "ffn_beta"], "must be ROLE=X"),
            (["m.onnx", "--out", "o", "--device", "abacus"], "no such device"),
            (["m.onnx", "--out", "o"], "m.onnx: no such file"),
            (["m.onnx", "--out", "o", "--options", "none.json"], "none.json"),
        ):
            said = self.failure(*arguments)
            self.assertRegex(said, f"^aero-train: error: .*{message}.*\n$")

    def test_help_names_every_option(self) -> None:
        out = io.StringIO()
        with redirect_stdout(out), self.assertRaises(SystemExit):
            main(["--help"])
        flags: List[str] = [
            action.option_strings[0]
            for action in make_parser()._actions
            if action.option_strings
        ]
        guide = (PYTHON.parent / "docs" / "training.md").read_text(encoding="utf-8")
        for flag in flags:
            self.assertIn(flag, out.getvalue())
            if flag != "-h":
                self.assertIn(flag, guide)

    def test_recipes_are_options(self) -> None:
        recipes = sorted((PYTHON / "recipes").glob("*.json"))
        self.assertTrue(recipes)
        for recipe in recipes:
            arguments = ["m.onnx", "--out", "o", "--options", str(recipe)]
            self.assertNotEqual(train_options(parse(arguments)), TrainOptions())


if __name__ == "__main__":
    unittest.main()
