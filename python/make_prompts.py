#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes prompts cut from files that no sample model was trained on.

A prompt starts at the start of a line and ends before a space, a line end or
punctuation, or just after an opening bracket, dot or line end. It is printable
ASCII and line ends, begins and ends with something visible, and is not repeated.
"""

import argparse
import pathlib
import random
import sys
from typing import Dict, List, Optional

from aero.data import default_folder, load_corpus
from aero.files import write_json

OPENING = frozenset("([{.")


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("output", type=pathlib.Path, help="the JSON file to write")
    parser.add_argument(
        "--data", type=pathlib.Path, default=default_folder(), help="folder of *.py"
    )
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--min-bytes", type=int, default=8)
    parser.add_argument("--max-bytes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def is_plain(text: str) -> bool:
    """Whether ``text`` is printable ASCII and line ends only."""
    return all(" " <= c <= "~" or c == "\n" for c in text)


def natural_ends(text: str, shortest: int) -> List[int]:
    """Lengths of at least ``shortest`` at which a prefix of ``text`` reads well."""
    ends = []
    for end in range(shortest, len(text)):
        last, following = text[end - 1], text[end]
        after_word = last.isalnum() and not (following.isalnum() or following == "_")
        if after_word or last in OPENING:
            ends.append(end)
    return ends


def pick_prompt(
    content: str, args: argparse.Namespace, rng: random.Random
) -> Optional[str]:
    """One prompt from a file, or None if the chosen place does not suit."""
    starts = [0] + [i + 1 for i, c in enumerate(content) if c == "\n"]
    start = rng.choice(starts)
    text = content[start : start + args.max_bytes + 1]
    if len(text) <= args.min_bytes or not is_plain(text) or text[0] == "\n":
        return None
    ends = natural_ends(text, args.min_bytes)
    if not ends or not text[: args.min_bytes].strip():
        return None
    return text[: rng.choice(ends)]


def make_prompts(
    files: Dict[str, bytes], args: argparse.Namespace
) -> List[Dict[str, str]]:
    """``args.count`` distinct prompts, taken from the files in turn."""
    rng = random.Random(args.seed)
    texts = {name: data.decode("utf-8", "replace") for name, data in files.items()}
    names = list(texts)
    rng.shuffle(names)
    prompts: Dict[str, str] = {}
    for attempt in range(100 * args.count):
        name = names[attempt % len(names)]
        prompt = pick_prompt(texts[name], args, rng)
        if prompt is not None:
            prompts.setdefault(prompt, name)
        if len(prompts) == args.count:
            return [{"file": name, "text": text} for text, name in prompts.items()]
    raise ValueError(f"found only {len(prompts)} prompts of {args.count}")


def main() -> int:
    """Entry point."""
    args = parse_arguments()
    try:
        prompts = make_prompts(load_corpus(args.data).eval, args)
        write_json(args.output, prompts)
    except (OSError, ValueError) as error:
        print(f"make_prompts.py: error: {error}", file=sys.stderr)
        return 1
    print(f"{args.output}: {len(prompts)} prompts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
