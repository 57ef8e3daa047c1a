# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Three processes answer privately: right, at the predicted cost, or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import unittest

from support import (BASELINE, BIN, CONFIG, PROMPTS, SOFTMAX_ONLY, ToolTest,
                     run, run_json)


class AccuracyTest(ToolTest):

    def test_held_out_prompts(self) -> None:
        result = run_json("aero", "check", SOFTMAX_ONLY, "--config", CONFIG,
                          "--engines", "float,fixed,dealer", "--prompts",
                          PROMPTS)
        self.assertEqual(result["prompts"], 200)
        for engine in ("fixed", "dealer"):
            row = result["engines"][engine]
            self.assertLessEqual(row["max_logit_difference"], 0.02)
            self.assertGreaterEqual(row["same_next_token"], 199)


class CostTest(ToolTest):

    def test_predicted_equals_measured(self) -> None:
        report = run_json("aero", "report", SOFTMAX_ONLY, "--config", CONFIG)
        result = run_json("aero", "run", SOFTMAX_ONLY, "--config", CONFIG,
                          "--prompt", "import os", "--new-tokens", 3)
        self.assertGreater(len(report["instructions"]), 50)
        self.assert_predicted_costs(report, result, inferences=3)
        # What else the sockets carried: a header a frame, a hello either way
        # on each connection, seeds, and three announcements an inference.
        hello, seed, begin, header = 136, 32, 16, 16
        payloads = {"client": 4 * hello + seed + 2 * 3 * begin,
                    "server": 4 * hello + seed + 3 * 3 * begin,
                    "dealer": 4 * hello + 2 * seed + 1 * 3 * begin}
        for name, party in result["parties"].items():
            frames = sum(peer["sent_frames"] + peer["received_frames"]
                         for peer in party["peers"].values())
            self.assertEqual(party["framing_bytes"],
                             header * frames + payloads[name], name)

    def test_token_alone(self) -> None:
        report = run_json("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                          "--logits", "none")
        result = run_json("aero", "run", SOFTMAX_ONLY, "--config", CONFIG,
                          "--prompt", "import os", "--new-tokens", 3,
                          "--logits", "none")
        self.assert_predicted_costs(report, result, inferences=3)
        self.assertIn("argmax", {one["op"] for one in report["instructions"]})
        # One integer is revealed, and no logit.
        reveal = next(one for one in report["instructions"]
                      if one["op"] == "reveal")
        self.assertEqual(reveal["online_bytes"], 8)
        self.assertEqual(result["private"]["logits"], [])
        self.assertEqual(result["same_tokens"], 3)

    def test_optimized_for_a_network(self) -> None:
        # A line whose messages take long, and one that is all bandwidth.
        far, near = self.folder / "far.json", self.folder / "near.json"
        far.write_text('{"name": "far", "bits_per_second": 1e10, '
                       '"round_trip_seconds": 0.4}')
        near.write_text('{"name": "near", "bits_per_second": 1e6, '
                        '"round_trip_seconds": 0}')
        reports = {}
        for line, collapsed in ((far, True), (near, False)):
            arguments = (SOFTMAX_ONLY, "--config", CONFIG, "--optimize-for",
                         line)
            report = run_json("aero", "report", *arguments, "--network", line)
            result = run_json("aero", "run", *arguments, "--prompt",
                              "import os", "--new-tokens", 2)
            self.assert_predicted_costs(report, result, inferences=2)
            self.assertEqual(result["same_tokens"], 2)
            self.assertLessEqual(result["max_logit_difference"], 0.02)
            for choice in (report["collapse"], result["collapse"]):
                self.assertEqual(choice["network"], line.stem)
                self.assertEqual(choice["chosen"], collapsed)
            # What was predicted for the choice is what the report predicts.
            chosen = report["collapse"][
                "seconds_collapsed" if collapsed else "seconds_apart"]
            seconds = report["total"]["seconds"][line.stem]
            self.assertAlmostEqual(chosen, seconds["online"] +
                                   seconds["offline"])
            reports[line] = report
        self.assertLess(reports[far]["critical_path_exchanges"],
                        reports[near]["critical_path_exchanges"])
        self.assertGreater(reports[far]["total"]["multiply_adds"],
                           reports[near]["total"]["multiply_adds"])

    def test_without_optimisations(self) -> None:
        costs = {}
        for left_out in ((), ("--without", "collapse"), ("--without", "join"),
                         ("--without", "proved-ranges")):
            arguments = (SOFTMAX_ONLY, "--config", CONFIG, *left_out)
            report = run_json("aero", "report", *arguments)
            result = run_json("aero", "run", *arguments, "--prompt",
                              "import os", "--new-tokens", 1)
            self.assert_predicted_costs(report, result, inferences=1)
            self.assertEqual(result["same_tokens"], 1)
            costs[left_out[1:]] = report["total"]["online_bytes"]
        for left_out, cost in costs.items():
            if left_out:
                self.assertGreater(cost, costs[()], left_out)

    def test_contradicting_optimisations(self) -> None:
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--without", "collapse", "--optimize-for", "wan")
        self.assertEqual(done.returncode, 1)
        self.assertIn("give one of them", done.stderr)

    def test_hidden_ranges(self) -> None:
        # Without proved ranges, widths are those of any model.
        for model, config in ((BASELINE, "as-is"), (SOFTMAX_ONLY, CONFIG)):
            report = run_json("aero", "report", model, "--config", config,
                              "--without", "proved-ranges")
            rows = {one["online_bytes"] for one in report["instructions"]
                    if one["op"] == "max_row"}
            self.assertEqual(len(rows), 1, (model, rows))

    def test_nothing_to_optimize(self) -> None:
        # Between norms there is nothing to collapse, on no network.
        arguments = ("aero", "report", BASELINE, "--config", "as-is", "--optimize-for",
                     "wan")
        choice = run_json(*arguments)["collapse"]
        self.assertFalse(choice["chosen"])
        self.assertIsNone(choice["seconds_collapsed"])
        self.assertEqual(choice["obstacle"], "there are none to be collapsed")
        self.assertIn("linear maps between softmaxes are kept apart: there are none",
                      run(*arguments).stdout)

    def test_profile(self) -> None:
        arguments = ("aero", "run", SOFTMAX_ONLY, "--config", CONFIG,
                     "--prompt", "import os", "--new-tokens", 1)
        text = run(*arguments, "--profile").stdout
        table = text[text.index("milliseconds"):]
        self.assertIn("client before", table.splitlines()[0])
        self.assertIn("total", table.splitlines()[-1])
        rows = {row["op"]: row for row in run_json(*arguments)["profile"]}
        self.assertGreater(rows["linear"]["server_seconds"], 0)
        self.assertGreater(rows["linear"]["client_offline_seconds"], 0)
        self.assertGreater(rows["exp2"]["dealer_seconds"], 0)
        self.assertGreater(rows["exp2"]["exchange_seconds"], 0)
        self.assertEqual(rows["add"]["exchange_seconds"], 0)

    def test_nodes_of_every_sample(self) -> None:
        # What the report says of an ONNX node is what its instructions sent.
        for model, config in ((SOFTMAX_ONLY, CONFIG), (BASELINE, "as-is"),
                              (BASELINE, "SM+LN+R"), (BASELINE, CONFIG)):
            with self.subTest(model=model.name, config=config):
                report = run_json("aero", "report", model, "--config", config)
                result = run_json("aero", "run", model, "--config", config,
                                  "--prompt", "import os", "--new-tokens", 1)
                measured: dict[str, list[int]] = {}
                for one in result["instructions"]:
                    sums = measured.setdefault(one["node"], [0] * 4)
                    server = one["server"]
                    for i, bytes_or_steps in enumerate((
                            server["client_to_server"] +
                            server["server_to_client"],
                            server["dealer_to_server"],
                            server["setup_server_to_client"],
                            server["exchanges"])):
                        sums[i] += bytes_or_steps
                predicted = {
                    node["name"]: [node[key] for key in (
                        "online_bytes", "offline_bytes", "setup_bytes",
                        "exchanges")] for node in report["nodes"]}
                self.assertGreater(len(predicted), 10)
                self.assertEqual(predicted, measured)

    def test_two_runs_use_different_correlations(self) -> None:
        # The same prompt twice, in two sessions: the answers agree, the
        # rounding noise that the shares leave in the last bits does not.
        runs = [run_json("aero", "run", SOFTMAX_ONLY, "--config", CONFIG,
                         "--prompt", "class Node", "--new-tokens", 1)
                for _ in range(2)]
        self.assertEqual(runs[0]["private"]["tokens"],
                         runs[1]["private"]["tokens"])
        self.assertNotEqual(runs[0]["private"]["logits"],
                            runs[1]["private"]["logits"])


class PartyTest(ToolTest):
    """The processes by hand, as aero run starts them."""

    def setUp(self) -> None:
        super().setUp()
        self.program = self.folder / "model.aero"
        done = run("aero", "compile", SOFTMAX_ONLY, "--config", CONFIG, "-o",
                   self.program)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.children: list[subprocess.Popen] = []
        self.addCleanup(self.stop)

    def stop(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                stream.close()

    def party(self, *args: object) -> subprocess.Popen:
        child = subprocess.Popen(
            [str(BIN / "aero-party"), *map(str, args), "--program",
             str(self.program)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def start(self) -> tuple[subprocess.Popen, ...]:
        dealer = self.party("dealer", "--once")
        dealer_at = f"127.0.0.1:{json.loads(dealer.stdout.readline())['port']}"
        server = self.party("serve", "--once", "--weights", f"{self.program}.weights",
                            "--dealer", dealer_at)
        server_at = f"127.0.0.1:{json.loads(server.stdout.readline())['port']}"
        client = self.party("client", "--server", server_at, "--dealer",
                            dealer_at, "--attempts", 1)
        self.assertEqual(json.loads(client.stdout.readline()),
                         {"event": "ready"})
        return client, server, dealer

    def request(self, client: subprocess.Popen) -> dict:
        client.stdin.write(json.dumps(
            {"tokens": list(b"def main(") + [0] * 55, "position": 8}) + "\n")
        client.stdin.flush()
        return json.loads(client.stdout.readline())

    def test_killed_party_ends_the_others(self) -> None:
        for victim in range(3):
            with self.subTest(victim=("client", "server", "dealer")[victim]):
                parties = self.start()
                self.assertEqual(len(self.request(parties[0])["logits"]), 256)
                parties[victim].send_signal(signal.SIGKILL)
                begin = time.monotonic()
                for index, party in enumerate(parties):
                    if index != victim:
                        self.assertEqual(party.wait(timeout=5), 1)
                self.assertLess(time.monotonic() - begin, 5)

    def test_client_program_holds_no_weights(self) -> None:
        program = self.program.stat().st_size
        weights = os.stat(f"{self.program}.weights").st_size
        self.assertLess(program, 100_000)
        self.assertGreater(weights, 1_000_000)

    def test_private_answer_by_hand(self) -> None:
        client, server, dealer = self.start()
        first = self.request(client)
        second = self.request(client)
        self.assertEqual(len(first["logits"]), 256)
        self.assertEqual(max(range(256), key=first["logits"].__getitem__),
                         max(range(256), key=second["logits"].__getitem__))
        client.stdin.close()
        for party in (client, server, dealer):
            self.assertEqual(party.wait(timeout=10), 0)
        client.stdin = open(os.devnull)


if __name__ == "__main__":
    unittest.main()
