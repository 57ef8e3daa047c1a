# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Byte-level corpus of Python source, split into train and eval by file.

Which side a file is on depends on nothing but its path below the corpus folder,
so it stays the same when files come or go and needs no stored list.
"""

import dataclasses
import hashlib
import pathlib
import sysconfig
from typing import Dict, List, Sequence

import numpy as np
import torch
from torch import Tensor

# Tests and installed packages, and two folders of the standard library that hold
# generated tables and manual pages rather than code.
SKIPPED_FOLDERS = frozenset(
    {"test", "tests", "__pycache__", "site-packages", "dist-packages"}
    | {"encodings", "pydoc_data"}
)
EVAL_SHARE = 0.1


def default_folder() -> pathlib.Path:
    """The sources of the running interpreter's standard library."""
    return pathlib.Path(sysconfig.get_paths()["stdlib"])


def is_eval_file(relative: str, eval_share: float = EVAL_SHARE) -> bool:
    """Whether the file at ``relative`` (with ``/``) belongs to the eval side."""
    digest = hashlib.sha256(relative.encode("utf-8")).digest()
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
                digest.update(name.encode("utf-8") + b"\0")
                digest.update(hashlib.sha256(content).digest())
            digest.update(b"\n")
        return digest.hexdigest()


def load_corpus(folder: pathlib.Path) -> Corpus:
    """Reads every ``*.py`` below ``folder`` outside :data:`SKIPPED_FOLDERS`."""
    folder = pathlib.Path(folder)
    sides: Dict[bool, Dict[str, bytes]] = {False: {}, True: {}}
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        if SKIPPED_FOLDERS.intersection(relative.parts[:-1]):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        if content:
            name = relative.as_posix()
            sides[is_eval_file(name)][name] = content
    if not sides[False] or not sides[True]:
        raise ValueError(
            f"{folder} gives {len(sides[False])} training and {len(sides[True])} "
            "evaluation files; both sides need some"
        )
    return Corpus(train=sides[False], eval=sides[True])


def joined_bytes(files: Dict[str, bytes]) -> Tensor:
    """All files after one another as one uint8 tensor."""
    return torch.from_numpy(np.frombuffer(b"".join(files.values()), np.uint8).copy())


def training_batch(
    data: Tensor, size: int, context: int, seed: int, step: int
) -> Tensor:
    """``size`` random windows of ``context + 1`` bytes, as int64.

    The choice is a function of ``seed`` and ``step`` alone, so a resumed run
    sees the batches that an uninterrupted one would have seen.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    starts = torch.randint(0, data.numel() - context, (size, 1), generator=generator)
    return data[starts + torch.arange(context + 1)].long()


def eval_windows(files: Dict[str, bytes], context: int, count: int) -> Tensor:
    """``count`` windows of ``context + 1`` bytes from whole files, as int64.

    Each file is cut from its start into windows whose predicted bytes do not
    overlap, none of them crossing into another file; of all windows ``count``
    evenly spaced ones are kept (all if there are fewer).
    """
    windows: List[Sequence[int]] = []
    for content in files.values():
        for start in range(0, len(content) - context, context):
            windows.append(content[start : start + context + 1])
    if not windows:
        raise ValueError(f"no evaluation file has more than {context} bytes")
    if count < len(windows):
        windows = [windows[i * len(windows) // count] for i in range(count)]
    flat = np.frombuffer(b"".join(bytes(w) for w in windows), np.uint8)
    return torch.from_numpy(flat.reshape(len(windows), context + 1).astype(np.int64))
