# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Texts and tokens to train on, split into a training and an evaluation side.

A folder of text is split by file. Which side a file is on depends on nothing but
its path below the folder, so it stays the same when files come or go and needs no
stored list. A token file is split where it says, or its end is held out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import sysconfig
import zipfile
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from .errors import AeroError
from .tokenizer import Tokenizer

DEFAULT_PATTERNS = ("*.py", "*.txt", "*.md")
# Of the standard library: tests and installed packages, and two folders that hold
# generated tables and manual pages rather than code.
LIBRARY_PATTERNS = ("*.py",)
LIBRARY_SKIPPED = frozenset(
    {"test", "tests", "__pycache__", "site-packages", "dist-packages"}
    | {"encodings", "pydoc_data"}
)
EVAL_SHARE = 0.1
TOKEN_TYPES = ("uint8", "uint16", "uint32", "int32", "int64")
DEFAULT_TOKEN_TYPE = "uint16"
# What is taken for tokens without being told.
TOKEN_SUFFIXES = (".npy", ".npz", ".bin", ".raw")
# A file with a zero byte so early is no text.
BINARY_PROBE = 8192


def default_folder() -> pathlib.Path:
    """The sources of the running interpreter's standard library."""
    return pathlib.Path(sysconfig.get_paths()["stdlib"])


