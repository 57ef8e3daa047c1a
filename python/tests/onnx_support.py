# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of ``aero.nn`` share: small graphs, and networks that the tool
rewrote."""

from __future__ import annotations

import functools
import itertools
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from aero.export import export_onnx
from aero.models.gpt2 import GPT2, named_config

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build")) / "bin"
LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY = 2, 2, 16, 8, 11

CONFIGURATIONS = (
    "as-is", "SM+LN+G", "SM+LN+R", "SM+LN", "SM+G", "SM+R", "SM", "SM+ScFFN",
    "SM+ScFuFFN", "SM+ScFuFFN_i(1)", "SM(t)+ScFFN", "SM(t)+ScFuFFN",
    "SM(t)+ScFuFFN_i(1)")

needs_tool = unittest.skipUnless(
    (BIN / "aero").exists(),
    f"{BIN}/aero is not built; AERO_BUILD_DIR says where it is")


def run(*args: object) -> subprocess.CompletedProcess:
    """Runs a tool of the build tree: run("aero", "inspect", path)."""
    return subprocess.run([str(BIN / str(args[0])), *map(str, args[1:])],
                          capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL)


_NUMBERS = itertools.count()
_SCRATCH = tempfile.TemporaryDirectory(prefix="aero-nn-")


@functools.lru_cache(maxsize=None)
def base() -> Path:
    """A tiny random GPT-2 with LayerNorm and GELU, as PyTorch exports it."""
    torch.manual_seed(3)
    model = GPT2(named_config("SM+LN+G", n_layer=LAYERS, n_head=HEADS, d_model=WIDTH,
                              context=CONTEXT, vocab=VOCABULARY))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    path = Path(_SCRATCH.name) / "base.onnx"
    export_onnx(model, path)
    return path


@functools.lru_cache(maxsize=None)
def rewritten(configuration: str, *options: object,
              source: Optional[Path] = None) -> Path:
    """What ``aero rewrite`` makes of :func:`base`, or of another file."""
    path = Path(_SCRATCH.name) / f"{next(_NUMBERS)}.onnx"
    done = run("aero", "rewrite", source or base(), "--config", configuration, "-o",
               path, *options)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return path


def tokens(batch: int, seed: int = 1, vocabulary: int = VOCABULARY,
           context: int = CONTEXT) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, vocabulary, (batch, context), generator=generator)


class ScratchTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="aero-nn-test-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def save(self, nodes: Sequence[onnx.NodeProto], inputs: Dict[str, Any],
             outputs: Sequence[str], initializers: Optional[Dict[str, Any]] = None,
             opset: int = 17, metadata: Optional[Dict[str, str]] = None,
             name: str = "model.onnx") -> Path:
        """Writes a graph. ``inputs`` gives an array with type and shape of each."""
        def info(key: str, array: np.ndarray) -> onnx.ValueInfoProto:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype) if hasattr(
                helper, "np_dtype_to_tensor_dtype") else (
                    onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype])
            return helper.make_tensor_value_info(key, kind, array.shape)

        graph = helper.make_graph(
            list(nodes), "graph",
            [info(key, np.asarray(array)) for key, array in inputs.items()],
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, None)
             for key in outputs],
            [numpy_helper.from_array(np.asarray(array), key)
             for key, array in (initializers or {}).items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        helper.set_model_props(model, metadata or {})
        path = self.folder / name
        path.write_bytes(model.SerializeToString())
        return path


def constant(name: str, array: Any) -> onnx.NodeProto:
    """A Constant node with the result ``name``."""
    return helper.make_node("Constant", [], [name],
                            value=numpy_helper.from_array(np.asarray(array)))
