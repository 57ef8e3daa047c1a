# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A whole run of ``aero-train``: data, steps, reports, signals and outputs."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import math
import pathlib
import resource
import signal
import sys
import time
from types import FrameType
from typing import Any, Dict, Iterator, List, Optional, Set

import numpy as np
import onnx
import torch
from torch import Tensor

from ..data import TokenData, check_tokens, eval_windows, load_corpus, load_tokens
from ..data import tokenize
from ..errors import AeroError
from ..files import remove_unfinished, write_atomically, write_json
from ..tokenizer import (
    BYTES,
    BytePairTokenizer,
    ByteTokenizer,
    Tokenizer,
    load_tokenizer,
    train_byte_pairs,
)
from .checkpoint import load_checkpoint
from .diagnosis import describe
from .evaluation import evaluate, measure_entropies
from .metrics import MetricsFile, entropy_lists, plain, scalar_values
from .options import TrainOptions
from .progress import Progress, clock, perplexity
from .trainer import StepReport, Trainer, TrainingDiverged

CHECKPOINT = "checkpoint.npz"
METRICS = "metrics.jsonl"
SUMMARY = "metrics.json"
TOKENIZER = "tokenizer.json"
RESULT = "model.onnx"
OUTPUTS = (CHECKPOINT, SUMMARY, TOKENIZER, RESULT, f"{RESULT}.data")
SAMPLES = 64
# Windows that final entropies are averaged over.
ENTROPY_EVAL_WINDOWS = 256


@dataclasses.dataclass
class Prepared:
    """What a run works on."""

    trainer: Trainer
    data: TokenData
    tokenizer: Optional[Tokenizer]
    source: str


def run(args: argparse.Namespace, options: TrainOptions) -> int:
    """Trains as the arguments say; returns the exit code."""
    check_device(args.device)
    torch.set_num_threads(args.threads)
    # With more than one thread, gradients of tables would be added in any order.
    torch.use_deterministic_algorithms(args.device == "cpu")
    torch.backends.cuda.matmul.allow_tf32 = options.precision != "float32"
    if not args.model.is_file():
        raise AeroError(f"{args.model}: no such file")
    try:
        if args.dry_run is not None:
            return dry_run(args, options)
        if (args.out / RESULT).exists() and (args.out / RESULT).samefile(args.model):
            raise AeroError(
                f"{args.model}: would be overwritten by the trained network; give "
                "another --out"
            )
        args.out.mkdir(parents=True, exist_ok=True)
        with locked(args.out):
            remove_unfinished(args.out, OUTPUTS)
            return train(args, options)
    except RuntimeError as error:
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            raise AeroError(
                f"{args.device}: out of memory; raise --accumulate (same result, "
                "smaller parts; with --change-options if the run has begun), or lower "
                "--batch"
            ) from error
        raise


def check_device(device: str) -> None:
    """An AeroError unless PyTorch has the device."""
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise AeroError(f"--device {device}: no such device") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise AeroError(
            f"--device {device}: this PyTorch ({torch.__version__}) sees no CUDA GPU; "
            "use --device cpu, or a PyTorch that was built for CUDA"
        )
    if kind not in ("cpu", "cuda"):
        raise AeroError(f"--device {device}: must be cpu, cuda or cuda:N")
    index = torch.device(device).index
    if kind == "cuda" and index is not None and index >= torch.cuda.device_count():
        raise AeroError(
            f"--device {device}: there are {torch.cuda.device_count()} CUDA GPUs, "
            "counted from 0"
        )


