# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LLaMA: RMSNorm, gated SiLU, rotary embeddings and grouped-query attention."""

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
    """How a LLaMA spells what it computes.

    Attributes:
        kv_heads: Key and value heads; the query heads for plain attention.
        norm: ``"rsqrt"`` multiplies by it, ``"sqrt"`` divides by that.
        rotary: ``"half"`` rotates the halves by slices, ``"chunk"`` by chunks,
            ``"pairs"`` and ``"pairs_stack"`` rotate neighbours.
        angles: ``"outer"``, ``"einsum"`` or ``"matmul"`` of the positions and
            the frequencies; ``"cached"`` looks them up in buffers.
        positions: Take ``position_ids``; otherwise they are a range.
        mask: ``"triu"`` of -inf, ``"triu_lowest"`` of finfo.min, ``"less"`` fills
            where a range is less, ``"range"`` selects by comparing ranges.
        padding: Take ``attention_mask``.
        past: Take and return keys and values.
    """

    kv_heads: int = 4
    norm: str = "rsqrt"
    rotary: str = "half"
    angles: str = "outer"
    positions: bool = False
    mask: str = "less"
    padding: bool = False
    past: bool = False


class RMSNorm(nn.Module):
    """Division by the root mean square, with a learned scale."""

    def __init__(self, width: int, form: str, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.form = form
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        if self.form == "sqrt":
            mean = torch.mean(x * x, dim=-1, keepdim=True)
            return x / torch.sqrt(mean + self.epsilon) * self.weight
        wide = x.to(torch.float32)
        variance = wide.pow(2).mean(-1, keepdim=True)
        wide = wide * torch.rsqrt(variance + self.epsilon)
        return self.weight * wide.to(x.dtype)


class Rotary(nn.Module):
    """The cosines and sines of the positions, and rotation by them."""

    inverse: Tensor
    cos_cached: Tensor
    sin_cached: Tensor

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        even = torch.arange(0, shape.head_width, 2).float()
        inverse = 1.0 / (10000.0 ** (even / shape.head_width))
        self.register_buffer("inverse", inverse, persistent=False)
        if variant.angles == "cached":
            angles = self.widened(torch.outer(torch.arange(shape.context).float(),
                                              inverse))
            self.register_buffer("cos_cached", angles.cos(), persistent=False)
            self.register_buffer("sin_cached", angles.sin(), persistent=False)

    def widened(self, angles: Tensor) -> Tensor:
        """One angle a dimension of the head, from one a rotated pair."""
        if self.variant.rotary == "pairs":
            return torch.stack((angles, angles), dim=-1).flatten(-2)
        if self.variant.rotary == "pairs_stack":
            return angles
        return torch.cat((angles, angles), dim=-1)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines that broadcast over ``[batch, head, token, _]``."""
        kind = self.variant.angles
        if kind == "cached":
            cos, sin = self.cos_cached[positions], self.sin_cached[positions]
            return cos.unsqueeze(1), sin.unsqueeze(1)
        if kind == "matmul":
            inverse = self.inverse[None, :, None].float()
            inverse = inverse.expand(positions.shape[0], -1, 1)
            angles = inverse @ positions[:, None, :].float()
            angles = self.widened(angles.transpose(1, 2))
            return angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)
        row = positions.type_as(self.inverse)
        if kind == "einsum":
            angles = torch.einsum("bi,j->bij", row, self.inverse)
        else:
            angles = row[:, :, None] * self.inverse[None, None, :]
        angles = self.widened(angles)
        return angles.cos()[:, None, :, :], angles.sin()[:, None, :, :]

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """``x`` rotated by the angles."""
        kind = self.variant.rotary
        if kind == "pairs_stack":
            even, odd = x[..., ::2], x[..., 1::2]
            rotated = (even * cos - odd * sin, even * sin + odd * cos)
            return torch.stack(rotated, dim=-1).flatten(-2)
        if kind == "pairs":
            turned = torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)
        elif kind == "chunk":
            first, second = x.chunk(2, dim=-1)
            turned = torch.cat((-second, first), dim=-1)
        else:
            first = x[..., :x.shape[-1] // 2]
            second = x[..., x.shape[-1] // 2:]
            turned = torch.cat((-second, first), dim=-1)
        return x * cos + turned * sin


def repeat_heads(x: Tensor, times: int) -> Tensor:
    """Every key or value head ``times`` times."""
    if times == 1:
        return x
    batch, heads, length, width = x.shape
    x = x[:, :, None, :, :].expand(batch, heads, times, length, width)
    return x.reshape(batch, heads * times, length, width)


class Attention(nn.Module):
    """Causal attention with rotated queries and keys."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.heads = shape.heads
        self.kv_heads = variant.kv_heads
        self.head_width = shape.head_width
        kv_width = variant.kv_heads * shape.head_width
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, mask: Tensor, rotary: Rotary, cos: Tensor,
                sin: Tensor, past: tuple[Tensor, Tensor] | None
                ) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = x.size()
        query = self.q_proj(x).view(batch, length, self.heads, self.head_width)
        key = self.k_proj(x).view(batch, length, self.kv_heads, self.head_width)
        value = self.v_proj(x).view(batch, length, self.kv_heads, self.head_width)
        query, key, value = (t.transpose(1, 2) for t in (query, key, value))
        query = rotary.rotate(query, cos, sin)
        key = rotary.rotate(key, cos, sin)
        if past is not None:
            key = torch.cat([past[0], key], dim=2)
            value = torch.cat([past[1], value], dim=2)
        times = self.heads // self.kv_heads
        keys, values = repeat_heads(key, times), repeat_heads(value, times)
        scores = torch.matmul(query, keys.transpose(2, 3)) / math.sqrt(self.head_width)
        scores = scores + mask
        weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32)
        merged = torch.matmul(weights.to(query.dtype), values)
        merged = merged.transpose(1, 2).contiguous()
        merged = merged.reshape(batch, length, self.heads * self.head_width)
        return self.o_proj(merged), key, value


