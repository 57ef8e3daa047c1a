# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parts of transformers as newer exporters write them, node by node."""

from __future__ import annotations

import dataclasses
import math
from typing import Sequence

import numpy as np
from onnx import TensorProto

from .cases import Shape
from .graph import Graph, Ref

_END = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True)
class Style:
    """How a graph spells a transformer.

    Attributes:
        opset: Version of the ai.onnx operator set.
        dynamic: Leave batch and sequence symbolic and compute shapes.
        norm: ``"op"`` for LayerNormalization or RMSNormalization, ``"reduce"``
            for ReduceMean with its axes as an input.
        gelu: ``"op"``, ``"op_tanh"``, or the formulas ``"erf"`` and ``"tanh"``.
        split: ``"count"`` for num_outputs, ``"sizes"`` for an input of sizes.
        linear: ``"matmul"``; ``"transpose"`` of a weight stored transposed; or
            ``"gemm"`` on a flattened input.
        attention: ``"sdpa"`` decomposed, or the operator on ``"op4"`` or ``"op3"``
            dimensions.
        mask: ``"trilu"``, ``"range"`` or ``"buffer"`` builds it;
            ``"causal"`` leaves it to the operator's attribute.
        wide: Widen a mask of keys to all queries, which the Attention operator
            does not demand but ONNX Runtime does.
        apply: ``"add"`` adds 0 and -inf, ``"select"`` puts -inf in the scores,
            ``"bool"`` hands the operator a mask of bool.
        scale: ``"number"``; ``"computed"`` from the shape; or, for the operator,
            ``"default"`` to leave it out.
        guard: Replace NaN behind the softmax by 0.
        rotary: ``"op4"`` or ``"op3"`` for the operator, or ``"formula"``.
        constants: ``"initializer"`` or ``"node"``.
        noise: Sprinkle nodes that do nothing.
        functions: Put norms, activations and blocks in local functions.
        storage: What weights are stored as, as in :class:`export.Export`.
        external: Where weights are stored, as there.
    """

    opset: int = 20
    dynamic: bool = False
    norm: str = "op"
    gelu: str = "op"
    split: str = "count"
    linear: str = "matmul"
    attention: str = "sdpa"
    mask: str = "trilu"
    wide: bool = True
    apply: str = "add"
    scale: str = "number"
    guard: bool = False
    rotary: str = "formula"
    constants: str = "initializer"
    noise: bool = False
    functions: bool = False
    storage: str = "float32"
    external: str = ""


