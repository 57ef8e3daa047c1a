# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The parties on hosts of their own: strangers, many clients, failures, signals."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import unittest

from hosts import PROMPT, HostsTest
from support import CONFIG, SOFTMAX_ONLY, run, run_json


class AnswerTest(HostsTest):

    def test_answer_and_every_byte(self) -> None:
        _, dealer_port = self.dealer("--once")
        server, server_port = self.server(dealer_port, "--once")
        client = self.client(server_port, dealer_port)
        self.ready(client)
        answers = [self.ask(client) for _ in range(2)]
        best = [max(range(256), key=answer["logits"].__getitem__)
                for answer in answers]
        # The prompt alone will do; rounding apart it is the same.
        short = self.ask(client, {"tokens": list(PROMPT)})
        self.assertEqual(max(range(256), key=short["logits"].__getitem__),
                         best[0])
        plain = run_json("aero", "run", SOFTMAX_ONLY, "--config", CONFIG,
                         "--prompt", PROMPT.decode(), "--new-tokens", 2)
        self.assertEqual(best, [plain["private"]["tokens"][0]] * 2)
        statistics = [self.finish(client)]
        for party in self.children[:2]:
            statistics.append(json.loads(party.stdout.readline()))
            self.assertEqual(party.wait(timeout=10), 0)
        totals = {}
        for party in statistics:
            wire = sum(peer["sent_wire_bytes"] + peer["received_wire_bytes"]
                       for peer in party["peers"].values())
            self.assertEqual(party["payload_bytes"] + party["framing_bytes"]
                             + party["tls_bytes"], wire, party["role"])
            # Records of 16 KiB add 0.14 %, exchanges and handshakes the rest.
            self.assertGreater(party["tls_bytes"], 1000)
            self.assertLess(party["tls_bytes"], 0.05 * wire)
            totals[party["role"]] = party
        client_side = totals["client"]["peers"]["server"]
        server_side = totals["server"]["peers"]["client"]
        self.assertEqual(client_side["sent_bytes"],
                         server_side["received_bytes"])
        # The record that closes the connection comes after the count.
        closing = (server_side["received_wire_bytes"]
                   - client_side["sent_wire_bytes"])
        self.assertIn(closing, (0, 24))

    def test_slow_network(self) -> None:
        """Some milliseconds each way do not break anything."""
        _, dealer_port = self.dealer()
        dealer_relay = self.relay(dealer_port, delay=0.002)
        _, server_port = self.server(dealer_relay.port)
        server_relay = self.relay(server_port, delay=0.004)
        self.assert_answered(
            self.ask_once(server_relay.port, dealer_relay.port))


class RequestTest(HostsTest):

    def test_bad_requests(self) -> None:
        """End the client, in order: the peers see no failure."""
        for request, message in (
                ('{"tokens": "abc"}', "malformed request"),
                ("no json", "malformed request"),
                ('{"tokens": []}', "from 1 to 64 tokens"),
                (json.dumps({"tokens": [1] * 65}), "from 1 to 64 tokens"),
                ('{"tokens": [-1]}', "integers of at least 0"),
                ('{"tokens": [256]}', "below the vocabulary size 256"),
                ('{"tokens": [1], "position": 0}', "takes 64"),
                ('{"tokens": [1], "position": -1}', "malformed request")):
            with self.subTest(request):
                _, dealer_port = self.dealer("--once")
                server, server_port = self.server(dealer_port, "--once")
                client = self.client(server_port, dealer_port)
                self.ready(client)
                client.stdin.write(request + "\n")
                client.stdin.close()
                self.assertEqual(client.wait(timeout=10), 1)
                self.assertIn(message, client.stderr.read())
                self.assertEqual(server.wait(timeout=10), 0)


