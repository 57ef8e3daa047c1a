# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checkpoints: arrays and JSON in a zip archive, read without pickle.

A checkpoint replaces the one before it only when it is complete and on the disk.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zipfile
from typing import Any, BinaryIO, Dict, List

import numpy as np
import torch
from torch import Tensor

from ..errors import AeroError
from ..files import write_atomically

VERSION = 1
ABOUT = "about.json"
ABOUT_TYPES = {
    "step": int,
    "seconds": (int, float),
    "identity": dict,
    "options": dict,
    "sigmas": dict,
}
OPTIMIZER_VALUES = ("step", "exp_avg", "exp_avg_sq")


@dataclasses.dataclass
class Checkpoint:
    """The state after a step.

    Attributes:
        about: What JSON can hold: step, seconds, what the run is made of.
        arrays: By name: weights, moments of the optimiser.
    """

    about: Dict[str, Any]
    arrays: Dict[str, np.ndarray]

    def section(self, prefix: str) -> Dict[str, Tensor]:
        """The arrays whose names begin so, as tensors, under the rest of the name."""
        return {
            name[len(prefix) :]: torch.from_numpy(array)
            for name, array in self.arrays.items()
            if name.startswith(prefix)
        }


def save_checkpoint(path: pathlib.Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint, atomically; an AeroError if the disk does not take it."""
    names = sorted(checkpoint.arrays)
    about = {"version": VERSION, "arrays": names, **checkpoint.about}

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            # Names of arrays are ONNX names, which may be anything; entries of the
            # archive are numbers.
            for index, name in enumerate(names):
                with archive.open(f"{index}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(
                        entry, checkpoint.arrays[name], allow_pickle=False
                    )
            archive.writestr(ABOUT, json.dumps(about))

    try:
        write_atomically(path, write)
    except OSError as error:
        kept = "the one before it is kept" if path.exists() else "there is none yet"
        raise AeroError(
            f"{path}: cannot write the checkpoint of step {about.get('step')}: "
            f"{error.strerror or error}; {kept}. Make room and run the same command "
            "again"
        ) from error


def load_checkpoint(path: pathlib.Path) -> Checkpoint:
    """Reads a checkpoint; an AeroError if the file is none, or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(ABOUT).decode("utf-8"))
            if not isinstance(about, dict) or about.get("version") != VERSION:
                raise AeroError(
                    f"{path}: is a checkpoint of another version of aero-train"
                )
            names: List[str] = about.pop("arrays")
            arrays = {}
            for index, name in enumerate(names):
                with archive.open(f"{index}.npy") as entry:
                    arrays[name] = np.lib.format.read_array(entry, allow_pickle=False)
            for key, kind in ABOUT_TYPES.items():
                if not isinstance(about[key], kind):
                    raise TypeError(f"'{key}' is {about[key]!r}")
    except AeroError:
        raise
    # A damaged archive, or NumPy's header in it, fails in any way.
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # it cannot be opened
        raise AeroError(
            f"{path}: is no checkpoint of aero-train, or is damaged ({error}); "
            "remove it to begin anew"
        ) from error
    return Checkpoint(about, arrays)


def tensor_arrays(prefix: str, tensors: Dict[str, Tensor]) -> Dict[str, np.ndarray]:
    """Tensors as arrays of this process, each with ``prefix`` before its name."""
    return {
        prefix + name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()
    }


def optimizer_arrays(
    optimizer: torch.optim.Optimizer, names: Dict[int, str]
) -> Dict[str, np.ndarray]:
    """The moments of AdamW; ``names`` gives each parameter's by its ``id``."""
    arrays = {}
    for parameter, state in optimizer.state.items():
        for key in OPTIMIZER_VALUES:
            value = torch.as_tensor(state[key])
            arrays[f"optimizer/{key}/{names[id(parameter)]}"] = (
                value.detach().cpu().numpy()
            )
    return arrays


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Dict[str, torch.nn.Parameter],
    checkpoint: Checkpoint,
) -> None:
    """Gives AdamW the moments that :func:`optimizer_arrays` took."""
    for name, parameter in parameters.items():
        state = {}
        for key in OPTIMIZER_VALUES:
            array = checkpoint.arrays.get(f"optimizer/{key}/{name}")
            if array is None:
                break
            # A copy: two runs must not share moments through one checkpoint.
            value = torch.from_numpy(np.array(array))
            state[key] = value if key == "step" else value.to(parameter.device)
        else:
            optimizer.state[parameter] = state
