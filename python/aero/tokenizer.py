# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Texts to token ids and back: bytes as they are, or byte pairs merged.

Both take and give bytes, so no text has to be UTF-8, and decoding what was
encoded gives the same bytes whatever they are.
"""

from __future__ import annotations

import collections
import heapq
import json
import pathlib
import re
from typing import Any, Dict, Iterable, List, Sequence, Set, Tuple, Union

import numpy as np

from .errors import AeroError
from .files import write_json

BYTES = 256
KIND = "aero.byte-pair"
Pair = Tuple[int, int]

# Merges stay inside one of these pieces: a word, a number or a run of other
# signs, each with the space before it, or white space. Every byte is in exactly
# one piece. Lengths are bounded, so that merging a piece takes bounded time.
PIECES = re.compile(
    rb" ?[A-Za-z_\x80-\xff]{1,48}| ?[0-9]{1,16}| ?[^\sA-Za-z0-9_\x80-\xff]{1,16}"
    rb"|\s{1,64}(?!\S)|\s{1,64}"
)


class ByteTokenizer:
    """Each byte is its own token."""

    name = "bytes"
    vocabulary = BYTES

    def encode(self, text: bytes) -> np.ndarray:
        """The bytes as uint8 tokens."""
        return np.frombuffer(text, np.uint8)

    def decode(self, tokens: Iterable[int]) -> bytes:
        """The bytes of the tokens; an AeroError if one is no byte."""
        numbers = [int(token) for token in tokens]
        for number in numbers:
            if not 0 <= number < BYTES:
                raise AeroError(f"token {number} is no byte")
        return bytes(numbers)

    def to_dict(self) -> Dict[str, Any]:
        """What identifies the tokenizer."""
        return {"kind": "bytes"}


class BytePairTokenizer:
    """Token ``256 + i`` is what merge ``i`` joins; the first 256 are the bytes."""

    name = "bpe"

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges: List[Pair] = [(int(a), int(b)) for a, b in merges]
        self._spelling = [bytes([i]) for i in range(BYTES)]
        for i, (a, b) in enumerate(self.merges):
            if not (0 <= a < BYTES + i and 0 <= b < BYTES + i):
                raise AeroError(f"merge {i} joins tokens that no earlier merge made")
            self._spelling.append(self._spelling[a] + self._spelling[b])
        self._rank = {pair: i for i, pair in enumerate(self.merges)}
        if len(self._rank) != len(self.merges):
            raise AeroError("two merges join the same pair")
        self._cache: Dict[bytes, Tuple[int, ...]] = {}

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""
        return BYTES + len(self.merges)

    def encode(self, text: bytes) -> np.ndarray:
        """The tokens of a text, as uint16 (uint32 beyond 65,536 tokens)."""
        cache = self._cache
        tokens: List[int] = []
        for piece in PIECES.findall(text):
            known = cache.get(piece)
            if known is None:
                known = self._merge(piece)
                cache[piece] = known
            tokens.extend(known)
        wide = self.vocabulary > 1 << 16
        return np.array(tokens, np.uint32 if wide else np.uint16)

    def _merge(self, piece: bytes) -> Tuple[int, ...]:
        """Applies the merges to one piece, in the order they were learned."""
        ids = list(piece)
        while len(ids) > 1:
            ranks = [self._rank.get(pair) for pair in zip(ids, ids[1:])]
            known = [rank for rank in ranks if rank is not None]
            if not known:
                break
            rank = min(known)
            ids = _replaced(ids, self.merges[rank], BYTES + rank)
        return tuple(ids)

    def decode(self, tokens: Iterable[int]) -> bytes:
        """The bytes of the tokens; an AeroError if one does not exist."""
        parts = []
        for token in tokens:
            if not 0 <= int(token) < self.vocabulary:
                raise AeroError(
                    f"token {int(token)} is not one of {self.vocabulary} tokens"
                )
            parts.append(self._spelling[int(token)])
        return b"".join(parts)

    def to_dict(self) -> Dict[str, Any]:
        """What the file holds."""
        return {
            "kind": KIND,
            "version": 1,
            "pieces": PIECES.pattern.decode("ascii"),
            "merges": [list(pair) for pair in self.merges],
        }

    def save(self, path: pathlib.Path) -> None:
        """Writes the tokenizer as JSON, atomically."""
        write_json(path, self.to_dict())


Tokenizer = Union[ByteTokenizer, BytePairTokenizer]


def load_tokenizer(path: pathlib.Path) -> BytePairTokenizer:
    """Reads what :meth:`BytePairTokenizer.save` wrote."""
    try:
        held = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AeroError(f"{path}: is no JSON file: {error}") from error
    if not isinstance(held, dict) or held.get("kind") != KIND:
        raise AeroError(f"{path}: is no tokenizer of aero-train (no kind {KIND!r})")
    if held.get("version") != 1 or held.get("pieces") != PIECES.pattern.decode("ascii"):
        raise AeroError(f"{path}: was written by another version of aero-train")
    try:
        return BytePairTokenizer(held["merges"])
    except (KeyError, TypeError, ValueError) as error:
        raise AeroError(f"{path}: has no usable list of merges: {error}") from error


def train_byte_pairs(texts: Iterable[bytes], vocabulary: int) -> BytePairTokenizer:
    """Learns merges until there are ``vocabulary`` tokens.

    Each merge joins the pair that is most frequent in the pieces of ``texts``; of
    equally frequent ones the pair with the smallest ids. A pair that is there only
    once is not merged, so a short text gives fewer tokens.
    """
    if vocabulary < BYTES:
        raise AeroError(
            f"byte pairs need a vocabulary of at least {BYTES}, not {vocabulary}"
        )
    counted: collections.Counter[bytes] = collections.Counter()
    for text in texts:
        counted.update(PIECES.findall(text))
    words = [list(piece) for piece in counted]
    weights = list(counted.values())
    counts: Dict[Pair, int] = collections.defaultdict(int)
    places: Dict[Pair, Set[int]] = collections.defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            counts[pair] += weights[index]
            places[pair].add(index)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    merges: List[Pair] = []
    while heap and BYTES + len(merges) < vocabulary:
        negative, best = heapq.heappop(heap)
        if counts.get(best, 0) != -negative:
            continue  # An entry from before a merge changed the count.
        if -negative < 2:
            break
        token = BYTES + len(merges)
        merges.append(best)
        changed: Set[Pair] = set()
        for index in places.pop(best):
            word, weight = words[index], weights[index]
            for pair in zip(word, word[1:]):
                counts[pair] -= weight
                changed.add(pair)
            word = words[index] = _replaced(word, best, token)
            for pair in zip(word, word[1:]):
                counts[pair] += weight
                places[pair].add(index)
                changed.add(pair)
        for pair in changed:
            if counts[pair] > 0:
                heapq.heappush(heap, (-counts[pair], pair))
            else:
                del counts[pair]
                places.pop(pair, None)
    return BytePairTokenizer(merges)


def _replaced(ids: Sequence[int], pair: Pair, token: int) -> List[int]:
    """``ids`` with ``token`` for each ``pair``, from the left."""
    result: List[int] = []
    i, last = 0, len(ids) - 1
    while i <= last:
        if i < last and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            result.append(token)
            i += 2
        else:
            result.append(ids[i])
            i += 1
    return result
