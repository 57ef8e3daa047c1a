# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPT-2 with its computation structured as in the Hugging Face release.

Projections are addmm on flattened views, the causal mask is a buffer, and the
attention mask and the past of keys and values may be inputs.
"""

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
    """What a GPT-2 takes and how it masks.

    Attributes:
        masks: Take ``attention_mask`` and ``position_ids``.
        past: Take the keys and values of a past.
        present: Return the keys and values.
        mask: ``"where"`` selects finfo.min, ``"where_full"`` does so from a
            tensor, ``"subtract"`` is ``w * b - 1e4 * (1 - b)``.
        buffer: Type of the causal mask's buffer, ``bool`` or ``uint8``.
        joint_symbol: Name of the dimension that past and tokens make together.
    """

    masks: bool = False
    past: bool = False
    present: bool = False
    mask: str = "where"
    buffer: str = "bool"
    joint_symbol: str = "total_length"


class Conv1D(nn.Module):
    """A projection with its weight stored as ``[in, out]``."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.n_out = n_out
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.empty(n_out))

    def forward(self, x: Tensor) -> Tensor:
        leading = x.size()[:-1]
        flat = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        return flat.view(leading + (self.n_out,))


class NewGelu(nn.Module):
    """GELU by its tanh approximation."""

    def forward(self, x: Tensor) -> Tensor:
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
        return 0.5 * x * (1.0 + torch.tanh(inner))


