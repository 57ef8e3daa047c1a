#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A private inference with SecretFlow SPU, all parties as threads of this process.

    run.py --tokens 12,7,255 [--protocol CHEETAH]

Needs the Python package `spu` and NumPy. It is the way to see the model run; for
hosts of their own, the parties take the same steps with a link of their own
(libspu.link.create_brpc) in the place of create_mem, as the README says.
"""

import argparse
import json
import sys
import threading
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
# Parties of each protocol; the server is 0, the client 1.
PROTOCOLS = {"CHEETAH": 2, "SEMI2K": 2, "ABY3": 3}


def read_prompt(arguments, about):
    if arguments.prompt is not None:
        if about["vocabulary"] != 256:
            sys.exit("run.py: error: --prompt is for models of bytes; give --tokens")
        tokens = list(arguments.prompt.encode())
    else:
        try:
            tokens = [int(token) for token in arguments.tokens.split(",")]
        except ValueError:
            sys.exit("run.py: error: --tokens: expected numbers, e.g. 12,7,255")
    if not 1 <= len(tokens) <= about["tokens"]:
        sys.exit(f"run.py: error: a prompt of {len(tokens)} tokens; this model takes "
                 f"1 to {about['tokens']}")
    if not all(0 <= token < about["vocabulary"] for token in tokens):
        sys.exit(f"run.py: error: tokens must be in [0, {about['vocabulary']})")
    return tokens


def make_inputs(about, tokens):
    """Each argument with the rank of the party that has it, -1 for all."""
    weights = np.load(FOLDER / about["weights"])
    rows = np.zeros((about["tokens"], about["vocabulary"]), np.int32)
    # Attention is causal: what follows the prompt changes nothing.
    rows[np.arange(about["tokens"]), 0] = 1
    rows[np.arange(len(tokens)), 0] = 0
    rows[np.arange(len(tokens)), tokens] = 1
    for argument in about["arguments"]:
        if argument["owner"] == "server":
            yield weights[argument["name"]], 0
        elif argument["owner"] == "client":
            yield rows, 1
        else:
            yield np.array(len(tokens) - 1, np.int64), -1


def run(about, inputs, protocol, fraction_bits):
    from spu import api, libspu

    config = libspu.RuntimeConfig(
        protocol=getattr(libspu.ProtocolKind, protocol),
        field=libspu.FieldType.FM64, fxp_fraction_bits=fraction_bits)
    # Inputs stay with who has them, instead of being shared first.
    config.experimental_enable_colocated_optimization = True
    # SPU's own default, a power of 1 + x / 256, is wrong for x far below 0.
    config.fxp_exp_mode = libspu.RuntimeConfig.ExpMode.EXP_PADE
    # SPU's own default lets the first party make the triples, which tells it
    # everything.
    config.beaver_type = libspu.RuntimeConfig.BeaverType.MultiParty
    visibility = libspu.Visibility
    source = libspu.CompilationSource(
        libspu.SourceIRType.STABLEHLO, (FOLDER / about["module"]).read_bytes(),
        [visibility.VIS_PUBLIC if owner < 0 else visibility.VIS_SECRET
         for _, owner in inputs])
    names = [argument["name"] for argument in about["arguments"]]
    executable = libspu.Executable(
        name=about["name"], input_names=names, output_names=["logits"],
        code=api.compile(source, libspu.CompilerOptions()))

    parties = PROTOCOLS[protocol]
    io = api.Io(parties, config)
    shares = [io.make_shares(value, visibility.VIS_PUBLIC if owner < 0 else
                             visibility.VIS_SECRET, owner)
              for value, owner in inputs]
    link = libspu.link.Desc()
    for rank in range(parties):
        link.add_party(f"party{rank}", f"thread{rank}")
    outputs, errors = [None] * parties, []

    def party(rank):
        try:
            runtime = api.Runtime(libspu.link.create_mem(link, rank),
                                  libspu.RuntimeConfig(config))
            for name, share in zip(names, shares):
                runtime.set_var(name, share[rank])
            runtime.run(executable)
            outputs[rank] = runtime.get_var("logits")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=party, args=(rank,)) for rank in range(parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    # The client's: it alone gets all shares of the answer.
    return io.reconstruct(outputs)


def main():
    parser = argparse.ArgumentParser(description="A private inference with SecretFlow "
                                     "SPU, all parties in this process")
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--tokens", help="token ids, e.g. 12,7,255")
    prompt.add_argument("--prompt", help="text, for models of bytes")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="CHEETAH")
    parser.add_argument("--fraction-bits", type=int, default=18)
    parser.add_argument("--json", action="store_true", help="print all logits")
    arguments = parser.parse_args()
    about = json.loads((FOLDER / "arguments.json").read_text())
    tokens = read_prompt(arguments, about)
    logits = run(about, list(make_inputs(about, tokens)), arguments.protocol,
                 arguments.fraction_bits)[0]
    if arguments.json:
        print(json.dumps({"logits": logits.tolist()}))
        return
    for row in logits:
        best = np.argsort(-row)[:5]
        print("  ".join(f"{token}: {row[token]:.4f}" for token in best))


if __name__ == "__main__":
    main()
