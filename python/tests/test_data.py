# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of corpora, token files, windows and batches."""

from __future__ import annotations

import pathlib
import tempfile
import unittest

import numpy as np
import torch

from aero.data import (
    check_tokens,
    default_folder,
    eval_windows,
    is_eval_file,
    load_corpus,
    load_tokens,
    tokenize,
    training_batch,
)
from aero.errors import AeroError
from aero.tokenizer import ByteTokenizer, train_byte_pairs


class FolderCase(unittest.TestCase):
    """A temporary folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name: str, content: bytes) -> pathlib.Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


class CorpusTest(FolderCase):
    """Folders of text, and the split by file."""

    def setUp(self) -> None:
        super().setUp()
        for i in range(60):
            self.write(f"pkg{i % 3}/m{i}.py", b"value = %d\n" % i * (i + 1))

    def test_split_is_disjoint_and_complete(self) -> None:
        corpus = load_corpus(self.root)
        self.assertFalse(set(corpus.train) & set(corpus.eval))
        self.assertEqual(len(corpus.train) + len(corpus.eval), 60)
        self.assertTrue(all(map(is_eval_file, corpus.eval)))

    def test_split_depends_on_the_path_alone(self) -> None:
        before = load_corpus(self.root)
        self.write("pkg0/another.py", b"x = 1\n")
        self.write("pkg1/m1.py", b"changed = True\n")
        after = load_corpus(self.root)
        self.assertLessEqual(set(before.train), set(after.train))
        self.assertLessEqual(set(before.eval), set(after.eval))
        self.assertNotEqual(before.fingerprint(), after.fingerprint())

    def test_takes_texts_and_leaves_out_what_is_none(self) -> None:
        for name in ("a.txt", "b.md", "tests/t.py"):
            self.write(name, b"text\n")
        for name in (".hidden.py", ".git/c.py", "__pycache__/c.py", "d.rst"):
            self.write(name, b"text\n")
        self.write("empty.py", b"")
        self.write("binary.txt", b"ab\0cd")
        (self.root / "link.py").symlink_to(self.root / "pkg0/m0.py")
        corpus = load_corpus(self.root)
        self.assertEqual(len(corpus.train) + len(corpus.eval), 63)
        with self.assertRaisesRegex(AeroError, "gives . training and . evaluation"):
            load_corpus(self.root, ["*.rst"])

    def test_standard_library_is_without_its_tests(self) -> None:
        corpus = load_corpus(default_folder())
        names = list(corpus.train) + list(corpus.eval)
        self.assertIn("json/decoder.py", names)
        self.assertTrue(all(name.endswith(".py") for name in names))
        self.assertFalse([n for n in names if "test" in n.split("/")[:-1]])

    def test_tokenize_counts_both_sides(self) -> None:
        corpus = load_corpus(self.root)
        data = tokenize(corpus, ByteTokenizer())
        self.assertEqual(bytes(data.train), b"".join(corpus.train.values()))
        self.assertEqual(data.bytes_per_token, 1.0)
        pairs = train_byte_pairs(corpus.train.values(), 270)
        shorter = tokenize(corpus, pairs)
        self.assertGreater(shorter.bytes_per_token, 1.5)
        self.assertEqual(shorter.summary["eval_bytes"], data.summary["eval_tokens"])

    def test_folders_without_text_are_errors(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            with self.assertRaisesRegex(AeroError, "no file with text that fits"):
                load_corpus(folder)
            (folder / "a.txt").write_bytes(b"\x7fELF\0\0")
            with self.assertRaisesRegex(AeroError, "all 1 files .* are binary"):
                load_corpus(folder)
            with self.assertRaisesRegex(AeroError, "--patterns .*are no names"):
                load_corpus(folder, ["/abs/*.py"])
            with self.assertRaisesRegex(AeroError, "nowhere: no such folder"):
                load_corpus(folder / "nowhere")


class TokenFileTest(FolderCase):
    """Token files and what they may not be."""

    def test_formats_agree(self) -> None:
        tokens = np.arange(100, dtype=np.int32)
        np.save(self.root / "a.npy", tokens)
        np.savez(self.root / "b.npz", tokens)
        np.savez(self.root / "c.npz", train=tokens[:90], eval=tokens[90:])
        self.write("d.bin", tokens.astype("<u2").tobytes())
        names = ("a.npy", "b.npz", "c.npz", "d.bin")
        found = [load_tokens(self.root / name) for name in names]
        for data in found:
            self.assertEqual(data.train.tolist(), list(range(90)))
            self.assertEqual(data.evaluation[0].tolist(), list(range(90, 100)))
            self.assertEqual(data.fingerprint, found[0].fingerprint)

    def test_raw_type_is_an_option(self) -> None:
        path = self.write("t.tokens", np.arange(70000, 70020, dtype="<u4").tobytes())
        self.assertEqual(int(load_tokens(path, "uint32").train[0]), 70000)

    def test_bad_files_are_errors(self) -> None:
        np.save(self.root / "float.npy", np.ones(5))
        np.save(self.root / "object.npy", np.array([{}]), allow_pickle=True)
        np.save(self.root / "none.npy", np.array([], int))
        np.savez(self.root / "three.npz", a=[1], b=[2], train=[3])
        self.write("odd.bin", b"123")
        self.write("empty.bin", b"")
        self.write("junk.npy", b"junk")
        self.write("junk.npz", b"junk")
        self.write("book.txt", b"Call me Ishmael.")
        for name, message in (
            ("book.txt", "neither a folder of text nor called .npy, .npz, .bin, .raw"),
            ("float.npy", "holds float64, but tokens are integers"),
            ("object.npy", "cannot be read as tokens"),
            ("none.npy", "both sides need some"),
            ("three.npz", "has the arrays a, b, train"),
            ("odd.bin", "cannot be read as tokens"),
            ("empty.bin", "cannot be read as tokens"),
            ("junk.npy", "cannot be read as tokens"),
            ("junk.npz", "cannot be read as tokens"),
            ("nowhere.npy", "no such file"),
        ):
            with self.subTest(name), self.assertRaisesRegex(AeroError, message):
                load_tokens(self.root / name)

    def test_tokens_must_fit_the_model(self) -> None:
        tokens = np.arange(100)
        np.save(self.root / "t.npy", tokens)
        data = load_tokens(self.root / "t.npy")
        check_tokens(data, "t", 100, 9)
        for vocabulary, context, message in (
            (50, 9, "training token 50 is 50, but .* 0 to 49"),
            (95, 9, "evaluation token 5 is 95"),
            (100, 90, "has 90 tokens; one window takes 91"),
            (100, 10, "no evaluation file has the 11 tokens"),
        ):
            with self.assertRaisesRegex(AeroError, message):
                check_tokens(data, "t", vocabulary, context)
        np.save(self.root / "n.npy", -tokens)
        with self.assertRaisesRegex(AeroError, "token 1 is -1"):
            check_tokens(load_tokens(self.root / "n.npy"), "n", 100, 9)


class WindowTest(unittest.TestCase):
    """Windows and batches."""

    def test_windows_stay_inside_a_file_and_do_not_overlap(self) -> None:
        pieces = [np.arange(30), np.arange(100, 109), np.arange(5)]
        windows = eval_windows(pieces, context=8, count=100)
        self.assertEqual(windows[:, 0].tolist(), [0, 8, 16, 100])
        self.assertTrue(bool((windows[:, 1:] - windows[:, :-1] == 1).all()))
        self.assertEqual(eval_windows(pieces, 8, 2)[:, 0].tolist(), [0, 16])
        with self.assertRaisesRegex(AeroError, "more than 30 tokens"):
            eval_windows(pieces, 30, 2)

    def test_batches_are_a_function_of_seed_and_step(self) -> None:
        data = np.arange(250, dtype=np.uint8)
        first = training_batch(data, 4, 8, seed=1, step=5)
        self.assertTrue(torch.equal(first, training_batch(data, 4, 8, 1, 5)))
        self.assertFalse(torch.equal(first, training_batch(data, 4, 8, 1, 6)))
        self.assertFalse(torch.equal(first, training_batch(data, 4, 8, 2, 5)))
        self.assertTrue(bool((first[:, 1:] - first[:, :-1] == 1).all()))
        self.assertEqual(first.dtype, torch.int64)

    def test_batches_reach_both_ends(self) -> None:
        data = np.arange(12)
        seen = {
            int(token)
            for step in range(50)
            for token in training_batch(data, 4, 8, 1, step).flatten()
        }
        self.assertEqual(seen, set(range(12)))


if __name__ == "__main__":
    unittest.main()
