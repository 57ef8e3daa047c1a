# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a run leaves to be plotted and compared: JSON Lines, and a summary."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
from typing import Any, Dict, Iterator, List, Sequence, TextIO

import torch
from torch import Tensor

from ..errors import AeroError
from ..nn import OnnxModule

# A learnable array with more values than this is summed up.
LISTED_VALUES = 64
# What every line begins with.
FIRST_KEY = b'{"step": '


class MetricsFile:
    """One JSON object a line, each with its ``step``, in order."""

    def __init__(self, path: pathlib.Path, step: int) -> None:
        """Opens ``path`` to go on after ``step``: later lines, of steps that a
        checkpoint does not hold, and a line that was cut short are taken out. An
        AeroError if the file is of somebody else."""
        self.path = pathlib.Path(path)
        if self.path.exists() and not _is_ours(self.path):
            raise AeroError(
                f"{self.path}: is no metrics file of aero-train; give another --out"
            )
        end = _end_of_steps(self.path, step) if self.path.exists() else 0
        self._file: TextIO = open(self.path, "a", encoding="utf-8")
        self._file.truncate(end)

    def write(self, values: Dict[str, Any]) -> None:
        """Adds a line."""
        with self._named_errors():
            self._file.write(json.dumps(plain(values), allow_nan=False) + "\n")

    def flush(self) -> None:
        """Puts the lines on the disk; to be called before a checkpoint is written."""
        with self._named_errors():
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        with self._named_errors():
            self._file.close()

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AeroError(
                f"{self.path}: cannot be written: {error.strerror or error}. Make room "
                "and run the same command again"
            ) from error


def _is_ours(path: pathlib.Path) -> bool:
    """Whether the first line is one, whole or cut short."""
    with open(path, "rb") as file:
        begin = file.read(len(FIRST_KEY))
    return FIRST_KEY.startswith(begin)


def _end_of_steps(path: pathlib.Path, step: int) -> int:
    """The length of the part of the file that is about steps up to ``step``."""
    end = 0
    with open(path, "rb") as file:
        for line in file:
            try:
                if not line.endswith(b"\n") or json.loads(line)["step"] > step:
                    break
            except (ValueError, KeyError, TypeError):
                break
            end += len(line)
    return end


def read_metrics(path: pathlib.Path) -> List[Dict[str, Any]]:
    """All whole lines of a metrics file."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def plain(value: Any) -> Any:
    """``value`` with null for numbers that JSON has not (infinite, or none at all)."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def rounded(values: Tensor, digits: int = 6) -> Any:
    """A tensor as (lists of) numbers."""
    found = values.detach().double().cpu()
    if found.dim() == 0:
        return round(float(found), digits)
    return [rounded(part, digits) for part in found]


def entropy_lists(entropies: Sequence[Tensor]) -> List[List[float]]:
    """Per attention, in graph order, the entropy of each head."""
    return [rounded(heads) for heads in entropies]


@torch.no_grad()
def scalar_values(module: OnnxModule) -> List[Dict[str, Any]]:
    """The learnable scalars of the file's table: role, layer, name and values.

    An array of more than 64 values (temperatures of each head and position) has
    ``mean``, ``min`` and ``max`` over its last axis instead.
    """
    values = []
    for role in module.roles:
        tensor = module.initializers[role.name]
        entry = {"role": role.role, "layer": role.layer, "name": role.name}
        if tensor.numel() <= LISTED_VALUES:
            entry["value"] = rounded(tensor)
        else:
            entry["mean"] = rounded(tensor.mean(-1))
            entry["min"] = rounded(tensor.amin(-1))
            entry["max"] = rounded(tensor.amax(-1))
        values.append(entry)
    return values
