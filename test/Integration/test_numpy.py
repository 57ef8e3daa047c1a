# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prompts and samples from files that NumPy wrote."""

from __future__ import annotations

import unittest
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import CONFIG, SOFTMAX_ONLY, ToolTest, run, run_json

CONTEXT, VOCABULARY = 64, 256


class PromptsTest(ToolTest):

    def setUp(self) -> None:
        super().setUp()
        self.rows = np.random.default_rng(2).integers(0, VOCABULARY,
                                                      (3, CONTEXT))

    def save(self, name: str, **arrays: np.ndarray) -> Path:
        path = self.folder / name
        np.savez(path, **arrays)
        return path

    def logits(self, prompts: Path) -> np.ndarray:
        out = self.folder / "logits"
        done = run("aero", "check", SOFTMAX_ONLY, "--config", CONFIG,
                   "--engines", "float", "--prompts", prompts,
                   "--save-logits", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        return np.fromfile(out, "<f4").reshape(-1, VOCABULARY)

    def test_every_form_is_the_same_prompts(self) -> None:
        as_json = self.folder / "prompts.json"
        as_json.write_text(str(self.rows.tolist()))
        expected = self.logits(as_json)
        packed = self.folder / "packed.npz"
        np.savez_compressed(packed, tokens=self.rows.astype(np.uint8))
        array = self.folder / "array.npy"
        np.save(array, np.asfortranarray(self.rows.astype(">i4")))
        # What the file is, it says itself.
        renamed = self.folder / "renamed.json"
        renamed.write_bytes(array.read_bytes())
        # NumPy writes zip64 where it cannot know the size in advance.
        streamed = self.folder / "streamed.npz"
        with zipfile.ZipFile(streamed, "w") as archive:
            with archive.open("ids.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, self.rows, version=(2, 0))
        for path in (self.save("stored.npz", ids=self.rows), packed, array,
                     renamed, streamed):
            with self.subTest(path.name):
                np.testing.assert_array_equal(self.logits(path), expected)
        one = self.save("one.npz", ids=self.rows[1])
        np.testing.assert_array_equal(self.logits(one), expected[1:2])

    def test_bad_prompts(self) -> None:
        def check(path: Path, *fragments: str) -> None:
            for command in (("check", SOFTMAX_ONLY, "--config", CONFIG,
                             "--engines", "float", "--prompts", path),
                            ("rewrite", SOFTMAX_ONLY, "--config", CONFIG, "-o",
                             self.folder / "out.onnx", "--report", "--check",
                             path)):
                with self.subTest(path.name, command=command[0]):
                    self.assert_error(run("aero", *command), path.name,
                                      *fragments)
        rows = self.rows
        check(self.save("a.npz", ids=rows + 1000), "array 'ids'", "prompt 0",
              "is not in the vocabulary: ids go from 0 to 255")
        check(self.save("b.npz", ids=-rows - 1), "is not in the vocabulary")
        check(self.save("c.npz", ids=rows.astype(np.float32)), "array 'ids'",
              "dtype <f4", "expected token ids")
        check(self.save("d.npz", ids=rows > 3), "dtype |b1")
        check(self.save("e.npz", ids=rows[None]), "3 dimensions", "(N, T)")
        check(self.save("f.npz", ids=np.int64(3)), "0 dimensions")
        check(self.save("g.npz", ids=np.zeros((2, CONTEXT + 1), np.int8)),
              "65 tokens", "context is 64")
        check(self.save("h.npz", ids=np.zeros((2, 0), np.int8)), "is empty")
        check(self.save("i.npz", ids=np.zeros((0, 3), np.int8)), "no prompts")
        check(self.save("j.npz", ids=rows, labels=rows), "has 2 arrays")
        check(self.save("k.npz"), "has 0 arrays")
        check(self.save("l.npz", ids=np.array(["text"])), "dtype '<U4'")
        check(self.save("m.npz", ids=np.array([1, "x"], object)),
              "array 'ids' holds Python objects, which are never loaded")
        cut = self.folder / "cut.npz"
        cut.write_bytes(self.save("n.npz", ids=rows).read_bytes()[:900])
        check(cut, "is no NumPy file, or a damaged archive")
        text = self.folder / "text.npy"
        text.write_text("[[1, 2]]")
        check(text, "is no NumPy file")
        check(self.folder / "none.npz", "cannot read prompts")
        self.assertFalse((self.folder / "out.onnx").exists())


class SamplesTest(ToolTest):
    """A model with inputs of every type, which is no language model."""

    def setUp(self) -> None:
        super().setUp()
        table = numpy_helper.from_array(
            np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32),
            "table")
        nodes = [helper.make_node("Gather", ["table", "ids"], ["x"]),
                 helper.make_node("Mul", ["x", "scale"], ["y"]),
                 helper.make_node("Where", ["keep", "y", "x"], ["z"])]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes, "g",
            [info("ids", TensorProto.INT64, [1, 4]),
             info("scale", TensorProto.FLOAT, [4, 3]),
             info("keep", TensorProto.BOOL, [1, 4, 1])],
            [info("z", TensorProto.FLOAT, [1, 4, 3])], [table])
        self.model = self.folder / "model.onnx"
        onnx.save(helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)]),
            str(self.model))
        self.good = {"ids": np.zeros((2, 4), np.int32),
                     "scale": np.ones((2, 4, 3), np.float64),
                     "keep": np.ones((2, 4, 1), bool)}

    def rewrite(self, **changes: np.ndarray | None):
        arrays = {name: array
                  for name, array in (self.good | changes).items()
                  if array is not None}
        path = self.folder / "in.npz"
        np.savez(path, **arrays)
        return ("aero", "rewrite", self.model, "--config", "as-is", "-o",
                self.folder / "out.onnx", "--report", "--check", path)

    def test_arrays_by_name(self) -> None:
        self.assertEqual(run_json(*self.rewrite())["samples"], 2)
        one = run_json(*self.rewrite(ids=np.zeros(4, np.int64),
                                     scale=np.ones((4, 3), np.float16),
                                     keep=np.ones((1, 4, 1), bool)))
        self.assertEqual(one["samples"], 1)

    def test_the_arrays_are_what_is_compared_on(self) -> None:
        # With these alone the output is no number.
        result = run_json(*self.rewrite(scale=np.full((2, 4, 3), np.nan)))
        self.assertIsNone(result["passes"][0]["largest_difference"])

    def test_bad_arrays(self) -> None:
        cases = [
            (dict(scale=None), 1, "no array for the inputs 'scale'",
             "the file has 'ids', 'keep'"),
            (dict(labels=np.zeros(2)), 1, "holds 'labels'",
             "the model has 'ids', 'scale', 'keep'"),
            (dict(ids=np.full((2, 4), 5)), 1, "array 'ids' holds 5",
             "ids go from 0 to 4"),
            (dict(ids=np.zeros((2, 4), np.float32)), 1,
             "array 'ids' has the dtype <f4", "takes integers"),
            (dict(scale=np.zeros((2, 4, 3), np.int8)), 1, "takes floats"),
            (dict(keep=np.zeros((2, 4, 1), np.int8)), 1, "takes bools"),
            (dict(keep=np.zeros((2, 4), bool)), 1,
             "array 'keep' has the shape (2, 4)", "(1, 4, 1)"),
            (dict(ids=np.zeros((3, 4), np.int32)), 1, "holds 2 samples",
             "'ids' holds 3"),
            (dict(ids=np.zeros((0, 4), np.int32)), 1, "has no samples"),
            (dict(ids=np.zeros(3, int), keep=np.zeros(1)), 2, "array '"),
            (dict(ids=None, more=np.zeros(1)), 2, "'ids'"),
        ]
        for changes, problems, *fragments in cases:
            with self.subTest(str(changes)):
                done = run(*self.rewrite(**changes))
                self.assert_error(done, "in.npz", *fragments,
                                  problems=problems)
        self.assertFalse((self.folder / "out.onnx").exists())

    def test_one_array_without_a_name(self) -> None:
        path = self.folder / "in.npy"
        np.save(path, self.good["ids"])
        done = run(*self.rewrite()[:-1], path)
        self.assert_error(done, "in.npy", "'ids', 'scale', 'keep'",
                          "one without a name")

    def test_text_is_for_language_models(self) -> None:
        path = self.folder / "in.json"
        path.write_text("[[1, 2]]")
        self.assert_error(run(*self.rewrite()[:-1], path),
                          "in.json: is no NumPy file", "language models")


if __name__ == "__main__":
    unittest.main()
