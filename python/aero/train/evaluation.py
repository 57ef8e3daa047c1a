# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loss and attention entropies on windows that stay the same."""

from __future__ import annotations

from typing import List, Optional, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..entropy import head_entropies
from ..nn import AttentionMap, OnnxModule

# Elements of logits, or of attention maps of one layer, that one batch may have.
BATCH_ELEMENTS = 1 << 25
# Windows that the entropies of a training step are measured on.
ENTROPY_WINDOWS = 16


def next_token_loss(logits: Tensor, windows: Tensor) -> Tensor:
    """Mean cross entropy of tokens 1..T of each window given those before."""
    return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def map_names(maps: List[AttentionMap]) -> List[str]:
    """How messages call each attention."""
    return [
        f"layer {m.layer}" if m.layer is not None else f"node '{m.node}'" for m in maps
    ]


def batch_size(module: OnnxModule) -> int:
    """How many windows are evaluated at once."""
    elements = module.context * max(module.vocabulary, 16 * module.context)
    return max(1, min(256, BATCH_ELEMENTS // elements))


@torch.no_grad()
def evaluate(module: OnnxModule, windows: Tensor, device: torch.device) -> float:
    """Mean cross entropy over every position of ``windows``, in nats a token."""
    was_training = module.training
    module.eval()
    total = 0.0
    for part in windows.split(batch_size(module)):
        part = part.to(device)
        total += float(next_token_loss(module(part[:, :-1]), part)) * part.shape[0]
    module.train(was_training)
    return total / windows.shape[0]


@torch.no_grad()
def measure_entropies(
    module: OnnxModule, windows: Tensor, device: torch.device
) -> Tuple[List[AttentionMap], List[Tensor]]:
    """For each attention, what it is (its map is of the last batch) and the mean
    entropy of each head in nats, over all windows and queries."""
    was_training = module.training
    module.eval()
    sums: Optional[List[Tensor]] = None
    maps: List[AttentionMap] = []
    for part in windows.split(batch_size(module)):
        _, maps = module.forward_with_attention(part[:, :-1].to(device))
        found = [head_entropies(m.weights).double().cpu() * len(part) for m in maps]
        sums = found if sums is None else [a + b for a, b in zip(sums, found)]
    module.train(was_training)
    return maps, [total / windows.shape[0] for total in sums or []]
