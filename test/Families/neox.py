# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPT-NeoX and Pythia: interleaved QKV, partial rotary, parallel residual."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor, nn

from .cases import Case, Shape
from .export import Export, Signature, torch_case


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a NeoX spells what it computes.

    Attributes:
        rotary: Part of each head that is rotated.
        parallel: Add attention and FFN of the same input to it.
        qkv: ``"slice"`` or ``"chunk"`` of the fused heads.
        product: ``"matmul"`` or ``"baddbmm"`` for the scores.
        padding: Take ``attention_mask``.
        positions: Take ``position_ids`` and gather the angles by them, which are
            sliced otherwise.
        gelu: Whether GELU is ``"none"`` or ``"tanh"`` approximate.
    """

    rotary: float = 0.25
    parallel: bool = True
    qkv: str = "slice"
    product: str = "matmul"
    padding: bool = False
    positions: bool = False
    gelu: str = "none"


def rotate_half(x: Tensor) -> Tensor:
    """The halves of the last dimension swapped, the new first one negated."""
    first = x[..., :x.shape[-1] // 2]
    second = x[..., x.shape[-1] // 2:]
    return torch.cat((-second, first), dim=-1)


class Attention(nn.Module):
    """Causal attention whose first dimensions of a head are rotated."""

    bias: Tensor
    cos_cached: Tensor
    sin_cached: Tensor

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.heads = shape.heads
        self.head_width = shape.head_width
        self.rotated = int(shape.head_width * variant.rotary)
        ones = torch.ones(shape.context, shape.context, dtype=torch.bool)
        self.register_buffer("bias", torch.tril(ones)[None, None])
        even = torch.arange(0, self.rotated, 2).float()
        angles = torch.outer(torch.arange(shape.context).float(),
                             1.0 / (10000.0 ** (even / self.rotated)))
        angles = torch.cat((angles, angles), dim=-1)[None, None]
        self.register_buffer("cos_cached", angles.cos())
        self.register_buffer("sin_cached", angles.sin())
        self.query_key_value = nn.Linear(shape.width, 3 * shape.width)
        self.dense = nn.Linear(shape.width, shape.width)

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """Query, key and value, each ``[batch, head, token, _]``."""
        width = self.head_width
        qkv = self.query_key_value(x)
        qkv = qkv.view(qkv.size()[:-1] + (self.heads, 3 * width))
        if self.variant.qkv == "chunk":
            return qkv.transpose(1, 2).chunk(3, dim=-1)
        parts = (qkv[..., :width], qkv[..., width:2 * width], qkv[..., 2 * width:])
        return tuple(part.permute(0, 2, 1, 3) for part in parts)

    def angles(self, length: Tensor, positions: Tensor | None) -> tuple[Tensor, ...]:
        """Cosines and sines of the positions."""
        if positions is None:
            return (self.cos_cached[:, :, :length, :],
                    self.sin_cached[:, :, :length, :])
        index = positions[:, None, :, None].repeat(1, 1, 1, self.rotated)
        return tuple(torch.gather(table.repeat(index.shape[0], 1, 1, 1), 2, index)
                     for table in (self.cos_cached, self.sin_cached))

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        if self.rotated == self.head_width:
            return x * cos + rotate_half(x) * sin
        turned, rest = x[..., :self.rotated], x[..., self.rotated:]
        turned = turned * cos + rotate_half(turned) * sin
        return torch.cat((turned, rest), dim=-1)

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        norm = math.sqrt(self.head_width)
        if self.variant.product == "matmul":
            return torch.matmul(query, key.transpose(-1, -2)) / norm
        batch, heads, queries, width = query.size()
        keys = key.size(-2)
        flat = torch.zeros(batch * heads, queries, keys, dtype=query.dtype)
        flat = torch.baddbmm(
            flat, query.reshape(batch * heads, queries, width),
            key.reshape(batch * heads, keys, width).transpose(1, 2),
            beta=1.0, alpha=1.0 / norm)
        return flat.view(batch, heads, queries, keys)

    def forward(self, x: Tensor, mask: Tensor | None,
                positions: Tensor | None) -> Tensor:
        query, key, value = self.split(x)
        cos, sin = self.angles(key.shape[-2], positions)
        query = self.rotate(query, cos, sin)
        key = self.rotate(key, cos, sin)
        scores = self.scores(query, key)
        queries, keys = query.size(-2), key.size(-2)
        causal = self.bias[:, :, keys - queries:keys, :keys]
        lowest = torch.tensor(torch.finfo(scores.dtype).min, dtype=scores.dtype)
        scores = torch.where(causal, scores, lowest)
        if mask is not None:
            scores = scores + mask
        weights = nn.functional.softmax(scores, dim=-1).to(value.dtype)
        merged = torch.matmul(weights, value).permute(0, 2, 1, 3).contiguous()
        merged = merged.view(merged.size(0), merged.size(1),
                             self.heads * self.head_width)
        return self.dense(merged)


class Block(nn.Module):
    """A block with a parallel or a sequential residual."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.input_layernorm = nn.LayerNorm(shape.width)
        self.post_attention_layernorm = nn.LayerNorm(shape.width)
        self.attention = Attention(shape, variant)
        self.dense_h_to_4h = nn.Linear(shape.width, 4 * shape.width)
        self.dense_4h_to_h = nn.Linear(4 * shape.width, shape.width)

    def mlp(self, x: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.dense_h_to_4h(x),
                                    approximate=self.variant.gelu)
        return self.dense_4h_to_h(hidden)

    def forward(self, x: Tensor, *rest: Tensor | None) -> Tensor:
        attended = self.attention(self.input_layernorm(x), *rest)
        if self.variant.parallel:
            return self.mlp(self.post_attention_layernorm(x)) + attended + x
        x = attended + x
        return self.mlp(self.post_attention_layernorm(x)) + x


