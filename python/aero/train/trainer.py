# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A training run that can stop after any step and go on later."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import time
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from ..data import training_batch
from ..entropy import EntropyRegularizer
from ..errors import AeroError
from ..nn import OnnxModule
from . import checkpoint as checkpoints
from .diagnosis import verdict
from .evaluation import (
    ENTROPY_WINDOWS,
    map_names,
    measure_entropies,
    next_token_loss,
)
from .network import Network
from .optimizer import (
    keep_in_range,
    make_optimizer,
    trained_parameters,
)
from .options import TrainOptions, difference, flag


class TrainingDiverged(AeroError):
    """The loss or the gradient is no longer finite."""


@dataclasses.dataclass(frozen=True)
class StepReport:
    """What a step was.

    Attributes:
        loss: Mean cross entropy of the batch, in nats a token.
        rate: Learning rate.
        gradient_norm: Before clipping.
        penalty: Of the entropy regulariser, before its factor; or None.
        removed: Nodes of the norms that were replaced after this step.
    """

    loss: float
    rate: float
    gradient_norm: float
    penalty: Optional[float]
    removed: Tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RunIdentity:
    """What a checkpoint belongs to, besides the options."""

    model: str
    model_sha256: str
    data_sha256: str
    tokenizer_sha256: str


class Trainer:
    """Trains the network of an ONNX file on tokens."""

    def __init__(
        self,
        model: pathlib.Path,
        options: TrainOptions,
        tokens: np.ndarray,
        data_sha256: str = "",
        tokenizer_sha256: str = "",
        device: str = "cpu",
    ) -> None:
        """Reads the model. ``tokens`` must fit it (see ``data.check_tokens``)."""
        self.options = options
        self.tokens = tokens
        self.device = torch.device(device)
        torch.manual_seed(options.seed)
        self.network = Network(model, options.normalize, self.device)
        self.identity = RunIdentity(
            pathlib.Path(model).name, self.network.sha256(), data_sha256,
            tokenizer_sha256,
        )
        self.norms = self.network.norms_in_order(options)
        self.norm_steps = options.norm_steps(len(self.norms))
        self.regularizer = self._make_regularizer()
        self.optimizer = self._make_optimizer()
        self.step = 0
        self.seconds = 0.0
        self.last_entropies: Optional[List[Tensor]] = None

    @property
    def module(self) -> OnnxModule:
        """The network as it is now."""
        return self.network.module

    def _make_regularizer(self) -> Optional[EntropyRegularizer]:
        options = self.options
        if options.entropy_lambda == 0.0:
            return None
        regularizer = EntropyRegularizer(
            self.module,
            gamma=options.entropy_gamma,
            own_thresholds=options.own_thresholds,
        )
        return regularizer.to(self.device)

    def _make_optimizer(self) -> torch.optim.AdamW:
        return make_optimizer(
            self.module, self.regularizer, self.network.tables, self.options
        )

    def parameters(self) -> Dict[str, torch.nn.Parameter]:
        """Every parameter that is trained, by name."""
        return trained_parameters(self.module, self.regularizer)

    def batch(self) -> Tensor:
        """The windows of the next step."""
        options = self.options
        return training_batch(
            self.tokens, options.batch, self.module.context, options.seed, self.step
        )

    def train_step(self) -> StepReport:
        """Takes one step of the optimiser."""
        begun = time.monotonic()
        options = self.options
        rate = options.learning_rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimizer.zero_grad(set_to_none=True)
        self.module.train()
        windows = self.batch()
        loss, penalty = self._backward_batch(windows)
        norm = float(
            torch.nn.utils.clip_grad_norm_(
                self.parameters().values(), options.grad_clip
            )
        )
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TrainingDiverged(self._why_diverged(windows, loss, norm))
        self.optimizer.step()
        keep_in_range(self.optimizer, options)
        self.step += 1
        removed = self._remove_norms()
        self.seconds += time.monotonic() - begun
        return StepReport(loss, rate, norm, penalty, removed)

    def _backward_batch(self, windows: Tensor) -> Tuple[float, Optional[float]]:
        """Sets the gradient of a batch; its loss and penalty."""
        options, regularizer = self.options, self.regularizer
        parts = windows.to(self.device).split(options.batch // options.accumulate)
        if regularizer is None:
            total = 0.0
            for part in parts:
                with self._autocast():
                    logits = self.module(part[:, :-1])
                    loss = next_token_loss(logits.float(), part)
                (loss / len(parts)).backward()
                total += float(loss.detach())
            return total / len(parts), None
        if len(parts) == 1:
            loss, entropies = self._loss_and_entropies(parts[0])
            penalty = regularizer.penalty(entropies)
            (loss + options.entropy_lambda * penalty).backward()
            return float(loss.detach()), float(penalty.detach())
        # The penalty is of the entropies of the whole batch, which are there only
        # behind its last part. So they are computed first; then each part adds what
        # the penalty's derivative by them makes of its own.
        with torch.no_grad():
            found = [self._loss_and_entropies(part)[1] for part in parts]
        means = [torch.stack(each).mean(0).requires_grad_() for each in zip(*found)]
        penalty = regularizer.penalty(means)
        (options.entropy_lambda * penalty).backward()
        total = 0.0
        for part in parts:
            loss, entropies = self._loss_and_entropies(part)
            objective = loss
            for mean, entropy in zip(means, entropies):
                if mean.grad is not None:
                    objective = objective + (mean.grad * entropy).sum()
            (objective / len(parts)).backward()
            total += float(loss.detach())
        return total / len(parts), float(penalty.detach())

    def _loss_and_entropies(self, windows: Tensor) -> Tuple[Tensor, List[Tensor]]:
        """Of a part of a batch, for a run with a regulariser."""
        assert self.regularizer is not None
        with self._autocast():
            logits, maps = self.module.forward_with_attention(windows[:, :-1])
            entropies = self.regularizer.entropies(maps)
            return next_token_loss(logits.float(), windows), entropies

    def _autocast(self) -> torch.autocast:
        mixed = self.options.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=mixed)

    def _why_diverged(self, windows: Tensor, loss: float, norm: float) -> str:
        maps, now = measure_entropies(
            self.module, windows[:ENTROPY_WINDOWS], self.device
        )
        return (
            f"step {self.step + 1}: training diverged (loss {loss}, gradient norm "
            f"{norm}); "
            + verdict(map_names(maps), self.last_entropies, now, self.module.context)
            + ". Lower --lr, lengthen --warmup, lower --grad-clip, or train with "
            "--entropy-lambda"
        )

    def measure_entropies(self) -> Tuple[List[str], List[Tensor]]:
        """What each attention is called and the entropies of its heads, on windows
        of the next step; kept for diagnosis."""
        maps, found = measure_entropies(
            self.module, self.batch()[:ENTROPY_WINDOWS], self.device
        )
        self.last_entropies = found
        return map_names(maps), found

    def _remove_norms(self) -> Tuple[str, ...]:
        """Replaces the norms that go after this step."""
        due = [
            norm
            for norm, step in zip(self.norms, self.norm_steps)
            if step <= self.step and norm.value not in self.network.sigmas
        ]
        for norm in due:
            windows = training_batch(
                self.tokens,
                self.options.norm_windows,
                self.module.context,
                self.options.seed,
                self.step,
            )
            self._change_network(
                {norm.value: self.network.measure(norm, windows[:, :-1])}
            )
        return tuple(norm.node for norm in due)

    def _change_network(self, sigmas: Dict[str, float]) -> None:
        """Replaces norms; weights and moments stay as they are."""
        moments = {
            name: self.optimizer.state[parameter]
            for name, parameter in self._by_onnx_name().items()
            if parameter in self.optimizer.state
        }
        self.network.replace_norms(sigmas)
        self.regularizer = self._renewed_regularizer()
        self.optimizer = self._make_optimizer()
        for name, parameter in self._by_onnx_name().items():
            if name in moments:
                self.optimizer.state[parameter] = moments[name]

    def _by_onnx_name(self) -> Dict[str, torch.nn.Parameter]:
        named = dict(self.module.initializers)
        held = {id(parameter) for parameter in named.values()}
        for name, parameter in self.parameters().items():
            if id(parameter) not in held:
                named["/" + name] = parameter
        return named

    def _renewed_regularizer(self) -> Optional[EntropyRegularizer]:
        """The regulariser of the changed network, with the same own thresholds."""
        if self.regularizer is None:
            return None
        state = self.regularizer.state_dict()
        regularizer = self._make_regularizer()
        if regularizer is not None and self.options.own_thresholds:
            regularizer.load_state_dict(state)
        return regularizer

    def checkpoint(self) -> checkpoints.Checkpoint:
        """The state of the run."""
        arrays = checkpoints.tensor_arrays("module/", self.module.state_dict())
        if self.regularizer is not None:
            arrays.update(
                checkpoints.tensor_arrays(
                    "regularizer/", self.regularizer.state_dict()
                )
            )
        names = {id(p): name for name, p in self.parameters().items()}
        arrays.update(checkpoints.optimizer_arrays(self.optimizer, names))
        about: Dict[str, Any] = {
            "step": self.step,
            "seconds": self.seconds,
            "identity": dataclasses.asdict(self.identity),
            "options": dataclasses.asdict(self.options),
            "sigmas": self.network.sigmas,
        }
        return checkpoints.Checkpoint(about, arrays)

    def save(self, path: pathlib.Path) -> None:
        """Writes a checkpoint, atomically; an AeroError if it cannot be written."""
        checkpoints.save_checkpoint(path, self.checkpoint())

    def restore(self, path: pathlib.Path, changed_options: bool = False) -> None:
        """Continues from a checkpoint of the same model, data and options.

        With ``changed_options`` it may be one of other options, as long as they do
        not change which parameters there are.
        """
        held = checkpoints.load_checkpoint(path)
        self._check_identity(path, held.about, changed_options)
        sigmas = held.about["sigmas"]
        if sigmas:
            self._change_network(sigmas)
        try:
            self.module.load_state_dict(held.section("module/"))
            if self.regularizer is not None:
                self.regularizer.load_state_dict(held.section("regularizer/"))
        except RuntimeError as error:
            raise AeroError(
                f"{path}: holds other parameters than this run: {error}"
            ) from error
        checkpoints.restore_optimizer(self.optimizer, self.parameters(), held)
        self.step = held.about["step"]
        self.seconds = held.about["seconds"]
        late = [
            norm.node
            for norm, step in zip(self.norms, self.norm_steps)
            if step <= self.step and norm.value not in self.network.sigmas
        ]
        if late and self.step >= self.options.steps:
            raise AeroError(
                f"--remove-norms: norm '{late[0]}' would have gone by step "
                f"{self.step}, and no step is left; raise --steps"
            )

    def _check_identity(
        self, path: pathlib.Path, about: Dict[str, Any], changed_options: bool
    ) -> None:
        mine, other = dataclasses.asdict(self.identity), about["identity"]
        hint = "give another --out, or what the run began with"
        for key, what in (
            ("model_sha256", "the model file"),
            ("data_sha256", "the training data"),
            ("tokenizer_sha256", "the tokenizer"),
        ):
            if mine[key] != other[key]:
                named = (
                    f" ({other['model']}, now {mine['model']})"
                    if key == "model_sha256"
                    else ""
                )
                raise AeroError(
                    f"{path}: belongs to another run: {what}{named} differs; {hint}"
                )
        found = difference(self.options, about["options"])
        if found is not None and not changed_options:
            name, now, then = found
            raise AeroError(
                f"{path}: belongs to a run with {flag(name)} {then}, not {now}; "
                f"{hint}, or go on with other options by --change-options"
            )
