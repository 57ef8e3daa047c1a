#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains a small byte-level model on the Python standard library's sources.

Files are put on the training or the evaluation side by a hash of their path. A
run writes OUT/checkpoint.pt as it goes and OUT/metrics.json at each evaluation;
started again with the same arguments it continues from the checkpoint, and ends
with the weights that an uninterrupted run would have given.
"""

import argparse
import pathlib
import sys
import time
from typing import Any, Dict

import torch

from aero.data import Corpus, default_folder, eval_windows, joined_bytes, load_corpus
from aero.models.gpt2 import named_config, named_config_names
from aero.training import (
    Trainer,
    TrainingDiverged,
    TrainOptions,
    evaluate,
    value_ranges,
    write_json,
)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    defaults = TrainOptions()
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=pathlib.Path, required=True, help="output folder")
    parser.add_argument("--config", default="SM+ScFFN", choices=named_config_names())
    parser.add_argument(
        "--data", type=pathlib.Path, default=default_folder(), help="folder of *.py"
    )
    model = parser.add_argument_group("model")
    model.add_argument("--layers", type=int, default=4)
    model.add_argument("--heads", type=int, default=4)
    model.add_argument("--width", type=int, default=128)
    model.add_argument("--context", type=int, default=64)
    model.add_argument("--init-std", type=float, default=0.02)
    model.add_argument("--embedding-std", type=float, default=0.02)
    model.add_argument("--alpha-init", type=float, default=1.0)
    train = parser.add_argument_group("training")
    train.add_argument("--steps", type=int, default=defaults.steps)
    train.add_argument("--batch", type=int, default=defaults.batch)
    train.add_argument("--lr", type=float, default=defaults.lr)
    train.add_argument("--warmup", type=int, default=defaults.warmup)
    train.add_argument(
        "--decay-steps",
        type=int,
        default=defaults.decay_steps,
        help="length of the cosine decay at the end; 0 is all after the warmup",
    )
    train.add_argument("--weight-decay", type=float, default=defaults.weight_decay)
    train.add_argument("--grad-clip", type=float, default=defaults.grad_clip)
    train.add_argument("--seed", type=int, default=defaults.seed)
    train.add_argument("--threads", type=int, default=1, help="of this process")
    report = parser.add_argument_group("reports")
    report.add_argument("--log-every", type=int, default=100, help="steps")
    report.add_argument("--eval-every", type=int, default=1000, help="steps")
    report.add_argument("--save-every", type=int, default=250, help="steps")
    report.add_argument("--eval-windows", type=int, default=4096, help="at the end")
    return parser.parse_args()


def make_trainer(args: argparse.Namespace, corpus: Corpus) -> Trainer:
    """Sets up the run that the arguments describe."""
    config = named_config(
        args.config,
        n_layer=args.layers,
        n_head=args.heads,
        d_model=args.width,
        context=args.context,
        init_std=args.init_std,
        embedding_std=args.embedding_std,
        alpha_init=args.alpha_init,
    )
    options = TrainOptions(
        steps=args.steps,
        batch=args.batch,
        lr=args.lr,
        warmup=args.warmup,
        decay_steps=args.decay_steps,
        weight_decay=args.weight_decay,
        grad_clip=args.grad_clip,
        seed=args.seed,
    )
    return Trainer(config, options, joined_bytes(corpus.train))


def summary(
    args: argparse.Namespace, corpus: Corpus, trainer: Trainer
) -> Dict[str, Any]:
    """The part of the metrics that does not depend on an evaluation."""
    return {
        "config": args.config,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "step": trainer.step,
        "steps": args.steps,
        "training_seconds": round(trainer.seconds, 1),
        "training_bytes_seen": trainer.step * args.batch * args.context,
        "seed": args.seed,
        "train_files": len(corpus.train),
        "train_bytes": sum(map(len, corpus.train.values())),
        "eval_files": len(corpus.eval),
        "eval_bytes": sum(map(len, corpus.eval.values())),
        "corpus_sha256": corpus.fingerprint(),
    }


def train(args: argparse.Namespace) -> None:
    """Trains, evaluates and writes the outputs."""
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.pt"
    metrics_path = args.out / "metrics.json"
    corpus = load_corpus(args.data)
    trainer = make_trainer(args, corpus)
    if checkpoint.exists():
        trainer.restore(checkpoint)
        print(f"continuing at step {trainer.step}", flush=True)
    windows = eval_windows(corpus.eval, args.context, args.eval_windows)
    quick = windows[:: max(1, windows.shape[0] // 512)]
    recent = []
    last_report = time.monotonic()

    def report(trainer: Trainer, loss: float) -> None:
        nonlocal last_report
        recent.append(loss)
        if trainer.step % args.log_every == 0:
            now = time.monotonic()
            print(
                f"step {trainer.step} loss {sum(recent) / len(recent):.4f} "
                f"lr {trainer.optimizer.param_groups[0]['lr']:.2e} "
                f"{(now - last_report) / len(recent):.3f} s/step",
                flush=True,
            )
            recent.clear()
            last_report = now
        if trainer.step % args.save_every == 0:
            trainer.save(checkpoint)
        if trainer.step % args.eval_every == 0 and trainer.step < args.steps:
            perplexity = evaluate(trainer.model, quick)
            print(f"step {trainer.step} perplexity {perplexity:.4f}", flush=True)
            write_json(
                metrics_path,
                {
                    **summary(args, corpus, trainer),
                    "eval_windows": quick.shape[0],
                    "eval_byte_perplexity": perplexity,
                },
            )

    trainer.run(report=report)
    trainer.save(checkpoint)
    metrics = {
        **summary(args, corpus, trainer),
        "eval_windows": windows.shape[0],
        "eval_byte_perplexity": evaluate(trainer.model, windows),
        **value_ranges(trainer.model, windows),
    }
    write_json(metrics_path, metrics)
    for key, value in metrics.items():
        print(f"{key}: {value}")


def main() -> int:
    """Entry point."""
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    try:
        train(args)
    except (OSError, TrainingDiverged, ValueError) as error:
        print(f"train_sample.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
