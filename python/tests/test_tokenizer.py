# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the tokenizers."""

from __future__ import annotations

import json
import pathlib
import random
import tempfile
import unittest
from typing import List, Tuple

from aero.errors import AeroError
from aero.tokenizer import (
    PIECES,
    BytePairTokenizer,
    ByteTokenizer,
    load_tokenizer,
    train_byte_pairs,
)

TEXT = b"def forward(self, x):\n    return self.linear(x) + self.bias\n" * 8


def random_texts(count: int) -> List[bytes]:
    """Texts of any bytes, of few bytes, and of long runs."""
    rng = random.Random(4)
    texts = [b"", b"\0", bytes(range(256)), b" " * 999, b"a" * 999, b"\xff\xfe\n \t"]
    for _ in range(count):
        alphabet = rng.choice([bytes(range(256)), b"ab ", b"x_1.( \n", TEXT])
        texts.append(bytes(rng.choices(alphabet, k=rng.randrange(200))))
    return texts


def slow_merges(texts: List[bytes], count: int) -> List[Tuple[int, int]]:
    """Byte pairs by their definition: count all pairs anew for each merge."""
    words = [list(piece) for text in texts for piece in PIECES.findall(text)]
    merges: List[Tuple[int, int]] = []
    while len(merges) < count:
        counts: dict = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        merges.append(best)
        for word in words:
            i = 0
            while i + 1 < len(word):
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [255 + len(merges)]
                i += 1
    return merges


class BytesTest(unittest.TestCase):
    def test_bytes_are_their_own_tokens(self) -> None:
        tokenizer = ByteTokenizer()
        for text in random_texts(5):
            self.assertEqual(list(tokenizer.encode(text)), list(text))
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)
        with self.assertRaisesRegex(AeroError, "token 256 is no byte"):
            tokenizer.decode([1, 256])


class BytePairTest(unittest.TestCase):
    def test_pieces_cover_every_byte(self) -> None:
        for text in random_texts(200):
            self.assertEqual(b"".join(PIECES.findall(text)), text)

    def test_round_trip_on_any_bytes(self) -> None:
        tokenizer = train_byte_pairs([TEXT], 320)
        for text in random_texts(200):
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)

    def test_merges_are_those_of_the_definition(self) -> None:
        for texts in ([TEXT], random_texts(40), [b"aaaa aaab", b"abab"] * 3):
            fast = train_byte_pairs(texts, 256 + 60).merges
            self.assertEqual(fast, slow_merges(texts, 60))

    def test_encoding_applies_merges_in_their_order(self) -> None:
        tokenizer = BytePairTokenizer([(98, 99), (97, 98), (256, 100)])
        self.assertEqual(tokenizer.encode(b"abcd").tolist(), [97, 258])
        self.assertEqual(tokenizer.encode(b"abab").tolist(), [257, 257])

    def test_encoding_is_shorter_and_deterministic(self) -> None:
        first, second = (train_byte_pairs([TEXT], 300) for _ in range(2))
        self.assertEqual(first.merges, second.merges)
        self.assertLess(len(first.encode(TEXT)), len(TEXT) // 2)

    def test_short_text_gives_fewer_tokens(self) -> None:
        self.assertEqual(train_byte_pairs([b"abc"], 300).vocabulary, 256)
        self.assertEqual(train_byte_pairs([], 300).vocabulary, 256)

    def test_small_vocabulary_is_an_error(self) -> None:
        with self.assertRaisesRegex(AeroError, "at least 256, not 100"):
            train_byte_pairs([TEXT], 100)

    def test_unknown_token_is_an_error(self) -> None:
        tokenizer = train_byte_pairs([TEXT], 260)
        for token in (-1, 260):
            with self.assertRaisesRegex(AeroError, "is not one of 260 tokens"):
                tokenizer.decode([token])


class FileTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "tokenizer.json"

    def test_file_round_trip(self) -> None:
        tokenizer = train_byte_pairs([TEXT], 300)
        tokenizer.save(self.path)
        self.assertEqual(load_tokenizer(self.path).merges, tokenizer.merges)
        self.assertEqual([p.name for p in self.path.parent.iterdir()], [self.path.name])

    def test_other_files_are_errors(self) -> None:
        good = train_byte_pairs([TEXT], 260).to_dict()
        for content, message in (
            ("{", "is no JSON file"),
            ("[]", "is no tokenizer"),
            (json.dumps({**good, "kind": "x"}), "is no tokenizer"),
            (json.dumps({**good, "version": 2}), "another version"),
            (json.dumps({**good, "merges": [[1, 300]]}), "no earlier merge made"),
            (json.dumps({**good, "merges": [[1, 2], [1, 2]]}), "the same pair"),
            (json.dumps({**good, "merges": [7]}), "no usable list of merges"),
            (json.dumps({**good, "merges": None}), "no usable list of merges"),
        ):
            self.path.write_text(content, encoding="utf-8")
            with self.assertRaisesRegex(AeroError, message):
                load_tokenizer(self.path)


if __name__ == "__main__":
    unittest.main()