class NeoX(nn.Module):
    """Tokens, and what the variant takes besides, to logits."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.embed_in = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Block(shape, variant)
                                    for _ in range(shape.layers))
        self.final_layer_norm = nn.LayerNorm(shape.width)
        self.embed_out = nn.Linear(shape.width, shape.vocabulary, bias=False)

    def forward(self, tokens: Tensor, *rest: Tensor) -> Tensor:
        mask = positions = None
        if self.variant.padding:
            mask, *rest = rest
            mask = mask.view(tokens.size(0), -1)[:, None, None, :].to(torch.float32)
            mask = (1.0 - mask) * torch.finfo(torch.float32).min
        if self.variant.positions:
            positions, = rest
        x = self.embed_in(tokens)
        for layer in self.layers:
            x = layer(x, mask, positions)
        return self.embed_out(self.final_layer_norm(x))


def signature(shape: Shape, variant: Variant) -> Signature:
    """Inputs, outputs and varying dimensions of ``NeoX(shape, variant)``."""
    inputs = {"input_ids": shape.token_ids()}
    if variant.padding:
        inputs["attention_mask"] = shape.padding_mask()
    if variant.positions:
        inputs["position_ids"] = shape.position_ids()
    axes = {name: {0: "batch", 1: "sequence"} for name in [*inputs, "logits"]}
    return Signature(inputs, ["logits"], axes)


_SEQUENTIAL = Variant(parallel=False)
_BADDBMM = Variant(product="baddbmm", qkv="chunk")
_INPUTS = Variant(padding=True, positions=True)
_PAIR = Shape(batch=2)

_TABLE: list[tuple[str, Variant, Export, Shape]] = [
    ("opset11", Variant(), Export(11), Shape()),
    ("opset13", Variant(), Export(13), Shape()),
    ("opset16", Variant(qkv="chunk"), Export(16), Shape()),
    ("opset17", Variant(), Export(17), Shape()),
    ("no-folding", Variant(), Export(13, folding=False), Shape(tokens=12)),
    ("dynamic", Variant(), Export(13, dynamic=True), Shape()),
    ("dynamic-17", Variant(qkv="chunk"), Export(17, dynamic=True), Shape(tokens=8)),
    ("dynamic-batch2", Variant(), Export(11, dynamic=True, folding=False), _PAIR),
    ("half-rotary", Variant(rotary=0.5), Export(13), Shape()),
    ("half-rotary-dynamic", Variant(rotary=0.5), Export(17, dynamic=True), Shape()),
    ("full-rotary", Variant(rotary=1.0), Export(13), Shape()),
    ("sequential", _SEQUENTIAL, Export(13), Shape()),
    ("sequential-dynamic-17", _SEQUENTIAL, Export(17, dynamic=True), Shape()),
    ("tanh", Variant(gelu="tanh"), Export(13), Shape()),
    ("baddbmm", _BADDBMM, Export(13), Shape()),
    ("baddbmm-dynamic", _BADDBMM, Export(13, dynamic=True), Shape()),
    ("masks", _INPUTS, Export(13), Shape()),
    ("masks-dynamic", _INPUTS, Export(16, dynamic=True), Shape()),
    ("masks-dynamic-batch2", _INPUTS, Export(17, dynamic=True), _PAIR),
    ("float16", Variant(), Export(13, storage="float16"), Shape()),
    ("bfloat16", Variant(), Export(13, storage="bfloat16"), Shape()),
    ("external-one", Variant(), Export(13, external="one"), Shape()),
    ("external-each", Variant(), Export(13, external="each"), Shape()),
    ("weights-as-inputs", Variant(), Export(16, weights_as_inputs=True), Shape()),
]


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, variant: Variant, export: Export, shape: Shape) -> Case:
    expect = {"attention": shape.layers, "layer_norm": 2 * shape.layers + 1,
              "gelu": shape.layers, "rotary_embedding": 2 * shape.layers}
    return torch_case(f"neox-{name}", "neox", shape, lambda: NeoX(shape, variant),
                      lambda size: signature(size, variant), expect, export)
