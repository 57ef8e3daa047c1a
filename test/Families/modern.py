# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Transformers in the operators of opsets 18 to 23, as newer exporters write them.

The weights are those of the PyTorch modules of the other families, which say what
the outputs are. Graphs are built node by node, since no exporter here knows these
operators.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Callable, Mapping

import numpy as np
import onnx
import torch
from torch import nn

from . import bert, gpt2_plain, llama, neox
from .cases import Case, Shape
from .export import STORAGES, Signature, randomize, run_module, save
from .export import store_weights_as
from .graph import Graph, Ref, tensor_info
from .pieces import Pieces, Style

Weights = Mapping[str, np.ndarray]
Names = Mapping[str, str]


def _sub(names: Names, prefix: str) -> dict[str, str]:
    """The entries below ``prefix``, without it."""
    return {key[len(prefix):]: value for key, value in names.items()
            if key.startswith(prefix)}


def _store(p: Pieces, weights: Weights, matrices: str) -> dict[str, str]:
    """Adds all weights. ``matrices`` tells how they hold projections: in_out, out_in.

    Embeddings, which are looked up, stay as they are.
    """
    names = {}
    for key, array in weights.items():
        looked_up = any(word in key for word in ("wte", "wpe", "embed"))
        if array.ndim == 2 and not looked_up or key == "embed_out.weight":
            array = p.stored(array if matrices == "in_out" else array.T)
        names[key] = p.g.weight(key, array)
    return names


# GPT-2.

def _gpt2_block(p: Pieces, x: str, visible: str | None, w: Names,
                epsilon: float | Ref) -> str:
    width, count = p.shape.width, p.shape.heads
    y = p.layer_norm(x, w["ln_1.weight"], w["ln_1.bias"], epsilon)
    fused = p.linear(y, w["attn.c_attn.weight"], w["attn.c_attn.bias"], width,
                     3 * width)
    parts = p.split(fused, 2, [width] * 3)
    if p.style.attention != "op3":
        parts = [p.heads(part, count) for part in parts]
    y = p.attention(parts, visible, x, count)
    y = p.linear(y, w["attn.c_proj.weight"], w["attn.c_proj.bias"], width, width)
    x = p.noise(p.g.op("Add", x, p.noise(y)))
    y = p.layer_norm(x, w["ln_2.weight"], w["ln_2.bias"], epsilon)
    y = p.linear(y, w["mlp.c_fc.weight"], w["mlp.c_fc.bias"], width, 4 * width)
    y = p.linear(p.noise(p.gelu(y)), w["mlp.c_proj.weight"], w["mlp.c_proj.bias"],
                 4 * width, width)
    return p.g.op("Add", x, y)


def _define_functions(p: Pieces, keys: list[str], masked: bool) -> None:
    """Makes local functions of LayerNorm, Gelu and a whole block of GPT-2."""
    opset, epsilon = p.style.opset, Ref("epsilon")

    def define(name: str, inputs: list[str], attributes: list[str],
               body: Callable[[Pieces], str]) -> None:
        inner = Pieces(Graph("node"), p.shape, p.style)
        p.g.define(name, inputs, inner.g, body(inner), attributes, opset)

    define("LayerNorm", ["x", "scale", "bias"], ["epsilon"],
           lambda q: q.layer_norm("x", "scale", "bias", epsilon, inline=True))
    define("Gelu", ["x"], [], lambda q: q.gelu("x", inline=True))
    inputs = ["x", "visible"] if masked else ["x"]
    define("Block", [*inputs, *keys], ["epsilon"],
           lambda q: _gpt2_block(q, "x", "visible" if masked else None,
                                 {key: key for key in keys}, epsilon))


def gpt2_graph(p: Pieces, weights: Weights) -> None:
    """The plain GPT-2."""
    g, style = p.g, p.style
    names = _store(p, weights, "in_out")
    x = g.op("Add", g.op("Gather", names["wte.weight"], "tokens"),
             g.op("Gather", names["wpe.weight"], p.positions("tokens")))
    visible = p.causal_mask("tokens")
    if style.functions:
        _define_functions(p, list(_sub(names, "h.0.")), visible is not None)
    for layer in range(p.shape.layers):
        block = _sub(names, f"h.{layer}.")
        if style.functions:
            inputs = [x, *([visible] if visible else []), *block.values()]
            x = g.call("Block", *inputs, epsilon=1e-5)
        else:
            x = _gpt2_block(p, x, visible, block, 1e-5)
    x = p.layer_norm(x, names["ln_f.weight"], names["ln_f.bias"])
    head = names["wte.weight"]
    if style.linear == "matmul":
        head = g.weight("lm_head.weight", weights["wte.weight"].T)
    g.finish(p.linear(x, head, None, p.shape.width, p.shape.vocabulary), "logits")


