# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of every configuration and family, from ONNX, trained, and back."""

from __future__ import annotations

import copy
import json
import math
import os
import resource
import sys
import unittest
import warnings
from pathlib import Path
from typing import List
from unittest import mock

import numpy as np
import onnx
import torch
from onnx import helper
from torch.nn import functional as F

from aero.errors import AeroError
from aero.export import export_onnx
from aero.models.gpt2 import GPT2, named_config
from aero.nn import OnnxModule, from_onnx, to_onnx
from aero.nn.module import mangle

from .onnx_support import (CONFIGURATIONS, CONTEXT, HEADS, LAYERS, ROOT, VOCABULARY,
                           ScratchTest, base, needs_tool, rewritten, run, tokens)


def loss(module: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(module(ids).flatten(0, 1), ids.roll(-1, 1).flatten())


def train(module: torch.nn.Module, steps: int, rate: float = 0.01) -> List[float]:
    """Losses before each step, and after the last."""
    ids, losses = tokens(8), []
    optimizer = torch.optim.SGD(module.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(module, ids)
        value.backward()
        optimizer.step()
        losses.append(float(value))
    with torch.no_grad():
        return [*losses, float(loss(module, ids))]


def check_file(path: Path) -> None:
    # By its path, the checker would write the shapes that it infers into the file.
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)


@needs_tool
class ConfigurationTest(ScratchTest):
    """Each configuration of the paper, made by the tool."""

    def test_trains_and_comes_back(self) -> None:
        for configuration in CONFIGURATIONS:
            with self.subTest(configuration):
                path = rewritten(configuration)
                module = from_onnx(path)
                self.assertEqual((module.context, module.vocabulary),
                                 (CONTEXT, VOCABULARY))
                self.assertEqual(module.configuration, configuration)
                self.assertEqual(module.source, path)
                losses = train(module, 2)
                self.assertTrue(all(map(math.isfinite, losses)), losses)
                self.assertEqual(losses, sorted(losses, reverse=True))
                read = {name for node in onnx.load(str(path)).graph.node
                        for name in node.input}
                for name, parameter in module.initializers.items():
                    if name in read:
                        self.assertIsNotNone(parameter.grad, name)
                    else:
                        self.assertTrue(name.startswith("aero.entropy_thresholds."))
                self.round_trip(module, path)

    def round_trip(self, module: OnnxModule, source: Path) -> None:
        trained = self.folder / "trained.onnx"
        to_onnx(module, trained)
        self.assertEqual(os.listdir(self.folder), ["trained.onnx"])
        check_file(trained)
        again, ids = from_onnx(trained), tokens(3)
        self.assertEqual(list(again.initializers), list(module.initializers))
        for name, parameter in module.initializers.items():
            self.assertTrue(torch.equal(again.initializers[name], parameter), name)
        self.assertTrue(torch.equal(again(ids), module(ids)))
        # But for values, it is the same message.
        old, new = onnx.load(str(source)), onnx.load(str(trained))
        for model in (old, new):
            for tensor in model.graph.initializer:
                tensor.ClearField("raw_data")
        self.assertEqual(old, new)
        done = run("aero", "import-weights", source, "--weights", trained, "-o",
                   self.folder / "ready.onnx")
        self.assertEqual(done.returncode, 0, done.stderr)
        ready = from_onnx(self.folder / "ready.onnx")
        for name, parameter in module.initializers.items():
            self.assertTrue(torch.equal(ready.initializers[name], parameter), name)
        os.unlink(self.folder / "ready.onnx")

    def test_untrained_file_is_the_same_message(self) -> None:
        for configuration in CONFIGURATIONS:
            path, out = rewritten(configuration), self.folder / "out.onnx"
            to_onnx(from_onnx(path), out)
            self.assertEqual(onnx.load(str(path)), onnx.load(str(out)), configuration)

    def test_the_compiler_computes_the_same(self) -> None:
        """The float engine, on the trained file."""
        ids = tokens(2, seed=4)
        np.save(self.folder / "tokens.npy", ids.numpy())
        for configuration in ("SM+LN+G", "SM+R", "SM(t)+ScFuFFN"):
            with self.subTest(configuration):
                module = from_onnx(rewritten(configuration))
                train(module, 2)
                to_onnx(module, self.folder / "trained.onnx")
                done = run("aero", "inspect", self.folder / "trained.onnx")
                self.assertEqual(done.returncode, 0, done.stderr)
                done = run("aero", "check", self.folder / "trained.onnx", "--config",
                           "as-is", "--engines", "float", "--prompts",
                           self.folder / "tokens.npy", "--logits", "all",
                           "--save-logits", self.folder / "float")
                self.assertEqual(done.returncode, 0, done.stderr)
                found = np.fromfile(self.folder / "float", "<f4")
                with torch.no_grad():
                    expected = module(ids).numpy()
                np.testing.assert_allclose(found.reshape(expected.shape), expected,
                                           rtol=0, atol=1e-4 * np.abs(expected).max())

    def test_batch_is_its_samples(self) -> None:
        ids = tokens(3, seed=2)
        for configuration in CONFIGURATIONS:
            with self.subTest(configuration):
                module = from_onnx(rewritten(configuration)).double()
                logits, maps = module.forward_with_attention(ids)
                self.assertEqual(logits.shape, (3, CONTEXT, VOCABULARY))
                self.assertTrue(torch.equal(module(ids), logits))
                for i in range(3):
                    alone, own = module.forward_with_attention(ids[i:i + 1])
                    torch.testing.assert_close(logits[i:i + 1], alone, rtol=1e-10,
                                               atol=1e-12)
                    for one, all_of_it in zip(own, maps):
                        torch.testing.assert_close(all_of_it.weights[i:i + 1],
                                                   one.weights, rtol=1e-10, atol=1e-12)

    def test_maps(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN"))
        _, maps = module.forward_with_attention(tokens(3))
        self.assertEqual([each.layer for each in maps], list(range(LAYERS)))
        self.assertEqual([each.node for each in maps],
                         [role.node for role in module.roles
                          if role.role == "temperature"])
        for each in maps:
            self.assertEqual(each.weights.shape, (3, HEADS, CONTEXT, CONTEXT))
            torch.testing.assert_close(each.weights.sum(-1),
                                       torch.ones(3, HEADS, CONTEXT))
            self.assertEqual(float(each.weights.triu(1).abs().max()), 0.0)
        # Layers come from the flow where there is no table.
        plain = from_onnx(rewritten("SM"))
        self.assertEqual([each.layer for each in plain.attentions],
                         list(range(LAYERS)))
        self.assertEqual(plain.roles, [])

    def test_roles(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN", "--initial-temperature", 0.5))
        self.assertEqual({role.role for role in module.roles},
                         {"ffn_alpha", "ffn_beta", "temperature",
                          "entropy_thresholds"})
        for role in module.roles:
            self.assertEqual(role.shape, tuple(module.initializers[role.name].shape))
            self.assertIn(role.layer, range(LAYERS))
        self.assertEqual(float(module.initializers["aero.temperature.1"][0, 0]), 0.5)
        slopes = from_onnx(rewritten("SM+R", "--initial-slope", 0.1))
        self.assertEqual([role.role for role in slopes.roles], ["leaky_slope"] * LAYERS)
        train(slopes, 1)
        self.assertIsNotNone(slopes.initializers["aero.leaky_slope.0"].grad)

    def test_other_operator_sets(self) -> None:
        ids = tokens(2)
        expected = from_onnx(rewritten("SM+LN+G"))(ids)
        for opset in (18, 20, 23):
            module = from_onnx(rewritten("SM+LN+G", "--opset", opset))
            torch.testing.assert_close(module(ids), expected)

    def test_thresholds_come_back(self) -> None:
        module = from_onnx(rewritten("SM(t)+ScFuFFN"))
        name = "aero.entropy_thresholds.1"
        with torch.no_grad():
            module.initializers[name].copy_(torch.tensor([0.25, 1.0]))
        to_onnx(module, self.folder / "out.onnx")
        again = rewritten("as-is", source=self.folder / "out.onnx")
        self.assertEqual(from_onnx(again).initializers[name].tolist(), [0.25, 1.0])
        with torch.no_grad():
            module.initializers[name][0] = 1.5
        before = (self.folder / "out.onnx").read_bytes()
        with self.assertRaisesRegex(AeroError, rf"'{name}'.*outside of \[0, 1\]"):
            to_onnx(module, self.folder / "out.onnx")
        self.assertEqual((self.folder / "out.onnx").read_bytes(), before)


@needs_tool
class FamilyTest(unittest.TestCase):
    """Other models than GPT-2, through `aero rewrite --config as-is`."""

    NAMES = ("gpt2-hf-masks", "gpt2-hf-past3", "gpt2-plain-float16",
             "llama-grouped-pairs", "llama-cached", "opt-padding", "neox-masks",
             "neox-half-rotary", "bert-mask-10000", "bert-pooler",
             "modern-bert-23-float-mask-4d", "modern-llama-23-padding-causal")

    def test_each(self) -> None:
        sys.path.insert(0, str(ROOT / "test"))
        self.addCleanup(sys.path.remove, str(ROOT / "test"))
        from Families import all_cases  # noqa: E402  (only where it is needed)

        holder = ScratchTest("setUp")
        holder.setUp()
        self.addCleanup(holder.doCleanups)
        cases = [case for case in all_cases() if case.name in self.NAMES]
        self.assertEqual(len(cases), len(self.NAMES))
        for case in cases:
            with self.subTest(case.name), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                options = [part for item in case.bind.items()
                           for part in ("--bind", "{}={}".format(*item))]
                path = rewritten("as-is", *options, source=case.write(holder.folder))
                self.check(from_onnx(path), from_onnx(path).double(), case)

    def check(self, module: OnnxModule, precise: OnnxModule, case) -> None:
        names = [argument.name for argument in module.graph.arguments]
        inputs = {name: torch.from_numpy(case.inputs[name]) for name in names}
        results, maps = module.forward_with_attention(**inputs)
        results = results if isinstance(results, tuple) else (results,)
        if case.reference is not None:
            expected = case.reference()
            self.assertEqual(len(expected), len(results))
            for result, array in zip(results, expected.values()):
                scale = np.abs(array).max()
                np.testing.assert_allclose(result.detach().numpy(), array, rtol=0,
                                           atol=1e-4 * scale)
        self.assertEqual([each.layer for each in maps], list(range(case.layers)))
        self.assertEqual({each.weights.shape[1] for each in maps}, {case.heads})
        sum((result ** 2).sum() for result in results).backward()
        for name, parameter in module.initializers.items():
            self.assertIsNotNone(parameter.grad, name)
            self.assertTrue(bool(torch.isfinite(parameter.grad).all()), name)
        # Two different samples: other tokens, and masks that end elsewhere.
        first = names[0]
        other = {name: tensor.clone() for name, tensor in inputs.items()}
        other[first] = (other[first] + 3) % case.vocabulary
        both = {name: torch.cat([inputs[name], other[name]]).double()
                if inputs[name].is_floating_point() else
                torch.cat([inputs[name], other[name]]) for name in names}
        together = precise(**both)
        together = together if isinstance(together, tuple) else (together,)
        for i in range(2):
            alone = precise(**{name: both[name][i:i + 1] for name in names})
            alone = alone if isinstance(alone, tuple) else (alone,)
            for part, whole in zip(alone, together):
                torch.testing.assert_close(whole[i:i + 1], part, rtol=1e-9, atol=1e-10)


class ModuleTest(ScratchTest):
    """What a module is, on PyTorch's own export."""

    def test_computes_and_learns_what_pytorch_does(self) -> None:
        for name in ("SM+LN+G", "SM+R", "SM+ScFFN"):
            for options in ({}, {"activation": "gelu_tanh"}):
                with self.subTest(name, **options):
                    torch.manual_seed(2)
                    model = GPT2(named_config(name, n_layer=2, n_head=2, d_model=16,
                                              context=8, vocab=11, **options))
                    with torch.no_grad():  # The exporter would share what is equal.
                        for parameter in model.parameters():
                            parameter.add_(0.1 * torch.randn_like(parameter))
                    path = self.folder / "model.onnx"
                    export_onnx(model, path)
                    module, ids = from_onnx(path), tokens(4)
                    mine, theirs = loss(module, ids), loss(model, ids)
                    torch.testing.assert_close(mine, theirs)
                    mine.backward()
                    theirs.backward()
                    initializers = module.initializers
                    # The exporter folds the transpose of the tied embedding.
                    (folded,) = set(initializers) - set(dict(model.named_parameters()))
                    initializers["wte.weight"].grad += initializers[folded].grad.t()
                    for key, parameter in model.named_parameters():
                        torch.testing.assert_close(
                            initializers[key].grad, parameter.grad, rtol=1e-4,
                            atol=1e-6, msg=lambda text: f"{key}: {text}")

    def test_tied_weights_stay_tied(self) -> None:
        path = self.save(
            [helper.make_node("Identity", ["w"], ["same"]),
             helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
             helper.make_node("MatMul", ["x", "same"], ["a"]),
             helper.make_node("MatMul", ["a", "t"], ["y"])],
            {"x": np.zeros((1, 2, 3), np.float32)}, ["y"],
            {"w": np.eye(3, dtype=np.float32)})
        module = from_onnx(path)
        self.assertEqual(list(module.initializers), ["w"])
        with torch.no_grad():
            module.initializers["w"].mul_(2.0)
        x = torch.ones(2, 2, 3)
        torch.testing.assert_close(module(x), 4.0 * x)

    def test_state_and_copies(self) -> None:
        module, ids = from_onnx(base()), tokens(2)
        self.assertEqual(len(module.state_dict()), len(module.initializers))
        self.assertEqual({id(p) for p in module.parameters()},
                         {id(p) for p in module.initializers.values()})
        train(module, 1)
        expected = module(ids)
        other = from_onnx(base())
        self.assertFalse(torch.equal(other(ids), expected))
        other.load_state_dict(module.state_dict())
        self.assertTrue(torch.equal(other(ids), expected))
        copied = copy.deepcopy(module)
        train(copied, 1)
        self.assertTrue(torch.equal(module(ids), expected))
        self.assertFalse(torch.equal(copied(ids), expected))

    def test_names_that_are_not_python_s(self) -> None:
        names = ["a.b", "a:b", "a%3Ab", "forward", "%forward", "training", "", "a b",
                 "onnx::MatMul_1", "a", "a..b", "_parameters", "weights"]
        self.assertEqual(len({mangle(name) for name in names}), len(names))
        names.remove("")
        nodes, last = [], "x"
        for i, name in enumerate(names):
            nodes.append(helper.make_node("Add", [last, name], [f"v{i}"]))
            last = f"v{i}"
        path = self.save(nodes, {"x": np.zeros((1, 2), np.float32)}, [last],
                         {name: np.float32([2 ** i, 0])
                          for i, name in enumerate(names)})
        module = from_onnx(path)
        self.assertEqual(list(module.initializers), names)
        self.assertEqual(module(torch.zeros(1, 2)).tolist(), [[2 ** len(names) - 1, 0]])
        module.load_state_dict(module.state_dict())
        to_onnx(module, self.folder / "out.onnx")
        self.assertEqual(onnx.load(str(self.folder / "out.onnx")), onnx.load(str(path)))

    def test_inputs_that_do_not_fit(self) -> None:
        module = from_onnx(base())
        for call, fragment in (
                (lambda: module(tokens(2)[:, :5]), r"'tokens' has to be \(B, 8\)"),
                (lambda: module(tokens(2)[0]), "has to be"),
                (lambda: module(tokens(2).float()), "has to be int64"),
                (lambda: module(), "expected the inputs 'tokens'"),
                (lambda: module(tokens(1), tokens(1)), "expected the inputs"),
                (lambda: module(tokens(1), tokens=tokens(1)), "expected the inputs"),
                (lambda: module(words=tokens(1)), "expected the inputs"),
                (lambda: module(tokens(1) + VOCABULARY), "a token or position"),
                (lambda: module(tokens(1) - VOCABULARY), "a token or position")):
            with self.subTest(fragment), self.assertRaisesRegex(AeroError, fragment):
                call()
        self.assertEqual(module(tokens=tokens(2)).shape, (2, CONTEXT, VOCABULARY))

    def test_several_inputs_and_outputs_without_softmax(self) -> None:
        path = self.save(
            [helper.make_node("Add", ["a", "b"], ["s"]),
             helper.make_node("Mul", ["s", "w"], ["p"])],
            {"a": np.zeros((1, 3), np.float32), "b": np.zeros((1, 1), np.float32)},
            ["p", "s"], {"w": np.float32(3)})
        module = from_onnx(path)
        (product, total), maps = module.forward_with_attention(
            torch.ones(2, 3), b=torch.tensor([[1.0], [2.0]]))
        self.assertEqual(maps, [])
        self.assertEqual(total.tolist(), [[2.0] * 3, [3.0] * 3])
        self.assertEqual(product.tolist(), [[6.0] * 3, [9.0] * 3])
        with self.assertRaisesRegex(AeroError, "is no language model"):
            module.context


class FileTest(ScratchTest):
    """What can be wrong with a file, and how one is written."""

    def fails(self, path: Path, *fragments: str) -> None:
        with self.assertRaises(AeroError) as caught:
            from_onnx(path)
        for fragment in (str(path), *fragments):
            self.assertIn(fragment, str(caught.exception))

    def test_no_model(self) -> None:
        self.fails(self.folder / "none.onnx", "cannot be read: No such file")
        self.fails(self.folder, "is no regular file")
        os.mkfifo(self.folder / "pipe")
        self.fails(self.folder / "pipe", "is no regular file")
        for name, data in (("empty", b""), ("text", b"no model at all"),
                           ("cut", base().read_bytes()[:5000])):
            path = self.folder / name
            path.write_bytes(data)
            self.fails(path, "is no ONNX model")

    def test_damaged_files_are_errors_or_models(self) -> None:
        generator, whole = np.random.default_rng(3), base().read_bytes()
        path, refused = self.folder / "damaged.onnx", 0
        for _ in range(1000):
            data = bytearray(whole)
            # Weights are at the end, and any bytes are weights.
            for place in generator.integers(0, len(data) // 3, 2):
                data[place] = generator.integers(256)
            path.write_bytes(bytes(data))
            try:
                from_onnx(path)
            except AeroError as error:
                self.assertIn(str(path), str(error))
                refused += 1
        self.assertGreater(refused, 500)

    def test_names_that_are_no_text(self) -> None:
        path = self.folder / "bytes.onnx"
        path.write_bytes(base().read_bytes().replace(b"wte.weight",
                                                     b"wte.\xff\xfeight"))
        self.fails(path, "is no text")

    def test_open_dimensions(self) -> None:
        model = onnx.load(str(base()))
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "T"
        path = self.folder / "open.onnx"
        onnx.save(model, str(path))
        self.fails(path, "input 'tokens'", "--bind")

    def test_bad_tables(self) -> None:
        nodes = [helper.make_node("Relu", ["x"], ["y"])]
        for text in ("", "[]", "{", '{"version": 2, "parameters": []}',
                     '{"version": 1, "parameters": [{"role": "x"}]}',
                     '{"version": 1, "parameters": 3}'):
            with self.subTest(text):
                self.fails(self.save(nodes, {"x": np.zeros((1, 2), np.float32)}, ["y"],
                                     metadata={"aero.parameters": text}),
                           "metadata 'aero.parameters'")
        gone = {"version": 1, "parameters": [
            {"role": "temperature", "layer": 0, "name": "gone", "shape": [],
             "node": "n"}]}
        module = from_onnx(self.save(
            nodes, {"x": np.zeros((1, 2), np.float32)}, ["y"],
            metadata={"aero.parameters": json.dumps(gone)}))
        self.assertEqual(module.roles, [])

    def external(self) -> Path:
        path = self.folder / "outside.onnx"
        onnx.save_model(onnx.load(str(base())), str(path), save_as_external_data=True,
                        location="outside.onnx.data", size_threshold=256)
        return path

    def test_weights_beside_the_model(self) -> None:
        path, ids = self.external(), tokens(2)
        module = from_onnx(path)
        self.assertTrue(torch.equal(module(ids), from_onnx(base())(ids)))
        train(module, 1)
        out = self.folder / "new.onnx"
        to_onnx(module, out)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["new.onnx", "new.onnx.data", "outside.onnx",
                          "outside.onnx.data"])
        check_file(out)
        self.assertTrue(torch.equal(from_onnx(out)(ids), module(ids)))
        for tensor in onnx.load(str(out), load_external_data=False).graph.initializer:
            said = {entry.key: entry.value for entry in tensor.external_data}
            if said:
                self.assertEqual(said["location"], "new.onnx.data")
                self.assertEqual(int(said["offset"]) % 64, 0)
        # Over its own source, which it does not read any more.
        to_onnx(module, path)
        self.assertTrue(torch.equal(from_onnx(path)(ids), module(ids)))

    def test_weights_that_are_gone_or_elsewhere(self) -> None:
        path = self.external()
        os.rename(self.folder / "outside.onnx.data", self.folder / "other")
        self.fails(path, "'wte.weight' in 'outside.onnx.data', which has to lie")
        (self.folder / "outside.onnx.data").write_bytes(b"short")
        self.fails(path, "initializer 'wte.weight'", "cannot be read")
        for place in ("../outside.onnx.data", str(self.folder / "other")):
            model = onnx.load(str(path), load_external_data=False)
            for tensor in model.graph.initializer:
                for entry in tensor.external_data:
                    if entry.key == "location":
                        entry.value = place
            (self.folder / "moved.onnx").write_bytes(model.SerializeToString())
            self.fails(self.folder / "moved.onnx", "it lies in another folder")

    def test_links_and_pipes_as_weights(self) -> None:
        path, data = self.external(), self.folder / "outside.onnx.data"
        expected = from_onnx(path).initializers["wte.weight"]
        os.rename(data, self.folder / "real")
        os.symlink("real", data)
        self.assertTrue(torch.equal(from_onnx(path).initializers["wte.weight"],
                                    expected))
        for target, fragment in (("../secret", "it lies in another folder"),
                                 ("outside.onnx.data", "cannot be read")):
            os.unlink(data)
            os.symlink(target, data)
            self.fails(path, fragment)
        os.unlink(data)
        os.mkfifo(data)
        self.fails(path, "it is no regular file")

    def test_integers_stay(self) -> None:
        path = self.save(
            [helper.make_node("Gather", ["x", "i"], ["y"], axis=1)],
            {"x": np.zeros((1, 3), np.float32)}, ["y"], {"i": np.array([2, 0])})
        module = from_onnx(path)
        self.assertEqual(module.initializers, {})
        self.assertEqual(module(torch.tensor([[1.0, 2.0, 3.0]])).tolist(), [[3.0, 1.0]])
        to_onnx(module, self.folder / "out.onnx")
        self.assertEqual(onnx.load(str(self.folder / "out.onnx")), onnx.load(str(path)))

    def test_a_file_that_cannot_be_written_leaves_the_old_one(self) -> None:
        module, out = from_onnx(base()), self.folder / "out.onnx"
        to_onnx(module, out)
        before = out.read_bytes()
        train(module, 1)
        with self.assertRaisesRegex(AeroError, "cannot be written: No such file"):
            to_onnx(module, self.folder / "nowhere" / "out.onnx")
        # As on a disk that is full.
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
        try:
            with self.assertRaisesRegex(AeroError, "out.onnx: cannot be written"):
                to_onnx(module, out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertEqual(out.read_bytes(), before)
        with mock.patch("os.replace", side_effect=OSError(5, "Input/output error")):
            with self.assertRaisesRegex(AeroError, "Input/output error"):
                to_onnx(module, out)
        self.assertEqual(out.read_bytes(), before)
        self.assertEqual(os.listdir(self.folder), ["out.onnx"])
        with torch.no_grad():
            module.initializers["wte.weight"][0, 0] = math.nan
        with self.assertRaisesRegex(AeroError, "'wte.weight' has a value that is not"):
            to_onnx(module, out)
        self.assertEqual(out.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
