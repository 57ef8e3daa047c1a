# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero inspect: what it prints, its JSON keys, and what it says on failure."""

from __future__ import annotations

import json
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import (BASELINE, CONFIG, ROOT, SOFTMAX_ONLY, ToolTest, make_tanh,
                     run, run_json)
INPUTS = ROOT / "test" / "Import" / "ONNX" / "Inputs"


class TextTest(ToolTest):

    def inspect(self, *arguments: object) -> list[str]:
        done = run("aero", "inspect", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def assert_rows(self, lines: list[str], *rows: str) -> None:
        """Each row is a line, whatever the columns' widths."""
        found = [" ".join(line.split()) for line in lines]
        for row in rows:
            self.assertIn(row, found)

    def test_baseline(self) -> None:
        lines = self.inspect(BASELINE)
        self.assertRegex(lines[0], r"^python-sm-ln-g\.onnx: 3\.5 MB")
        self.assertEqual(lines[1], "GPT-2 (LayerNorm, GELU FFN, learned "
                                   "positions, tied embedding)")
        self.assertEqual(lines[2], "L 4, H 4, d 128, dk 32, FFN width 512, "
                                   "T 64, V 256")
        self.assert_rows(
            lines,
            "parameters weights elements as float32 share",
            "token embedding 1 32,768 131.1 kB 3.9%",
            "position embedding 1 8,192 32.8 kB 1.0%",
            "attention 16 264,192 1.1 MB 31.7%",
            "feed-forward 16 526,848 2.1 MB 63.1%",
            "norm 18 2,304 9.2 kB 0.3%",
            "total 52 834,304 3.3 MB 100.0%",
            "nonlinear operation map per layer layers maps elements",
            "layer_norm 64x128 2 0-3 8 65,536",
            "softmax 64x64 4 0-3 16 65,536",
            "gelu 64x512 1 0-3 4 131,072",
            "layer_norm, final 64x128 1 8,192",
            "total 270,336",
            "linear algebra multiply-adds FLOPs share",
            "feed-forward 33.6M 67.1M 57.1%",
            "attention projection 16.8M 33.6M 28.6%",
            "attention scores and context 4.2M 8.4M 7.1%",
            "vocabulary projection 2.1M 4.2M 3.6%",
            "embedding as one-hot product 2.1M 4.2M 3.6%",
            "total 58.7M 117.4M 100.0%",
            "In the paper's columns: FFN 67.1M FLOPs, attention 39.8M with its "
            "3 T^2 d for scores and context (41.9M with 4 T^2 d).",
            "Nothing blocks private inference.")
        self.assertTrue(any(line.startswith(
            "  'wte.weight': token embedding and vocabulary projection")
            for line in lines), lines)

    def test_configuration(self) -> None:
        lines = self.inspect(SOFTMAX_ONLY, "--config", CONFIG)
        self.assertRegex(lines[0], r"^python-sm-scffn\.onnx as SM\+ScFuFFN: ")
        self.assertEqual(lines[1], "decoder-only transformer (no norms in "
                                   "blocks, linear FFN, learned positions, tied "
                                   "embedding)")
        self.assert_rows(lines, "softmax 64x64 4 0-3 16 65,536")
        self.assertEqual(lines[-1], "Nothing blocks private inference.")

    def test_obstacles(self) -> None:
        path = self.folder / "tanh.onnx"
        make_tanh(path)
        self.assert_rows(
            self.inspect(path), "What blocks private inference:",
            "5 x pi.tanh (layers 0-3, final): no secure form yet; choose a "
            "configuration without it, e.g. --config SM+ScFuFFN")

    def test_single_node_is_named(self) -> None:
        path = self.folder / "tanh.onnx"
        make_tanh(path, layers=0)
        lines = self.inspect(path)
        self.assertTrue(any(line.startswith(
            "  1 x pi.tanh (final, node '/head/Tanh'): no secure form yet")
            for line in lines), lines)


class JsonTest(ToolTest):

    def test_keys(self) -> None:
        report = run_json("aero", "inspect", BASELINE)
        self.assertEqual(set(report), {
            "model", "config", "supported", "file", "inputs", "outputs",
            "architecture", "parameters", "nonlinear", "nonlinear_ops",
            "products", "runnable", "obstacles"})
        self.assertEqual(report["model"], "python-sm-ln-g.onnx")
        self.assertEqual(report["config"], "as-is")
        self.assertIs(report["supported"], True)
        self.assertIs(report["runnable"], True)
        self.assertEqual(set(report["file"]),
                         {"bytes", "producer", "opset", "nodes"})
        self.assertEqual(report["file"]["bytes"], BASELINE.stat().st_size)

    def test_architecture(self) -> None:
        self.assertEqual(run_json("aero", "inspect", BASELINE)["architecture"], {
            "family": "GPT-2",
            "evidence": ["LayerNorm", "GELU FFN", "learned positions",
                         "tied embedding"],
            "layers": 4, "heads": 4, "key_heads": 4, "width": 128,
            "head_width": 32, "ffn_width": 512, "context": 64,
            "vocabulary": 256, "positions": "learned", "norm": "layer_norm",
            "norm_place": "pre", "residual": "sequential",
            "activations": ["gelu"], "gated": False, "attention": "causal",
            "tied_embedding": True})

    def test_parameters(self) -> None:
        parameters = run_json("aero", "inspect", BASELINE)["parameters"]
        self.assertEqual(parameters["total"], {
            "weights": 52, "elements": 834304, "bytes": 4 * 834304})
        self.assertEqual(set(parameters["kinds"]), {
            "token_embedding", "position_embedding", "attention",
            "feed_forward", "norm", "vocabulary_projection", "other"})
        self.assertEqual(parameters["kinds"]["vocabulary_projection"],
                         {"weights": 0, "elements": 0, "bytes": 0})
        (tied,) = parameters["tied"]
        self.assertEqual(tied["name"], "wte.weight")
        self.assertEqual(tied["elements"], 256 * 128)
        self.assertEqual(tied["kinds"],
                         ["token_embedding", "vocabulary_projection"])
        for name in ("kinds", "tied"):
            self.assertIn(name, parameters)
        # Each parameter of the file once, whatever it is stored as.
        with_kinds = sum(kind["elements"]
                         for kind in parameters["kinds"].values())
        self.assertEqual(with_kinds, 834304)

    def test_nonlinear(self) -> None:
        report = run_json("aero", "inspect", BASELINE)
        rows = {(row["kind"], row["place"]): row for row in report["nonlinear"]}
        norms = rows["layer_norm", "block"]
        self.assertEqual(norms["shape"], [64, 128])
        self.assertEqual((norms["maps"], norms["elements"]), (8, 65536))
        self.assertEqual(norms["per_layer"],
                         [{"maps": 2, "layers": [0, 1, 2, 3]}])
        self.assertEqual(rows["layer_norm", "after_blocks"]["maps"], 1)
        self.assertEqual(len(report["nonlinear_ops"]), 17)
        self.assertEqual(report["nonlinear_ops"][0], {
            "kind": "layer_norm", "place": "block", "layer": 0,
            "node": "/h.0/ln_1/*", "maps": 1, "shape": [64, 128]})

    def test_products(self) -> None:
        products = run_json("aero", "inspect", BASELINE)["products"]
        kinds = products["kinds"]
        self.assertEqual(set(kinds), {
            "feed_forward", "attention_projection", "attention_scores",
            "vocabulary_projection", "embedding", "other"})
        layers, tokens, width = 4, 64, 128
        expected = {
            "feed_forward": layers * 8 * tokens * width ** 2,
            "attention_projection": layers * 4 * tokens * width ** 2,
            "attention_scores": layers * 2 * tokens ** 2 * width,
            "vocabulary_projection": tokens * width * 256,
            "embedding": tokens * width * 256, "other": 0}
        for kind, count in expected.items():
            self.assertEqual(kinds[kind], {"multiply_adds": count,
                                           "flops": 2 * count}, kind)
        total = sum(expected.values())
        self.assertEqual(products["total"],
                         {"multiply_adds": total, "flops": 2 * total})
        scores = layers * tokens ** 2 * width
        self.assertEqual(products["paper"], {
            "ffn_flops": 2 * expected["feed_forward"],
            "attention_flops_3t2d":
                2 * expected["attention_projection"] + 3 * scores,
            "attention_flops_4t2d":
                2 * expected["attention_projection"] + 4 * scores})

    def test_obstacles(self) -> None:
        path = self.folder / "tanh.onnx"
        make_tanh(path)
        report = run_json("aero", "inspect", path)
        self.assertIs(report["runnable"], False)
        [obstacle] = report["obstacles"]
        self.assertEqual((obstacle["op"], obstacle["count"]), ("pi.tanh", 5))
        self.assertTrue(obstacle["reason"].startswith("no secure form yet"))
        self.assertEqual([place["layer"] for place in obstacle["places"]],
                         [0, 1, 2, 3, -1])
        self.assertEqual(obstacle["places"][-1]["place"], "after_blocks")
        self.assertEqual(obstacle["places"][0]["node"], "/h.0/mlp/Tanh")
        self.assertIn("/h.0/mlp/Tanh", obstacle["places"][0]["message"])

    def test_runnable(self) -> None:
        report = run_json("aero", "inspect", SOFTMAX_ONLY, "--config", CONFIG)
        self.assertIs(report["runnable"], True)
        self.assertEqual(report["obstacles"], [])
        self.assertIsNone(report["architecture"]["norm"])
        self.assertEqual(report["architecture"]["norm_place"], "none")
        self.assertEqual(report["architecture"]["activations"], [])

    def test_inputs_and_outputs(self) -> None:
        report = run_json("aero", "inspect", BASELINE)
        self.assertEqual(report["inputs"], [{
            "name": "tokens", "type": "int64", "declared": [1, 64],
            "shape": [1, 64], "role": "argument"}])
        self.assertEqual(report["outputs"], [{
            "name": "logits", "type": "float", "declared": [1, 64, 256],
            "shape": [1, 64, 256], "role": "result"}])
        self.assertEqual(report["file"]["opset"], 16)
        self.assertIn("pytorch", report["file"]["producer"])


def make_encoder(path: Path) -> None:
    """Two inputs, no causal mask, two outputs: no engine runs it."""
    random = np.random.default_rng(1)

    def weight(name: str, *shape: int) -> TensorProto:
        values = random.standard_normal(shape).astype(np.float32)
        return numpy_helper.from_array(values, name)

    node = helper.make_node
    nodes = [
        node("Gather", ["words", "tokens"], ["w"], "words"),
        node("Gather", ["types", "segments"], ["s"], "types"),
        node("Add", ["w", "s"], ["x"], "sum"),
        node("MatMul", ["x", "head"], ["scores"], "classify"),
    ]
    graph = helper.make_graph(
        nodes, "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, [1, 4])
         for name in ("tokens", "segments")],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 3]),
         helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8])],
        [weight("words", 11, 8), weight("types", 2, 8), weight("head", 8, 3)])
    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 16)]), path)


