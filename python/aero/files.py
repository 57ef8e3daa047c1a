# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from typing import Any, BinaryIO, Callable, List, Sequence, Tuple


def write_atomically(path: pathlib.Path, write: Callable[[BinaryIO], None]) -> None:
    """Lets ``write`` fill a temporary file, and renames it to ``path``.

    The content is on the disk before the name is: whatever happens meanwhile,
    ``path`` holds either what it held or all of the new content. A write that
    fails (OSError) leaves no temporary file.
    """
    write_all_atomically([(path, write)])


def write_all_atomically(
    files: Sequence[Tuple[pathlib.Path, Callable[[BinaryIO], None]]]
) -> None:
    """:func:`write_atomically` for files of one folder that belong together.

    They are renamed in their order, once all of them are on the disk.
    """
    written: List[Tuple[pathlib.Path, pathlib.Path]] = []
    try:
        for path, write in files:
            path = pathlib.Path(path)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
            written.append((temporary, path))
            with open(temporary, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        for temporary, path in written:
            os.replace(temporary, path)
    finally:
        for temporary, _ in written:
            if temporary.exists():
                temporary.unlink()
    folder = os.open(written[-1][1].parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_unfinished(folder: pathlib.Path) -> None:
    """Removes what processes that were killed in :func:`write_atomically` left."""
    for path in pathlib.Path(folder).glob(".*.part"):
        path.unlink()


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes ``value`` as indented JSON, atomically."""
    text = json.dumps(value, indent=2, sort_keys=False) + "\n"

    def write(file: BinaryIO) -> None:
        file.write(text.encode("utf-8"))

    write_atomically(path, write)


def file_sha256(path: pathlib.Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
