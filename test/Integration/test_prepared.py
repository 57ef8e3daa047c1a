# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Correlations on disk: no dealer at run time, and each is used once."""

from __future__ import annotations

import json
import random
import subprocess
import time
import unittest
from pathlib import Path

from hosts import REQUEST, HostsTest
from support import run


class PreparedTest(HostsTest):

    def prepare(self, count: int) -> dict:
        done = run("aero", "dealer", "--program", self.program, "--prepare",
                   count, "--out", self.folder / "all", "--allow-client",
                   self.cert("client"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def serve(self) -> tuple[subprocess.Popen, int]:
        return self.listen(
            "serve", "--weights", f"{self.program}.weights", "--key",
            self.key("server"), "--correlations", self.folder / "all/server",
            "--allow-client", self.cert("client"), "--allow-client",
            self.cert("other"))

    def client_args(self, server_port: int, dealer_port: int, *args: object,
                    key: str = "client", **_: str) -> list[object]:
        return ["client", "--program", self.program, "--server",
                f"127.0.0.1:{server_port}", "--key", self.key(key),
                "--server-key", self.cert("server"), "--correlations",
                self.folder / "all/client", *args]

    def test_answers_until_they_are_used_up(self) -> None:
        prepared = self.prepare(3)
        for side in ("client", "server"):
            folder = Path(prepared[f"{side}_folder"])
            self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
            self.assertEqual(sum(file.stat().st_size
                                 for file in folder.iterdir()),
                             prepared[f"{side}_bytes"])
        _, server_port = self.serve()
        client = self.client(server_port, 0)
        self.ready(client)
        answers = [self.ask(client) for _ in range(2)]
        statistics = self.finish(client)
        self.assertEqual(list(statistics["peers"]), ["server"])
        best = {max(range(256), key=answer["logits"].__getitem__)
                for answer in answers}
        self.assertEqual(len(best), 1)
        self.assert_answered(self.ask_once(server_port, 0))
        self.assert_refused(self.ask_once(server_port, 0),
                            "no correlations that are not used up",
                            "aero dealer --prepare")
        # The server keeps none that was used.
        self.assertEqual([file.name for file in
                          Path(prepared["server_folder"]).iterdir()], ["seed"])
        numbers = [line["inference"] for line in self.events("serve",
                                                             "inference")]
        self.assertEqual(numbers, [1, 2, 3])
        self.prepare(1)
        self.assert_answered(self.ask_once(server_port, 0))

    def test_other_clients_and_missing_parts(self) -> None:
        prepared = self.prepare(2)
        _, server_port = self.serve()
        self.assert_refused(
            self.ask_once(server_port, 0, "--attempts", 1, key="other"),
            "lacks the correlations")
        self.wait_for_log("serve", lambda line: "was prepared for the client"
                          in line.get("error", ""))
        Path(prepared["server_folder"]).rename(self.folder / "away")
        self.assert_refused(self.ask_once(server_port, 0, "--attempts", 1),
                            "lacks the correlations")
        done = run("aero", "client", "--program", self.program, "--server",
                   f"127.0.0.1:{server_port}")
        self.assert_error(done, "--dealer", "--correlations")

    def test_killed_processes_reuse_nothing(self) -> None:
        """Clients and servers die at any time; no number comes twice."""
        self.prepare(60)
        moments = random.Random(3)
        for _ in range(8):
            server, server_port = self.serve()
            client = self.client(server_port, 0, "--attempts", 1)
            self.ready(client)
            for _ in range(20):
                self.send(client)
            time.sleep(moments.uniform(0.02, 0.25))
            for party in moments.sample([client, server], 2):
                party.kill()
                party.wait()
            self.stop()
        _, server_port = self.serve()
        self.assert_answered(self.ask_once(server_port, 0))
        done = self.events("serve", "inference")
        numbers = [line["inference"] for line in done]
        self.assertGreater(len(numbers), 3)
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertEqual(numbers, sorted(numbers))


if __name__ == "__main__":
    unittest.main()