class OtherModelTest(ToolTest):
    """Models that can be looked at, though no engine runs them."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "encoder.onnx"
        make_encoder(self.path)

    def test_inspect(self) -> None:
        report = run_json("aero", "inspect", self.path)
        self.assertIs(report["supported"], True)
        self.assertIs(report["runnable"], False)
        self.assertEqual(report["architecture"]["family"], "no transformer")
        self.assertEqual(report["architecture"]["vocabulary"], 11)
        kinds = report["parameters"]["kinds"]
        self.assertEqual(kinds["token_embedding"]["elements"], 88)
        self.assertEqual(kinds["other"]["elements"], 16 + 24)
        reasons = [obstacle["reason"] for obstacle in report["obstacles"]]
        self.assertIn("2 inputs", reasons[0])
        self.assertIn("--fix", reasons[0])
        self.assertIn("2 outputs", reasons[1])
        self.assertIn("--keep-output", reasons[1])

    def test_text(self) -> None:
        done = run("aero", "inspect", self.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("  not a decoder-only language model as the engines take "
                      "it: 2 inputs", done.stdout)

    def test_other_commands_refuse_it(self) -> None:
        done = run("aero", "report", self.path, "--config", "as-is")
        self.assert_error(done, "encoder.onnx: not a decoder-only language "
                                "model", problems=2)

    def test_keep_output(self) -> None:
        report = run_json("aero", "inspect", self.path, "--keep-output",
                          "scores", "--fix", "segments=0")
        roles = {value["name"]: value["role"]
                 for value in report["inputs"] + report["outputs"]}
        self.assertEqual(roles, {"tokens": "argument", "segments": "fixed",
                                 "scores": "result", "x": "dropped"})


class FailureTest(ToolTest):

    def setUp(self) -> None:
        super().setUp()
        subprocess.run([sys.executable, INPUTS / "make_bad.py",
                        INPUTS / "gpt2-softmax-only.onnx", self.folder],
                       check=True)

    def fail_json(self, path: Path, *arguments: object) -> dict:
        done = run("aero", "inspect", path, *arguments, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^aero: error: ")
        report = json.loads(done.stdout)
        self.assertEqual(set(report), {"model", "supported", "unsupported",
                                       "problems"})
        self.assertEqual(report["model"], path.name)
        self.assertIs(report["supported"], False)
        return report

    def test_problem(self) -> None:
        report = self.fail_json(self.folder / "text.onnx")
        self.assertEqual(report["unsupported"], [])
        (problem,) = report["problems"]
        self.assertIn("not an ONNX model", problem)
        done = run("aero", "inspect", self.folder / "text.onnx")
        self.assertEqual(done.stdout, "")
        self.assert_error(done, "text.onnx", "not an ONNX model")

    def test_unsupported_nodes(self) -> None:
        path = self.folder / "unsupported.onnx"
        report = self.fail_json(path)
        self.assertEqual(report["problems"], [])
        nodes = [(node["op"], node["domain"]) for node in report["unsupported"]]
        self.assertEqual(nodes, [("Elu", "ai.onnx"), ("Gelu", "com.microsoft"),
                                 ("Selu", "ai.onnx")])
        for node in report["unsupported"]:
            self.assertEqual(set(node), {"name", "op", "domain", "opset", "why",
                                         "hint"})
        done = run("aero", "inspect", path)
        self.assert_error(done, "3 nodes are not supported")
        rows = [line.split() for line in done.stdout.splitlines()]
        self.assertIn(["first", "Elu", "ai.onnx"], [row[:3] for row in rows])
        self.assertIn(["second", "Gelu", "com.microsoft"],
                      [row[:3] for row in rows])

    def test_missing_file(self) -> None:
        report = self.fail_json(self.folder / "none.onnx")
        self.assertEqual(len(report["problems"]), 1)

    def test_options(self) -> None:
        for command in (["inspect"], ["compile", "-o", self.folder / "o"],
                        ["report"], ["check"], ["run", "--prompt", "x"]):
            name, *rest = command
            done = run("aero", name, SOFTMAX_ONLY, "--config", CONFIG, *rest,
                       "--bind", "sequence", "--fix", "mask=one")
            self.assertEqual(done.returncode, 1)
            first, second = done.stderr.splitlines()
            self.assertIn("--bind 'sequence' is not NAME=SIZE", first)
            self.assertIn("--fix 'mask=one' is not NAME=NUMBER", second)

    def test_options_take_one_value_each(self) -> None:
        done = run("aero", "inspect", "--bind", "batch=1", "--fix", "mask=1",
                   "--keep-output", "logits", self.folder / "none.onnx")
        self.assert_error(done, "none.onnx")


if __name__ == "__main__":
    unittest.main()
