# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A plain GPT-2 whose LayerNorm and FFN activation can be taken out.

The module and parameter names are those of OpenAI's release (``wte``, ``wpe``,
``h.0.attn.c_attn.weight``, ...), and projections hold their weight as
``[in, out]``, so that an exported graph keeps the familiar initializer names.
Only API that PyTorch 1.13 and 2.x share is used.
"""

import dataclasses
import math
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORMS: Tuple[str, ...] = ("layernorm", "none")
ACTIVATIONS: Tuple[str, ...] = ("gelu", "gelu_tanh", "relu", "identity")


@dataclasses.dataclass(frozen=True)
class GPT2Config:
    """Shape and nonlinearities of a :class:`GPT2`.

    Attributes:
        n_layer: Number of transformer blocks.
        n_head: Attention heads per block; divides ``d_model``.
        d_model: Width of the residual stream. The FFN is four times as wide.
        context: Number of positions, T.
        vocab: Number of tokens.
        norm: ``"layernorm"`` or ``"none"``, for block norms and the final norm.
        activation: The FFN activation, one of :data:`ACTIVATIONS`.
        scaled_ffn: Use ``out = beta * y + FFN(y) / alpha`` with one learnable
            alpha and beta per layer, where y is the residual stream after
            attention, instead of ``out = y + FFN(y)``.
        init_std: Standard deviation of the initial matrices.
        embedding_std: The same for the token and position embeddings.
        alpha_init: Initial alpha of a scaled FFN.
    """

    n_layer: int = 4
    n_head: int = 4
    d_model: int = 128
    context: int = 64
    vocab: int = 256
    norm: str = "layernorm"
    activation: str = "gelu"
    scaled_ffn: bool = False
    init_std: float = 0.02
    embedding_std: float = 0.02
    alpha_init: float = 1.0

    def __post_init__(self) -> None:
        for field in ("n_layer", "n_head", "d_model", "context", "vocab"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be positive")
        if self.d_model % self.n_head:
            raise ValueError(
                f"d_model {self.d_model} is not a multiple of n_head {self.n_head}"
            )
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {NORMS}, not {self.norm!r}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {ACTIVATIONS}, not {self.activation!r}"
            )
        if self.alpha_init == 0.0:
            raise ValueError("alpha_init must not be zero")

    def to_dict(self) -> Dict[str, Any]:
        """The fields as a dictionary; ``GPT2Config(**d)`` reads it back."""
        return dataclasses.asdict(self)


_NAMED: Dict[str, Dict[str, Any]] = {
    "SM+LN+G": {"norm": "layernorm", "activation": "gelu"},
    "SM+LN+R": {"norm": "layernorm", "activation": "relu"},
    "SM+LN": {"norm": "layernorm", "activation": "identity"},
    "SM+G": {"norm": "none", "activation": "gelu"},
    "SM+R": {"norm": "none", "activation": "relu"},
    "SM": {"norm": "none", "activation": "identity"},
    "SM+ScFFN": {"norm": "none", "activation": "identity", "scaled_ffn": True},
}


def named_config_names() -> List[str]:
    """The names that :func:`named_config` knows."""
    return list(_NAMED)


def named_config(name: str, **overrides: Any) -> GPT2Config:
    """The configuration called ``name``, with any field of it overridden.

    The letters list the nonlinearities that are left: SM softmax, LN LayerNorm,
    G GELU, R ReLU; ScFFN is the scaled FFN without an activation.
    """
    if name not in _NAMED:
        raise ValueError(
            f"unknown configuration {name!r}; known: {', '.join(_NAMED)}"
        )
    return GPT2Config(**{**_NAMED[name], **overrides})


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU by its tanh approximation, spelled out as in the original GPT-2."""
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
    return 0.5 * x * (1.0 + torch.tanh(inner))


def _activation(name: str) -> Optional[Callable[[Tensor], Tensor]]:
    """The activation function, or None for the identity."""
    return {
        "gelu": F.gelu,
        "gelu_tanh": gelu_tanh,
        "relu": F.relu,
        "identity": None,
    }[name]


