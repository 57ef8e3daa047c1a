# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trained values back into the graph that they came from."""

from __future__ import annotations

import os
import pathlib
from typing import BinaryIO, Callable, Dict, List, Tuple, Union

import numpy as np
import onnx
import torch

from ..errors import AeroError
from ..files import write_all_atomically
from .module import OnnxModule

#: ONNX Runtime maps data that lies at such offsets.
_ALIGNMENT = 64


def to_onnx(module: OnnxModule, path: Union[str, "os.PathLike[str]"]) -> None:
    """Writes the file that ``module`` came from, with the values it has now.

    Nodes, names, inputs, outputs and metadata are those of that file. Weights that
    lay beside it are written beside the new one, as ``NAME.onnx.data``.
    Parametrised matrices are written as the graph reads them. The file appears
    under its name when all of it is on the disk; until then what was there stays.

    Raises:
        AeroError: A value is not finite or no threshold, or the file cannot be
            written.
    """
    path = pathlib.Path(path)
    arrays = _arrays(module)
    model = onnx.ModelProto()
    model.CopyFrom(module.graph.model)
    outside: List[np.ndarray] = []
    offset = 0
    for tensor in model.graph.initializer:
        array = arrays[tensor.name]
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            tensor.raw_data = array.tobytes()
            continue
        offset += -offset % _ALIGNMENT
        del tensor.external_data[:]
        for key, value in (("location", f"{path.name}.data"),
                           ("offset", str(offset)), ("length", str(array.nbytes))):
            tensor.external_data.add(key=key, value=value)
        offset += array.nbytes
        outside.append(array)
    files: List[Tuple[pathlib.Path, Callable[[BinaryIO], None]]] = []
    if outside:
        # First, so that no model refers to data that is not there.
        files.append((path.with_name(f"{path.name}.data"),
                      lambda stream: _write_aligned(stream, outside)))
    files.append((path, lambda stream: _write_message(stream, model)))
    try:
        write_all_atomically(files)
    except OSError as error:
        raise AeroError(f"{path}: cannot be written: {error.strerror}") from error
    except ValueError as error:
        raise AeroError(f"{path}: cannot be written: {error}") from error


def _arrays(module: OnnxModule) -> Dict[str, np.ndarray]:
    """The values of all initializers, little-endian, after a look at them."""
    arrays: Dict[str, np.ndarray] = dict(module.graph.initializers)
    problems = []
    thresholds = {role.name for role in module.roles
                  if role.role == "entropy_thresholds"}
    with torch.no_grad(), module.evaluated_parametrizations():
        for name in module.initializers:
            value = module.value(name).detach().to("cpu", torch.float32)
            if not bool(torch.isfinite(value).all()):
                problems.append(f"initializer '{name}' has a value that is not finite")
            elif name in thresholds and bool(((value < 0) | (value > 1)).any()):
                problems.append(
                    f"initializer '{name}' has an entropy threshold outside of [0, 1], "
                    "which the compiler refuses; EntropyRegularizer.clamp_() keeps "
                    "them inside")
            arrays[name] = np.ascontiguousarray(value.numpy(), "<f4")
    if problems:
        raise AeroError("\n".join(f"{module.source}: {problem}"
                                  for problem in problems))
    return arrays


def _write_message(stream: BinaryIO, model: onnx.ModelProto) -> None:
    if model.ByteSize() >= 1 << 31:
        raise ValueError("its weights take 2 GiB or more, which a message cannot hold; "
                         "train a file whose weights lie beside it")
    stream.write(model.SerializeToString())


def _write_aligned(stream: BinaryIO, arrays: List[np.ndarray]) -> None:
    offset = 0
    for array in arrays:
        padding = -offset % _ALIGNMENT
        stream.write(bytes(padding))
        stream.write(array.tobytes())
        offset += padding + array.nbytes