def is_eval_file(relative: str, eval_share: float = EVAL_SHARE) -> bool:
    """Whether the file at ``relative`` (with ``/``) belongs to the eval side."""
    digest = hashlib.sha256(relative.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") < eval_share * 2.0**64


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The two sides of a corpus; maps relative paths to file contents."""

    train: Dict[str, bytes]
    eval: Dict[str, bytes]

    def fingerprint(self) -> str:
        """A digest of every path and content on both sides."""
        digest = hashlib.sha256()
        for side in (self.train, self.eval):
            for name, content in side.items():
                digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
                digest.update(hashlib.sha256(content).digest())
            digest.update(b"\n")
        return digest.hexdigest()


def load_corpus(
    folder: pathlib.Path, patterns: Optional[Sequence[str]] = None
) -> Corpus:
    """Reads every text below ``folder`` whose name fits one of ``patterns``.

    Hidden files and folders, ``__pycache__``, links, empty files and files with a
    zero byte in their first 8 KiB are left out. Of the interpreter's own library
    so are tests, packages and generated code, and the patterns are ``*.py``.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise AeroError(f"{folder}: no such folder")
    is_library = folder.resolve() == default_folder().resolve()
    skipped = LIBRARY_SKIPPED if is_library else frozenset({"__pycache__"})
    if patterns is None:
        patterns = LIBRARY_PATTERNS if is_library else DEFAULT_PATTERNS
    try:
        found = sorted({path for pattern in patterns for path in folder.rglob(pattern)})
    except (NotImplementedError, ValueError) as error:
        raise AeroError(
            f"--patterns {','.join(patterns)}: are no names of files below a folder, "
            f"such as '*.c,*.h': {error}"
        ) from error
    sides: Dict[bool, Dict[str, bytes]] = {False: {}, True: {}}
    binary = 0
    for path in found:
        relative = path.relative_to(folder)
        if skipped.intersection(relative.parts[:-1]):
            continue
        if any(part.startswith(".") for part in relative.parts):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" in content[:BINARY_PROBE]:
            binary += 1
        elif content:
            name = relative.as_posix()
            sides[is_eval_file(name)][name] = content
    wanted = ",".join(patterns)
    if not sides[False] and not sides[True]:
        if binary:
            raise AeroError(
                f"{folder}: all {binary} files that fit {wanted} are binary; give "
                "a folder of text, or tokens as .npy, .npz or .bin"
            )
        raise AeroError(f"{folder}: has no file with text that fits {wanted}")
    if not sides[False] or not sides[True]:
        raise AeroError(
            f"{folder}: gives {len(sides[False])} training and {len(sides[True])} "
            "evaluation files; both sides need some. Add files, or split large ones"
        )
    return Corpus(train=sides[False], eval=sides[True])


@dataclasses.dataclass(frozen=True)
class TokenData:
    """Both sides as tokens.

    Attributes:
        train: One array of tokens, of any integer type; may be a mapped file.
        evaluation: Pieces that no evaluation window crosses, e.g. files.
        fingerprint: SHA-256 of the corpus or of all tokens.
        summary: What there is of either side: files, bytes, tokens.
        bytes_per_token: Of the evaluation side, or None if it is not known.
    """

    train: np.ndarray
    evaluation: Tuple[np.ndarray, ...]
    fingerprint: str
    summary: Dict[str, Any]
    bytes_per_token: Optional[float]


def tokenize(corpus: Corpus, tokenizer: Tokenizer) -> TokenData:
    """Both sides of a corpus as tokens; training files follow one another."""
    train = np.concatenate([tokenizer.encode(text) for text in corpus.train.values()])
    evaluation = tuple(tokenizer.encode(text) for text in corpus.eval.values())
    eval_bytes = sum(map(len, corpus.eval.values()))
    eval_tokens = sum(map(len, evaluation))
    return TokenData(
        train=train,
        evaluation=evaluation,
        fingerprint=corpus.fingerprint(),
        summary={
            "train_files": len(corpus.train),
            "train_bytes": sum(map(len, corpus.train.values())),
            "train_tokens": int(train.size),
            "eval_files": len(corpus.eval),
            "eval_bytes": eval_bytes,
            "eval_tokens": eval_tokens,
        },
        bytes_per_token=eval_bytes / eval_tokens,
    )


def load_tokens(path: pathlib.Path, token_type: Optional[str] = None) -> TokenData:
    """Reads tokens: ``.npy``, ``.npz`` or a raw file, little-endian.

    An ``.npz`` has arrays ``train`` and ``eval``, or one array. Of one array, of an
    ``.npy`` and of a raw file the last tenth is held out. A raw file is of
    ``token_type``; without one it has to be called ``.bin`` or ``.raw``, and is of
    uint16. Files are mapped where possible, so they may be larger than the memory.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise AeroError(f"{path}: no such file")
    if path.suffix not in TOKEN_SUFFIXES and token_type is None:
        raise AeroError(
            f"{path}: is neither a folder of text nor called {', '.join(TOKEN_SUFFIXES)}; "
            "put a text into a folder with others, or say with --token-type what the "
            "tokens of a raw file are"
        )
    held_out: Optional[np.ndarray] = None
    try:
        if path.suffix == ".npy":
            tokens = np.load(path, mmap_mode="r", allow_pickle=False)
        elif path.suffix == ".npz":
            tokens, held_out = _npz_sides(path)
        else:
            kind = np.dtype(token_type or DEFAULT_TOKEN_TYPE).newbyteorder("<")
            tokens = np.memmap(path, kind, "r")
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, AeroError):
            raise
        raise AeroError(f"{path}: cannot be read as tokens: {error}") from error
    tokens = _checked(path, tokens)
    if held_out is None:
        cut = tokens.size - max(1, int(tokens.size * EVAL_SHARE))
        tokens, held_out = tokens[:cut], tokens[cut:]
    held_out = _checked(path, held_out)
    digest = hashlib.sha256()
    for side in (tokens, held_out):
        for part in _parts(side):
            digest.update(part.astype("<i8").tobytes())
        digest.update(b"\n")
    return TokenData(
        train=tokens,
        evaluation=(held_out,),
        fingerprint=digest.hexdigest(),
        summary={"train_tokens": int(tokens.size), "eval_tokens": int(held_out.size)},
        bytes_per_token=None,
    )


def _npz_sides(path: pathlib.Path) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """The arrays ``train`` and ``eval``, or the only one and None."""
    with np.load(path, allow_pickle=False) as arrays:
        names = list(arrays)
        if set(names) == {"train", "eval"}:
            return arrays["train"], arrays["eval"]
        if len(names) == 1:
            return arrays[names[0]], None
    raise AeroError(
        f"{path}: has the arrays {', '.join(names) or '(none)'}; give it 'train' and "
        "'eval', or one array"
    )


def _checked(path: pathlib.Path, tokens: np.ndarray) -> np.ndarray:
    """One dimension, integers and not empty, or an AeroError."""
    if tokens.dtype.kind not in "iu":
        raise AeroError(f"{path}: holds {tokens.dtype}, but tokens are integers")
    tokens = tokens.reshape(-1)
    if tokens.size == 0:
        raise AeroError(f"{path}: a side has no tokens; both sides need some")
    return tokens


def _parts(tokens: np.ndarray, size: int = 1 << 24) -> List[np.ndarray]:
    return [tokens[i : i + size] for i in range(0, tokens.size, size)]


def check_tokens(
    data: TokenData, source: str, vocabulary: int, context: int
) -> None:
    """An AeroError unless the tokens fit a model with this vocabulary and context."""
    for side, arrays in (("training", (data.train,)), ("evaluation", data.evaluation)):
        for array in arrays:
            offset = 0
            for part in _parts(array):
                wrong = np.flatnonzero((part < 0) | (part >= vocabulary))
                if wrong.size:
                    place = int(wrong[0])
                    raise AeroError(
                        f"{source}: {side} token {offset + place} is "
                        f"{int(part[place])}, but the model's vocabulary is "
                        f"0 to {vocabulary - 1}"
                    )
                offset += part.size
    if data.train.size <= context:
        raise AeroError(
            f"{source}: the training side has {data.train.size} tokens; one window "
            f"takes {context + 1}"
        )
    if all(piece.size <= context for piece in data.evaluation):
        raise AeroError(
            f"{source}: no evaluation file has the {context + 1} tokens of a window"
        )


def training_batch(
    data: np.ndarray, size: int, context: int, seed: int, step: int
) -> Tensor:
    """``size`` random windows of ``context + 1`` tokens, as int64.

    The choice is a function of ``seed`` and ``step`` alone, so a resumed run
    sees the batches that an uninterrupted one would have seen.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    starts = torch.randint(0, data.size - context, (size,), generator=generator)
    windows = [data[start : start + context + 1] for start in starts.tolist()]
    return torch.from_numpy(np.stack(windows).astype(np.int64))


def eval_windows(pieces: Sequence[np.ndarray], context: int, count: int) -> Tensor:
    """``count`` windows of ``context + 1`` tokens from whole files, as int64.

    Each piece is cut from its start into windows whose predicted tokens do not
    overlap, none of them crossing into another piece; of all windows ``count``
    evenly spaced ones are kept (all if there are fewer).
    """
    places = [
        (index, start)
        for index, piece in enumerate(pieces)
        for start in range(0, piece.size - context, context)
    ]
    if not places:
        raise AeroError(f"no evaluation file has more than {context} tokens")
    if count < len(places):
        places = [places[i * len(places) // count] for i in range(count)]
    windows = [pieces[index][start : start + context + 1] for index, start in places]
    return torch.from_numpy(np.stack(windows).astype(np.int64))
