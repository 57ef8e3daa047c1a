#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a GPT-2-shaped model of 1.5 billion parameters with external data.

The defaults are the shape of GPT-2 XL. Of each tensor only the first row is
written, with random numbers; the rest of the file is a hole, which reads as
zeros and takes no space on the disk. The vocabulary matrix is the embedding
table once more, transposed, as exporters store tied weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
ALIGNMENT = 4096


class Writer:
    """Collects nodes and initializers, and writes the data beside the model."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.with_suffix(".data")
        self.file = self.data.open("wb")
        self.random = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.end = 0
        self.count = 0

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes) -> str:
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names,
                                           f"n{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def external(self, name: str, shape: list[int]) -> tuple[str, int]:
        """An initializer whose data is a hole of the file, and where it is."""
        tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT,
                             data_location=TensorProto.EXTERNAL)
        size, offset = 4 * int(np.prod(shape)), self.end
        for key, value in (("location", self.data.name), ("offset", offset),
                           ("length", size)):
            tensor.external_data.add(key=key, value=str(value))
        self.initializers.append(tensor)
        self.count += int(np.prod(shape))
        self.end += -(-size // ALIGNMENT) * ALIGNMENT
        return name, offset

    def weight(self, name: str, *shape: int) -> str:
        _, offset = self.external(name, list(shape))
        self.file.seek(offset)
        self.random.standard_normal(shape[-1], dtype=np.float32).tofile(self.file)
        return name

    def transposed(self, name: str, of: str, rows: int, columns: int) -> None:
        """A second copy of a (rows, columns) matrix, transposed."""
        source = next(t for t in self.initializers if t.name == of)
        start = int(source.external_data[1].value)
        self.file.flush()
        first = np.fromfile(self.data, np.float32, columns, offset=start)
        _, offset = self.external(name, [columns, rows])
        for column, value in enumerate(first):
            self.file.seek(offset + 4 * column * rows)
            self.file.write(value.tobytes())

    def constant(self, name: str, array: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def linear(self, x: str, name: str, rows: int, columns: int) -> str:
        product = self.op("MatMul", x, self.weight(name + ".weight", rows, columns))
        return self.op("Add", product, self.weight(name + ".bias", columns))

    def norm(self, x: str, name: str, width: int) -> str:
        return self.op("LayerNormalization", x,
                       self.weight(name + ".weight", width),
                       self.weight(name + ".bias", width), axis=-1)


def write(path: Path, layers: int, heads: int, width: int, context: int,
          vocab: int) -> int:
    """Writes the model and returns its number of parameters."""
    w = Writer(path)
    table = w.weight("wte.weight", vocab, width)
    positions = w.op("Gather", w.weight("wpe.weight", context, width),
                     w.constant("positions", np.arange(context)[None]))
    x = w.op("Add", w.op("Gather", table, "tokens"), positions)
    split = w.constant("split", np.array([1, context, heads, width // heads]))
    merge = w.constant("merge", np.array([1, context, width]))
    hidden = w.constant("hidden", ~np.tril(np.ones((context, context), bool)))
    lowest = w.op("Constant", value_float=float(np.finfo(np.float32).min))
    scale = w.op("Constant", value_float=float((width // heads) ** -0.5))
    one, half = (w.op("Constant", value_float=v) for v in (1.0, 0.5))
    root = w.op("Constant", value_float=float(2 ** 0.5))
    for layer in range(layers):
        h = f"h.{layer}."
        qkv = w.linear(w.norm(x, h + "ln_1", width), h + "attn.c_attn", width,
                       3 * width)
        q, k, v = (w.op("Transpose", w.op("Reshape", part, split), perm=order)
                   for part, order in zip(
                       w.op("Split", qkv, outputs=3, axis=2),
                       ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        scores = w.op("Mul", w.op("MatMul", q, k), scale)
        weights = w.op("Softmax", w.op("Where", hidden, lowest, scores), axis=-1)
        mixed = w.op("Transpose", w.op("MatMul", weights, v), perm=[0, 2, 1, 3])
        mixed = w.op("Reshape", mixed, merge)
        x = w.op("Add", x, w.linear(mixed, h + "attn.c_proj", width, width))
        inner = w.linear(w.norm(x, h + "ln_2", width), h + "mlp.c_fc", width,
                         4 * width)
        gate = w.op("Add", w.op("Erf", w.op("Div", inner, root)), one)
        inner = w.op("Mul", w.op("Mul", inner, gate), half)
        x = w.op("Add", x, w.linear(inner, h + "mlp.c_proj", 4 * width, width))
    w.transposed("lm_head.weight", "wte.weight", vocab, width)
    w.count -= vocab * width
    x = w.norm(x, "ln_f", width)
    w.nodes.append(helper.make_node("MatMul", [x, "lm_head.weight"], ["logits"]))
    w.file.truncate(w.end)
    w.file.close()
    graph = helper.make_graph(
        w.nodes, "gpt2",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, context])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT,
                                       [1, context, vocab])], w.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    path.write_bytes(model.SerializeToString())
    return w.count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("output", type=Path, help="the ONNX file to write")
    parser.add_argument("--layers", type=int, default=48)
    parser.add_argument("--heads", type=int, default=25)
    parser.add_argument("--width", type=int, default=1600)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--vocab", type=int, default=50257)
    args = parser.parse_args()
    count = write(args.output, args.layers, args.heads, args.width, args.context,
                  args.vocab)
    size = args.output.with_suffix(".data").stat().st_size
    print(f"{args.output}: {count:,} parameters, {size:,} bytes of external data")


if __name__ == "__main__":
    main()
