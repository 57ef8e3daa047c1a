# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every configuration and three more families between three processes."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Callable

import numpy as np
import onnx
from onnx import numpy_helper

from support import BASELINE, ROOT, SOFTMAX_ONLY, ToolTest, run, run_json

sys.path.insert(0, str(ROOT / "test"))

from Families import bert, gpt2_hf, llama, neox, opt  # noqa: E402
from Families.cases import Case, Shape  # noqa: E402
from Families.export import Export  # noqa: E402

# Of a logit; 5e-4 of it comes from each tail of a GELU or SiLU on the way.
TOLERANCE = 0.02


def rewrite_weights(source: Path, target: Path, change: Callable[
        [str, np.ndarray], np.ndarray | None]) -> Path:
    """Copies a model; `change` returns new values by a weight's name."""
    model = onnx.load(str(source))
    for tensor in model.graph.initializer:
        values = change(tensor.name, numpy_helper.to_array(tensor))
        if values is not None:
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, str(target))
    return target


class PrivateTest(ToolTest):

    def check(self, model: Path, config: str, *ops: str, tokens: str = "",
              without: tuple[str, ...] = ()) -> None:
        """One private inference: as accurate as stated, as dear as predicted,
        with the instructions that it is here to test."""
        prompt = (["--tokens", tokens] if tokens else
                  ["--prompt", "    return self._read("])
        report = run_json("aero", "report", model, "--config", config)
        result = run_json("aero", "run", model, "--config", config, *prompt,
                          "--new-tokens", 1)
        present = {instruction["op"] for instruction in report["instructions"]}
        self.assertLessEqual(set(ops), present)
        self.assertFalse(set(without) & present)
        self.assertLessEqual(result["max_logit_difference"], TOLERANCE)
        self.assertEqual(result["same_tokens"], 1)
        self.assert_predicted_costs(report, result, inferences=1)


class ConfigurationTest(PrivateTest):
    """The paper's configurations of the sample models."""

    def calm(self) -> Path:
        """The baseline with shorter steps along the residual stream. Without
        its norms the values of the original grow from layer to layer, to
        logits of 10^4, and what they are worth after that nobody trained."""
        return rewrite_weights(
            BASELINE, self.folder / "calm.onnx",
            lambda name, values: values * np.float32(0.2)
            if "_proj." in name else None)

    def test_baseline(self) -> None:
        self.check(BASELINE, "SM+LN+G", "normalize", "relu", "tail",
                   "causal_scores", "causal_context", without=("matmul",))

    def test_relu(self) -> None:
        self.check(BASELINE, "SM+LN+R", "normalize", "relu",
                   without=("tail",))

    def test_linear_ffn_with_norms(self) -> None:
        self.check(BASELINE, "SM+LN", "normalize", without=("relu", "tail"))

    def test_gelu_without_norms(self) -> None:
        self.check(self.calm(), "SM+G", "relu", "tail",
                   without=("normalize",))

    def test_relu_without_norms(self) -> None:
        self.check(self.calm(), "SM+R", "relu", without=("normalize", "tail"))

    def test_softmax_only(self) -> None:
        for config in ("SM", "SM+ScFFN", "SM+ScFuFFN", "SM+ScFuFFN_i(1)",
                       "SM(t)+ScFuFFN_i(1)"):
            for model in (self.calm(), SOFTMAX_ONLY):
                with self.subTest(config=config, model=model.name):
                    self.check(model, config, "causal_scores",
                               without=("normalize", "relu", "tail"))

    def test_trained_temperatures(self) -> None:
        # Training moves the temperatures of heads and positions apart.
        rewritten = self.folder / "rewritten.onnx"
        done = run("aero", "rewrite", SOFTMAX_ONLY, "--config", "SM(t)", "-o",
                   rewritten)
        self.assertEqual(done.returncode, 0, done.stderr)
        random = np.random.default_rng(1)
        trained = rewrite_weights(
            rewritten, self.folder / "trained.onnx",
            lambda name, values: random.uniform(0.7, 1.3, values.shape).astype(
                np.float32) if "temperature" in name else None)
        self.check(trained, "SM(t)", "mul_weight")


class FamilyTest(PrivateTest):
    """Small models of other families, as their exporters write them."""

    def check_case(self, case: Case, *ops: str,
                   without: tuple[str, ...] = ()) -> None:
        tokens = ",".join(map(str, case.inputs["input_ids"][0]))
        self.check(case.write(self.folder), "as-is", *ops, tokens=tokens,
                   without=without)

    def find(self, module, name: str) -> Case:
        return next(case for case in module.cases() if case.name == name)

    def test_llama(self) -> None:
        self.check_case(self.find(llama, "llama-grouped"), "normalize", "tail",
                        "mul_public", "repeat", "concat", "mul",
                        "causal_scores")

    def test_llama_with_rotated_pairs(self) -> None:
        self.check_case(self.find(llama, "llama-grouped-pairs"), "mul_public",
                        "repeat", "concat")

    def test_neox(self) -> None:
        """Its heads are cut out of a fused projection: the scale of attention
        stays a factor of the queries."""
        self.check_case(self.find(neox, "neox-opset17"), "normalize", "tail",
                        "mul_public", "causal_scores")

    def test_bert(self) -> None:
        variant = bert.Variant(head="mlm", mask="none", token_types=False)
        case = bert._case("mlm-tokens-only", variant, Export(17), Shape())
        self.check_case(case, "normalize", "tail", "matmul", "max_row",
                        without=("causal_scores", "causal_context"))

    def test_opt(self) -> None:
        self.check_case(self.find(opt, "opt-opset17"), "normalize", "relu",
                        without=("tail",))

    def test_gpt2(self) -> None:
        self.check_case(self.find(gpt2_hf, "gpt2-hf-opset17"), "normalize",
                        "tail", "causal_scores")


if __name__ == "__main__":
    unittest.main()