class StrangerTest(HostsTest):
    """Who has the wrong key learns that and nothing else; the services go on."""

    def setUp(self) -> None:
        super().setUp()
        _, self.dealer_port = self.dealer()
        _, self.server_port = self.server(self.dealer_port)

    def tearDown(self) -> None:
        self.assert_answered(self.ask_once(self.server_port,
                                           self.dealer_port))

    def refused(self, *fragments: str, **keys: str) -> None:
        self.assert_refused(
            self.ask_once(self.server_port, self.dealer_port, **keys),
            *fragments)

    def test_unknown_client(self) -> None:
        self.refused("the server at 127.0.0.1", "does not accept this party's "
                     "key", "aero keys show", key="stranger")
        fingerprint = run("aero", "keys", "show", self.cert("stranger")
                          ).stdout.split()[0]
        line = self.wait_for_log("serve", lambda line:
                                 line["event"] == "greeting_failed")
        self.assertEqual(line["kind"], "authentication")
        self.assertIn(fingerprint, line["error"])
        self.assertIn("--allow-client", line["error"])

    def test_unknown_server(self) -> None:
        self.refused("the server at 127.0.0.1", "which is not accepted here",
                     "--server-key", server="stranger")
        line = self.wait_for_log("serve", lambda line:
                                 line["event"] == "greeting_failed")
        self.assertIn("does not accept this party's key", line["error"])

    def test_unknown_dealer(self) -> None:
        # The server has said which dealer it has before the client calls it.
        self.refused("which is not accepted here", "--dealer-key",
                     dealer="stranger")

    def test_client_unknown_to_the_dealer(self) -> None:
        _, dealer_port = self.dealer(clients=("other",))
        _, server_port = self.server(dealer_port)
        self.assert_refused(self.ask_once(server_port, dealer_port),
                            "the dealer at 127.0.0.1",
                            "does not accept this party's key")

    def test_server_unknown_to_the_dealer(self) -> None:
        _, server_port = self.server(self.dealer_port, key="stranger")
        self.assert_refused(
            self.ask_once(server_port, self.dealer_port, "--attempts", 1,
                          server="stranger"),
            "the server at 127.0.0.1", "could not open a session at its "
            "dealer")
        self.wait_for_log("serve", lambda line:
                          "does not accept this party's key"
                          in line.get("error", ""))

    def test_another_dealer(self) -> None:
        _, dealer_port = self.dealer(key="stranger")
        self.assert_refused(
            self.ask_once(self.server_port, dealer_port, dealer="stranger"),
            "give both the same dealer")

    def test_plain_peers(self) -> None:
        client = ["client", "--program", self.program, "--server",
                  f"127.0.0.1:{self.server_port}", "--dealer",
                  f"127.0.0.1:{self.dealer_port}"]
        self.assert_refused(run("aero", *client), "takes no plain connection",
                            "--key")
        self.wait_for_log("serve", lambda line: "does not speak TLS 1.3"
                          in line.get("error", ""))
        plain = self.popen("dealer", "--program", self.program, "--log",
                           self.folder / "plain.log")
        port = json.loads(plain.stdout.readline())["port"]
        _, server_port = self.server(port)
        self.assert_refused(
            self.ask_once(server_port, port, "--attempts", 1),
            "could not open a session at its dealer")
        self.wait_for_log("plain", lambda line: "speaks TLS and this party "
                          "does not" in line.get("error", ""))

    def test_old_tls(self) -> None:
        for port, role in ((self.server_port, "serve"),
                           (self.dealer_port, "dealer")):
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
                 "-tls1_2", "-cert", str(self.cert("client")), "-key",
                 str(self.key("client"))],
                input="", capture_output=True, text=True, timeout=20)
            self.assertIn("alert protocol version", done.stderr)
            self.wait_for_log(role, lambda line: "does not speak TLS 1.3"
                              in line.get("error", ""))

    def test_hostile_bytes(self) -> None:
        """While strangers shout, a client is answered."""
        client = self.client(self.server_port, self.dealer_port)
        self.ready(client)
        noise = random.Random(7)
        shouts = [b"", b"GET / HTTP/1.1\r\n\r\n", b"AEF1" + bytes(12),
                  bytes([22, 3, 1, 255, 255]) + bytes(300)]
        shouts += [noise.randbytes(noise.randrange(1, 2000))
                   for _ in range(20)]
        held = []
        for shout in shouts:
            for port in (self.server_port, self.dealer_port):
                stranger = socket.create_connection(("127.0.0.1", port))
                stranger.settimeout(5)
                stranger.sendall(shout)
                held.append(stranger)
        self.assertEqual(len(self.ask(client)["logits"]), 256)
        for stranger in held:
            stranger.close()
        self.assertEqual(len(self.ask(client)["logits"]), 256)
        self.finish(client)

    def test_expired_certificate(self) -> None:
        """A party does not start with one, so it is made by openssl."""
        old = self.folder / "old"
        subprocess.run(
            f"openssl req -new -newkey ed25519 -nodes -keyout {old}.key "
            f"-out {old}.csr -subj /CN=old && openssl x509 -req -in {old}.csr "
            f"-signkey {old}.key -days -1 -out {old}.crt && chmod 600 "
            f"{old}.key", shell=True, check=True, capture_output=True)
        args = self.client_args(self.server_port, self.dealer_port)
        args[args.index(self.key("client"))] = f"{old}.key"
        self.assert_refused(run("aero", *args), "has expired", "old.crt",
                            "aero keys new")


