# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BERT: a post-LN encoder with padding masks and token types."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor, nn

from .cases import Case, Shape
from .export import Export, Signature, torch_case


@dataclasses.dataclass(frozen=True)
class Variant:
    """What a BERT ends in and how it masks.

    Attributes:
        head: ``""`` for the last hidden state, ``"pooler"`` for the pooled
            output too, ``"mlm"`` for logits.
        mask: ``"lowest"`` adds ``(1 - m) * finfo.min``, ``"10000"`` adds
            ``(1 - m) * -10000``, ``"filled"`` fills ``1 - m`` where it is not
            zero, ``"none"`` takes no mask.
        token_types: Take ``token_type_ids``; otherwise all are 0.
        gelu: ``"library"`` or ``"formula"``, both by erf.
    """

    head: str = ""
    mask: str = "lowest"
    token_types: bool = True
    gelu: str = "library"


class Embeddings(nn.Module):
    """Tokens, positions and token types, normalized."""

    position_ids: Tensor
    token_type_ids: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocabulary, shape.width,
                                            padding_idx=0)
        self.position_embeddings = nn.Embedding(shape.context, shape.width)
        self.token_type_embeddings = nn.Embedding(2, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=1e-12)
        positions = torch.arange(shape.context).expand(1, -1)
        self.register_buffer("position_ids", positions)
        self.register_buffer("token_type_ids", torch.zeros_like(positions))

    def forward(self, tokens: Tensor, types: Tensor | None) -> Tensor:
        size = tokens.size()
        if types is None:
            types = self.token_type_ids[:, :size[1]].expand(size[0], size[1])
        x = self.word_embeddings(tokens) + self.token_type_embeddings(types)
        x = x + self.position_embeddings(self.position_ids[:, :size[1]])
        return self.LayerNorm(x)


class SelfAttention(nn.Module):
    """Bidirectional attention with separate projections."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.head_width = shape.head_width
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)

    def split_heads(self, x: Tensor) -> Tensor:
        x = x.view(x.size()[:-1] + (self.heads, self.head_width))
        return x.permute(0, 2, 1, 3)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        key = self.split_heads(self.key(x))
        value = self.split_heads(self.value(x))
        query = self.split_heads(self.query(x))
        scores = torch.matmul(query, key.transpose(-1, -2))
        scores = scores / math.sqrt(self.head_width)
        if mask is not None:
            scores = scores + mask
        weights = nn.functional.softmax(scores, dim=-1)
        merged = torch.matmul(weights, value).permute(0, 2, 1, 3).contiguous()
        return merged.view(merged.size()[:-2] + (self.heads * self.head_width,))


def activation(x: Tensor, kind: str) -> Tensor:
    """GELU by erf, from the library or spelled out."""
    if kind == "library":
        return nn.functional.gelu(x)
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


class Layer(nn.Module):
    """A post-LN block."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.gelu = variant.gelu
        self.attention = SelfAttention(shape)
        self.attention_output = nn.Linear(shape.width, shape.width)
        self.attention_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.intermediate = nn.Linear(shape.width, 4 * shape.width)
        self.output = nn.Linear(4 * shape.width, shape.width)
        self.output_norm = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        attended = self.attention_output(self.attention(x, mask))
        x = self.attention_norm(attended + x)
        hidden = activation(self.intermediate(x), self.gelu)
        return self.output_norm(self.output(hidden) + x)


