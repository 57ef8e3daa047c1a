# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training, checkpoints and evaluation of the sample models."""

import dataclasses
import json
import math
import os
import pathlib
import pickle
import time
from typing import Any, Callable, Dict, List, Optional

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import training_batch
from .models.gpt2 import GPT2, GPT2Config


class TrainingDiverged(RuntimeError):
    """The loss or the gradient is no longer finite."""


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What, with the data and the configuration, determines a training run.

    The learning rate rises linearly over ``warmup`` steps, stays, and falls on a
    cosine to ``final_lr_share`` of it over the last ``decay_steps`` (0: from the
    end of the warmup on).
    """

    steps: int = 3000
    batch: int = 64
    lr: float = 2e-3
    warmup: int = 200
    decay_steps: int = 0
    final_lr_share: float = 0.02
    weight_decay: float = 0.05
    grad_clip: float = 1.0
    seed: int = 1

    def learning_rate(self, step: int) -> float:
        """The learning rate of the step with this index, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        decay = self.decay_steps or max(1, self.steps - self.warmup)
        done = min(1.0, max(0.0, 1.0 - (self.steps - step) / decay))
        cosine = 0.5 * (1.0 + math.cos(math.pi * done))
        return self.lr * (self.final_lr_share + (1.0 - self.final_lr_share) * cosine)


def write_atomically(path: pathlib.Path, write: Callable[[pathlib.Path], None]) -> None:
    """Lets ``write`` fill a temporary file and renames it to ``path``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        if temporary.exists():
            temporary.unlink()


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes ``value`` as indented JSON, atomically."""
    text = json.dumps(value, indent=2, sort_keys=False) + "\n"
    write_atomically(path, lambda p: p.write_text(text, encoding="utf-8") and None)


def make_optimizer(model: GPT2, options: TrainOptions) -> torch.optim.AdamW:
    """AdamW that decays matrices, and leaves embeddings and vectors alone."""
    decayed, kept = [], []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.dim() >= 2 and not name.startswith(("wte", "wpe"))
        (decayed if is_matrix else kept).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": options.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ],
        lr=options.lr,
        betas=(0.9, 0.98),
    )


