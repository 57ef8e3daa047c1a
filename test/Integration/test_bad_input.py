# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What users get wrong: one line that names it and the remedy, exit code 1."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import (BIN, CONFIG, SOFTMAX_ONLY, ToolTest, make_tanh,
                     run)


class ModelTest(ToolTest):
    """Files that cannot be compiled; nothing may be written."""

    def compile_fails(self, model, *fragments: str, config: str = CONFIG,
                      problems: int = 1) -> str:
        out = self.folder / "out.aero"
        before = set(self.folder.iterdir())
        done = run("aero", "compile", model, "--config", config, "-o", out)
        self.assert_error(done, *fragments, problems=problems)
        self.assertEqual(set(self.folder.iterdir()), before)
        return done.stderr

    def test_missing_file(self) -> None:
        self.compile_fails(self.folder / "none.onnx", "none.onnx")

    def test_not_onnx(self) -> None:
        path = self.folder / "text.onnx"
        path.write_text("this is not a model\n" * 20)
        self.compile_fails(path, "text.onnx", "not an ONNX")

    def test_truncated(self) -> None:
        path = self.folder / "cut.onnx"
        data = SOFTMAX_ONLY.read_bytes()
        path.write_bytes(data[:len(data) // 2])
        self.compile_fails(path, "cut.onnx")

    def test_unsupported_ops_are_listed_together(self) -> None:
        weight = numpy_helper.from_array(np.ones((8, 8), np.float32), "w")
        nodes = [
            helper.make_node("Gather", ["w", "tokens"], ["x"], "embed"),
            helper.make_node("Elu", ["x"], ["y"], "first_elu"),
            helper.make_node("Selu", ["y"], ["z"], "then_selu"),
        ]
        graph = helper.make_graph(
            nodes, "g",
            [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, 4])],
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4, 8])],
            [weight])
        path = self.folder / "elu.onnx"
        onnx.save(helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 16)]), path)
        self.compile_fails(path, "Elu", "first_elu", "Selu", "then_selu")

    def test_unknown_configuration(self) -> None:
        self.compile_fails(SOFTMAX_ONLY, "SM+Magic", "SM+ScFuFFN", "as-is",
                           config="SM+Magic")

    def test_missing_secure_operation(self) -> None:
        path = self.folder / "tanh.onnx"
        make_tanh(path)
        errors = self.compile_fails(path, "no secure form", "node '",
                                    "--config", config="as-is", problems=5)
        self.assertIn("pi.tanh yet: node '/h.0/mlp/Tanh' in layer 0;", errors)
        self.assertIn("pi.tanh yet: node '/head/Tanh';", errors)

    def test_output_folder_missing(self) -> None:
        self.assert_error(run("aero", "compile", SOFTMAX_ONLY, "--config",
                              CONFIG, "-o", self.folder / "no" / "out.aero"),
                          "out.aero")


class PromptTest(ToolTest):

    def run_fails(self, *arguments: object) -> str:
        done = run("aero", "run", SOFTMAX_ONLY, "--config", CONFIG, *arguments)
        self.assert_error(done)
        return done.stderr

    def test_empty_prompt(self) -> None:
        self.assertIn("empty", self.run_fails("--prompt", ""))

    def test_too_long_prompt(self) -> None:
        message = self.run_fails("--prompt", "x" * 65)
        self.assertIn("65", message)
        self.assertIn("64", message)

    def test_continuation_past_the_context(self) -> None:
        message = self.run_fails("--prompt", "x" * 60, "--new-tokens", 20)
        self.assertIn("--new-tokens 5", message)


class PartyTest(ToolTest):
    """Program files and parties that do not fit together."""

    def setUp(self) -> None:
        super().setUp()
        self.program = self.folder / "model.aero"
        done = run("aero", "compile", SOFTMAX_ONLY, "--config", CONFIG, "-o",
                   self.program)
        self.assertEqual(done.returncode, 0, done.stderr)

    def party(self, role: str, program, *args: object
              ) -> tuple[subprocess.Popen, str]:
        child = subprocess.Popen(
            [str(BIN / "aero-party"), role, "--program", str(program),
             *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def stop() -> None:
            child.kill()
            child.wait()
            child.stdout.close()
            child.stderr.close()

        self.addCleanup(stop)
        return child, f"127.0.0.1:{json.loads(child.stdout.readline())['port']}"

    def test_program_of_another_version(self) -> None:
        data = bytearray(self.program.read_bytes())
        data[8:12] = struct.pack("<I", 999)
        self.program.write_bytes(data)
        self.assert_error(run("aero-party", "dealer", "--program",
                              self.program), "version 999", "ompile")

    def test_damaged_program(self) -> None:
        data = bytearray(self.program.read_bytes())
        data[-1] ^= 1
        self.program.write_bytes(data)
        self.assert_error(run("aero-party", "dealer", "--program",
                              self.program), "model.aero", "hash")

    def test_weights_of_another_program(self) -> None:
        other = self.folder / "other.aero"
        done = run("aero", "compile", SOFTMAX_ONLY, "--config", CONFIG,
                   "--logits", "all", "-o", other)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_error(run("aero-party", "serve", "--program",
                              self.program, "--weights", f"{other}.weights",
                              "--dealer", "127.0.0.1:9"), "another program")

    def test_parties_with_different_programs(self) -> None:
        other = self.folder / "other.aero"
        done = run("aero", "compile", SOFTMAX_ONLY, "--config", CONFIG,
                   "--logits", "all", "-o", other)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, dealer = self.party("dealer", self.program)

        def client(program, server: str) -> subprocess.CompletedProcess:
            return run("aero-party", "client", "--program", program,
                       "--attempts", 1, "--server", server, "--dealer", dealer)

        def server(program) -> tuple[subprocess.Popen, str]:
            return self.party("serve", program, "--once", "--weights",
                              f"{program}.weights", "--dealer", dealer)

        # Client and server.
        process, address = server(self.program)
        self.assert_error(client(other, address), "different programs")
        self.assertEqual(process.wait(timeout=5), 1)
        self.assertIn("server and client at", process.stderr.read())
        # Server and dealer.
        process, address = server(other)
        self.assert_error(client(other, address), "could not open a session")
        self.assertEqual(process.wait(timeout=5), 1)
        self.assertIn("different programs", process.stderr.read())

    def test_missing_peer(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.assert_error(run("aero-party", "client", "--program",
                              self.program, "--server", f"127.0.0.1:{port}",
                              "--dealer", f"127.0.0.1:{port}", "--timeout", 1,
                              "--attempts", 1),
                          "cannot reach the server", str(port))

    def test_port_in_use(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assert_error(run("aero-party", "dealer", "--program",
                                  self.program, "--port", port),
                              str(port), "in use")
            self.assert_error(run("aero", "run", SOFTMAX_ONLY, "--config",
                                  CONFIG, "--prompt", "x", "--dealer-port",
                                  port), str(port), "in use")

    def test_address_that_is_not_loopback(self) -> None:
        self.assert_error(run("aero-party", "dealer", "--program",
                              self.program, "--host", "192.0.2.1"),
                          "192.0.2.1", "loopback")


if __name__ == "__main__":
    unittest.main()
