#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The client's side of a private inference with MP-SPDZ.

    client.py ask --tokens 12,7,255      writes Player-Data/Input-Binary-P1-0
    client.py answer                     reads  Player-Data/Binary-Output-P1-0

Run it where the client's party runs. What `ask` writes is the prompt: it stays
on this machine.
"""

import argparse
import array
import json
import math
import sys
from pathlib import Path

# Set by AERO for the program beside this file.
TOKENS, VOCABULARY, ROWS, HAS_POSITION = 0, 0, 0, False

INPUT = Path("Player-Data/Input-Binary-P1-0")
OUTPUT = Path("Player-Data/Binary-Output-P1-0")


def fail(message):
    sys.exit(f"client.py: error: {message}")


def read_prompt(arguments):
    if arguments.prompt is not None:
        if VOCABULARY != 256:
            fail("--prompt is for models of bytes; give --tokens")
        tokens = list(arguments.prompt.encode())
    else:
        try:
            tokens = [int(token) for token in arguments.tokens.split(",")]
        except ValueError:
            fail(f"--tokens {arguments.tokens}: expected numbers, e.g. 12,7,255")
    if not 1 <= len(tokens) <= TOKENS:
        fail(f"a prompt of {len(tokens)} tokens; this program takes 1 to {TOKENS}")
    for token in tokens:
        if not 0 <= token < VOCABULARY:
            fail(f"token {token} is not in [0, {VOCABULARY})")
    return tokens


def ask(arguments):
    """The position of the last token, and a row with one 1 for each token."""
    tokens = read_prompt(arguments)
    rows = bytearray(TOKENS * VOCABULARY)
    # Attention is causal: what follows the prompt changes nothing.
    for row in range(TOKENS):
        rows[row * VOCABULARY + (tokens[row] if row < len(tokens) else 0)] = 1
    position = (len(tokens) - 1).to_bytes(8, "little") if HAS_POSITION else b""
    part = arguments.output.with_name(arguments.output.name + ".part")
    try:
        part.write_bytes(position + rows)
        part.replace(arguments.output)
    except OSError as error:
        fail(f"cannot write {arguments.output}: {error.strerror}")


def answer(arguments):
    try:
        data = arguments.input.read_bytes()
    except OSError as error:
        fail(f"cannot read {arguments.input}: {error.strerror}; has the program run?")
    logits = array.array("d")
    if len(data) != ROWS * VOCABULARY * logits.itemsize:
        fail(f"{arguments.input} has {len(data)} bytes, expected "
             f"{ROWS * VOCABULARY * logits.itemsize}: is it of another program?")
    logits.frombytes(data)
    if sys.byteorder == "big":
        logits.byteswap()
    rows = [logits[i * VOCABULARY:(i + 1) * VOCABULARY] for i in range(ROWS)]
    if not all(map(math.isfinite, logits)):
        fail("an answer is no number")
    if arguments.json:
        print(json.dumps({"logits": [list(row) for row in rows]}))
        return
    for row in rows:
        best = sorted(range(VOCABULARY), key=lambda token: -row[token])[:5]
        print("  ".join(f"{token}: {row[token]:.4f}" for token in best))


def main():
    parser = argparse.ArgumentParser(description="The client's side of a private "
                                     "inference with MP-SPDZ")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("ask", help="write the prompt as the client's input")
    prompt = command.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--tokens", help="token ids, e.g. 12,7,255")
    prompt.add_argument("--prompt", help="text, for models of bytes")
    command.add_argument("-o", "--output", type=Path, default=INPUT,
                         help="default: %(default)s")
    command.set_defaults(run=ask)
    command = commands.add_parser("answer", help="print the likeliest next tokens")
    command.add_argument("input", type=Path, nargs="?", default=OUTPUT,
                         help="default: %(default)s")
    command.add_argument("--json", action="store_true", help="print all logits")
    command.set_defaults(run=answer)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