class Trainer:
    """One training run that can stop after any step and go on later."""

    def __init__(self, config: GPT2Config, options: TrainOptions, data: Tensor) -> None:
        if data.numel() <= config.context:
            raise ValueError("the training data is shorter than one window")
        torch.manual_seed(options.seed)
        self.options = options
        self.data = data
        self.model = GPT2(config)
        self.optimizer = make_optimizer(self.model, options)
        self.step = 0
        self.seconds = 0.0

    def train_step(self) -> float:
        """Takes one optimiser step and returns its training loss."""
        options, model = self.options, self.model
        windows = training_batch(
            self.data, options.batch, model.config.context, options.seed, self.step
        )
        model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss = next_byte_loss(model, windows)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), options.grad_clip)
        if not (math.isfinite(loss.item()) and math.isfinite(float(norm))):
            raise TrainingDiverged(
                f"step {self.step}: loss {loss.item()}, gradient norm {float(norm)}; "
                "lower --lr or lengthen --warmup (the last checkpoint is kept)"
            )
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def run(
        self,
        until: Optional[int] = None,
        report: Optional[Callable[["Trainer", float], None]] = None,
    ) -> None:
        """Trains to step ``until`` (default: the end), calling ``report`` each step."""
        until = self.options.steps if until is None else min(until, self.options.steps)
        while self.step < until:
            start = time.monotonic()
            loss = self.train_step()
            self.seconds += time.monotonic() - start
            if report:
                report(self, loss)

    def save(self, path: pathlib.Path) -> None:
        """Writes a checkpoint, atomically."""
        state = {
            "config": self.model.config.to_dict(),
            "options": dataclasses.asdict(self.options),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        write_atomically(path, lambda temporary: torch.save(state, temporary))

    def restore(self, path: pathlib.Path) -> None:
        """Continues from a checkpoint of the same configuration and seed."""
        state = load_checkpoint(path)
        if state["config"] != self.model.config.to_dict():
            raise ValueError(f"{path} holds another model: {state['config']}")
        for field in ("seed", "batch"):
            if state["options"][field] != getattr(self.options, field):
                raise ValueError(
                    f"{path} was trained with {field} {state['options'][field]}"
                )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.seconds = state["seconds"]


def load_checkpoint(path: pathlib.Path) -> Dict[str, Any]:
    """Reads a checkpoint written by :meth:`Trainer.save`.

    A checkpoint is a pickle: read only files you trust.
    """
    try:
        state = torch.load(path, map_location="cpu")
    except (EOFError, RuntimeError, pickle.PickleError) as error:
        raise ValueError(f"{path} is not a checkpoint: {error}") from error
    fields = ("config", "options", "model", "optimizer", "step", "seconds")
    if not isinstance(state, dict) or any(field not in state for field in fields):
        raise ValueError(f"{path} is not a checkpoint of this program")
    return state


def load_model(path: pathlib.Path) -> GPT2:
    """The model of a checkpoint, in evaluation mode."""
    state = load_checkpoint(path)
    model = GPT2(GPT2Config(**state["config"]))
    model.load_state_dict(state["model"])
    return model.eval()


def next_byte_loss(model: GPT2, windows: Tensor) -> Tensor:
    """Mean cross entropy of bytes 1..T of each window given those before."""
    logits = model(windows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


@torch.no_grad()
def evaluate(model: GPT2, windows: Tensor, batch: int = 128) -> float:
    """Byte perplexity over every position of ``windows``."""
    was_training = model.training
    model.eval()
    total = 0.0
    for part in windows.split(batch):
        total += float(next_byte_loss(model, part)) * part.shape[0]
    model.train(was_training)
    mean = total / windows.shape[0]
    return math.exp(mean) if mean < 700.0 else math.inf


@torch.no_grad()
def value_ranges(model: GPT2, windows: Tensor, batch: int = 128) -> Dict[str, float]:
    """Largest magnitudes that an implementation in fixed point has to hold.

    Covers the residual stream (embedding, after attention, after each block),
    the attention scores that the causal mask keeps, logits and weights.
    """
    largest = {"residual": 0.0, "score": 0.0, "logit": 0.0}

    def note(key: str, value: Tensor) -> None:
        largest[key] = max(largest[key], float(value.abs().max()))

    was_training = model.training
    model.eval()
    for part in windows.split(batch):
        tokens = part[:, :-1]
        batch_size, length = tokens.shape
        x = model.wte(tokens) + model.wpe(torch.arange(length))
        note("residual", x)
        for block in model.h:
            attention = block.attn
            q, k, _ = attention.c_attn(block.ln_1(x)).split(x.shape[2], dim=2)
            shape = (batch_size, length, attention.n_head, attention.d_head)
            scores = attention.scores(
                q.view(shape).transpose(1, 2), k.view(shape).transpose(1, 2)
            )
            future = attention.future[:, :, :length, :length]
            note("score", scores.masked_fill(future, 0.0))
            note("residual", x + attention(block.ln_1(x)))
            x = block(x)
            note("residual", x)
        note("logit", model.ln_f(x) @ model.wte.weight.t())
    model.train(was_training)
    largest["weight"] = max(float(p.abs().max()) for p in model.parameters())
    return {f"max_abs_{key}": value for key, value in largest.items()}


@torch.no_grad()
def greedy(model: GPT2, prompt: bytes, count: int) -> bytes:
    """``prompt`` and ``count`` most likely bytes after it, as one text.

    Beyond the context length the oldest bytes are left out.
    """
    if not prompt:
        raise ValueError("the prompt is empty")
    was_training = model.training
    model.eval()
    text: List[int] = list(prompt)
    for _ in range(count):
        tokens = torch.tensor([text[-model.config.context :]])
        text.append(int(model(tokens)[0, -1].argmax()))
    model.train(was_training)
    return bytes(text)