class ManyClientsTest(HostsTest):

    def test_at_once(self) -> None:
        _, dealer_port = self.dealer()
        _, server_port = self.server(dealer_port, "--sessions", 2, "--queue", 4)
        clients = [self.client(server_port, dealer_port, key=key)
                   for key in ("client", "other", "client", "other")]
        answers: list[dict] = []

        def talk(client: subprocess.Popen) -> None:
            self.ready(client)
            answers.append(self.ask(client))
            self.finish(client)

        threads = [threading.Thread(target=talk, args=(client,))
                   for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 4)
        for role in ("serve", "dealer"):
            ends = [self.wait_for_log(role, lambda line, name=name:
                                      line["event"] == "session_end"
                                      and line["session"] == name)
                    for name in {line["session"] for line in
                                 self.events(role, "session_start")}]
            self.assertEqual(len(ends), 4)
            for line in ends:
                self.assertEqual((line["end"], line["inferences"]),
                                 ("client", 1))
        # Every session has a process of its own.
        starts = self.events("serve", "session_start")
        self.assertEqual(len({line["pid"] for line in starts}), 4)

    def test_full(self) -> None:
        _, dealer_port = self.dealer()
        _, server_port = self.server(dealer_port, "--sessions", 1, "--queue", 1,
                                     "--queue-timeout", 1)
        first = self.client(server_port, dealer_port)
        self.ready(first)
        waiting = self.client(server_port, dealer_port, "--attempts", 1)
        refused = None
        end = time.monotonic() + 10
        # The second waits and gives up; a third is refused meanwhile.
        while refused is None and time.monotonic() < end:
            done = self.ask_once(server_port, dealer_port, "--attempts", 1,
                                 key="other")
            self.assert_refused(done, "serves as many sessions as it may")
            refused = done
        self.assertEqual(waiting.wait(timeout=10), 1)
        self.assertIn("serves as many sessions", waiting.stderr.read())
        patient = self.client(server_port, dealer_port, "--attempts", 8)
        time.sleep(0.3)
        self.assertEqual(len(self.ask(first)["logits"]), 256)
        self.finish(first)
        self.ready(patient)
        self.assertEqual(len(self.ask(patient)["logits"]), 256)

    def test_no_client_takes_all(self) -> None:
        _, dealer_port = self.dealer()
        _, server_port = self.server(dealer_port, "--sessions-per-client", 1)
        first = self.client(server_port, dealer_port)
        self.ready(first)
        self.assert_refused(
            self.ask_once(server_port, dealer_port, "--attempts", 1),
            "serves as many sessions as it may")
        self.assert_answered(
            self.ask_once(server_port, dealer_port, key="other"))
        self.assertEqual(len(self.ask(first)["logits"]), 256)

    def test_dealer_full(self) -> None:
        _, dealer_port = self.dealer("--sessions", 1)
        _, server_port = self.server(dealer_port)
        first = self.client(server_port, dealer_port)
        self.ready(first)
        self.assert_refused(
            self.ask_once(server_port, dealer_port, "--attempts", 1),
            "serves as many sessions as it may")
        self.assertEqual(len(self.ask(first)["logits"]), 256)

    def test_a_client_or_session_dies(self) -> None:
        _, dealer_port = self.dealer()
        server, server_port = self.server(dealer_port)
        first = self.client(server_port, dealer_port)
        second = self.client(server_port, dealer_port, key="other")
        self.ready(first)
        self.ready(second)
        second.kill()
        for role in ("serve", "dealer"):
            line = self.wait_for_log(role, lambda line:
                                     line["event"] == "session_failed")
            self.assertIn("closed the connection", line["error"])
        self.assertEqual(len(self.ask(first)["logits"]), 256)
        # Its session's process is killed: the next request opens another one.
        mine = run("aero", "keys", "show", self.cert("client")).stdout.split()[0]
        process, = (line["pid"] for line in self.events("serve", "session_start")
                    if line["client_key"] == mine)
        os.kill(process, signal.SIGKILL)
        self.assertEqual(len(self.ask(first)["logits"]), 256)
        self.finish(first)
        line = self.wait_for_log("serve", lambda line:
                                 line["event"] == "session_killed")
        self.assertEqual(line["session_pid"], process)
        self.assertIsNone(server.poll())

    def test_memory_limit(self) -> None:
        _, dealer_port = self.dealer()
        server, server_port = self.server(dealer_port, "--session-memory", 4)
        self.assert_refused(
            self.ask_once(server_port, dealer_port, "--attempts", 1),
            "closed the connection")
        self.wait_for_log("serve", lambda line: line.get("kind") == "memory")
        self.assertIsNone(server.poll())

    def test_idle_and_session_time(self) -> None:
        for option in ("--idle-timeout", "--session-time"):
            with self.subTest(option):
                _, dealer_port = self.dealer()
                _, server_port = self.server(dealer_port, option, 1)
                client = self.client(server_port, dealer_port)
                self.ready(client)
                self.ask(client)
                reason = {"--idle-timeout": "idle",
                          "--session-time": "time limit"}[option]
                self.wait_for_log("serve", lambda line:
                                  line.get("end") == reason)
                # The client has not given up: it opens another session.
                self.assertEqual(len(self.ask(client)["logits"]), 256)
                self.finish(client)


