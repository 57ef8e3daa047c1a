# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What, with the model and the data, determines the result of a training run."""

from __future__ import annotations

import dataclasses
import math
from typing import Dict, List, Optional, Tuple

from ..errors import AeroError

NORMALIZATIONS = ("none", "weight", "spectral")
PRECISIONS = ("float32", "tf32", "bfloat16")
NORM_ORDERS = ("deepest-first", "first-first")
# How fast learnable scalars move, as a factor of the learning rate. Adam moves each
# value by about the rate a step, whatever its size, and temperatures start at 1e-2.
DEFAULT_FACTORS: Dict[str, float] = {
    "ffn_alpha": 1.0,
    "ffn_beta": 1.0,
    "temperature": 0.1,
    "entropy_thresholds": 1.0,
    "leaky_slope": 1.0,
}


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """Options that change the weights; a run can be continued only with the same.

    The learning rate rises linearly over ``warmup`` steps, stays, and falls on a
    cosine to ``final_lr_share`` of it over the last ``decay_steps`` (0: from the
    end of the warmup on).
    """

    steps: int = 3000
    batch: int = 64
    accumulate: int = 1
    lr: float = 2e-3
    warmup: int = 200
    decay_steps: int = 0
    final_lr_share: float = 0.02
    weight_decay: float = 0.05
    grad_clip: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.98
    seed: int = 1
    precision: str = "float32"
    lr_factors: Dict[str, float] = dataclasses.field(
        default_factory=lambda: dict(DEFAULT_FACTORS)
    )
    min_temperature: float = 1e-3
    entropy_lambda: float = 0.0
    entropy_gamma: float = 0.2
    own_thresholds: bool = False
    normalize: str = "none"
    remove_norms: Tuple[int, ...] = ()
    remove_norms_every: int = 0
    remove_norms_order: str = "deepest-first"
    norm_windows: int = 256

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "norm_windows"):
            if getattr(self, name) < 1:
                raise AeroError(f"{flag(name)} must be at least 1")
        if self.batch % self.accumulate:
            raise AeroError(
                f"--batch {self.batch} is not a multiple of "
                f"--accumulate {self.accumulate}"
            )
        for name in ("warmup", "decay_steps", "weight_decay", "entropy_lambda"):
            if not 0 <= getattr(self, name) < math.inf:
                raise AeroError(f"{flag(name)} must not be negative")
        for name in ("lr", "grad_clip", "min_temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise AeroError(f"{flag(name)} must be positive")
        for name in ("beta1", "beta2", "final_lr_share"):
            if not 0 <= getattr(self, name) < 1:
                raise AeroError(f"{flag(name)} must be at least 0 and below 1")
        if not 0 <= self.entropy_gamma <= 1:
            raise AeroError("--entropy-gamma must be between 0 and 1")
        if not 0 <= self.seed < 1 << 40:
            raise AeroError("--seed must be between 0 and 2^40")
        for role, factor in self.lr_factors.items():
            if role not in DEFAULT_FACTORS:
                raise AeroError(
                    f"--lr-factor {role}: no such role; there are "
                    + ", ".join(DEFAULT_FACTORS)
                )
            if not 0 <= factor < math.inf:
                raise AeroError(f"--lr-factor {role}={factor}: must not be negative")
        for name, choices in (
            ("normalize", NORMALIZATIONS),
            ("precision", PRECISIONS),
            ("remove_norms_order", NORM_ORDERS),
        ):
            if getattr(self, name) not in choices:
                raise AeroError(f"{flag(name)} must be one of {', '.join(choices)}")
        if any(step < 1 for step in self.remove_norms) or any(
            b < a for a, b in zip(self.remove_norms, self.remove_norms[1:])
        ):
            raise AeroError("--remove-norms must be rising steps from 1 on")
        if self.remove_norms_every and len(self.remove_norms) != 1:
            raise AeroError("--remove-norms START:EVERY takes one start")
        if self.own_thresholds and self.entropy_lambda == 0:
            raise AeroError("--own-thresholds are of --entropy-lambda, which is 0")
        if self.remove_norms and self.normalize != "none":
            raise AeroError("--remove-norms cannot be combined with --normalize")

    def learning_rate(self, step: int) -> float:
        """The learning rate of the step with this index, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        decay = self.decay_steps or max(1, self.steps - self.warmup)
        done = min(1.0, max(0.0, 1.0 - (self.steps - step) / decay))
        cosine = 0.5 * (1.0 + math.cos(math.pi * done))
        return self.lr * (self.final_lr_share + (1.0 - self.final_lr_share) * cosine)

    def norm_steps(self, count: int) -> List[int]:
        """After which step each of ``count`` norms goes; an AeroError if not all do."""
        if not self.remove_norms:
            return []
        steps = list(self.remove_norms)
        if self.remove_norms_every:
            start, every = steps[0], self.remove_norms_every
            steps = [start + index * every for index in range(count)]
        if len(steps) != count:
            raise AeroError(
                f"--remove-norms names {len(steps)} steps, but the model has {count} "
                "norms; give one step for each, or START:EVERY"
            )
        if steps and steps[-1] > self.steps:
            raise AeroError(
                f"--remove-norms takes the last norm out after step {steps[-1]}, but "
                f"--steps is {self.steps}"
            )
        return steps


def flag(name: str) -> str:
    """The command-line spelling of a field."""
    return "--" + name.replace("_", "-")


def parse_norm_schedule(text: str) -> Tuple[Tuple[int, ...], int]:
    """``100,200,300`` or ``START:EVERY`` as steps and a distance (0: none)."""
    try:
        if ":" in text:
            start, every = (int(part) for part in text.split(":"))
            if every < 1:
                raise ValueError
            return (start,), every
        return tuple(int(part) for part in text.split(",")), 0
    except ValueError:
        raise AeroError(
            f"--remove-norms {text}: must be steps such as 100,200,300, or "
            "START:EVERY such as 1000:200"
        ) from None


def difference(
    mine: TrainOptions, other: Dict[str, object]
) -> Optional[Tuple[str, object, object]]:
    """The first option that differs: its name, this value, the other; or None."""
    for field in dataclasses.fields(mine):
        value = getattr(mine, field.name)
        plain = list(value) if isinstance(value, tuple) else value
        held = other.get(field.name)
        if plain != (list(held) if isinstance(held, (tuple, list)) else held):
            return field.name, plain, held
    return None