@contextlib.contextmanager
def locked(out: pathlib.Path) -> Iterator[None]:
    """Only one process trains in a folder."""
    with open(out / ".lock", "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AeroError(f"{out}: another aero-train is running there") from None
        yield


def prepare(args: argparse.Namespace, options: TrainOptions) -> Prepared:
    """Reads data and model."""
    vocabulary = _vocabulary(args.model)
    tokenizer: Optional[Tokenizer] = None
    source = pathlib.Path(args.data)
    if source.is_dir():
        patterns = args.patterns.split(",") if args.patterns else None
        corpus = load_corpus(source, patterns)
        tokenizer = _tokenizer(args, corpus.train.values(), vocabulary)
        data = tokenize(corpus, tokenizer)
    else:
        for name in ("tokenizer", "patterns"):
            if getattr(args, name) is not None:
                raise AeroError(
                    f"--{name} is for a folder of text, but {source} is none"
                )
        data = load_tokens(source, args.token_type)
    trainer = Trainer(
        args.model,
        options,
        data.train,
        data_sha256=data.fingerprint,
        tokenizer_sha256=digest(tokenizer.to_dict()) if tokenizer else "",
        device=args.device,
    )
    module = trainer.module
    check_tokens(data, str(source), module.vocabulary, module.context)
    return Prepared(trainer, data, tokenizer, str(source))


def _vocabulary(model: pathlib.Path) -> int:
    """The last dimension of the logits."""
    try:
        graph = onnx.load(str(model), load_external_data=False).graph
        return int(graph.output[0].type.tensor_type.shape.dim[-1].dim_value)
    except Exception as error:  # protobuf's own DecodeError is no public name
        raise AeroError(f"{model}: is no ONNX model: {error}") from error


def _tokenizer(
    args: argparse.Namespace, texts: Any, vocabulary: int
) -> Tokenizer:
    kind = args.tokenizer or "auto"
    if kind == "auto":
        kind = "bytes" if vocabulary <= BYTES else "bpe"
    if kind == "bytes":
        return ByteTokenizer()
    if kind != "bpe":
        return load_tokenizer(pathlib.Path(kind))
    out = args.out
    if out is not None and (out / CHECKPOINT).exists() and (out / TOKENIZER).exists():
        return load_tokenizer(out / TOKENIZER)
    return train_byte_pairs(texts, vocabulary)


def digest(value: Any) -> str:
    """The SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Stopper:
    """Turns SIGINT, SIGTERM and SIGHUP into a wish to stop after the step."""

    def __init__(self) -> None:
        self.signal: Optional[int] = None
        self._before: Dict[int, Any] = {}

    def __enter__(self) -> "Stopper":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._note)
            if number == signal.SIGHUP and self._before[number] == signal.SIG_IGN:
                signal.signal(number, signal.SIG_IGN)  # by nohup
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: Optional[FrameType]) -> None:
        self.signal = number
        # A second one stops at once.
        signal.signal(number, self._before[number])


def train(args: argparse.Namespace, options: TrainOptions) -> int:
    """Trains, evaluates and writes the outputs."""
    prepared = prepare(args, options)
    trainer, data = prepared.trainer, prepared.data
    checkpoint = args.out / CHECKPOINT
    progress = Progress(options.steps, args.log_every, args.quiet)
    if checkpoint.exists():
        trainer.restore(checkpoint, args.change_options)
    elif args.finish:
        raise AeroError(f"{checkpoint}: there is no checkpoint to finish")
    if isinstance(prepared.tokenizer, BytePairTokenizer):
        prepared.tokenizer.save(args.out / TOKENIZER)
    windows = eval_windows(data.evaluation, trainer.module.context, args.eval_windows)
    if args.save_samples:
        save_samples(args.save_samples, windows)
    metrics = MetricsFile(args.out / METRICS, trainer.step)
    try:
        with Stopper() as stopper:
            progress.note(_start_line(prepared, options))
            if trainer.step:
                progress.note(f"continuing after step {trainer.step}")
            if not args.finish:
                _train_steps(args, prepared, windows, metrics, progress, stopper)
        progress.clear()
        metrics.flush()
        trainer.save(checkpoint)
    except TrainingDiverged as error:
        progress.clear()
        metrics.flush()
        raise TrainingDiverged(f"{error}. {_kept(checkpoint)}") from error
    finally:
        metrics.close()
    if stopper.signal is not None and trainer.step < options.steps:
        name = signal.Signals(stopper.signal).name
        print(
            f"{name}: stopped after step {trainer.step} of {options.steps}, saved in "
            f"{checkpoint}; run the same command again to go on",
            file=sys.stderr,
        )
        return 128 + stopper.signal
    finish(args, prepared, windows, progress)
    return 0


def _kept(checkpoint: pathlib.Path) -> str:
    if not checkpoint.exists():
        return "There is no checkpoint yet"
    step = load_checkpoint(checkpoint).about["step"]
    return (
        f"The checkpoint of step {step} is kept in {checkpoint}; go on from it with "
        "other options by --change-options"
    )


def _start_line(prepared: Prepared, options: TrainOptions) -> str:
    trainer = prepared.trainer
    total = sum(parameter.numel() for parameter in trainer.parameters().values())
    said = prepared.data.summary
    return (
        f"{trainer.identity.model}: {total:,} parameters; {prepared.source}: "
        f"{said['train_tokens']:,} training and {said['eval_tokens']:,} evaluation "
        f"tokens; {options.steps:,} steps of {options.batch} windows of "
        f"{trainer.module.context} tokens"
    )


def _train_steps(
    args: argparse.Namespace,
    prepared: Prepared,
    windows: Tensor,
    metrics: MetricsFile,
    progress: Progress,
    stopper: Stopper,
) -> None:
    trainer, options = prepared.trainer, prepared.trainer.options
    quick = spaced(windows, args.quick_windows)
    announced: Set[str] = set()
    while trainer.step < options.steps and stopper.signal is None:
        if progress.closed:
            stopper.signal = signal.SIGPIPE
            break
        report = trainer.train_step()
        line = _line(trainer, report)
        notes: List[str] = []
        if trainer.step % args.entropy_every == 0:
            names, entropies = trainer.measure_entropies()
            line["entropies"] = entropy_lists(entropies)
            line["scalars"] = scalar_values(trainer.module)
            if entropies:
                progress.entropy = float(torch.cat(entropies).mean())
            if trainer.step > options.warmup:
                notes += _new_troubles(trainer, names, announced)
        if trainer.step % args.eval_every == 0 and trainer.step < options.steps:
            loss = evaluate(trainer.module, quick, trainer.device)
            line["eval_loss"] = loss
            notes.append(f"evaluation {perplexity(loss):.4f}")
        notes += [f"norm '{node}' replaced" for node in report.removed]
        metrics.write(line)
        for note in notes:
            progress.note(f"step {trainer.step}  {note}")
        progress.step(trainer.step, report.loss, report.rate)
        if trainer.step % args.save_every == 0 and trainer.step < options.steps:
            metrics.flush()
            trainer.save(args.out / CHECKPOINT)


def _new_troubles(
    trainer: Trainer, names: List[str], announced: Set[str]
) -> List[str]:
    """Says once of each attention that heads are in trouble; all later entropies are
    in the metrics."""
    found = describe(names, trainer.last_entropies or [], trainer.module.context)
    new = [trouble for trouble in found if trouble.split(":")[0] not in announced]
    announced.update(trouble.split(":")[0] for trouble in new)
    return new


def _line(trainer: Trainer, report: StepReport) -> Dict[str, Any]:
    options = trainer.options
    line: Dict[str, Any] = {
        "step": trainer.step,
        "loss": report.loss,
        "lr": report.rate,
        "tokens": trainer.step * options.batch * trainer.module.context,
        "seconds": round(trainer.seconds, 3),
        "gradient_norm": report.gradient_norm,
    }
    if report.penalty is not None:
        line["penalty"] = report.penalty
    if report.removed:
        line["norms_replaced"] = list(report.removed)
    return line


def finish(
    args: argparse.Namespace, prepared: Prepared, windows: Tensor, progress: Progress
) -> None:
    """Writes the trained model and the summary."""
    trainer, data = prepared.trainer, prepared.data
    summary = summarize(args, prepared, windows)
    trainer.network.write(args.out / RESULT)
    write_json(args.out / SUMMARY, plain(summary))
    text = f"evaluation perplexity {summary['eval_perplexity']:.4f}"
    if data.bytes_per_token not in (None, 1.0):
        text += f" a token, {summary['eval_byte_perplexity']:.4f} a byte"
    progress.note(
        f"{text} after {trainer.step} steps ({clock(trainer.seconds)}); "
        f"wrote {args.out / RESULT} and {args.out / SUMMARY}"
    )


def summarize(
    args: argparse.Namespace, prepared: Prepared, windows: Tensor
) -> Dict[str, Any]:
    """Everything that is known of a trained network."""
    trainer, data = prepared.trainer, prepared.data
    loss = evaluate(trainer.module, windows, trainer.device)
    some = spaced(windows, ENTROPY_EVAL_WINDOWS)
    maps, entropies = measure_entropies(trainer.module, some, trainer.device)
    a_byte = None
    if data.bytes_per_token:
        a_byte = perplexity(loss / data.bytes_per_token)
    context = trainer.module.context
    return {
        "model": trainer.identity.model,
        "model_sha256": trainer.identity.model_sha256,
        "configuration": trainer.module.configuration,
        "parameters": sum(p.numel() for p in trainer.parameters().values()),
        "step": trainer.step,
        "training_seconds": round(trainer.seconds, 1),
        "training_tokens_seen": trainer.step * trainer.options.batch * context,
        "device": args.device,
        "threads": args.threads,
        "torch": torch.__version__,
        "data": prepared.source,
        "data_sha256": data.fingerprint,
        **data.summary,
        "tokenizer": "file" if not prepared.tokenizer else prepared.tokenizer.name,
        "options": dataclasses.asdict(trainer.options),
        "eval_windows": windows.shape[0],
        "eval_loss": loss,
        "eval_perplexity": perplexity(loss),
        "eval_byte_perplexity": a_byte,
        "norm_sigmas": trainer.network.sigmas,
        "scalars": scalar_values(trainer.module),
        "largest_entropy": math.log(context),
        "entropy_windows": some.shape[0],
        "entropies": [
            {"layer": m.layer, "node": m.node, "heads": heads}
            for m, heads in zip(maps, entropy_lists(entropies))
        ],
    }


def save_samples(path: pathlib.Path, windows: Tensor) -> None:
    """Writes evenly spaced evaluation windows as ``.npy``, without the last token."""
    some = spaced(windows, SAMPLES)[:, :-1]
    write_atomically(path, lambda file: np.save(file, some.numpy()))


def spaced(windows: Tensor, count: int) -> Tensor:
    """``count`` evenly spaced windows, or all if there are fewer."""
    count = min(count, windows.shape[0])
    return windows[torch.arange(count) * windows.shape[0] // count]


def dry_run(args: argparse.Namespace, options: TrainOptions) -> int:
    """Takes some steps and says how long all of them will take."""
    trainer = prepare(args, options).trainer
    count = min(args.dry_run, options.steps)
    begun = 0.0
    for index in range(count):
        trainer.train_step()
        if index == 0:
            begun = time.monotonic()
    per_step = (time.monotonic() - begun) / max(1, count - 1)
    tokens = options.batch * trainer.module.context
    parameters = sum(p.numel() for p in trainer.parameters().values())
    print(f"{count} steps: {per_step:.4f} s/step, {tokens / per_step:,.0f} tokens/s")
    print(
        f"{options.steps:,} steps, {options.steps * tokens:,} tokens, "
        f"{parameters:,} parameters: {per_step * options.steps / 3600:.2f} hours on "
        f"{args.device}, evaluations not counted"
    )
    if trainer.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(trainer.device) / 1e9
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"memory at the peak: {peak:.2f} GB")
    return 0
