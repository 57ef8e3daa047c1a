# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX export of a :class:`~aero.models.gpt2.GPT2`, exactly as PyTorch writes it."""

import inspect
import os
import pathlib
import tempfile
from typing import Any, Dict

import onnx
import torch

from .models.gpt2 import GPT2

OPSET = 16
INPUT_NAME = "tokens"
OUTPUT_NAME = "logits"


def export_onnx(model: GPT2, path: pathlib.Path, check: bool = True) -> None:
    """Writes ``model`` to ``path`` with static shapes and batch 1.

    The graph takes int64 ``tokens`` [1, T] and gives ``logits`` [1, T, vocab].
    Nothing is rewritten after ``torch.onnx.export``. The file appears under its
    name only once it is complete and, if ``check``, accepted by the checker.
    """
    config = model.config
    tokens = torch.arange(config.context, dtype=torch.int64).unsqueeze(0) % config.vocab
    options: Dict[str, Any] = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # PyTorch 2.x: the same tracing exporter as 1.13.
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {path.parent}")
    was_training = model.training
    model.eval()
    handle, temporary = tempfile.mkstemp(
        prefix=path.name, suffix=".part", dir=path.parent
    )
    os.close(handle)
    try:
        with torch.no_grad():
            torch.onnx.export(
                model,
                (tokens,),
                temporary,
                opset_version=OPSET,
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                **options,
            )
        if check:
            onnx.checker.check_model(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        model.train(was_training)
        if os.path.exists(temporary):
            os.unlink(temporary)