# LLaMA.

def llama_graph(p: Pieces, weights: Weights, variant: llama.Variant) -> None:
    """LLaMA as ``variant`` says."""
    g, style, shape = p.g, p.style, p.shape
    names = _store(p, weights, "out_in")
    width, kv_heads = shape.width, variant.kv_heads
    counts = (shape.heads, kv_heads, kv_heads)
    rotated = shape.head_width
    x = g.op("Gather", names["embed_tokens.weight"], "input_ids")
    tables = p.rotary_tables("input_ids", rotated)
    visible = p.causal_mask("input_ids")
    if variant.padding:
        visible = p.padding_mask("attention_mask", visible)
    for layer in range(shape.layers):
        w = _sub(names, f"layers.{layer}.")
        y = p.rms_norm(x, w["input_layernorm.weight"])
        parts = [p.linear(y, w[f"self_attn.{part}_proj.weight"], None, width,
                          count * shape.head_width)
                 for part, count in zip("qkv", counts)]
        if style.rotary != "op3":
            parts = [p.heads(part, count) for part, count in zip(parts, counts)]
        for index in (0, 1):
            parts[index] = p.rotate(parts[index], tables, counts[index], rotated,
                                    variant.rotary == "pairs")
        if style.rotary == "op3" and style.attention != "op3":
            parts = [p.heads(part, count) for part, count in zip(parts, counts)]
        y = p.attention(parts, visible, x, kv_heads)
        x = g.op("Add", x, p.linear(y, w["self_attn.o_proj.weight"], None, width,
                                    width))
        y = p.rms_norm(x, w["post_attention_layernorm.weight"])
        gate = p.silu(p.linear(y, w["gate_proj.weight"], None, width, 3 * width))
        y = g.op("Mul", gate, p.linear(y, w["up_proj.weight"], None, width,
                                       3 * width))
        x = g.op("Add", x, p.linear(y, w["down_proj.weight"], None, 3 * width,
                                    width))
    x = p.rms_norm(x, names["norm.weight"])
    g.finish(p.linear(x, names["lm_head.weight"], None, width, shape.vocabulary),
             "logits")


# GPT-NeoX.

def neox_graph(p: Pieces, weights: Weights, variant: neox.Variant) -> None:
    """GPT-NeoX with a parallel residual."""
    g, shape, width = p.g, p.shape, p.shape.width
    names = _store(p, weights, "out_in")
    rotated = int(shape.head_width * variant.rotary)
    x = g.op("Gather", names["embed_in.weight"], "input_ids")
    tables = p.rotary_tables("input_ids", rotated)
    visible = p.causal_mask("input_ids")
    for layer in range(shape.layers):
        w = _sub(names, f"layers.{layer}.")
        y = p.layer_norm(x, w["input_layernorm.weight"], w["input_layernorm.bias"])
        fused = p.linear(y, w["attention.query_key_value.weight"],
                         w["attention.query_key_value.bias"], width, 3 * width)
        fused = g.op("Reshape", fused, p.dims(x, shape.heads, 3 * shape.head_width))
        fused = g.op("Transpose", fused, perm=[0, 2, 1, 3])
        parts = p.split(fused, 3, [shape.head_width] * 3)
        for index in (0, 1):
            parts[index] = p.rotate(parts[index], tables, shape.heads, rotated)
        y = p.attention(parts, visible, x, shape.heads)
        attended = p.linear(y, w["attention.dense.weight"],
                            w["attention.dense.bias"], width, width)
        y = p.layer_norm(x, w["post_attention_layernorm.weight"],
                         w["post_attention_layernorm.bias"])
        y = p.gelu(p.linear(y, w["dense_h_to_4h.weight"], w["dense_h_to_4h.bias"],
                            width, 4 * width))
        y = p.linear(y, w["dense_4h_to_h.weight"], w["dense_4h_to_h.bias"],
                     4 * width, width)
        x = g.op("Add", g.op("Add", y, attended), x)
    x = p.layer_norm(x, names["final_layer_norm.weight"],
                     names["final_layer_norm.bias"])
    g.finish(p.linear(x, names["embed_out.weight"], None, width, shape.vocabulary),
             "logits")


# BERT.