class Block(nn.Module):
    """A block with RMSNorm before attention and before the gated FFN."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        width, inner = shape.width, 3 * shape.width
        self.input_layernorm = RMSNorm(width, variant.norm)
        self.self_attn = Attention(shape, variant)
        self.post_attention_layernorm = RMSNorm(width, variant.norm)
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, *rest: object) -> tuple[Tensor, Tensor, Tensor]:
        attended, key, value = self.self_attn(self.input_layernorm(x), *rest)
        x = x + attended
        y = self.post_attention_layernorm(x)
        gated = nn.functional.silu(self.gate_proj(y)) * self.up_proj(y)
        return x + self.down_proj(gated), key, value


class Llama(nn.Module):
    """Tokens, and what the variant takes besides, to logits and the present."""

    def __init__(self, shape: Shape, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.rotary = Rotary(shape, variant)
        self.layers = nn.ModuleList(Block(shape, variant)
                                    for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, variant.norm)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)

    def causal_mask(self, length: Tensor, start: Tensor | int) -> Tensor:
        """What to add to the scores of ``length`` queries after ``start`` keys."""
        kind = self.variant.mask
        lowest = torch.finfo(torch.float32).min
        if kind == "triu":
            return torch.triu(torch.full((length, length), float("-inf")), diagonal=1)
        if kind == "triu_lowest":
            return torch.triu(torch.full((length, length), lowest), diagonal=1)
        if kind == "range":
            keys = torch.arange(start + length)
            queries = torch.arange(start, start + length)
            visible = keys[None, :] <= queries[:, None]
            return torch.where(visible, torch.tensor(0.0), torch.tensor(lowest))
        mask = torch.full((length, length), lowest)
        order = torch.arange(mask.size(-1))
        return mask.masked_fill(order < (order + 1).view(mask.size(-1), 1), 0.0)

    def forward(self, tokens: Tensor,
                *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        variant = self.variant
        padding = positions = None
        if variant.padding:
            padding, *rest = rest
        if variant.positions:
            positions, *rest = rest
        pasts = [None] * len(self.layers)
        if variant.past:
            pasts = list(zip(rest[::2], rest[1::2]))
        length = tokens.shape[1]
        start = pasts[0][0].shape[2] if variant.past else 0
        if positions is None:
            positions = torch.arange(start, start + length).unsqueeze(0)
        x = self.embed_tokens(tokens)
        cos, sin = self.rotary(positions)
        mask = self.causal_mask(length, start)[None, None, :, :]
        if padding is not None:
            inverted = 1.0 - padding[:, None, None, :].to(x.dtype)
            lowest = torch.finfo(x.dtype).min
            mask = mask + inverted.masked_fill(inverted.to(torch.bool), lowest)
        present: list[Tensor] = []
        for block, past in zip(self.layers, pasts):
            x, key, value = block(x, mask, self.rotary, cos, sin, past)
            present += [key, value]
        logits = self.lm_head(self.norm(x))
        return (logits, *present) if variant.past else logits


def signature(shape: Shape, variant: Variant) -> Signature:
    """Inputs, outputs and varying dimensions of ``Llama(shape, variant)``."""
    joint = "total_sequence" if variant.past else "sequence"
    inputs = {"input_ids": shape.token_ids()}
    axes = {"input_ids": {0: "batch", 1: "sequence"},
            "logits": {0: "batch", 1: "sequence"}}
    outputs = ["logits"]
    if variant.padding:
        inputs["attention_mask"] = shape.padding_mask()
        axes["attention_mask"] = {0: "batch", 1: joint}
    if variant.positions:
        inputs["position_ids"] = shape.position_ids()
        axes["position_ids"] = {0: "batch", 1: "sequence"}
    if variant.past:
        random = np.random.default_rng(13)
        size = (shape.batch, variant.kv_heads, shape.past or 0, shape.head_width)
        for name in (f"{layer}.{part}" for layer in range(shape.layers)
                     for part in ("key", "value")):
            past, present = f"past_key_values.{name}", f"present.{name}"
            inputs[past] = random.standard_normal(size).astype(np.float32)
            outputs.append(present)
            axes[past] = {0: "batch", 2: "past_sequence"}
            axes[present] = {0: "batch", 2: joint}
    return Signature(inputs, outputs, axes)


_GROUPED = Variant(kv_heads=2)
_MODERN = Variant(kv_heads=2, angles="matmul", positions=True, mask="triu_lowest",
                  padding=True)
_PAST = Variant(kv_heads=2, angles="matmul", positions=True, mask="range",
                padding=True, past=True)
_PAIR = Shape(batch=2)
_AFTER3 = Shape(tokens=8, past=3)
_EMPTY_PAST = Shape(tokens=8, past=0)
_change = dataclasses.replace

_TABLE: list[tuple[str, Variant, Export, Shape]] = [
    ("opset11", Variant(), Export(11), Shape()),
    ("opset13", Variant(), Export(13), Shape()),
    ("opset16", Variant(mask="triu"), Export(16), Shape()),
    ("opset17", Variant(mask="triu"), Export(17), Shape()),
    ("no-folding", Variant(), Export(13, folding=False), Shape(tokens=8)),
    ("dynamic", Variant(), Export(13, dynamic=True), Shape()),
    ("dynamic-17", Variant(mask="triu"), Export(17, dynamic=True), Shape(tokens=12)),
    ("dynamic-batch2", Variant(), Export(11, dynamic=True, folding=False), _PAIR),
    ("sqrt-norm", Variant(norm="sqrt"), Export(13), Shape()),
    ("sqrt-norm-dynamic", Variant(norm="sqrt"), Export(17, dynamic=True), Shape()),
    ("range-mask", Variant(mask="range"), Export(13), Shape()),
    ("range-mask-dynamic", Variant(mask="range"), Export(16, dynamic=True), Shape()),
    ("position-ids", Variant(positions=True), Export(13), Shape()),
    ("position-ids-dynamic", Variant(positions=True, angles="matmul"),
     Export(17, dynamic=True), Shape()),
    ("einsum", Variant(angles="einsum"), Export(13), Shape()),
    ("einsum-dynamic", Variant(angles="einsum", positions=True),
     Export(13, dynamic=True), Shape()),
    ("cached", Variant(angles="cached"), Export(13), Shape()),
    ("cached-position-ids-dynamic", Variant(angles="cached", positions=True),
     Export(13, dynamic=True), Shape()),
    ("chunk", Variant(rotary="chunk"), Export(13), Shape()),
    ("chunk-dynamic", Variant(rotary="chunk", mask="triu_lowest"),
     Export(17, dynamic=True), Shape()),
    ("pairs", Variant(rotary="pairs"), Export(13), Shape()),
    ("pairs-dynamic", Variant(rotary="pairs", positions=True),
     Export(17, dynamic=True), Shape()),
    ("pairs-stack", Variant(rotary="pairs_stack"), Export(11), Shape()),
    ("pairs-stack-dynamic", Variant(rotary="pairs_stack"),
     Export(16, dynamic=True), Shape()),
    ("grouped", _GROUPED, Export(13), Shape()),
    ("grouped-dynamic", _GROUPED, Export(13, dynamic=True), Shape()),
    ("grouped-11-no-folding", _GROUPED, Export(11, folding=False), Shape()),
    ("grouped-one-kv-head", Variant(kv_heads=1), Export(17, dynamic=True), Shape()),
    ("grouped-pairs", _change(_GROUPED, rotary="pairs", norm="sqrt"),
     Export(17), Shape()),
    ("modern", _MODERN, Export(17), Shape()),
    ("modern-dynamic", _MODERN, Export(17, dynamic=True), Shape()),
    ("modern-dynamic-batch2", _MODERN, Export(16, dynamic=True), _PAIR),
    ("past3", _PAST, Export(13), _AFTER3),
    ("past3-dynamic", _PAST, Export(17, dynamic=True), _AFTER3),
    ("past0-dynamic", _PAST, Export(17, dynamic=True), _EMPTY_PAST),
    ("float16", _GROUPED, Export(13, storage="float16"), Shape()),
    ("bfloat16", _GROUPED, Export(17, storage="bfloat16"), Shape()),
    ("external-one", _GROUPED, Export(13, external="one"), Shape()),
    ("external-each", Variant(), Export(17, external="each"), Shape()),
    ("weights-as-inputs", Variant(), Export(13, weights_as_inputs=True), Shape()),
]


def expected(shape: Shape) -> dict[str, int]:
    """What a perfect importer finds in a LLaMA."""
    return {"attention": shape.layers, "rms_norm": 2 * shape.layers + 1,
            "silu": shape.layers, "rotary_embedding": 2 * shape.layers}


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, variant: Variant, export: Export, shape: Shape) -> Case:
    return torch_case(f"llama-{name}", "llama", shape, lambda: Llama(shape, variant),
                      lambda size: signature(size, variant), expected(shape), export,
                      kv_heads=variant.kv_heads)
