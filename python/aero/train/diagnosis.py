# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What attention entropies say of a network that diverges.

Without norms training fails in two ways, and entropies tell them apart: heads whose
attention has collapsed to single tokens (entropy near 0, mostly in deep layers), and
heads that are overloaded, attending to everything alike (entropy near the largest).
"""

from __future__ import annotations

import math
from typing import List, Optional, Sequence

import torch

COLLAPSED_SHARE = 0.05
OVERLOADED_SHARE = 0.95


def largest_mean_entropy(context: int) -> float:
    """The mean over queries of the largest entropy under a causal mask.

    Query i sees i + 1 keys, so its entropy is at most log(i + 1).
    """
    return math.lgamma(context + 1) / context


def describe(
    names: Sequence[str], entropies: Sequence[torch.Tensor], context: int
) -> List[str]:
    """One line for each attention that has a head in trouble."""
    largest = largest_mean_entropy(context)
    lines = []
    for name, heads in zip(names, entropies):
        finite = torch.isfinite(heads)
        # Rounding, and the 1e-9 of the definition, may give slightly less than 0.
        shown = ", ".join(f"{float(value):.3f}" for value in heads.clamp(min=0.0) + 0.0)
        found = []
        for count, what in (
            (int((~finite).sum()), "not finite"),
            (
                int((heads[finite] < COLLAPSED_SHARE * math.log(context)).sum()),
                "collapsed (near 0)",
            ),
            (
                int((heads[finite] > OVERLOADED_SHARE * largest).sum()),
                f"overloaded (near the largest, {largest:.3f})",
            ),
        ):
            if count:
                found.append(f"{count} of {heads.numel()} heads {what}")
        if found:
            lines.append(f"{name}: {'; '.join(found)}; entropies {shown}")
    return lines


def verdict(
    names: Sequence[str],
    before: Optional[Sequence[torch.Tensor]],
    now: Sequence[torch.Tensor],
    context: int,
) -> str:
    """What a message about a diverged run says of its attention.

    ``before`` are the entropies that were measured last, ``now`` those of the batch
    that failed.
    """
    lines = describe(names, now, context)
    if not lines:
        lines = ["no head has collapsed or is overloaded on this batch"]
    text = "attention on this batch: " + ". ".join(lines)
    if before is not None:
        earlier = describe(names, before, context)
        text += ". When last measured: " + (
            ". ".join(earlier) if earlier else "no head had collapsed or was overloaded"
        )
    return text
