# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a trainer finds in an exported file: learnable scalars by role, and
entropy thresholds, which no node reads, out and back."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import BASELINE, ROOT, SOFTMAX_ONLY, ToolTest, run

sys.path.insert(0, str(ROOT / "test"))

from Families.oracle import Run, evaluate, relative_error  # noqa: E402

CONFIG = "SM(t)+ScFuFFN"
LAYERS, HEADS, CONTEXT, VOCABULARY = 4, 4, 64, 256


def table(model: onnx.ModelProto) -> list[dict]:
    said = {entry.key: entry.value for entry in model.metadata_props}
    if "aero.parameters" not in said:
        return []
    data = json.loads(said["aero.parameters"])
    assert data["version"] == 1
    return data["parameters"]


def by_role(model: onnx.ModelProto, role: str) -> list[dict]:
    return [entry for entry in table(model) if entry["role"] == role]


def values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer}


class ScalarsTest(ToolTest):

    def rewrite(self, model: Path, config: str, *options: object) -> Path:
        out = self.folder / f"{len(list(self.folder.iterdir()))}.onnx"
        done = run("aero", "rewrite", model, "--config", config, "-o", out,
                   *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out

    def change(self, path: Path, change) -> Path:
        model = onnx.load(str(path))
        change(model)
        out = path.with_suffix(".changed.onnx")
        onnx.save(model, str(out))
        return out


class TableTest(ScalarsTest):

    def test_every_scalar_has_a_role(self) -> None:
        model = onnx.load(str(self.rewrite(BASELINE, CONFIG)))
        said = {entry.key: entry.value for entry in model.metadata_props}
        self.assertEqual(said["aero.configuration"], CONFIG)
        tensors, nodes = values(model), {node.name: node
                                         for node in model.graph.node}
        expected = {
            "ffn_alpha": ("aero.scale_ffn.{}.alpha", [], "Div"),
            "ffn_beta": ("aero.scale_ffn.{}.beta", [], "Mul"),
            "temperature": ("aero.temperature.{}", [HEADS, CONTEXT],
                            "Softmax"),
            "entropy_thresholds": ("aero.entropy_thresholds.{}", [HEADS],
                                   "Softmax"),
        }
        self.assertEqual({entry["role"] for entry in table(model)},
                         set(expected))
        for role, (name, shape, kind) in expected.items():
            entries = by_role(model, role)
            self.assertEqual([entry["layer"] for entry in entries],
                             list(range(LAYERS)))
            for layer, entry in enumerate(entries):
                self.assertEqual(entry["name"], name.format(layer))
                self.assertEqual(entry["shape"], shape)
                self.assertEqual(list(tensors[entry["name"]].shape), shape)
                self.assertEqual(nodes[entry["node"]].op_type, kind)
        # What belongs to one attention is at one node.
        self.assertEqual(
            [entry["node"] for entry in by_role(model, "temperature")],
            [entry["node"] for entry in by_role(model, "entropy_thresholds")])

    def test_roles_do_not_go_by_names(self) -> None:
        model = onnx.load(str(self.rewrite(SOFTMAX_ONLY, "SM+ScFFN")))
        self.assertEqual([entry["name"]
                          for entry in by_role(model, "ffn_alpha")],
                         [f"h.{i}.alpha" for i in range(LAYERS)])
        self.assertEqual([entry["name"] for entry in by_role(model, "ffn_beta")],
                         [f"h.{i}.beta" for i in range(LAYERS)])
        self.assertEqual(len(table(model)), 2 * LAYERS)

    def test_slopes(self) -> None:
        model = onnx.load(str(self.rewrite(BASELINE, "SM+R", "--initial-slope",
                                           0.5)))
        slopes = by_role(model, "leaky_slope")
        self.assertEqual([slope["name"] for slope in slopes],
                         [f"aero.leaky_slope.{i}" for i in range(LAYERS)])
        self.assertEqual(table(model), slopes)

    def test_no_scalars_no_table(self) -> None:
        self.assertEqual(table(onnx.load(str(self.rewrite(BASELINE, "SM")))),
                         [])


class ThresholdsTest(ScalarsTest):

    def setUp(self) -> None:
        super().setUp()
        self.path = self.rewrite(BASELINE, CONFIG, "--initial-threshold", 0.25)
        self.model = onnx.load(str(self.path))
        self.names = [entry["name"]
                      for entry in by_role(self.model, "entropy_thresholds")]

    def set_values(self, arrays: dict[str, np.ndarray]) -> Path:
        def change(model: onnx.ModelProto) -> None:
            for tensor in model.graph.initializer:
                if tensor.name in arrays:
                    tensor.CopyFrom(numpy_helper.from_array(
                        arrays[tensor.name], tensor.name))
        return self.change(self.path, change)

    def set_table(self, text: str) -> Path:
        def change(model: onnx.ModelProto) -> None:
            for entry in model.metadata_props:
                if entry.key == "aero.parameters":
                    entry.value = text
        return self.change(self.path, change)

    def fails(self, path: Path, *fragments: str, problems: int = 1) -> None:
        out = self.folder / "never.onnx"
        done = run("aero", "rewrite", path, "--config", "as-is", "-o", out)
        self.assert_error(done, path.name, *fragments, problems=problems)
        self.assertFalse(out.exists())

    def test_file_is_valid_and_runs(self) -> None:
        onnx.checker.check_model(str(self.path), full_check=True)
        read = {name for node in self.model.graph.node for name in node.input}
        self.assertFalse(read & set(self.names))
        for name in self.names:
            np.testing.assert_array_equal(values(self.model)[name],
                                          np.full(HEADS, 0.25, np.float32))
        # One that is trained: others amplify rounding.
        path = self.rewrite(SOFTMAX_ONLY, CONFIG)
        self.assertEqual(len(by_role(onnx.load(str(path)),
                                     "entropy_thresholds")), LAYERS)
        rows = np.random.default_rng(3).integers(0, VOCABULARY, (2, CONTEXT))
        token_file = self.folder / "tokens.npy"
        np.save(token_file, rows)
        done = run("aero", "check", path, "--config", "as-is", "--engines",
                   "float", "--prompts", token_file, "--logits", "all",
                   "--save-logits", self.folder / "float")
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = np.fromfile(self.folder / "float", "<f4")
        results = evaluate([Run(path, {"tokens": row[None]},
                                self.folder / "ort" / str(i))
                            for i, row in enumerate(rows)])
        self.assertEqual({result.error for result in results}, {""})
        actual = np.stack([result.outputs["logits"] for result in results])
        self.assertLessEqual(relative_error(actual.ravel(), expected), 1e-4)

    def test_trained_thresholds_come_back(self) -> None:
        generator = np.random.default_rng(7)
        trained = {name: generator.random(HEADS).astype(np.float32)
                   for name in self.names}
        ready = self.folder / "ready.onnx"
        done = run("aero", "import-weights", self.path, "--weights",
                   self.set_values(trained), "-o", ready)
        self.assertEqual(done.returncode, 0, done.stderr)
        # Into pi.attention, and out again; twice, as names must not move.
        again = self.rewrite(self.rewrite(ready, CONFIG), "as-is")
        found = values(onnx.load(str(again)))
        for name, array in trained.items():
            np.testing.assert_array_equal(found[name], array, name)
        self.assertEqual(
            [(e["role"], e["layer"], e["name"], e["shape"])
             for e in table(onnx.load(str(again)))],
            [(e["role"], e["layer"], e["name"], e["shape"])
             for e in table(self.model)])

    def test_thresholds_in_another_file(self) -> None:
        trained = {name: np.full(HEADS, 0.5 + i / 8, np.float32)
                   for i, name in enumerate(self.names)}
        path = self.set_values(trained)
        outside = self.folder / "outside.onnx"
        onnx.save_model(onnx.load(str(path)), str(outside),
                        save_as_external_data=True, location="outside.data",
                        size_threshold=0)
        found = values(onnx.load(str(self.rewrite(outside, "as-is"))))
        for name, array in trained.items():
            np.testing.assert_array_equal(found[name], array, name)

    def test_what_an_optimiser_drops_is_passed_over(self) -> None:
        def drop(model: onnx.ModelProto) -> None:
            kept = [tensor for tensor in model.graph.initializer
                    if tensor.name != self.names[1]]
            del model.graph.initializer[:]
            model.graph.initializer.extend(kept)
            for node in model.graph.node:
                if node.name == by_role(model, "temperature")[2]["node"]:
                    node.name = "another"
        model = onnx.load(str(self.rewrite(self.change(self.path, drop),
                                           "as-is")))
        self.assertEqual([entry["layer"] for entry in
                          by_role(model, "entropy_thresholds")], [0, 3])
        self.assertEqual(len(by_role(model, "temperature")), LAYERS)

    def test_bad_thresholds(self) -> None:
        name = self.names[0]
        for array, fragment in (
                (np.array([0, 1, 1.5, 0], np.float32), "not in [0, 1]"),
                (np.array([0, np.nan, 1, 0], np.float32), "not in [0, 1]"),
                (np.zeros(3, np.float32), "each of the 4 heads"),
                (np.zeros((4, 1), np.float32), "each of the 4 heads"),
                (np.zeros(4, np.int64), "a float for each")):
            with self.subTest(fragment):
                self.fails(self.set_values({name: array}),
                           f"initializer '{name}'", fragment)

    def test_bad_tables(self) -> None:
        for text, fragment in (
                ("", "is not JSON"), ("{", "is not JSON"),
                ("[]", "is no table"), ('{"parameters": 3}', "is no table"),
                ('{"parameters": []}', "has an unknown version"),
                ('{"version": 2, "parameters": []}', "has an unknown version"),
                ('{"version": 1, "parameters": [3]}', "has an entry without"),
                ('{"version": 1, "parameters": [{"role": "x"}]}',
                 "has an entry without"),
                ("[" * 1000000, "is no table")):
            with self.subTest(text[:40]):
                self.fails(self.set_table(text), "metadata 'aero.parameters'",
                           fragment)

    def test_softmax_without_heads(self) -> None:
        info = helper.make_tensor_value_info
        model = helper.make_model(helper.make_graph(
            [helper.make_node("Softmax", ["x"], ["y"], "softmax", axis=-1)],
            "g", [info("x", TensorProto.FLOAT, [4, 3])],
            [info("y", TensorProto.FLOAT, [4, 3])],
            [helper.make_tensor("t", TensorProto.FLOAT, [4], [0.5] * 4)]),
            opset_imports=[helper.make_opsetid("", 17)])
        helper.set_model_props(model, {"aero.parameters": json.dumps(
            {"version": 1, "parameters": [{"role": "entropy_thresholds",
                                           "name": "t", "node": "softmax"}]})})
        path = self.folder / "plain.onnx"
        onnx.save(model, str(path))
        self.fails(path, "'softmax'", "not over (batch, heads, queries, keys)")

    def test_missing_in_the_trained_file(self) -> None:
        def drop(model: onnx.ModelProto) -> None:
            kept = [tensor for tensor in model.graph.initializer
                    if tensor.name not in self.names]
            del model.graph.initializer[:]
            model.graph.initializer.extend(kept)
        trained, out = self.change(self.path, drop), self.folder / "out.onnx"
        command = ("aero", "import-weights", self.path, "--weights", trained,
                   "-o", out)
        self.assert_error(run(*command), "aero.entropy_thresholds.", "--partial",
                          problems=LAYERS)
        self.assertEqual(run(*command, "--partial").returncode, 0)
        np.testing.assert_array_equal(
            values(onnx.load(str(out)))[self.names[0]],
            np.full(HEADS, 0.25, np.float32))


if __name__ == "__main__":
    unittest.main()