def bert_graph(p: Pieces, weights: Weights) -> None:
    """BERT with a padding mask and token types."""
    g, shape, width = p.g, p.shape, p.shape.width
    names = _store(p, weights, "out_in")
    epsilon = 1e-12

    def norm(x: str, key: str) -> str:
        return p.layer_norm(x, names[f"{key}.weight"], names[f"{key}.bias"], epsilon)

    def project(x: str, key: str, n_in: int, n_out: int) -> str:
        return p.linear(x, names[f"{key}.weight"], names[f"{key}.bias"], n_in, n_out)

    table = "embeddings.{}_embeddings.weight".format
    x = g.op("Add", g.op("Gather", names[table("word")], "input_ids"),
             g.op("Gather", names[table("token_type")], "token_type_ids"))
    x = g.op("Add", x, g.op("Gather", names[table("position")],
                            p.positions("input_ids")))
    x = norm(x, "embeddings.LayerNorm")
    visible = p.padding_mask("attention_mask", None)
    for layer in range(shape.layers):
        home = f"layer.{layer}"
        parts = [project(x, f"{home}.attention.{part}", width, width)
                 for part in ("query", "key", "value")]
        if p.style.attention != "op3":
            parts = [p.heads(part, shape.heads) for part in parts]
        y = p.attention(parts, visible, x, shape.heads)
        y = project(y, f"{home}.attention_output", width, width)
        x = norm(g.op("Add", y, x), f"{home}.attention_norm")
        y = p.gelu(project(x, f"{home}.intermediate", width, 4 * width))
        y = project(y, f"{home}.output", 4 * width, width)
        x = norm(g.op("Add", y, x), f"{home}.output_norm")
    g.finish(x, "last_hidden_state")


# The cases.

@dataclasses.dataclass(frozen=True)
class Model:
    """A module, its signature, and how to build its graph."""

    family: str
    build: Callable[[Shape], nn.Module]
    sign: Callable[[Shape], Signature]
    compose: Callable[[Pieces, Weights], None]
    expect: Mapping[str, int]
    kv_heads: int = 4


def _gpt2(activation: str = "gelu") -> Model:
    return Model("gpt2_plain",
                 lambda shape: gpt2_plain.build(shape, activation=activation),
                 gpt2_plain.signature, gpt2_graph,
                 {"attention": 2, "layer_norm": 5, "gelu": 2})


def _llama(**fields: object) -> Model:
    variant = llama.Variant(**fields)
    return Model("llama", lambda shape: llama.Llama(shape, variant),
                 lambda shape: llama.signature(shape, variant),
                 lambda p, weights: llama_graph(p, weights, variant),
                 llama.expected(Shape()), variant.kv_heads)


def _neox(rotary: float) -> Model:
    variant = neox.Variant(rotary=rotary)
    return Model("neox", lambda shape: neox.NeoX(shape, variant),
                 lambda shape: neox.signature(shape, variant),
                 lambda p, weights: neox_graph(p, weights, variant),
                 {"attention": 2, "layer_norm": 5, "gelu": 2, "rotary_embedding": 4})


_GPT2, _TANH = _gpt2(), _gpt2("gelu_tanh")
_LLAMA, _GROUPED = _llama(), _llama(kv_heads=2)
_PADDED = _llama(kv_heads=2, padding=True)
_PAIRS = _llama(kv_heads=2, rotary="pairs")
_NEOX = _neox(0.5)
_BERT = Model("bert", lambda shape: bert.Bert(shape, bert.Variant()),
              lambda shape: bert.signature(shape, bert.Variant()), bert_graph,
              {"attention": 2, "layer_norm": 5, "gelu": 2})

_REDUCE = Style(18, norm="reduce", gelu="erf")
_OP4 = Style(23, attention="op4", mask="causal")
_OP3 = Style(23, attention="op3", mask="causal")
_ALL4 = dataclasses.replace(_OP4, rotary="op4")
_ALL3 = dataclasses.replace(_OP3, rotary="op3")
_BERT4 = Style(23, attention="op4")
_LLAMA18 = Style(18, norm="reduce", linear="transpose")
_change = dataclasses.replace