class FailureTest(HostsTest):

    def test_broken_inference_is_tried_again(self) -> None:
        """In new sessions: no correlation is used twice."""
        _, dealer_port = self.dealer()
        _, server_port = self.server(dealer_port)
        # Set-up takes 3.0 MB, an inference 1.9 MB more from the server.
        relay = self.relay(server_port, limits=[4_000_000, 1_000_000])
        client = self.client(relay.port, dealer_port, "--attempts", 3, "--log",
                             self.folder / "client.log")
        self.ready(client)
        self.assertEqual(len(self.ask(client)["logits"]), 256)
        self.finish(client)
        warnings = client.stderr.read().strip().splitlines()
        self.assertEqual(len(warnings), 2)
        for number, line in enumerate(warnings, 1):
            # The dealer's word, if the server is gone before the client joins.
            self.assertRegex(line, f"^aero: warning: attempt {number} of 3 "
                             "failed: the (server at .* closed the connection|"
                             "dealer at .* knows no such session).*; trying "
                             "again in ")
        sessions = [line["session"]
                    for line in self.events("dealer", "session_start")]
        self.assertEqual(len(sessions), 3)
        self.assertEqual(len(set(sessions)), 3)
        dealt = self.events("dealer", "correlations")
        pairs = [(line["session"], line["inference"]) for line in dealt]
        self.assertEqual(len(pairs), len(set(pairs)))
        self.assertEqual(pairs[-1], (sessions[-1], 1))

    def test_attempts_are_bounded(self) -> None:
        _, dealer_port = self.dealer()
        _, server_port = self.server(dealer_port)
        relay = self.relay(server_port, limits=[1000] * 10)
        done = self.ask_once(relay.port, dealer_port, "--attempts", 2)
        self.assert_refused(done, "gave up after 2 attempts")
        self.assertEqual(len(done.stderr.strip().splitlines()), 2)

    def test_nobody_listens(self) -> None:
        done = self.ask_once(1, 1, "--attempts", 1, "--timeout", 0.3)
        self.assert_refused(done, "cannot reach the server at 127.0.0.1:1",
                            "aero serve --program", "firewall")
        _, server_port = self.server(1)
        done = self.ask_once(server_port, 1, "--attempts", 1, "--timeout", 15)
        self.assert_refused(done, "could not open a session at its dealer")
        self.wait_for_log("serve", lambda line: "cannot reach the dealer at "
                          "127.0.0.1:1" in line.get("error", ""))


