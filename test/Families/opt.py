# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""OPT: ReLU, positions from 2, scaled queries, heads flattened into the batch."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from .cases import Case, Shape
from .export import Export, Signature, torch_case

_OFFSET = 2


@dataclasses.dataclass(frozen=True)
class Variant:
    """How an OPT spells what it computes.

    Attributes:
        padding: Take ``attention_mask``, whose running sum gives the positions.
        mask: ``"less"`` fills where a range is less, ``"triu"`` takes a triangle.
        clamp: Keep masked scores from falling below finfo.min.
        flatten: Run the FFN on ``[batch * tokens, width]``.
    """

    padding: bool = False
    mask: str = "less"
    clamp: bool = False
    flatten: bool = True


class Attention(nn.Module):
    """Causal attention in batched products over batch and heads together."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.clamp = variant.clamp
        self.heads = shape.heads
        self.head_width = shape.head_width
        self.width = shape.width
        self.scaling = shape.head_width ** -0.5
        self.k_proj = nn.Linear(shape.width, shape.width)
        self.v_proj = nn.Linear(shape.width, shape.width)
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.out_proj = nn.Linear(shape.width, shape.width)

    def split_heads(self, x: Tensor, length: int | Tensor, batch: Tensor) -> Tensor:
        x = x.view(batch, length, self.heads, self.head_width)
        x = x.transpose(1, 2).contiguous()
        return x.view(batch * self.heads, -1, self.head_width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = x.size()
        query = self.q_proj(x) * self.scaling
        key = self.split_heads(self.k_proj(x), -1, batch)
        value = self.split_heads(self.v_proj(x), -1, batch)
        query = self.split_heads(query, length, batch)
        keys = key.size(1)
        scores = torch.bmm(query, key.transpose(1, 2))
        scores = scores.view(batch, self.heads, length, keys) + mask
        if self.clamp:
            lowest = torch.tensor(torch.finfo(scores.dtype).min, dtype=scores.dtype)
            scores = torch.max(scores, lowest)
        scores = scores.view(batch * self.heads, length, keys)
        weights = nn.functional.softmax(scores, dim=-1)
        merged = torch.bmm(weights, value)
        merged = merged.view(batch, self.heads, length, self.head_width)
        merged = merged.transpose(1, 2).reshape(batch, length, self.width)
        return self.out_proj(merged)


class Block(nn.Module):
    """A pre-LN block."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.flatten = variant.flatten
        self.self_attn = Attention(shape, variant)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, 4 * shape.width)
        self.fc2 = nn.Linear(4 * shape.width, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x), mask)
        size = x.shape
        if self.flatten:
            x = x.reshape(-1, x.size(-1))
        hidden = torch.relu(self.fc1(self.final_layer_norm(x)))
        x = x + self.fc2(hidden)
        return x.view(size) if self.flatten else x


class OPT(nn.Module):
    """Tokens, and what the variant takes besides, to logits."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = nn.Embedding(shape.context + _OFFSET, shape.width)
        self.layers = nn.ModuleList(Block(shape, variant)
                                    for _ in range(shape.layers))
        self.final_layer_norm = nn.LayerNorm(shape.width)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.lm_head.weight = self.embed_tokens.weight

    def causal_mask(self, batch: Tensor, length: Tensor) -> Tensor:
        lowest = torch.finfo(torch.float32).min
        mask = torch.full((length, length), lowest)
        if self.variant.mask == "triu":
            mask = torch.triu(mask, diagonal=1)
        else:
            order = torch.arange(mask.size(-1))
            mask = mask.masked_fill(order < (order + 1).view(mask.size(-1), 1), 0.0)
        return mask[None, None, :, :].expand(batch, 1, length, length)

    def forward(self, tokens: Tensor, padding: Tensor | None = None) -> Tensor:
        batch, length = tokens.size()
        mask = self.causal_mask(batch, length)
        if padding is None:
            positions = torch.arange(length).unsqueeze(0)
        else:
            ones = padding.long()
            positions = (torch.cumsum(ones, dim=1).type_as(ones) * ones).long() - 1
            expanded = padding[:, None, None, :].expand(batch, 1, length, length)
            inverted = 1.0 - expanded.to(mask.dtype)
            lowest = torch.finfo(mask.dtype).min
            mask = mask + inverted.masked_fill(inverted.to(torch.bool), lowest)
        x = self.embed_tokens(tokens) + self.embed_positions(positions + _OFFSET)
        for layer in self.layers:
            x = layer(x, mask)
        return self.lm_head(self.final_layer_norm(x))


def signature(shape: Shape, variant: Variant) -> Signature:
    """Inputs, outputs and varying dimensions of ``OPT(shape, variant)``."""
    inputs = {"input_ids": shape.token_ids()}
    if variant.padding:
        inputs["attention_mask"] = shape.padding_mask()
    axes = {name: {0: "batch", 1: "sequence"} for name in [*inputs, "logits"]}
    return Signature(inputs, ["logits"], axes)


_CLAMP = Variant(clamp=True)
_PADDING = Variant(padding=True, clamp=True)
_TRIU = Variant(mask="triu")
_PAIR = Shape(batch=2)

_TABLE: list[tuple[str, Variant, Export, Shape]] = [
    ("opset11", Variant(), Export(11), Shape()),
    ("opset13", Variant(), Export(13), Shape()),
    ("opset16", _TRIU, Export(16), Shape()),
    ("opset17", _TRIU, Export(17), Shape()),
    ("no-folding", Variant(), Export(13, folding=False), Shape(tokens=8)),
    ("not-flattened", Variant(flatten=False), Export(13), Shape()),
    ("clamp", _CLAMP, Export(13), Shape()),
    ("clamp-dynamic", _CLAMP, Export(13, dynamic=True), Shape()),
    ("dynamic", Variant(), Export(13, dynamic=True), Shape()),
    ("dynamic-17", _TRIU, Export(17, dynamic=True), Shape(tokens=12)),
    ("dynamic-batch2", Variant(flatten=False),
     Export(11, dynamic=True, folding=False), _PAIR),
    ("padding", _PADDING, Export(13), Shape()),
    ("padding-dynamic", _PADDING, Export(13, dynamic=True), Shape()),
    ("padding-dynamic-17", Variant(padding=True, mask="triu"),
     Export(17, dynamic=True), Shape()),
    ("padding-dynamic-batch2", _PADDING, Export(11, dynamic=True), _PAIR),
    ("float16", Variant(), Export(13, storage="float16"), Shape()),
    ("bfloat16", Variant(), Export(13, storage="bfloat16"), Shape()),
    ("external-one", Variant(), Export(17, external="one"), Shape()),
    ("external-each", Variant(), Export(13, external="each"), Shape()),
    ("weights-as-inputs", Variant(), Export(13, weights_as_inputs=True), Shape()),
]


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, variant: Variant, export: Export, shape: Shape) -> Case:
    expect = {"attention": shape.layers, "layer_norm": 2 * shape.layers + 1,
              "relu": shape.layers}
    return torch_case(f"opt-{name}", "opt", shape, lambda: OPT(shape, variant),
                      lambda size: signature(size, variant), expect, export)