_TABLE: list[tuple[str, Model, Style]] = [
    # ReduceMean with axes as an input, Split with num_outputs, stored transposes.
    ("gpt2-18", _GPT2, _REDUCE),
    ("gpt2-18-transpose", _GPT2, _change(_REDUCE, linear="transpose")),
    ("gpt2-18-gemm", _TANH, _change(_REDUCE, gelu="tanh", linear="gemm",
                                    split="sizes", mask="range")),
    ("gpt2-18-dynamic", _GPT2, _change(_REDUCE, linear="transpose", dynamic=True)),
    ("gpt2-18-constants", _GPT2, _change(_REDUCE, constants="node")),
    # LayerNormalization and Gelu; scaled dot products decomposed.
    ("gpt2-20", _GPT2, Style()),
    ("gpt2-20-tanh", _TANH, Style(gelu="op_tanh")),
    ("gpt2-20-select", _GPT2, Style(apply="select", mask="range")),
    ("gpt2-20-buffer", _GPT2, Style(mask="buffer", linear="gemm")),
    ("gpt2-20-guard", _GPT2, Style(guard=True, scale="computed")),
    ("gpt2-20-dynamic", _GPT2, Style(dynamic=True, scale="computed")),
    ("gpt2-20-dynamic-select", _TANH, Style(
        dynamic=True, gelu="op_tanh", mask="range", apply="select", linear="gemm")),
    ("gpt2-20-constants", _GPT2, Style(constants="node")),
    ("gpt2-20-noise", _GPT2, Style(noise=True)),
    ("gpt2-20-noise-dynamic", _GPT2, Style(noise=True, dynamic=True,
                                           constants="node")),
    ("gpt2-20-float16", _GPT2, Style(storage="float16")),
    ("gpt2-20-bfloat16", _GPT2, Style(storage="bfloat16", linear="transpose")),
    ("gpt2-20-external", _GPT2, Style(external="one", linear="transpose")),
    ("gpt2-21", _GPT2, Style(21, linear="transpose")),
    ("gpt2-22", _TANH, Style(22, gelu="op_tanh", noise=True)),
    # Local functions.
    ("gpt2-18-functions", _GPT2, _change(_REDUCE, functions=True)),
    ("gpt2-18-functions-dynamic", _TANH, _change(
        _REDUCE, gelu="tanh", functions=True, dynamic=True, linear="transpose")),
    ("gpt2-20-functions", _TANH, Style(gelu="op_tanh", functions=True)),
    ("gpt2-23-functions", _GPT2, _change(_OP4, functions=True)),
    # The Attention operator.
    ("gpt2-23-sdpa", _GPT2, Style(23)),
    ("gpt2-23-attention-4d", _GPT2, _OP4),
    ("gpt2-23-attention-3d", _GPT2, _OP3),
    ("gpt2-23-attention-default-scale", _GPT2, _change(_OP3, scale="default")),
    ("gpt2-23-attention-4d-float-mask", _GPT2, _change(_OP4, mask="trilu")),
    ("gpt2-23-attention-4d-bool-mask", _GPT2, _change(_OP4, mask="range",
                                                      apply="bool")),
    ("gpt2-23-attention-3d-float-mask", _TANH, _change(_OP3, mask="buffer",
                                                       gelu="op_tanh")),
    ("gpt2-23-attention-3d-bool-mask", _GPT2, _change(_OP3, mask="buffer",
                                                      apply="bool")),
    ("gpt2-23-attention-dynamic", _GPT2, _change(_OP4, dynamic=True)),
    ("gpt2-23-attention-bool-mask-dynamic", _GPT2, _change(
        _OP3, dynamic=True, mask="range", apply="bool")),
    ("llama-18", _LLAMA, _LLAMA18),
    ("llama-18-grouped", _GROUPED, _change(_LLAMA18, mask="range", apply="select")),
    ("llama-18-grouped-dynamic", _GROUPED, _change(_LLAMA18, dynamic=True)),
    ("llama-20-padding", _PADDED, _change(_LLAMA18, opset=20, mask="range")),
    ("llama-20-padding-dynamic", _PADDED, _change(
        _LLAMA18, opset=20, mask="range", dynamic=True, guard=True)),
    ("llama-23-rms-norm", _GROUPED, Style(23)),
    ("llama-23-rotary-4d", _GROUPED, Style(23, norm="reduce", rotary="op4")),
    ("llama-23-rotary-3d", _GROUPED, Style(23, rotary="op3", linear="transpose")),
    ("llama-23-attention-4d", _GROUPED, _change(_OP4, norm="reduce")),
    ("llama-23-all-4d", _GROUPED, _ALL4),
    ("llama-23-all-3d", _GROUPED, _change(_ALL3, linear="transpose")),
    ("llama-23-all-multi-head", _LLAMA, _ALL4),
    ("llama-23-all-dynamic", _GROUPED, _change(_ALL4, dynamic=True)),
    ("llama-23-all-3d-dynamic", _GROUPED, _change(_ALL3, dynamic=True)),
    ("llama-23-pairs-4d", _PAIRS, _ALL4),
    ("llama-23-pairs-3d", _PAIRS, _ALL3),
    ("llama-23-padding-bool", _PADDED, _change(_ALL4, mask="range", apply="bool")),
    ("llama-23-padding-float", _PADDED, _change(_ALL3, mask="trilu")),
    ("llama-23-padding-causal", _PADDED, _change(_ALL4, apply="bool")),
    ("llama-23-padding-causal-narrow", _PADDED, _change(_ALL4, apply="bool",
                                                        wide=False)),
    ("llama-23-padding-dynamic", _PADDED, _change(_ALL4, mask="range", apply="bool",
                                                  dynamic=True)),
    ("neox-18", _NEOX, _change(_REDUCE, linear="transpose")),
    ("neox-20-dynamic", _NEOX, Style(dynamic=True, split="sizes")),
    ("neox-23-rotary", _neox(0.25), Style(23, rotary="op4")),
    ("neox-23-all", _NEOX, _ALL4),
    ("neox-23-all-dynamic", _NEOX, _change(_ALL4, dynamic=True)),
    ("bert-18", _BERT, _change(_REDUCE, linear="transpose")),
    ("bert-20", _BERT, Style()),
    ("bert-20-narrow", _BERT, Style(wide=False, apply="select")),
    ("bert-20-dynamic", _BERT, Style(dynamic=True, guard=True)),
    ("bert-23-float-mask-4d", _BERT, _BERT4),
    ("bert-23-float-mask-4d-narrow", _BERT, _change(_BERT4, wide=False)),
    ("bert-23-bool-mask-4d", _BERT, _change(_BERT4, apply="bool")),
    ("bert-23-bool-mask-4d-narrow", _BERT, _change(_BERT4, apply="bool",
                                                   wide=False)),
    ("bert-23-float-mask-3d", _BERT, _change(_BERT4, attention="op3")),
    ("bert-23-bool-mask-3d", _BERT, _change(_BERT4, attention="op3", apply="bool")),
    ("bert-23-dynamic", _BERT, _change(_BERT4, attention="op3", dynamic=True,
                                       linear="transpose")),
    ("bert-23-dynamic-narrow", _BERT, _change(_BERT4, dynamic=True, wide=False)),
]


