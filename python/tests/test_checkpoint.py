# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of checkpoint files."""

from __future__ import annotations

import pathlib
import random
import resource
import tempfile
import unittest
import zipfile

import numpy as np
import torch

from aero.errors import AeroError
from aero.train.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimizer_arrays,
    restore_optimizer,
    save_checkpoint,
)


ABOUT = {"step": 3, "seconds": 1.5, "identity": {}, "options": {}, "sigmas": {}}


class CheckpointTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "checkpoint.npz"

    def sample(self, step: int = 3, size: int = 5) -> Checkpoint:
        values = np.linspace(0, step, size, dtype=np.float32)
        return Checkpoint(
            {**ABOUT, "step": step},
            {"module//h.0/*:0": values, "module/s": np.float32(2.5).reshape(())},
        )

    def test_round_trip_is_exact(self) -> None:
        save_checkpoint(self.path, self.sample())
        held = load_checkpoint(self.path)
        self.assertEqual(held.about["step"], 3)
        section = held.section("module/")
        self.assertEqual(set(section), {"/h.0/*:0", "s"})
        self.assertEqual(section["s"].shape, ())
        np.testing.assert_array_equal(
            section["/h.0/*:0"].numpy(), self.sample().arrays["module//h.0/*:0"]
        )
        self.assertEqual(list(self.folder.iterdir()), [self.path])

    def test_full_disk_keeps_the_old_one(self) -> None:
        save_checkpoint(self.path, self.sample())
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            with self.assertRaisesRegex(
                AeroError, "cannot write the checkpoint of step 4.*before it is kept"
            ):
                save_checkpoint(self.path, self.sample(4, 100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual(load_checkpoint(self.path).about["step"], 3)
        self.assertEqual(list(self.folder.iterdir()), [self.path])

    def test_first_one_on_a_full_disk(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with self.assertRaisesRegex(AeroError, "there is none yet"):
                save_checkpoint(self.path, self.sample())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_other_files_are_errors(self) -> None:
        save_checkpoint(self.path, self.sample())
        whole = self.path.read_bytes()
        for content in (b"", b"junk\n", whole[:-30], whole[: len(whole) // 2]):
            self.path.write_bytes(content)
            with self.assertRaisesRegex(AeroError, "is no checkpoint.*or is damaged"):
                load_checkpoint(self.path)
        with zipfile.ZipFile(self.path, "w") as archive:
            archive.writestr("about.json", '{"version": 9}')
        with self.assertRaisesRegex(AeroError, "another version"):
            load_checkpoint(self.path)

    def test_about_says_all_of_a_run(self) -> None:
        for key in ABOUT:
            for about in ({k: v for k, v in ABOUT.items() if k != key},
                          {**ABOUT, key: "text"}):
                save_checkpoint(self.path, Checkpoint(about, {}))
                with self.assertRaisesRegex(AeroError, f"or is damaged.*'{key}'"):
                    load_checkpoint(self.path)

    def test_any_changed_byte_is_an_error_or_harmless(self) -> None:
        save_checkpoint(self.path, self.sample())
        whole = self.path.read_bytes()
        rng = random.Random(1)
        refused = 0
        for _ in range(600):
            content = bytearray(whole)
            content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
            self.path.write_bytes(bytes(content))
            try:
                load_checkpoint(self.path)
            except AeroError:
                refused += 1
        self.assertGreater(refused, 300)

    def test_changed_bytes_are_seen(self) -> None:
        save_checkpoint(self.path, self.sample())
        content = bytearray(self.path.read_bytes())
        place = content.index(np.float32(1.5).tobytes())
        content[place] ^= 1
        self.path.write_bytes(bytes(content))
        with self.assertRaisesRegex(AeroError, "or is damaged"):
            load_checkpoint(self.path)

    def test_optimizer_goes_on_as_if_it_had_not_stopped(self) -> None:
        def begin() -> tuple:
            torch.manual_seed(1)
            parameter = torch.nn.Parameter(torch.randn(4, 3))
            return parameter, torch.optim.AdamW([parameter], lr=0.1)

        def steps(parameter, optimizer, first: int, last: int) -> None:
            for step in range(first, last):
                optimizer.zero_grad()
                (parameter * (step + 1)).sin().sum().backward()
                optimizer.step()

        whole, optimizer = begin()
        steps(whole, optimizer, 0, 3)
        arrays = optimizer_arrays(optimizer, {id(whole): "p"})
        middle = whole.detach().clone()
        save_checkpoint(self.path, Checkpoint(ABOUT, arrays))
        steps(whole, optimizer, 3, 6)
        resumed, optimizer = begin()
        with torch.no_grad():
            resumed.copy_(middle)
        restore_optimizer(optimizer, {"p": resumed}, load_checkpoint(self.path))
        steps(resumed, optimizer, 3, 6)
        self.assertTrue(torch.equal(whole, resumed))


if __name__ == "__main__":
    unittest.main()
