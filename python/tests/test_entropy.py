# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The entropy regulariser against values and gradients by hand."""

from __future__ import annotations

import math
import unittest
from typing import List

import torch
from torch import Tensor

from aero.entropy import (EPSILON, EntropyRegularizer, head_entropies,
                          head_penalties, row_entropies)
from aero.errors import AeroError
from aero.nn import AttentionMap, from_onnx

from .onnx_support import (CONTEXT, HEADS, LAYERS, ScratchTest, needs_tool, rewritten,
                           tokens)


def double(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


class EntropyTest(unittest.TestCase):
    """Entropies of rows and heads."""

    def test_uniform(self) -> None:
        for length in (1, 2, 3, 64):
            weights = torch.full((length,), 1.0 / length, dtype=torch.float64)
            self.assertAlmostEqual(float(row_entropies(weights)), math.log(length),
                                   delta=2e-9 * length)

    def test_one_hot(self) -> None:
        self.assertAlmostEqual(float(row_entropies(double([0.0, 1.0, 0.0]))), 0.0,
                               delta=2e-9)

    def test_half_and_quarters(self) -> None:
        value = row_entropies(double([0.5, 0.25, 0.25, 0.0]))
        self.assertAlmostEqual(float(value), 1.5 * math.log(2.0), delta=4e-9)

    def test_epsilon_is_in_the_logarithm(self) -> None:
        weight = 1e-9
        self.assertAlmostEqual(float(row_entropies(double([weight]))),
                               -weight * math.log(weight + EPSILON), delta=1e-20)

    def test_causal_uniform(self) -> None:
        """Row i has i + 1 equal weights; the first has entropy 0."""
        size = 5
        weights = torch.ones(size, size, dtype=torch.float64).tril()
        weights = weights / weights.sum(-1, keepdim=True)
        rows = row_entropies(weights)
        self.assertAlmostEqual(float(rows[0]), 0.0, delta=2e-9)
        for row in range(size):
            self.assertAlmostEqual(float(rows[row]), math.log(row + 1), delta=1e-8)
        head = head_entropies(weights[None, None])
        self.assertEqual(head.shape, (1,))
        expected = sum(math.log(row + 1) for row in range(size)) / size
        self.assertAlmostEqual(float(head), expected, delta=1e-8)

    def test_heads_are_apart_samples_and_queries_averaged(self) -> None:
        one_hot, even = [1.0, 0.0], [0.5, 0.5]
        weights = double([[[one_hot, one_hot], [even, one_hot]],
                          [[one_hot, even], [even, even]]])
        log2 = math.log(2.0)
        torch.testing.assert_close(head_entropies(weights),
                                   double([log2 / 4, 3 * log2 / 4]), rtol=0, atol=1e-8)

    def test_gradient_by_hand(self) -> None:
        """d/da of -a log(a + e) is -log(a + e) - a / (a + e)."""
        weights = double([0.2, 0.3, 0.5]).requires_grad_()
        row_entropies(weights).backward()
        expected = [-math.log(a + EPSILON) - a / (a + EPSILON) for a in (0.2, 0.3, 0.5)]
        torch.testing.assert_close(weights.grad, double(expected), rtol=1e-12, atol=0)

    def test_gradient_through_softmax_by_hand(self) -> None:
        """d/dx_k of the entropy of softmax(x) is -a_k (log a_k + E)."""
        scores = double([0.3, -0.4, 1.1]).requires_grad_()
        row_entropies(torch.softmax(scores, -1)).backward()
        a = torch.softmax(scores.detach(), -1)
        entropy = -(a * a.log()).sum()
        torch.testing.assert_close(scores.grad, -a * (a.log() + entropy), rtol=1e-7,
                                   atol=1e-9)

    def test_gradient_is_finite_at_hidden_keys(self) -> None:
        scores = torch.zeros(1, 1, 3, 3).masked_fill(
            torch.ones(3, 3).triu(1).bool(), -math.inf).requires_grad_()
        head_entropies(torch.softmax(scores, -1)).sum().backward()
        self.assertTrue(bool(torch.isfinite(scores.grad).all()))

    def test_finite_differences(self) -> None:
        torch.manual_seed(2)
        scores = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
        self.assertTrue(torch.autograd.gradcheck(
            lambda x: head_entropies(torch.softmax(x, -1)), (scores,)))


class PenaltyTest(unittest.TestCase):
    """deviation^2 outside of the tolerance, else 0."""

    def test_by_hand(self) -> None:
        # Emax 2, tolerance 0.5; deviations 0.75, 0.25, -1.5.
        penalties = head_penalties(double([1.75, 1.25, 0.5]), double([0.5, 0.5, 1.0]),
                                   2.0, 0.25)
        torch.testing.assert_close(penalties, double([0.5625, 0.0, 2.25]),
                                   rtol=0, atol=0)

    def test_at_the_margin_there_is_none(self) -> None:
        # 1.5 - 0.5 * 2 = 0.5 = 0.25 * 2 without rounding, on either side.
        penalties = head_penalties(double([1.5, 0.5, 1.5000001]), double([0.5] * 3),
                                   2.0, 0.25)
        self.assertEqual(penalties[:2].tolist(), [0.0, 0.0])
        self.assertAlmostEqual(float(penalties[2]), 0.5000001 ** 2, delta=1e-12)

    def test_without_tolerance(self) -> None:
        penalties = head_penalties(double([1.0, 1.25]), double([0.5, 0.5]), 2.0, 0.0)
        self.assertEqual(penalties.tolist(), [0.0, 0.0625])

    def test_gradients_by_hand(self) -> None:
        """2 deviation for the entropy, -2 deviation Emax for the threshold."""
        entropies = double([1.75, 1.25, 0.5]).requires_grad_()
        thresholds = double([0.5, 0.5, 1.0]).requires_grad_()
        head_penalties(entropies, thresholds, 2.0, 0.25).sum().backward()
        self.assertEqual(entropies.grad.tolist(), [1.5, 0.0, -3.0])
        self.assertEqual(thresholds.grad.tolist(), [-3.0, 0.0, 6.0])

    def test_finite_differences(self) -> None:
        entropies = double([1.75, 1.25, 0.5]).requires_grad_()
        thresholds = double([0.5, 0.5, 0.9]).requires_grad_()
        self.assertTrue(torch.autograd.gradcheck(
            lambda e, t: head_penalties(e, t, 2.0, 0.25), (entropies, thresholds)))


@needs_tool
class RegularizerTest(ScratchTest):
    """On a network of the tool, with maps by hand."""

    def maps(self, node_names: List[str], entropies: List[List[float]]
             ) -> List[AttentionMap]:
        """Maps whose heads have these entropies, as parts of log T: 0 or 1."""
        maps = []
        for name, heads in zip(node_names, entropies):
            weights = torch.zeros(1, len(heads), CONTEXT, CONTEXT, dtype=torch.float64)
            for head, part in enumerate(heads):
                if part:
                    weights[0, head] = 1.0 / CONTEXT
                else:
                    weights[0, head, :, 0] = 1.0
            maps.append(AttentionMap(None, name, weights.requires_grad_()))
        return maps

    def test_mean_over_heads_then_layers(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN")).double()
        regularizer = EntropyRegularizer(module, gamma=0.1)
        names = [f"aero.entropy_thresholds.{layer}" for layer in range(LAYERS)]
        with torch.no_grad():
            module.initializers[names[0]].copy_(double([0.25, 0.5]))
            module.initializers[names[1]].copy_(double([0.95, 0.5]))
        nodes = [attention.node for attention in module.attentions]
        maps = self.maps(nodes, [[0, 1], [1, 1]])
        penalty = regularizer(maps)
        largest = math.log(CONTEXT)
        # Of layer 1 the first head is within 0.1.
        parts = [[-0.25, 0.5], [0.0, 0.5]]
        expected = sum(sum((part * largest) ** 2 for part in layer) / HEADS
                       for layer in parts) / LAYERS
        self.assertAlmostEqual(float(penalty), expected, delta=1e-6)
        penalty.backward()
        for name, layer in zip(names, parts):
            want = double([-2 * part * largest * largest / HEADS / LAYERS
                           for part in layer])
            torch.testing.assert_close(module.initializers[name].grad, want, rtol=1e-6,
                                       atol=1e-7)
        for found, layer in zip(regularizer.entropies(maps), ([0, 1], [1, 1])):
            torch.testing.assert_close(found, double(layer) * largest, rtol=0,
                                       atol=1e-7)

    def test_reaches_temperatures(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN", "--initial-temperature", 0.01))
        regularizer = EntropyRegularizer(module, gamma=0.0)
        self.assertEqual(list(regularizer.parameters()), [])
        _, maps = module.forward_with_attention(tokens(3))
        regularizer(maps).backward()
        for role in module.roles:
            if role.role in ("temperature", "entropy_thresholds"):
                grad = module.initializers[role.name].grad
                self.assertTrue(bool(torch.isfinite(grad).all()), role)
                self.assertGreater(float(grad.abs().max()), 0.0, role)

    def test_finite_differences_through_the_network(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN")).double()
        regularizer = EntropyRegularizer(module, gamma=0.05)
        ids = tokens(2)
        regularizer(module.forward_with_attention(ids)[1]).backward()
        temperature = module.initializers["aero.temperature.0"]
        with torch.no_grad():
            for place in ((0, 7), (1, 3)):
                values = []
                for step in (1e-6, -2e-6):
                    temperature[place] += step
                    values.append(float(
                        regularizer(module.forward_with_attention(ids)[1])))
                temperature[place] += 1e-6
                self.assertAlmostEqual(float(temperature.grad[place]),
                                       (values[0] - values[1]) / 2e-6, delta=1e-7)

    def test_own_thresholds(self) -> None:
        module = from_onnx(rewritten("SM"))
        with self.assertRaisesRegex(AeroError, r"no entropy thresholds.*SM\(t\)"):
            EntropyRegularizer(module)
        regularizer = EntropyRegularizer(module, own_thresholds=True)
        self.assertEqual([tuple(p.shape) for p in regularizer.parameters()],
                         [(HEADS,)] * LAYERS)
        with torch.no_grad():
            for parameter in regularizer.parameters():
                parameter.copy_(torch.tensor([0.0, 1.0]))
        maps = module.forward_with_attention(tokens(2))[1]
        regularizer(maps).backward()
        for parameter in regularizer.parameters():
            self.assertIsNotNone(parameter.grad)

    def test_clamp(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN"))
        threshold = module.initializers["aero.entropy_thresholds.1"]
        with torch.no_grad():
            threshold.copy_(torch.tensor([-0.5, 1.5]))
        EntropyRegularizer(module).clamp_()
        self.assertEqual(threshold.tolist(), [0.0, 1.0])

    def test_errors(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN"))
        for gamma in (-0.1, math.nan, math.inf):
            with self.assertRaisesRegex(AeroError, "gamma"):
                EntropyRegularizer(module, gamma)
        with self.assertRaisesRegex(AeroError, "not those of the model"):
            EntropyRegularizer(module)([])


if __name__ == "__main__":
    unittest.main()