class Conv1D(nn.Module):
    """A linear layer with its weight stored as ``[in, out]``."""

    def __init__(self, n_in: int, n_out: int, std: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out).normal_(0.0, std))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class Attention(nn.Module):
    """Causal multi-head self-attention with a fused QKV projection."""

    future: Tensor

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        d = config.d_model
        self.width = d
        self.n_head = config.n_head
        self.d_head = d // config.n_head
        self.scale = 1.0 / math.sqrt(self.d_head)
        self.c_attn = Conv1D(d, 3 * d, config.init_std)
        self.c_proj = Conv1D(d, d, _residual_std(config))
        ones = torch.ones(config.context, config.context)
        self.register_buffer(
            "future", torch.triu(ones, diagonal=1).bool()[None, None], persistent=False
        )

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Scaled scores ``[batch, head, query, key]``, before the mask."""
        return q @ k.transpose(-2, -1) * self.scale

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = self.c_attn(x).split(self.width, dim=2)
        q, k, v = (
            t.view(batch, length, self.n_head, self.d_head).transpose(1, 2)
            for t in (q, k, v)
        )
        scores = self.scores(q, k)
        future = self.future[:, :, :length, :length]
        attention = torch.softmax(scores.masked_fill(future, float("-inf")), dim=-1)
        merged = (attention @ v).transpose(1, 2).contiguous()
        return self.c_proj(merged.view(batch, length, self.width))


class FeedForward(nn.Module):
    """The two-matrix FFN, four times as wide inside."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        d = config.d_model
        self.act = _activation(config.activation)
        self.c_fc = Conv1D(d, 4 * d, config.init_std)
        self.c_proj = Conv1D(4 * d, d, _residual_std(config))

    def forward(self, x: Tensor) -> Tensor:
        if self.act is None and self.training:
            # Without an activation the product of the two matrices is the whole
            # FFN. Multiplying the weights first gives the same gradients and
            # costs an eighth; evaluation and export keep both matrices.
            weight = self.c_fc.weight @ self.c_proj.weight
            bias = self.c_fc.bias @ self.c_proj.weight + self.c_proj.bias
            return x @ weight + bias
        hidden = self.c_fc(x)
        if self.act is not None:
            hidden = self.act(hidden)
        return self.c_proj(hidden)


class Block(nn.Module):
    """A pre-LN transformer block."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.scaled_ffn = config.scaled_ffn
        self.ln_1 = _norm(config)
        self.attn = Attention(config)
        self.ln_2 = _norm(config)
        self.mlp = FeedForward(config)
        if config.scaled_ffn:
            self.alpha = nn.Parameter(torch.tensor(float(config.alpha_init)))
            self.beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        y = x + self.attn(self.ln_1(x))
        ffn = self.mlp(self.ln_2(y))
        if self.scaled_ffn:
            return self.beta * y + ffn / self.alpha
        return y + ffn


class GPT2(nn.Module):
    """A decoder-only transformer: int64 tokens [B, T] to logits [B, T, vocab]."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab, config.d_model)
        self.wpe = nn.Embedding(config.context, config.d_model)
        self.h = nn.ModuleList([Block(config) for _ in range(config.n_layer)])
        self.ln_f = _norm(config)
        nn.init.normal_(self.wte.weight, 0.0, config.embedding_std)
        nn.init.normal_(self.wpe.weight, 0.0, config.embedding_std)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        if not torch.jit.is_tracing() and length > self.config.context:
            raise ValueError(
                f"{length} tokens exceed the context {self.config.context}"
            )
        positions = torch.arange(length, device=tokens.device).unsqueeze(0)
        x = self.wte(tokens) + self.wpe(positions)
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.t()


def _residual_std(config: GPT2Config) -> float:
    """Projections into the residual stream start smaller in deeper models."""
    return config.init_std / math.sqrt(2 * config.n_layer)


def _norm(config: GPT2Config) -> nn.Module:
    return nn.LayerNorm(config.d_model) if config.norm == "layernorm" else nn.Identity()
