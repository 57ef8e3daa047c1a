# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The GPT-2 of this project's Python package, in the ways it may be exported."""

from __future__ import annotations

import sys
from pathlib import Path

from .cases import Case, Shape
from .export import Export, Signature, torch_case

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from aero.models import gpt2  # noqa: E402

_PAIR = Shape(batch=2)

# Case, fields of GPT2Config, export, shape.
_TABLE: list[tuple[str, dict[str, object], Export, Shape]] = [
    ("opset11", {}, Export(11), Shape()),
    ("opset13", {}, Export(13), Shape()),
    ("opset16", {}, Export(16), Shape()),
    ("opset17", {}, Export(17), Shape(tokens=12)),
    ("full-context", {}, Export(13), Shape(tokens=12, context=12)),
    ("no-folding", {}, Export(11, folding=False), Shape()),
    ("no-folding-17", {}, Export(17, folding=False), Shape()),
    ("dynamic", {}, Export(13, dynamic=True), Shape(tokens=8)),
    ("dynamic-17", {}, Export(17, dynamic=True, folding=False), Shape()),
    ("dynamic-batch2", {}, Export(11, dynamic=True), _PAIR),
    ("tanh", {"activation": "gelu_tanh"}, Export(13), Shape()),
    ("relu", {"activation": "relu"}, Export(13), Shape()),
    ("no-norm", {"norm": "none"}, Export(13), Shape()),
    ("no-activation", {"activation": "identity"}, Export(17), Shape()),
    ("scaled-ffn", {"norm": "none", "activation": "identity", "scaled_ffn": True},
     Export(13), Shape()),
    ("scaled-ffn-dynamic",
     {"norm": "none", "activation": "identity", "scaled_ffn": True},
     Export(17, dynamic=True), Shape()),
    ("float16", {}, Export(17, storage="float16"), Shape()),
    ("bfloat16", {}, Export(13, storage="bfloat16"), Shape()),
    ("float64", {"activation": "gelu_tanh"}, Export(17, storage="float64"), Shape()),
    ("external-one", {}, Export(17, external="one"), Shape()),
    ("external-each", {}, Export(13, external="each"), Shape()),
    ("weights-as-inputs", {}, Export(17, weights_as_inputs=True), Shape()),
]


def build(shape: Shape, **fields: object) -> gpt2.GPT2:
    """The package's GPT-2 of the given shape."""
    return gpt2.GPT2(gpt2.GPT2Config(
        n_layer=shape.layers, n_head=shape.heads, d_model=shape.width,
        context=shape.context, vocab=shape.vocabulary, **fields))


def signature(shape: Shape) -> Signature:
    """Tokens to logits."""
    axes = {0: "batch", 1: "sequence"}
    return Signature({"tokens": shape.token_ids()}, ["logits"],
                     {"tokens": axes, "logits": axes})


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, fields: dict[str, object], export: Export,
          shape: Shape) -> Case:
    expect = {"attention": shape.layers}
    if fields.get("norm") != "none":
        expect["layer_norm"] = 2 * shape.layers + 1
    activation = str(fields.get("activation", "gelu")).removesuffix("_tanh")
    if activation != "identity":
        expect[activation] = shape.layers
    return torch_case(f"gpt2-plain-{name}", "gpt2_plain", shape,
                      lambda: build(shape, **fields), signature, expect, export)