class Attention(nn.Module):
    """Causal self-attention over the past and the tokens."""

    bias: Tensor

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.heads = shape.heads
        self.width = shape.width
        self.head_width = shape.head_width
        self.mask = variant.mask
        kind = getattr(torch, variant.buffer)
        ones = torch.ones(shape.context, shape.context, dtype=torch.uint8)
        self.register_buffer("bias", torch.tril(ones).to(kind)[None, None])
        self.c_attn = Conv1D(shape.width, 3 * shape.width)
        self.c_proj = Conv1D(shape.width, shape.width)

    def split_heads(self, x: Tensor) -> Tensor:
        x = x.view(x.size()[:-1] + (self.heads, self.head_width))
        return x.permute(0, 2, 1, 3)

    def masked(self, scores: Tensor, key: Tensor, query: Tensor) -> Tensor:
        queries, keys = query.size(-2), key.size(-2)
        causal = self.bias[:, :, keys - queries:keys, :keys]
        if self.mask == "subtract":
            causal = causal.to(scores.dtype)
            return scores * causal - 1e4 * (1 - causal)
        lowest = torch.finfo(scores.dtype).min
        if self.mask == "where_full":
            filler = torch.full([], lowest, dtype=scores.dtype)
        else:
            filler = torch.tensor(lowest, dtype=scores.dtype)
        return torch.where(causal.bool(), scores, filler)

    def forward(self, x: Tensor, mask: Tensor | None,
                past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = self.c_attn(x).split(self.width, dim=2)
        query, key, value = map(self.split_heads, (query, key, value))
        if past is not None:
            key = torch.cat((past[0], key), dim=-2)
            value = torch.cat((past[1], value), dim=-2)
        scores = torch.matmul(query, key.transpose(-1, -2))
        scores = scores / (float(self.head_width) ** 0.5)
        scores = self.masked(scores, key, query)
        if mask is not None:
            scores = scores + mask
        weights = nn.functional.softmax(scores, dim=-1).type(value.dtype)
        merged = torch.matmul(weights, value).permute(0, 2, 1, 3).contiguous()
        merged = merged.view(merged.size()[:-2] + (self.heads * self.head_width,))
        return self.c_proj(merged), key, value


class Block(nn.Module):
    """A pre-LN block."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.width)
        self.attn = Attention(shape, variant)
        self.ln_2 = nn.LayerNorm(shape.width)
        self.mlp = nn.Sequential(Conv1D(shape.width, 4 * shape.width), NewGelu(),
                                 Conv1D(4 * shape.width, shape.width))

    def forward(self, x: Tensor, mask: Tensor | None,
                past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        attended, key, value = self.attn(self.ln_1(x), mask, past)
        x = attended + x
        return x + self.mlp(self.ln_2(x)), key, value


class GPT2(nn.Module):
    """Tokens, and what the variant takes besides, to logits and the present."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.width = shape.width
        self.wte = nn.Embedding(shape.vocabulary, shape.width)
        self.wpe = nn.Embedding(shape.context, shape.width)
        self.h = nn.ModuleList(Block(shape, variant) for _ in range(shape.layers))
        self.ln_f = nn.LayerNorm(shape.width)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, tokens: Tensor,
                *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        variant = self.variant
        mask = positions = None
        if variant.masks:
            mask, positions, *rest = rest
        pasts = [None] * len(self.h)
        if variant.past:
            pasts = list(zip(rest[::2], rest[1::2]))
        size = tokens.size()
        tokens = tokens.view(-1, size[-1])
        if positions is None:
            start = 0 if pasts[0] is None else pasts[0][0].size(-2)
            positions = torch.arange(start, size[-1] + start, dtype=torch.long)
            positions = positions.unsqueeze(0).view(-1, size[-1])
        else:
            positions = positions.view(-1, size[-1])
        x = self.wte(tokens) + self.wpe(positions)
        if mask is not None:
            mask = mask.view(tokens.size(0), -1)[:, None, None, :].to(x.dtype)
            mask = (1.0 - mask) * torch.finfo(x.dtype).min
        present: list[Tensor] = []
        for block, past in zip(self.h, pasts):
            x, key, value = block(x, mask, past)
            present += [key, value]
        x = self.ln_f(x).view(size + (x.size(-1),))
        logits = self.lm_head(x)
        return (logits, *present) if variant.present else logits


def signature(shape: Shape, variant: Variant) -> Signature:
    """Inputs, outputs and varying dimensions of ``GPT2(shape, variant)``."""
    inputs = {"input_ids": shape.token_ids()}
    axes = {"input_ids": {0: "batch", 1: "sequence"},
            "logits": {0: "batch", 1: "sequence"}}
    outputs = ["logits"]
    joint = variant.joint_symbol if variant.past else "sequence"
    if variant.masks:
        inputs["attention_mask"] = shape.padding_mask()
        inputs["position_ids"] = shape.position_ids()
        axes["attention_mask"] = {0: "batch", 1: joint}
        axes["position_ids"] = {0: "batch", 1: "sequence"}
    random = np.random.default_rng(11)
    size = (shape.batch, shape.heads, shape.past or 0, shape.head_width)
    for layer in range(shape.layers):
        for part in ("key", "value"):
            if variant.past:
                name = f"past_key_values.{layer}.{part}"
                inputs[name] = random.standard_normal(size).astype(np.float32)
                axes[name] = {0: "batch", 2: "past_sequence"}
            if variant.present:
                name = f"present.{layer}.{part}"
                outputs.append(name)
                axes[name] = {0: "batch", 2: joint}
    return Signature(inputs, outputs, axes)


_MASKS = Variant(masks=True)
_PAST = Variant(masks=True, past=True, present=True)
_SUBTRACT = Variant(mask="subtract")
_PAIR = Shape(batch=2)
_AFTER3 = Shape(tokens=8, past=3)
_EMPTY_PAST = Shape(tokens=8, past=0)

_TABLE: list[tuple[str, Variant, Export, Shape]] = [
    ("opset11", Variant(), Export(11), Shape()),
    ("opset13", Variant(), Export(13), Shape()),
    ("opset16", Variant(mask="where_full"), Export(16), Shape()),
    ("opset17", Variant(mask="where_full"), Export(17), Shape()),
    ("no-folding", Variant(), Export(13, folding=False), Shape()),
    ("no-folding-17", Variant(mask="where_full"), Export(17, folding=False), Shape()),
    ("uint8-buffer", Variant(buffer="uint8"), Export(13), Shape()),
    ("dynamic", Variant(), Export(13, dynamic=True), Shape(tokens=8)),
    ("dynamic-17", Variant(mask="where_full"), Export(17, dynamic=True), Shape()),
    ("dynamic-no-folding", Variant(), Export(11, dynamic=True, folding=False),
     Shape()),
    ("dynamic-batch2", Variant(), Export(13, dynamic=True), _PAIR),
    ("masks", _MASKS, Export(13), Shape()),
    ("masks-dynamic", _MASKS, Export(13, dynamic=True), Shape(tokens=12)),
    ("masks-dynamic-17", _MASKS, Export(17, dynamic=True, folding=False), Shape()),
    ("masks-dynamic-batch2", _MASKS, Export(11, dynamic=True), _PAIR),
    ("present", Variant(present=True), Export(13), Shape()),
    ("past3", _PAST, Export(13), _AFTER3),
    ("past3-one-token", _PAST, Export(13, dynamic=True), Shape(tokens=1, past=3)),
    ("past3-no-masks", Variant(past=True, present=True), Export(16), _AFTER3),
    ("past3-dynamic", dataclasses.replace(
        _PAST, joint_symbol="past_sequence + sequence"),
     Export(13, dynamic=True), _AFTER3),
    ("past3-dynamic-17", _PAST, Export(17, dynamic=True), _AFTER3),
    ("past0-dynamic", _PAST,
     Export(13, dynamic=True), _EMPTY_PAST),
    ("past0-dynamic-no-masks", Variant(past=True, present=True),
     Export(16, dynamic=True), _EMPTY_PAST),
    ("subtract", _SUBTRACT, Export(13), Shape()),
    ("subtract-11-dynamic", dataclasses.replace(_SUBTRACT, buffer="uint8"),
     Export(11, dynamic=True), Shape()),
    ("float16", Variant(), Export(13, storage="float16"), Shape()),
    ("bfloat16", Variant(), Export(13, storage="bfloat16"), Shape()),
    ("float64", Variant(), Export(13, storage="float64"), Shape()),
    ("external-one", Variant(), Export(13, external="one"), Shape()),
    ("external-each", Variant(), Export(13, external="each"), Shape()),
    ("weights-as-inputs", Variant(), Export(11, weights_as_inputs=True), Shape()),
    ("weights-as-inputs-dynamic", _MASKS,
     Export(13, dynamic=True, folding=False, weights_as_inputs=True), Shape()),
]


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, variant: Variant, export: Export, shape: Shape) -> Case:
    expect = {"attention": shape.layers, "layer_norm": 2 * shape.layers + 1,
              "gelu": shape.layers}
    return torch_case(f"gpt2-hf-{name}", "gpt2_hf", shape,
                      lambda: GPT2(shape, variant),
                      lambda size: signature(size, variant), expect, export)
