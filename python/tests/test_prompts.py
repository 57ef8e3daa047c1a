# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the prompts that are cut from held-out files."""

from __future__ import annotations

import argparse
import unittest

from aero.data import default_folder, is_eval_file, load_corpus
from make_prompts import is_plain, make_prompts


class PromptTest(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