class SignalTest(HostsTest):

    def test_idle_services_end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            dealer, dealer_port = self.dealer()
            server, server_port = self.server(dealer_port)
            client = self.client(server_port, dealer_port, "--timeout", 1,
                                 "--attempts", 2)
            self.ready(client)
            self.ask(client)
            server.send_signal(number)
            self.assertEqual(server.wait(timeout=10), 0)
            dealer.send_signal(number)
            self.assertEqual(dealer.wait(timeout=10), 0)
            self.assertEqual(self.events("serve", "session_end")[-1]["end"],
                             "stopped")
            # The client finds out at its next request.
            self.send(client)
            client.stdin.close()
            self.assertEqual(client.wait(timeout=20), 1)
            self.assertIn("cannot reach the server", client.stderr.read())

    def start_slow(self) -> tuple[subprocess.Popen, ...]:
        """A client in the middle of an inference of some seconds."""
        dealer, dealer_port = self.dealer()
        server, server_port = self.server(dealer_port)
        relay = self.relay(server_port, delay=0.01)
        client = self.client(relay.port, dealer_port, "--attempts", 1)
        self.ready(client)
        self.send(client)
        self.wait_for_log("dealer", lambda line:
                          line["event"] == "correlations")
        return client, server, dealer

    def test_running_inference_is_finished(self) -> None:
        for index, name in enumerate(("client", "server", "dealer")):
            with self.subTest(name):
                parties = self.start_slow()
                parties[index].send_signal(signal.SIGTERM)
                line = parties[0].stdout.readline()
                self.assertEqual(json.loads(line)["event"], "result")
                if index == 0:
                    parties[0].stdin.close()
                self.assertEqual(parties[index].wait(timeout=20), 0)
                self.stop()
                for log in self.folder.glob("*.log"):
                    log.unlink()

    def test_second_signal_aborts(self) -> None:
        for index, name in enumerate(("client", "server")):
            with self.subTest(name):
                parties = self.start_slow()
                for _ in range(2):
                    parties[index].send_signal(signal.SIGTERM)
                    time.sleep(0.1)
                begin = time.monotonic()
                self.assertEqual(parties[index].wait(timeout=10), 3)
                self.assertLess(time.monotonic() - begin, 5)
                self.assertNotIn("result", parties[0].stdout.read())
                self.stop()
                for log in self.folder.glob("*.log"):
                    log.unlink()

    def test_grace_is_bounded(self) -> None:
        dealer, dealer_port = self.dealer()
        server, server_port = self.server(dealer_port, "--grace", 0.2)
        relay = self.relay(server_port, delay=0.05)
        client = self.client(relay.port, dealer_port, "--attempts", 1)
        self.ready(client)
        self.send(client)
        self.wait_for_log("dealer", lambda line:
                          line["event"] == "correlations")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(timeout=10), 3)

    def test_killed_listener_takes_its_sessions_along(self) -> None:
        _, dealer_port = self.dealer()
        server, server_port = self.server(dealer_port)
        client = self.client(server_port, dealer_port, "--attempts", 1)
        self.ready(client)
        server.kill()
        self.assertEqual(client.wait(timeout=10), 1)
        self.assertIn("closed the connection", client.stderr.read())


class LogTest(HostsTest):

    def test_no_secrets(self) -> None:
        """Prompts, tokens, logits and keys are in no log and no message."""
        dealer, dealer_port = self.dealer()
        server, server_port = self.server(dealer_port)
        relay = self.relay(server_port, limits=[4_000_000])
        client = self.client(relay.port, dealer_port, "--log",
                             self.folder / "client.log")
        self.ready(client)
        prompt = b"secret prompt zqxj"
        request = {"tokens": list(prompt) + [0] * (64 - len(prompt)),
                   "position": len(prompt) - 1}
        answer = self.ask(client, request)
        bad = dict(request, tokens=request["tokens"][:-1])
        self.send(client, bad)
        client.stdin.close()
        self.assertEqual(client.wait(timeout=20), 1)
        self.assert_refused(self.ask_once(server_port, dealer_port,
                                          key="stranger"))
        for party in (server, dealer):
            party.send_signal(signal.SIGTERM)
            self.assertEqual(party.wait(timeout=20), 0)
        text = client.stderr.read() + server.stderr.read()
        text += dealer.stderr.read()
        for role in ("client", "serve", "dealer"):
            lines = self.log(role)
            self.assertTrue(lines, role)
            for line in lines:
                for field in ("time", "level", "role", "pid", "event"):
                    self.assertIn(field, line)
                for field in ("tokens", "logits", "position", "prompt",
                              "seed", "share"):
                    self.assertNotIn(field, line)
            text += (self.folder / f"{role}.log").read_text()
        secrets = [prompt.decode(), "zqxj", ", ".join(map(str, prompt[:4])),
                   ",".join(map(str, prompt[:4])), prompt.hex()]
        secrets += [f"{value:.6f}"[:-1] for value in answer["logits"]]
        for name in ("client", "server", "dealer", "stranger"):
            body = self.key(name).read_text().splitlines()[1]
            secrets.append(body[-30:])
        for secret in secrets:
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