class Bert(nn.Module):
    """Tokens, and what the variant takes besides, to states or logits."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.embeddings = Embeddings(shape)
        self.layer = nn.ModuleList(Layer(shape, variant)
                                   for _ in range(shape.layers))
        if variant.head:
            self.dense = nn.Linear(shape.width, shape.width)
        if variant.head == "mlm":
            self.norm = nn.LayerNorm(shape.width, eps=1e-12)
            self.decoder = nn.Linear(shape.width, shape.vocabulary)
            self.decoder.weight = self.embeddings.word_embeddings.weight

    def extended_mask(self, mask: Tensor, dtype: torch.dtype) -> Tensor:
        extended = mask[:, None, None, :].to(dtype)
        lowest = torch.finfo(dtype).min
        if self.variant.mask == "filled":
            extended = mask[:, None, None, :]
            extended = extended.expand(mask.size(0), 1, mask.size(1), mask.size(1))
            inverted = 1.0 - extended.to(dtype)
            return inverted.masked_fill(inverted.to(torch.bool), lowest)
        factor = -10000.0 if self.variant.mask == "10000" else lowest
        return (1.0 - extended) * factor

    def forward(self, tokens: Tensor,
                *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        variant = self.variant
        mask = types = None
        if variant.mask != "none":
            mask, *rest = rest
            mask = self.extended_mask(mask, torch.float32)
        if variant.token_types:
            types, = rest
        x = self.embeddings(tokens, types)
        for layer in self.layer:
            x = layer(x, mask)
        if variant.head == "pooler":
            return x, torch.tanh(self.dense(x[:, 0]))
        if variant.head == "mlm":
            hidden = activation(self.dense(x), variant.gelu)
            return self.decoder(self.norm(hidden))
        return x


def signature(shape: Shape, variant: Variant) -> Signature:
    """Inputs, outputs and varying dimensions of ``Bert(shape, variant)``."""
    inputs = {"input_ids": shape.token_ids()}
    if variant.mask != "none":
        inputs["attention_mask"] = shape.padding_mask()
    if variant.token_types:
        half = np.arange(shape.tokens, dtype=np.int64) * 2 // shape.tokens
        inputs["token_type_ids"] = np.repeat(half[None], shape.batch, axis=0)
    outputs = {"": ["last_hidden_state"], "mlm": ["logits"],
               "pooler": ["last_hidden_state", "pooler_output"]}[variant.head]
    axes = {name: {0: "batch_size", 1: "sequence_length"}
            for name in [*inputs, outputs[0]]}
    if variant.head == "pooler":
        axes["pooler_output"] = {0: "batch_size"}
    return Signature(inputs, outputs, axes)


_POOLER, _MLM = Variant("pooler"), Variant("mlm")
_FILLED = Variant(mask="filled")
_PAIR = Shape(batch=2)

_TABLE: list[tuple[str, Variant, Export, Shape]] = [
    ("opset11", Variant(), Export(11), Shape()),
    ("opset13", Variant(), Export(13), Shape()),
    ("opset16", Variant(gelu="formula"), Export(16), Shape()),
    ("opset17", Variant(), Export(17), Shape()),
    ("no-folding", Variant(), Export(13, folding=False), Shape(tokens=12)),
    ("dynamic", Variant(), Export(13, dynamic=True), Shape()),
    ("dynamic-17", Variant(gelu="formula"), Export(17, dynamic=True), Shape(tokens=8)),
    ("dynamic-batch2", Variant(), Export(11, dynamic=True, folding=False), _PAIR),
    ("no-mask", Variant(mask="none"), Export(13), Shape()),
    ("no-token-types", Variant(token_types=False), Export(13), Shape()),
    ("no-token-types-dynamic", Variant(token_types=False),
     Export(13, dynamic=True), Shape()),
    ("tokens-only", Variant(mask="none", token_types=False), Export(17), Shape()),
    ("mask-10000", Variant(mask="10000"), Export(11), Shape()),
    ("mask-filled", _FILLED, Export(13), Shape()),
    ("mask-filled-dynamic", _FILLED, Export(16, dynamic=True), Shape()),
    ("pooler", _POOLER, Export(13), Shape()),
    ("pooler-dynamic-17", _POOLER, Export(17, dynamic=True), Shape()),
    ("mlm", _MLM, Export(13), Shape()),
    ("mlm-dynamic-batch2", _MLM, Export(13, dynamic=True), _PAIR),
    ("float16", Variant(), Export(13, storage="float16"), Shape()),
    ("bfloat16", Variant(), Export(17, storage="bfloat16"), Shape()),
    ("external-one", _MLM, Export(13, external="one"), Shape()),
    ("external-each", Variant(), Export(17, external="each"), Shape()),
    ("weights-as-inputs", Variant(), Export(13, weights_as_inputs=True), Shape()),
]


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, variant: Variant, export: Export, shape: Shape) -> Case:
    extra = 1 if variant.head == "mlm" else 0
    expect = {"attention": shape.layers,
              "layer_norm": 2 * shape.layers + 1 + extra,
              "gelu": shape.layers + extra}
    if variant.head == "pooler":
        expect["tanh"] = 1
    return torch_case(f"bert-{name}", "bert", shape, lambda: Bert(shape, variant),
                      lambda size: signature(size, variant), expect, export)