def cases() -> list[Case]:
    """All cases of the family."""
    return [_case(*row) for row in _TABLE]


def _case(name: str, model: Model, style: Style) -> Case:
    shape = Shape()
    signature = model.sign(shape)

    @functools.cache
    def module() -> nn.Module:
        made = randomize(model.build(shape), model.family)
        kind = STORAGES[style.storage]
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.copy_(parameter.to(kind).to(torch.float32))
        return made

    def write(style: Style, path: Path) -> None:
        _write(module(), model, signature, shape, style, path)

    # ONNX Runtime wants a row of the mask for every query.
    oracle = style.attention == "sdpa" or style.wide
    return Case(
        f"modern-{name}", "modern", shape,
        make=functools.partial(write, style),
        inputs=signature.inputs, expect=dict(model.expect),
        bind=signature.bind() if style.dynamic else {}, kv_heads=model.kv_heads,
        oracle=oracle,
        oracle_model=None if oracle else functools.partial(write, _decomposed(style)),
        reference=lambda: run_module(module(), signature))


def _decomposed(style: Style) -> Style:
    """``style`` without the operators of opset 23."""
    mask = "range" if style.mask == "causal" else style.mask
    apply = "add" if style.apply == "bool" else style.apply
    return dataclasses.replace(style, norm="reduce", attention="sdpa", mask=mask,
                               apply=apply, rotary="formula")


def _write(module: nn.Module, model: Model, signature: Signature, shape: Shape,
           style: Style, path: Path) -> None:
    graph = Graph(style.constants)
    weights = {key: parameter.detach().numpy()
               for key, parameter in module.named_parameters()}
    model.compose(Pieces(graph, shape, style), weights)
    results = run_module(module, signature)
    made = graph.model(
        [_info(name, array, signature, style)
         for name, array in signature.inputs.items()],
        [_info(name, array, signature, style) for name, array in results.items()],
        style.opset)
    if style.storage != "float32":
        store_weights_as(made, style.storage)
    save(made, path, style.external)


def _info(name: str, array: np.ndarray, signature: Signature,
          style: Style) -> onnx.ValueInfoProto:
    dims: list[int | str] = list(array.shape)
    if style.dynamic:
        for dimension, symbol in signature.axes[name].items():
            dims[dimension] = symbol
    return tensor_info(name, array.dtype.type, dims)
