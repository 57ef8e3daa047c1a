# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Normalised matrices against values and gradients by hand, and the compiler."""

from __future__ import annotations

import copy
import math
import subprocess
import unittest
from pathlib import Path
from typing import Dict

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from aero.errors import AeroError
from aero.nn import from_onnx, to_onnx
from aero.normalization import (SpectralNorm, WeightNorm, ffn_matrices, fold,
                                spectral_norm, weight_norm)

from .onnx_support import BIN, ScratchTest, needs_tool, rewritten, tokens


def double(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


class WeightNormTest(unittest.TestCase):

    def test_columns_by_hand(self) -> None:
        weight = double([[3.0, 0.0, 0.0], [4.0, 2.0, 0.0]])
        norm = WeightNorm(weight, gain=2.0)
        # Lengths 5, 2 and 0; a column of zeros stays.
        torch.testing.assert_close(
            norm(weight), double([[1.2, 0.0, 0.0], [1.6, 2.0, 0.0]]))

    def test_rows_if_the_graph_transposes(self) -> None:
        weight = double([[3.0, 4.0], [0.0, 2.0]])
        torch.testing.assert_close(WeightNorm(weight, output_axis=0)(weight),
                                   double([[0.6, 0.8], [0.0, 1.0]]))

    def test_gradient_by_hand(self) -> None:
        """Of c . w g / ||w||: (g / ||w||) (c - u (u . c)) with u = w / ||w||."""
        weight = double([[3.0], [4.0]]).requires_grad_()
        norm = WeightNorm(weight, gain=2.0, learnable=True)
        (norm(weight) * double([[1.0], [0.0]])).sum().backward()
        # u = (0.6, 0.8), u . c = 0.6: 0.4 (1 - 0.36, -0.48).
        torch.testing.assert_close(weight.grad, double([[0.256], [-0.192]]))
        torch.testing.assert_close(norm.gain.grad, double([0.6]))

    def test_gradient_of_zeros_is_finite(self) -> None:
        weight = double([[0.0, 1.0], [0.0, 1.0]]).requires_grad_()
        WeightNorm(weight)(weight).sum().backward()
        self.assertTrue(bool(torch.isfinite(weight.grad).all()))

    def test_finite_differences(self) -> None:
        torch.manual_seed(1)
        weight = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
        norm = WeightNorm(weight, gain=1.5)
        self.assertTrue(torch.autograd.gradcheck(norm, (weight,)))

    def test_present_lengths_keep_the_matrix(self) -> None:
        weight = double([[3.0, 0.0], [4.0, 2.0]])
        norm = WeightNorm(weight, gain=None, learnable=True)
        self.assertEqual(norm.gain.tolist(), [5.0, 2.0])
        torch.testing.assert_close(norm(weight), weight)


class SpectralNormTest(unittest.TestCase):

    def test_by_hand(self) -> None:
        # W^T W has the eigenvalues 45 and 5.
        weight = double([[3.0, 0.0], [4.0, 5.0]])
        norm = SpectralNorm(weight, gain=2.0).eval()
        torch.testing.assert_close(norm(weight), weight * 2.0 / math.sqrt(45.0))

    def test_gradient_by_hand(self) -> None:
        """Of c . W g / s: (g / s) (C - u v^T <C, W> / s); here u = v = e0."""
        weight = double([[4.0, 0.0], [0.0, 1.0]]).requires_grad_()
        norm = SpectralNorm(weight, gain=2.0, learnable=True).eval()
        (norm(weight) * double([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        # <C, W> = 8, s = 4: 0.5 (C - [[2, 0], [0, 0]]).
        torch.testing.assert_close(weight.grad, double([[-0.5, 1.0], [1.5, 2.0]]))
        torch.testing.assert_close(norm.gain.grad, double(2.0))

    def test_finite_differences(self) -> None:
        torch.manual_seed(1)
        weight = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

        def apply(w: Tensor) -> Tensor:
            return SpectralNorm(w).eval()(w)
        self.assertTrue(torch.autograd.gradcheck(apply, (weight,), atol=1e-5))

    def test_follows_in_training_and_converges_in_evaluation(self) -> None:
        torch.manual_seed(1)
        weight = nn.Parameter(torch.randn(6, 5))
        norm = SpectralNorm(weight)
        for _ in range(200):
            norm(weight)
            with torch.no_grad():
                weight.add_(0.01 * torch.randn_like(weight))
        norm.eval()
        for _ in range(2):  # Also when the matrix changes in evaluation.
            largest = torch.linalg.svdvals(norm(weight).detach())[0]
            self.assertAlmostEqual(float(largest), 1.0, delta=1e-6)
            with torch.no_grad():
                weight.add_(torch.randn_like(weight))

    def test_two_runs_before_a_gradient(self) -> None:
        weight = nn.Parameter(torch.randn(3, 3))
        norm = SpectralNorm(weight)
        (norm(weight) + norm(weight)).sum().backward()
        self.assertTrue(bool(torch.isfinite(weight.grad).all()))

    def test_zeros_are_refused(self) -> None:
        with self.assertRaisesRegex(AeroError, "singular value"):
            SpectralNorm(torch.zeros(2, 2))


def initializers(path: Path) -> Dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor)
            for tensor in onnx.load(str(path)).graph.initializer}


@needs_tool
class NetworkTest(ScratchTest):

    def by_pass(self, path: Path, options: str) -> Dict[str, np.ndarray]:
        """What pi-static-norm makes of the weights of a file."""
        out = self.folder / "pass.onnx"
        data = b""
        for command in (["aero-translate", "--import-onnx", path],
                        ["aero-opt", "--pi-raise", f"--pi-static-norm={options}"],
                        ["aero-translate", "--export-onnx", "-o", out]):
            done = subprocess.run([str(BIN / command[0]), *map(str, command[1:])],
                                  input=data, capture_output=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            data = done.stdout
        return initializers(out)

    def test_the_compiler_normalises_the_same(self) -> None:
        for configuration in ("SM+LN+G", "SM", "SM+ScFuFFN"):
            path = rewritten(configuration)
            for method, normalise in (("weight", weight_norm),
                                      ("spectral", spectral_norm)):
                with self.subTest(configuration, method=method):
                    expected = self.by_pass(path, f"method={method} gain=1.5")
                    module = from_onnx(path)
                    names = normalise(module, gain=1.5)
                    old = initializers(path)
                    self.assertEqual(
                        set(names), {name for name, array in expected.items()
                                     if not np.array_equal(array, old[name])})
                    to_onnx(module, self.folder / "trained.onnx")
                    for name, array in initializers(
                            self.folder / "trained.onnx").items():
                        np.testing.assert_allclose(array, expected[name], rtol=1e-5,
                                                   atol=1e-7)

    def test_names_by_structure_and_by_pattern(self) -> None:
        path = rewritten("SM+LN+G")
        expected = [f"h.{layer}.mlp.{part}.weight" for layer in (0, 1)
                    for part in ("c_fc", "c_proj")]
        self.assertEqual(ffn_matrices(from_onnx(path)), expected)
        self.assertEqual(weight_norm(from_onnx(path), r"attn\.c_attn"),
                         ["h.0.attn.c_attn.weight", "h.1.attn.c_attn.weight"])

    def test_trains_and_folds_exactly(self) -> None:
        for normalise in (weight_norm, spectral_norm):
            for learnable in (False, True):
                with self.subTest(normalise.__name__, learnable=learnable):
                    module = from_onnx(rewritten("SM+ScFFN"))
                    names = normalise(module, gain=None, learnable=learnable)
                    optimizer = torch.optim.SGD(module.parameters(), 0.05)
                    ids = tokens(4)
                    for _ in range(3):
                        optimizer.zero_grad()
                        logits = module(ids)
                        nn.functional.cross_entropy(logits.flatten(0, 1),
                                                    ids.flatten()).backward()
                        optimizer.step()
                    self.assertEqual(len(dict(module.named_parameters())),
                                     len(module.initializers)
                                     + (len(names) if learnable else 0))
                    module.eval()
                    with torch.no_grad():
                        expected = module(ids)
                        raw = module.initializers[names[0]].clone()
                        to_onnx(module, self.folder / "a.onnx")
                        state = {key: value.clone()
                                 for key, value in module.state_dict().items()}
                        fold(module)
                        self.assertTrue(torch.equal(module(ids), expected))
                    self.assertFalse(torch.equal(module.initializers[names[0]], raw))
                    self.assertEqual(module.parametrized_names(), [])
                    to_onnx(module, self.folder / "b.onnx")
                    again = from_onnx(self.folder / "a.onnx")
                    self.assertEqual((self.folder / "a.onnx").read_bytes(),
                                     (self.folder / "b.onnx").read_bytes())
                    self.assertTrue(torch.equal(again(ids), expected))
                    resumed = from_onnx(rewritten("SM+ScFFN"))
                    normalise(resumed, gain=None, learnable=learnable)
                    resumed.load_state_dict(state)
                    self.assertTrue(torch.equal(resumed.eval()(ids), expected))
                    self.assertTrue(torch.equal(copy.deepcopy(resumed)(ids), expected))

    def test_present_gain_keeps_the_function(self) -> None:
        module, ids = from_onnx(rewritten("SM+LN+G")), tokens(2)
        expected = module(ids)
        spectral_norm(module, gain=None)
        weight_norm(module, "attn", gain=None)
        torch.testing.assert_close(module(ids), expected, rtol=1e-4, atol=1e-5)

    def test_transposed_matrix(self) -> None:
        """A file that holds a matrix the other way round: rows are outputs."""
        path = self.save(
            [helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
             helper.make_node("MatMul", ["x", "wt"], ["y"])],
            {"x": np.zeros((1, 2, 2), np.float32)}, ["y"],
            {"w": np.array([[3, 4], [0, 2], [5, 0]], np.float32)})
        module = from_onnx(path)
        self.assertEqual(weight_norm(module, "w"), ["w"])
        torch.testing.assert_close(
            module.value("w"), torch.tensor([[0.6, 0.8], [0.0, 1.0], [1.0, 0.0]]))

    def test_errors(self) -> None:
        module = from_onnx(rewritten("SM"))
        for gain in (0.0, -1.0, math.nan):
            with self.assertRaisesRegex(AeroError, "gain"):
                weight_norm(module, gain=gain)
        with self.assertRaisesRegex(AeroError, "no regular expression"):
            weight_norm(module, "(")
        with self.assertRaisesRegex(AeroError, "has no matrix.*'nothing'"):
            weight_norm(module, "nothing")
        with self.assertRaisesRegex(AeroError, r"'wte.weight' is read in several ways"):
            spectral_norm(module, "wte")
        with torch.no_grad():
            module.initializers["h.0.mlp.c_fc.weight"].zero_()
        with self.assertRaisesRegex(AeroError, "'h.0.mlp.c_fc.weight'.*singular"):
            spectral_norm(module)
        self.assertEqual(module.parametrized_names(), [])
        weight_norm(module)
        with self.assertRaisesRegex(AeroError, "normalised already"):
            spectral_norm(module, "mlp")
        with self.assertRaisesRegex(AeroError, "no matrix of a feed-forward"):
            weight_norm(from_onnx(rewritten("SM+ScFuFFN_i(2)")))


if __name__ == "__main__":
    unittest.main()
