# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import pathlib
import shutil
from typing import Any, BinaryIO, Callable, Iterator, List, Sequence, Tuple


def write_atomically(path: pathlib.Path, write: Callable[[BinaryIO], None]) -> None:
    """Lets ``write`` fill a temporary file, and renames it to ``path``.

    The content is on the disk before the name is: whatever happens meanwhile,
    ``path`` holds either what it held or all of the new content. A write that
    fails (OSError, which names ``path``) leaves no temporary file.
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
            temporary = temporary_path(path)
            written.append((temporary, path))
            with _named(path), open(temporary, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        for temporary, path in written:
            with _named(path):
                os.replace(temporary, path)
    finally:
        for temporary, _ in written:
            if temporary.exists():
                temporary.unlink()
    _sync(written[-1][1].parent)


def temporary_path(path: pathlib.Path) -> pathlib.Path:
    """Where a file or folder is made that will be ``path``; known to
    :func:`remove_unfinished`."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def move_into_place(temporary: pathlib.Path, path: pathlib.Path) -> None:
    """Puts a complete file on the disk, and gives it its name."""
    with _named(path):
        _sync(temporary)
        os.replace(temporary, path)
    _sync(path.parent)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    """Errors of a descriptor do not say which file it is of."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def remove_unfinished(folder: pathlib.Path, names: Sequence[str]) -> None:
    """Removes what processes that were killed while they wrote files of these names
    left in a folder."""
    for name in names:
        for path in pathlib.Path(folder).glob(f".{glob.escape(name)}.*.part"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
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
