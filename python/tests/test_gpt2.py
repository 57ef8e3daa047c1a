# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the reference model."""

import unittest
from typing import Any

import torch
from torch.nn import functional as F

from aero.models.gpt2 import (
    GPT2,
    GPT2Config,
    gelu_tanh,
    named_config,
    named_config_names,
)


def tiny(name: str, **overrides: Any) -> GPT2:
    """A small random model of the named configuration."""
    torch.manual_seed(7)
    shape = {"n_layer": 2, "n_head": 2, "d_model": 16, "context": 8, "vocab": 11}
    shape.update(overrides)
    config = named_config(name, init_std=0.3, embedding_std=0.5, **shape)
    return GPT2(config).eval()


def tokens(batch: int = 3, length: int = 8) -> torch.Tensor:
    """Some fixed tokens."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 11, (batch, length), generator=generator)


class CausalityTest(unittest.TestCase):
    """A token must not see what comes after it."""

    def test_later_token_leaves_earlier_logits_alone(self) -> None:
        for name in named_config_names():
            with self.subTest(name):
                model = tiny(name)
                first = tokens()
                second = first.clone()
                second[:, 5] = (second[:, 5] + 1) % 11
                a, b = model(first), model(second)
                self.assertTrue(torch.equal(a[:, :5], b[:, :5]))
                self.assertFalse(torch.allclose(a[:, 5:], b[:, 5:]))

    def test_earlier_token_reaches_the_last_one(self) -> None:
        model = tiny("SM")
        first = tokens()
        second = first.clone()
        second[:, 0] = (second[:, 0] + 1) % 11
        self.assertFalse(torch.allclose(model(first)[:, -1], model(second)[:, -1]))

    def test_prefix_gives_the_same_logits(self) -> None:
        model = tiny("SM+LN+G")
        whole, prefix = model(tokens()), model(tokens()[:, :4])
        self.assertTrue(torch.allclose(whole[:, :4], prefix, atol=1e-5))


class FeedForwardTest(unittest.TestCase):
    """The FFN variants."""

    def test_scaled_ffn_formula(self) -> None:
        block = tiny("SM+ScFFN").h[1]
        with torch.no_grad():
            block.alpha.fill_(2.0)
            block.beta.fill_(0.75)
        x = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(1))
        y = x + block.attn(x)
        expected = 0.75 * y + block.mlp(y) / 2.0
        self.assertTrue(torch.allclose(block(x), expected, atol=1e-6))

    def test_merged_training_path_matches_two_matrices(self) -> None:
        mlp = tiny("SM").h[0].mlp
        with torch.no_grad():
            mlp.c_fc.bias.normal_()
            mlp.c_proj.bias.normal_()
        x = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(1))
        gradients = []
        for training in (True, False):
            mlp.train(training)
            mlp.zero_grad()
            result = mlp(x)
            result.square().sum().backward()
            gradients.append(
                [result.detach()] + [p.grad.clone() for p in mlp.parameters()]
            )
        for merged, separate in zip(*gradients):
            self.assertTrue(torch.allclose(merged, separate, rtol=1e-3, atol=1e-3))

    def test_gelu_tanh_is_close_to_gelu(self) -> None:
        x = torch.linspace(-8, 8, 1001)
        self.assertLess(float((gelu_tanh(x) - F.gelu(x)).abs().max()), 1e-3)


class ConfigTest(unittest.TestCase):
    """Configurations refuse what they cannot mean."""

    def test_unknown_name(self) -> None:
        with self.assertRaisesRegex(ValueError, "unknown configuration 'SM-LN'"):
            named_config("SM-LN")

    def test_bad_fields(self) -> None:
        for fields in (
            {"n_head": 3},
            {"norm": "batchnorm"},
            {"activation": "silu"},
            {"n_layer": 0},
            {"alpha_init": 0.0},
        ):
            with self.subTest(fields), self.assertRaises(ValueError):
                GPT2Config(**fields)

    def test_dictionary_round_trip(self) -> None:
        config = named_config("SM+ScFFN", n_layer=3)
        self.assertEqual(GPT2Config(**config.to_dict()), config)

    def test_too_many_tokens(self) -> None:
        with self.assertRaisesRegex(ValueError, "exceed the context"):
            tiny("SM")(torch.zeros(1, 9, dtype=torch.int64))


if __name__ == "__main__":
    unittest.main()
