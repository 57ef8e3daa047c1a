#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""First inputs of the fuzzer of NumPy files: make_numpy_seeds.py DIRECTORY"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np

FILE, STORED, DEFLATED = b"\0", b"\1", b"\3"


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=array.dtype == object)
    return stream.getvalue()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for dtype in ("?", "i1", "u1", "<i4", ">i4", "<i8", "u8", "f2", "f4", ">f8",
                  "c8", "U3", "O", "i4,f4"):
        array = np.zeros((2, 3), dtype)
        name = "".join(c for c in dtype if c.isalnum()) or "bool"
        (folder / name).write_bytes(FILE + npy(array))
        (folder / f"stored-{name}").write_bytes(STORED + npy(array))
    fortran = np.asfortranarray(np.arange(12).reshape(3, 4))
    (folder / "fortran").write_bytes(DEFLATED + npy(fortran))
    for name, save in (("savez", np.savez), ("packed", np.savez_compressed)):
        stream = io.BytesIO()
        save(stream, ids=fortran, mask=np.ones((3, 4), np.float32))
        (folder / name).write_bytes(FILE + stream.getvalue())


if __name__ == "__main__":
    main()
