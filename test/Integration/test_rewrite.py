# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero rewrite and aero import-weights: out to ONNX, and trained values back."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from support import (BASELINE, CONFIG, PROMPTS, ROOT, SOFTMAX_ONLY, ToolTest,
                     run, run_json)

sys.path.insert(0, str(ROOT / "test"))

from Families.oracle import Run, evaluate, relative_error  # noqa: E402

CONTEXT, VOCABULARY = 64, 256


def weights(path: Path) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor)
            for tensor in onnx.load(str(path)).graph.initializer}


def names(path: Path) -> list[str]:
    return [tensor.name for tensor in onnx.load(str(path)).graph.initializer]


class RewriteTest(ToolTest):

    def rewrite(self, model: Path, config: str, *options: object) -> Path:
        out = self.folder / f"{len(list(self.folder.iterdir()))}.onnx"
        done = run("aero", "rewrite", model, "--config", config, "-o", out,
                   *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out

    def logits(self, model: Path, rows: np.ndarray) -> np.ndarray:
        results = evaluate([Run(model, {"tokens": row[None]},
                                self.folder / "ort" / f"{model.stem}-{i}")
                            for i, row in enumerate(rows)])
        self.assertEqual({result.error for result in results}, {""})
        return np.stack([result.outputs["logits"] for result in results])

    def test_onnx_runtime_computes_what_the_reference_does(self) -> None:
        rows = np.random.default_rng(3).integers(0, VOCABULARY, (4, CONTEXT))
        token_file = self.folder / "tokens.json"
        token_file.write_text(str(rows.tolist()))
        for config in ("as-is", "SM+LN+R", "SM", CONFIG):
            with self.subTest(config):
                model = self.rewrite(BASELINE, config)
                onnx.checker.check_model(str(model), full_check=True)
                done = run("aero", "check", BASELINE, "--config", config,
                           "--engines", "float", "--prompts", token_file,
                           "--logits", "all", "--save-logits",
                           self.folder / "float")
                self.assertEqual(done.returncode, 0, done.stderr)
                expected = np.fromfile(self.folder / "float", "<f4")
                actual = self.logits(model, rows)
                self.assertLessEqual(
                    relative_error(actual.ravel(), expected), 1e-4)

    def test_what_the_file_says(self) -> None:
        path = self.rewrite(BASELINE, CONFIG)
        model = onnx.load(str(path))
        said = {entry.key: entry.value for entry in model.metadata_props}
        self.assertEqual((model.producer_name, model.producer_version),
                         ("aero", "0.1.0"))
        self.assertEqual(said["aero.configuration"], CONFIG)
        self.assertEqual(said["aero.source"], BASELINE.name)
        self.assertIn("pi-strip-layernorm: layer_norm 9", said["aero.changes"])
        self.assertEqual([i.name for i in model.graph.input], ["tokens"])
        self.assertEqual([o.name for o in model.graph.output], ["logits"])
        kept = set(names(path))
        self.assertLessEqual({"wte.weight", "h.0.attn.c_attn.weight"}, kept)
        self.assertIn("h.0.mlp.c_fc.weight+h.0.mlp.c_proj.weight", kept)
        self.assertFalse([name for name in kept if ".ln_" in name])

    def test_rewritten_model_is_the_model(self) -> None:
        # Rewriting it again as the same configuration changes nothing.
        first = self.rewrite(SOFTMAX_ONLY, CONFIG)
        second = self.rewrite(first, CONFIG)
        a, b = weights(first), weights(second)
        self.assertEqual(a.keys(), b.keys())
        for name, values in a.items():
            np.testing.assert_array_equal(b[name], values, name)

    def test_operator_sets(self) -> None:
        rows = np.arange(CONTEXT)[None]
        expected = self.logits(BASELINE, rows)
        for opset in (17, 18, 20, 23):
            with self.subTest(opset):
                path = self.rewrite(BASELINE, "as-is", "--opset", opset)
                model = onnx.load(str(path))
                self.assertEqual(model.opset_import[0].version, opset)
                kinds = {node.op_type for node in model.graph.node}
                self.assertEqual("Gelu" in kinds, opset >= 20)
                self.assertLessEqual(
                    relative_error(self.logits(path, rows), expected), 1e-4)

    def test_report(self) -> None:
        out = self.folder / "out.onnx"
        result = run_json("aero", "rewrite", BASELINE, "--config", CONFIG,
                          "-o", out, "--report")
        first, *passes = result["passes"]
        self.assertEqual([step["pass"] for step in passes],
                         ["pi-strip-layernorm", "pi-replace-activation",
                          "pi-scale-ffn", "pi-merge-linear"])
        self.assertEqual(first["ops"]["layer_norm"], 9)
        self.assertNotIn("layer_norm", passes[0]["ops"])
        inspected = run_json("aero", "inspect", BASELINE)
        self.assertEqual(first["parameters"],
                         inspected["parameters"]["total"]["elements"])
        self.assertEqual(passes[-1]["parameters"],
                         sum(array.size for array in weights(out).values()))
        # Raising is exact; removing LayerNorm is not.
        self.assertLess(first["relative_difference"], 1e-5)
        self.assertGreater(passes[0]["relative_difference"], 0.1)
        # Every step has a secure form; what is left is predicted elsewhere too.
        online = [step["online_bytes"] for step in (first, *passes)]
        self.assertEqual(online, sorted(online, reverse=True))
        report = run_json("aero", "report", BASELINE, "--config", CONFIG)
        self.assertEqual(passes[-1]["exchanges"], report["critical_path_exchanges"])
        self.assertEqual(passes[-1]["online_bytes"],
                         report["total"]["online_bytes"])
        self.assertEqual(passes[-1]["offline_bytes"],
                         report["total"]["offline_bytes"])

    def test_report_on_prompts(self) -> None:
        out = self.folder / "out.onnx"
        done = run("aero", "rewrite", SOFTMAX_ONLY, "--config", CONFIG, "-o",
                   out, "--report", "--check", PROMPTS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"pi-merge-linear +linear 4 +-460,800")
        result = run_json("aero", "rewrite", SOFTMAX_ONLY, "--config", CONFIG,
                          "-o", out, "--report", "--check", PROMPTS)
        # Merging is exact up to rounding.
        self.assertLess(result["passes"][-1]["relative_difference"], 1e-5)

    def test_bad_input_leaves_nothing(self) -> None:
        missing = self.folder / "no" / "out.onnx"
        self.assert_error(run("aero", "rewrite", BASELINE, "--config", "SM",
                              "-o", missing), "cannot write", str(missing))
        out = self.folder / "out.onnx"
        for config, word in (("SM+XX", "unknown configuration"),
                             ("SM+G", None)):
            model = BASELINE if word else SOFTMAX_ONLY
            done = run("aero", "rewrite", model, "--config", config, "-o", out)
            self.assert_error(done, word or "SM+G")
        self.assert_error(run("aero", "rewrite", BASELINE, "--config", "SM",
                              "-o", out, "--opset", 16), "--opset")
        self.assertEqual(list(self.folder.iterdir()), [])


class ImportWeightsTest(ToolTest):

    def setUp(self) -> None:
        super().setUp()
        self.model = self.folder / "model.onnx"
        self.trained = self.folder / "trained.onnx"
        self.out = self.folder / "out.onnx"
        done = run("aero", "rewrite", BASELINE, "--config", CONFIG, "-o",
                   self.model)
        self.assertEqual(done.returncode, 0, done.stderr)

    def train(self, change) -> dict[str, np.ndarray]:
        """Writes what a trainer would: the model with all values changed."""
        model = onnx.load(str(self.model))
        generator = np.random.default_rng(5)
        values = {}
        tensors = list(model.graph.initializer)
        del model.graph.initializer[:]
        for tensor in tensors:
            array = numpy_helper.to_array(tensor)
            array = generator.normal(size=array.shape).astype(np.float32)
            values[tensor.name] = array
            changed = change(tensor.name, array)
            if changed is not None:
                model.graph.initializer.append(
                    numpy_helper.from_array(changed, tensor.name))
        onnx.save(model, str(self.trained))
        return values

    def import_weights(self, *options: str):
        return run("aero", "import-weights", self.model, "--weights",
                   self.trained, "-o", self.out, *options)

    def test_values_by_name(self) -> None:
        values = self.train(lambda name, array: array)
        done = self.import_weights()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{len(values)} weights", done.stdout)
        onnx.checker.check_model(str(self.out), full_check=True)
        found = weights(self.out)
        self.assertEqual(found.keys(), values.keys())
        for name, array in values.items():
            np.testing.assert_array_equal(found[name], array, name)
        before, after = onnx.load(str(self.model)), onnx.load(str(self.out))
        self.assertEqual(before.graph.node, after.graph.node)
        self.assertEqual(before.metadata_props, after.metadata_props)

    def test_half_precision_and_external_data(self) -> None:
        values = self.train(lambda name, array: array.astype(np.float16)
                            if name == "wpe.weight" else array)
        model = onnx.load(str(self.trained))
        onnx.save_model(model, str(self.trained), save_as_external_data=True,
                        location="trained.data", size_threshold=0)
        done = self.import_weights()
        self.assertEqual(done.returncode, 0, done.stderr)
        found = onnx.load(str(self.out))
        for tensor in found.graph.initializer:
            self.assertEqual(tensor.data_type, TensorProto.FLOAT)
            expected = values[tensor.name]
            if tensor.name == "wpe.weight":
                expected = expected.astype(np.float16).astype(np.float32)
            np.testing.assert_array_equal(numpy_helper.to_array(tensor),
                                          expected)

    def test_every_problem_is_listed(self) -> None:
        def change(name: str, array: np.ndarray) -> np.ndarray | None:
            if name == "wte.weight":
                return array.T
            return None if name == "wpe.weight" else array

        self.train(change)
        model = onnx.load(str(self.trained))
        model.graph.initializer.append(
            numpy_helper.from_array(np.ones(3, np.float32), "more"))
        onnx.save(model, str(self.trained))
        done = self.import_weights()
        self.assert_error(done, str(self.trained), problems=3)
        for text in ("'wte.weight' has the shape [128, 256], but in",
                     "has no initializer 'wpe.weight'",
                     "initializer 'more' is not in"):
            self.assertIn(text, done.stderr)
        self.assertFalse(self.out.exists())
        # What is missing or more can be allowed, a wrong shape cannot.
        self.assert_error(self.import_weights("--partial"), "wte.weight")
        self.assertFalse(self.out.exists())

    def test_partial(self) -> None:
        self.train(lambda name, array: array if name == "wpe.weight" else None)
        old = weights(self.model)
        result = run_json("aero", "import-weights", self.model, "--weights",
                          self.trained, "-o", self.out, "--partial")
        self.assertEqual(result["replaced"], 1)
        self.assertEqual(len(result["missing"]), len(old) - 1)
        found = weights(self.out)
        np.testing.assert_array_equal(found["wte.weight"], old["wte.weight"])

    def test_unreadable_files(self) -> None:
        self.trained.write_text("no model")
        self.assert_error(self.import_weights(), "is not an ONNX model")
        self.trained.unlink()
        self.assert_error(self.import_weights(), "cannot be opened")
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
