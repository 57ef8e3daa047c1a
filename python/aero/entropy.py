# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The entropy regulariser of the AERO paper (arXiv 2410.13060, section 3.4).

Without LayerNorm and activations, heads of early layers drift to attend to
everything (entropic overload), those of deep layers to one token (entropy
collapse). The regulariser holds the entropy E(l, h) of each head near a part
theta(l, h), which is learned, of the largest entropy Emax = log T:

    deviation(l, h) = E(l, h) - theta(l, h) Emax
    penalty(l, h)   = deviation(l, h)^2  if |deviation(l, h)| > gamma Emax, else 0
    penalty         = mean over layers of the mean over heads of penalty(l, h)

All entropies are in nats.
"""

from __future__ import annotations

import math
from typing import Dict, List, Optional, Sequence

import torch
from torch import Tensor, nn

from .errors import AeroError
from .nn import AttentionMap, OnnxModule

#: Keeps the logarithm of a weight of 0 finite, as in the paper.
EPSILON = 1e-9
#: Where thresholds start that the model does not have, as `aero rewrite` does.
INITIAL_THRESHOLD = 0.5


def row_entropies(weights: Tensor) -> Tensor:
    """The entropy of each distribution along the last axis, which goes away.

    -sum_j a_j log(a_j + 1e-9): 0 for one-hot rows (but for 1e-9), log n for n
    equal weights.
    """
    return -(weights * torch.log(weights + EPSILON)).sum(-1)


def head_entropies(weights: Tensor) -> Tensor:
    """The entropy of each head, (H), of attention maps (B, H, queries, keys).

    Averaged over samples and queries. Under a causal mask the first query sees one
    key, so that its entropy is 0, and query i has at most log(i + 1).
    """
    return row_entropies(weights).mean((0, 2))


class EntropyRegularizer(nn.Module):
    """The penalty for heads whose entropy is far from their thresholds.

    Args:
        module: Whose attentions are regularised.
        gamma: The tolerance, as a part of Emax: 0.2 in the paper, which studies 0
            to 0.3.
        own_thresholds: Learn thresholds that the model does not hold, one a head of
            every attention; they are parameters of this module, and not in what
            ``to_onnx`` writes. Otherwise they are those of the model's table of
            learnable scalars, and attentions without are not regularised.

    Raises:
        AeroError: gamma is negative or no number; the model has no thresholds.
    """

    def __init__(self, module: OnnxModule, gamma: float = 0.2,
                 own_thresholds: bool = False) -> None:
        super().__init__()
        if not (math.isfinite(gamma) and gamma >= 0):
            raise AeroError(f"gamma has to be a number of at least 0, got {gamma}")
        self.gamma = gamma
        self.attentions = module.attentions
        # In a list, so that its parameters are not this module's as well.
        self._model = [module]
        self._names: List[Optional[str]] = [None] * len(self.attentions)
        self.own: Optional[nn.ParameterList] = None
        if own_thresholds:
            self.own = nn.ParameterList([
                nn.Parameter(torch.full((attention.heads,), INITIAL_THRESHOLD))
                for attention in self.attentions])
        else:
            named: Dict[str, str] = {role.node: role.name for role in module.roles
                                     if role.role == "entropy_thresholds"}
            self._names = [named.get(attention.node) for attention in self.attentions]
            for attention, name in zip(self.attentions, self._names):
                shape = name and tuple(module.initializers[name].shape)
                if shape and shape != (attention.heads,):
                    raise AeroError(
                        f"{module.source}: initializer '{name}' has the shape {shape}, "
                        f"but the thresholds of {attention.heads} heads have "
                        f"({attention.heads},)")
        if not self.attentions:
            raise AeroError(f"{module.source}: has no attention to regularise")
        if not own_thresholds and not any(self._names):
            raise AeroError(
                f"{module.source}: has no entropy thresholds; make it with `aero "
                "rewrite --config 'SM(t)+ScFuFFN'` or another SM(t) configuration")

    def thresholds(self) -> List[Optional[Tensor]]:
        """Of each attention: theta (H), or None if it is not regularised."""
        if self.own is not None:
            return list(self.own)
        model = self._model[0]
        return [name and model.value(name) for name in self._names]

    def entropies(self, maps: Sequence[AttentionMap]) -> List[Tensor]:
        """E(l, h) of each attention, (H), in nats."""
        return [head_entropies(each.weights) for each in maps]

    def forward(self, maps: Sequence[AttentionMap]) -> Tensor:
        """The penalty, a scalar, of the maps of one run; lambda is the trainer's."""
        if [each.node for each in maps] != [each.node for each in self.attentions]:
            raise AeroError("the maps are not those of the model of this regulariser")
        return self.penalty(self.entropies(maps))

    def penalty(self, entropies: Sequence[Tensor]) -> Tensor:
        """The penalty of given E(l, h), (H) of each attention: for a batch that is
        computed in parts, whose entropies are averaged first."""
        penalties = []
        for attention, found, threshold in zip(self.attentions, entropies,
                                               self.thresholds()):
            if threshold is not None:
                penalties.append(head_penalties(found, threshold,
                                                math.log(attention.keys),
                                                self.gamma).mean())
        return torch.stack(penalties).mean()

    def clamp_(self) -> None:
        """Puts thresholds that left [0, 1] back to its ends: after each step of an
        optimiser, as the compiler refuses others."""
        with torch.no_grad():
            if self.own is not None:
                parameters = list(self.own)
            else:
                initializers = self._model[0].initializers
                parameters = [initializers[name] for name in self._names if name]
            for parameter in parameters:
                parameter.clamp_(0.0, 1.0)


def head_penalties(entropies: Tensor, thresholds: Tensor, largest: float,
                   gamma: float) -> Tensor:
    """Of each head: the square of its deviation, 0 up to and at the tolerance."""
    deviations = entropies - thresholds * largest
    outside = deviations.abs() > gamma * largest
    return torch.where(outside, deviations * deviations,
                       torch.zeros_like(deviations))