class Pieces:
    """Adds parts of transformers to a graph."""

    def __init__(self, graph: Graph, shape: Shape, style: Style) -> None:
        self.g = graph
        self.shape = shape
        self.style = style
        self._noises = 0

    # Shapes.

    def dims(self, like: str, *rest: int) -> str:
        """The shape ``[batch, tokens, *rest]``, of the input ``like``'s size."""
        if not self.style.dynamic:
            return self.g.ints(self.shape.batch, self.shape.tokens, *rest)
        leading = (self.g.op("Shape", like, start=i, end=i + 1) for i in (0, 1))
        return self.g.op("Concat", *leading, self.g.ints(*rest), axis=0)

    def length(self, like: str) -> str:
        """The number of tokens, a scalar."""
        if not self.style.dynamic:
            return self.g.const(self.shape.tokens, np.int64)
        return self.g.op("Squeeze", self.g.op("Shape", like, start=1, end=2))

    def positions(self, tokens: str) -> str:
        """The positions ``[1, tokens]``."""
        order = self.g.op("Range", self.g.const(0, np.int64), self.length(tokens),
                          self.g.const(1, np.int64))
        return self.g.op("Unsqueeze", order, self.g.ints(0))

    def noise(self, x: str) -> str:
        """``x`` behind a node that does nothing, of alternating kinds."""
        if not self.style.noise:
            return x
        self._noises += 1
        kind = self._noises % 4
        if kind == 0:
            return self.g.op("Identity", x)
        if kind == 1:
            return self.g.op("Dropout", x, self.g.const(0.1))
        if kind == 2:
            return self.g.op("Cast", x, to=TensorProto.FLOAT)
        return self.g.ops("Dropout", [x, self.g.const(0.1),
                                      self.g.const(False, np.bool_)], 2)[0]

    # Projections.

    def linear(self, x: str, weight: str, bias: str | None, n_in: int,
               n_out: int) -> str:
        """A projection; ``weight`` is stored as :meth:`stored` returns it."""
        if self.style.linear == "gemm":
            flat = self.g.op("Reshape", x, self.g.ints(-1, n_in))
            operands = [flat, weight] + ([bias] if bias else [])
            flat = self.g.op("Gemm", *operands, transB=1)
            return self.g.op("Reshape", flat, self.dims(x, n_out))
        if self.style.linear == "transpose":
            weight = self.g.op("Transpose", weight, perm=[1, 0])
        product = self.g.op("MatMul", x, weight)
        # The bias comes first in the sum, as exporters of Linear put it.
        return self.g.op("Add", bias, product) if bias else product

    def stored(self, weight: np.ndarray) -> np.ndarray:
        """``weight[in, out]`` in the orientation of the style."""
        return weight if self.style.linear == "matmul" else weight.T

    def split(self, x: str, axis: int, sizes: Sequence[int]) -> list[str]:
        """``x`` cut along ``axis``."""
        if self.style.split == "count":
            return self.g.ops("Split", [x], len(sizes), axis=axis,
                              num_outputs=len(sizes))
        return self.g.ops("Split", [x, self.g.ints(*sizes)], len(sizes), axis=axis)

    # Norms and activations.

    def layer_norm(self, x: str, scale: str, bias: str,
                   epsilon: float | Ref = 1e-5, inline: bool = False) -> str:
        if self.style.functions and not inline:
            return self.g.call("LayerNorm", x, scale, bias, epsilon=epsilon)
        if self.style.norm == "op":
            return self.g.op("LayerNormalization", x, scale, bias, axis=-1,
                             epsilon=epsilon)
        mean = self.mean(x)
        centred = self.g.op("Sub", x, mean)
        variance = self.mean(self.g.op("Mul", centred, centred))
        deviation = self.g.op("Sqrt", self.g.op("Add", variance,
                                                self.epsilon(epsilon)))
        normal = self.g.op("Div", centred, deviation)
        return self.g.op("Add", self.g.op("Mul", normal, scale), bias)

    def rms_norm(self, x: str, scale: str, epsilon: float = 1e-6) -> str:
        if self.style.norm == "op":
            return self.g.op("RMSNormalization", x, scale, axis=-1, epsilon=epsilon)
        square = self.mean(self.g.op("Pow", x, self.g.const(2.0)))
        root = self.g.op("Sqrt", self.g.op("Add", square, self.epsilon(epsilon)))
        normal = self.g.op("Mul", x, self.g.op("Reciprocal", root))
        return self.g.op("Mul", scale, normal)

    def mean(self, x: str) -> str:
        return self.g.op("ReduceMean", x, self.g.ints(-1), keepdims=1)

    def epsilon(self, value: float | Ref) -> str:
        if isinstance(value, Ref):
            return self.g.op("Constant", value_float=value)
        return self.g.const(value)

    def gelu(self, x: str, inline: bool = False) -> str:
        kind, g = self.style.gelu, self.g
        if self.style.functions and not inline:
            return g.call("Gelu", x)
        if kind == "op":
            return g.op("Gelu", x)
        if kind == "op_tanh":
            return g.op("Gelu", x, approximate="tanh")
        if kind == "erf":
            inner = g.op("Erf", g.op("Mul", x, g.const(math.sqrt(0.5))))
        else:
            cube = g.op("Mul", x, g.op("Mul", x, x))
            inner = g.op("Add", x, g.op("Mul", cube, g.const(0.044715)))
            inner = g.op("Tanh", g.op("Mul", inner,
                                      g.const(math.sqrt(2.0 / math.pi))))
        return g.op("Mul", g.op("Mul", x, g.const(0.5)),
                    g.op("Add", inner, g.const(1.0)))

    def silu(self, x: str) -> str:
        return self.g.op("Mul", x, self.g.op("Sigmoid", x))

    # Masks and attention.

    def causal_mask(self, tokens: str) -> str | None:
        """The keys that each query may see, as bool; None if none is needed."""
        g, kind = self.g, self.style.mask
        if kind == "causal":
            return None
        length = self.length(tokens)
        if kind == "range":
            order = g.op("Range", g.const(0, np.int64), length,
                         g.const(1, np.int64))
            return g.op("LessOrEqual", g.op("Unsqueeze", order, g.ints(0)),
                        g.op("Unsqueeze", order, g.ints(1)))
        side = g.op("Unsqueeze", length, g.ints(0))
        if kind == "buffer":
            size = self.shape.context
            table = g.const(np.tril(np.ones((1, 1, size, size))), np.bool_)
            ends = g.op("Concat", side, side, axis=0)
            return g.op("Slice", table, g.ints(0, 0), ends, g.ints(2, 3))
        ones = g.op("Expand", g.const(1.0), g.op("Concat", side, side, axis=0))
        lower = g.op("Trilu", ones, upper=0)
        return g.op("Not", g.op("Equal", lower, g.const(0.0)))

    def padding_mask(self, mask: str, causal: str | None) -> str:
        """The keys that the padding leaves, and that ``causal`` leaves too."""
        g = self.g
        kept = g.op("Cast", mask, to=TensorProto.BOOL)
        kept = g.op("Unsqueeze", kept, g.ints(1, 2))
        if causal:
            return g.op("And", causal, kept)
        if not self.style.wide:
            return kept
        queries = g.op("Unsqueeze", self.length(mask), g.ints(0))
        size = g.op("Concat", g.ints(1, 1), queries, g.ints(1), axis=0)
        return g.op("Expand", kept, size)

    def bias(self, visible: str) -> str:
        """0 for keys that are visible and -inf for the others."""
        return self.g.op("Where", visible, self.g.const(0.0),
                         self.g.const(-math.inf))

    def heads(self, x: str, count: int) -> str:
        """``[batch, tokens, _]`` as ``[batch, head, tokens, _]``."""
        x = self.g.op("Reshape", x, self.dims(x, count, self.shape.head_width))
        return self.g.op("Transpose", x, perm=[0, 2, 1, 3])

    def merged(self, x: str, like: str) -> str:
        """``[batch, head, tokens, _]`` as ``[batch, tokens, width]``."""
        x = self.g.op("Transpose", x, perm=[0, 2, 1, 3])
        return self.g.op("Reshape", x, self.dims(like, self.shape.width))

    def repeated(self, x: str, like: str, kv_heads: int) -> str:
        """Every key or value head as often as queries share it."""
        g, times = self.g, self.shape.heads // kv_heads
        if times == 1:
            return x
        width = self.shape.head_width
        if self.style.dynamic:
            batch = g.op("Shape", like, start=0, end=1)
            length = g.op("Shape", like, start=1, end=2)
        else:
            batch, length = g.ints(self.shape.batch), g.ints(self.shape.tokens)
        wide = g.op("Concat", batch, g.ints(kv_heads, times), length,
                    g.ints(width), axis=0)
        full = g.op("Concat", batch, g.ints(kv_heads * times), length,
                    g.ints(width), axis=0)
        x = g.op("Expand", g.op("Unsqueeze", x, g.ints(2)), wide)
        return g.op("Reshape", x, full)

    def sdpa(self, query: str, key: str, value: str, visible: str | None) -> str:
        """Attention over ``[batch, head, tokens, _]``, decomposed."""
        g, style = self.g, self.style
        key = g.op("Transpose", key, perm=[0, 1, 3, 2])
        if style.scale == "computed":
            width = g.op("Cast", g.op("Shape", query, start=-1),
                         to=TensorProto.FLOAT)
            root = g.op("Sqrt", g.op("Div", g.const(1.0), g.op("Sqrt", width)))
        else:
            root = g.const(self.shape.head_width ** -0.25)
        scores = g.op("MatMul", g.op("Mul", query, root), g.op("Mul", key, root))
        scores = self.noise(scores)
        if visible and style.apply == "select":
            scores = g.op("Where", visible, scores, g.const(-math.inf))
        elif visible:
            scores = g.op("Add", scores, self.bias(visible))
        weights = g.op("Softmax", scores, axis=-1)
        if style.guard:
            weights = g.op("Where", g.op("IsNaN", weights), g.const(0.0), weights)
        return g.op("MatMul", self.noise(weights), value)

    def attention(self, parts: Sequence[str], visible: str | None, like: str,
                  kv_heads: int) -> str:
        """Attention of query, key and value, split into heads or not.

        They have three dimensions for the operator on three, and four otherwise.
        The result is ``[batch, tokens, width]``.
        """
        style = self.style
        if style.attention == "sdpa":
            query, key, value = parts
            key = self.repeated(key, like, kv_heads)
            value = self.repeated(value, like, kv_heads)
            return self.merged(self.sdpa(query, key, value, visible), like)
        attributes: dict[str, object] = {}
        if style.mask == "causal":
            attributes["is_causal"] = 1
        if style.scale != "default":
            attributes["scale"] = self.shape.head_width ** -0.5
        if style.attention == "op3":
            attributes |= {"q_num_heads": self.shape.heads, "kv_num_heads": kv_heads}
        inputs = list(parts)
        if visible:
            inputs.append(visible if style.apply == "bool" else self.bias(visible))
        made = self.g.op("Attention", *inputs, **attributes)
        return made if style.attention == "op3" else self.merged(made, like)

    # Rotary embeddings.

    def rotary_tables(self, tokens: str, rotated: int) -> tuple[str, ...]:
        """What :meth:`rotate` needs besides its input, once a model."""
        g = self.g
        even = np.arange(0, rotated, 2, dtype=np.float32)
        inverse = 1.0 / (np.float32(10000.0) ** (even / np.float32(rotated)))
        if self.style.rotary != "formula":
            order = np.arange(self.shape.context, dtype=np.float32)
            angles = order[:, None] * inverse[None, :]
            row = self.positions(tokens)
            if self.style.dynamic:
                size = self.g.op("Shape", tokens, start=0, end=2)
            else:
                size = g.ints(self.shape.batch, self.shape.tokens)
            return (g.const(np.cos(angles)), g.const(np.sin(angles)),
                    g.op("Expand", row, size))
        row = g.op("Cast", self.positions(tokens), to=TensorProto.FLOAT)
        angles = g.op("MatMul", g.const(inverse[None, :, None]),
                      g.op("Unsqueeze", row, g.ints(1)))
        angles = g.op("Transpose", angles, perm=[0, 2, 1])
        angles = g.op("Concat", angles, angles, axis=-1)
        return tuple(g.op("Unsqueeze", g.op(kind, angles), g.ints(1))
                     for kind in ("Cos", "Sin"))

    def rotate(self, x: str, tables: Sequence[str], heads: int, rotated: int,
               interleaved: bool = False) -> str:
        """``x`` rotated; of three dimensions for the operator on three."""
        g, width = self.g, self.shape.head_width
        if self.style.rotary != "formula":
            attributes = {}
            if self.style.rotary == "op3":
                attributes["num_heads"] = heads
            if rotated != width:
                attributes["rotary_embedding_dim"] = rotated
            if interleaved:
                attributes["interleaved"] = 1
            return g.op("RotaryEmbedding", x, *tables, **attributes)
        cos, sin = tables
        turned = self.cut(x, 0, rotated) if rotated != width else x
        first = self.cut(turned, 0, rotated // 2)
        second = self.cut(turned, rotated // 2, _END)
        half = g.op("Concat", g.op("Neg", second), first, axis=-1)
        made = g.op("Add", g.op("Mul", turned, cos), g.op("Mul", half, sin))
        if rotated == width:
            return made
        return g.op("Concat", made, self.cut(x, rotated, _END), axis=-1)

    def cut(self, x: str, start: int, end: int) -> str:
        """A part of the last of four dimensions."""
        g = self.g
        return g.op("Slice", x, g.ints(start), g.ints(end), g.ints(3), g.ints(1))
