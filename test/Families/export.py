# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns PyTorch modules into cases, by the TorchScript exporter."""

from __future__ import annotations

import dataclasses
import functools
import io
import warnings
import zlib
from pathlib import Path
from typing import Callable, Mapping, Sequence

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data
from torch import nn

from .cases import Arrays, Case, Shape

STORAGES = {"float32": torch.float32, "float16": torch.float16,
            "bfloat16": torch.bfloat16, "float64": torch.float64}


@dataclasses.dataclass(frozen=True)
class Export:
    """How a module is written to a file.

    Attributes:
        opset: Version of the ai.onnx operator set.
        dynamic: Leave the dimensions that vary symbolic.
        folding: Let the exporter fold constants.
        storage: What weights are stored as. ``float16`` and ``bfloat16`` are
            cast to float32 in the graph; ``float64`` computes in double.
        external: ``""``, ``"one"`` for weights in one file beside the model, or
            ``"each"`` for one file a tensor.
        weights_as_inputs: List initializers as graph inputs too, as IR version 3
            required.
    """

    opset: int = 13
    dynamic: bool = False
    folding: bool = True
    storage: str = "float32"
    external: str = ""
    weights_as_inputs: bool = False


@dataclasses.dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a module.

    Attributes:
        inputs: The arguments of ``forward``, in order.
        outputs: Names of its results, in order.
        axes: The dimensions that vary, ``{tensor: {dimension: symbol}}``.
    """

    inputs: dict[str, np.ndarray]
    outputs: Sequence[str]
    axes: Mapping[str, Mapping[int, str]]

    def bind(self) -> dict[str, int]:
        """The sizes of the symbols, read off the inputs."""
        return {symbol: array.shape[dimension]
                for name, array in self.inputs.items()
                for dimension, symbol in self.axes.get(name, {}).items()}


def randomize(module: nn.Module, name: str) -> nn.Module:
    """Fills the parameters with weights that leave no part of a model idle."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    with torch.no_grad():
        for path, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(0.25 * noise)
            elif path.endswith("bias"):
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_(1.0 + 0.2 * noise)
    return module.eval()


def torch_case(name: str, family: str, shape: Shape, build: Callable[[], nn.Module],
               sign: Callable[[Shape], Signature], expect: dict[str, int],
               export: Export, kv_heads: int | None = None) -> Case:
    """The case of ``build()`` written as ``export`` says.

    ``sign`` makes the inputs of a given size. The weights depend on the family
    only, so that every way of exporting a model has the same outputs.
    """
    signature = _stored_as(sign(shape), export)
    traced = signature
    if export.dynamic:
        traced = _stored_as(sign(shape.for_tracing()), export)

    @functools.cache
    def module() -> nn.Module:
        made = randomize(build(), family)
        if export.storage == "float64":
            return made.double()
        # Rounding first makes storing the weights lossless.
        kind = STORAGES[export.storage]
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.copy_(parameter.to(kind).to(torch.float32))
        return made

    return Case(
        name, family, shape,
        make=lambda path: write_module(module(), traced, export, path),
        inputs=signature.inputs, expect=expect,
        bind=signature.bind() if export.dynamic else {},
        kv_heads=kv_heads or shape.heads,
        reference=lambda: run_module(module(), signature))


def run_module(module: nn.Module, signature: Signature) -> dict[str, np.ndarray]:
    """The outputs of ``module`` by name, as PyTorch computes them."""
    with torch.no_grad():
        results = module(*_arguments(signature.inputs))
    results = results if isinstance(results, tuple) else (results,)
    return {name: result.numpy()
            for name, result in zip(signature.outputs, results, strict=True)}


def write_module(module: nn.Module, signature: Signature, export: Export,
                 path: Path) -> None:
    """Exports ``module`` to ``path``."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Tracing warns of each Python number that it takes for a constant.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, _arguments(signature.inputs), buffer,
            input_names=list(signature.inputs), output_names=list(signature.outputs),
            opset_version=export.opset, do_constant_folding=export.folding,
            dynamic_axes={key: dict(axes) for key, axes in signature.axes.items()}
            if export.dynamic else None,
            keep_initializers_as_inputs=export.weights_as_inputs)
    model = onnx.load_from_string(buffer.getvalue())
    if export.storage in ("float16", "bfloat16"):
        store_weights_as(model, export.storage)
    save(model, path, export.external)


def save(model: onnx.ModelProto, path: Path, external: str = "") -> None:
    """Writes ``model``, with its weights outside if ``external`` says so.

    Small tensors stay inside: ONNX Runtime must read shapes before any data.
    """
    for tensor in model.graph.initializer if external else ():
        if len(tensor.raw_data) >= 128:
            own = tensor.name.replace(":", "_").replace("/", "_")
            set_external_data(tensor, own if external == "each"
                              else f"{path.stem}.data")
    onnx.save_model(model, str(path))


def store_weights_as(model: onnx.ModelProto, kind: str) -> None:
    """Stores float initializers as ``kind``, each behind a Cast to float32.

    Values that ``kind`` cannot hold stay as they are: the mask's huge constants.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        stored = _narrowed(numpy_helper.to_array(tensor), kind)
        if stored is None:
            continue
        stored.name = f"{tensor.name}_{kind}"
        casts.append(helper.make_node("Cast", [stored.name], [tensor.name],
                                      to=TensorProto.FLOAT))
        tensor.CopyFrom(stored)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _narrowed(array: np.ndarray, kind: str) -> TensorProto | None:
    if kind == "float16":
        with np.errstate(over="ignore"):
            half = array.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), array):
            return None
        return numpy_helper.from_array(half)
    bits = np.ascontiguousarray(array, "<f4").view("<u4").reshape(array.shape)
    if np.any(bits & 0xffff):
        return None
    return helper.make_tensor("", TensorProto.BFLOAT16, array.shape,
                              (bits >> 16).astype("<u2").tobytes(), raw=True)


def _stored_as(signature: Signature, export: Export) -> Signature:
    if export.storage != "float64":
        return signature
    inputs = {name: array.astype(np.float64) if array.dtype == np.float32 else array
              for name, array in signature.inputs.items()}
    return dataclasses.replace(signature, inputs=inputs)


def _arguments(inputs: Arrays) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in inputs.values())
