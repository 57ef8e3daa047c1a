# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Three machines: a network namespace each, with the delays of a LAN or WAN."""

from __future__ import annotations

import json
import shutil
import subprocess
import unittest

from hosts import REQUEST, HostsTest
from support import BIN, CONFIG, SOFTMAX_ONLY, run_json

HOSTS = {"dealer": "10.77.0.1", "server": "10.77.0.2", "client": "10.77.0.3"}

LAB = """set -e
mount -t tmpfs none /run
mkdir /run/netns
ip link add bridge type bridge
ip link set bridge up
add() {
  ip netns add "$1"
  ip link add "v-$1" type veth peer name eth0 netns "$1"
  ip link set "v-$1" master bridge up
  ip -n "$1" addr add "$2/24" dev eth0
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
  [ -z "$3" ] || tc -n "$1" qdisc add dev eth0 root netem $3
}
"""


class NetworkTest(HostsTest):

    def lab(self, netem: str = "") -> None:
        """Makes the namespaces; they live as long as the lab's process."""
        for tool in ("unshare", "nsenter", "ip"):
            if not shutil.which(tool):
                self.skipTest(f"no {tool} on this machine")
        script = LAB + "".join(f"add {name} {address} '{netem}'\n"
                               for name, address in HOSTS.items())
        lab = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--net", "--mount",
             "bash", "-c", script + "echo $$; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.children.append(lab)
        self.lab_pid = lab.stdout.readline().strip()
        if not self.lab_pid:
            lab.wait()
            reason = lab.stderr.read().strip().splitlines()
            self.skipTest("network namespaces are not allowed here: "
                          f"{reason[-1] if reason else lab.returncode}")

    def on(self, host: str) -> list[str]:
        return ["nsenter", "--user", "--net", "--mount",
                "--preserve-credentials", "--target", self.lab_pid, "nsenter",
                f"--net=/run/netns/{host}"]

    def start(self, host: str, *args: object) -> subprocess.Popen:
        child = self.popen(*args, prefix=self.on(host))
        line = child.stdout.readline()
        self.assertTrue(line, child.stderr.read() if not line else "")
        return child

    def answer(self) -> float:
        """One inference across the three; its online seconds."""
        common = ["--program", self.program]
        self.start("dealer", "dealer", *common, "--host", HOSTS["dealer"],
                   "--port", 9001, "--key", self.key("dealer"), "--server-key",
                   self.cert("server"), "--allow-client", self.cert("client"))
        self.start("server", "serve", *common, "--weights",
                   f"{self.program}.weights", "--host", "0.0.0.0", "--port",
                   9002, "--dealer", HOSTS["dealer"] + ":9001", "--key",
                   self.key("server"), "--dealer-key", self.cert("dealer"),
                   "--allow-client", self.cert("client"))
        client = self.start(
            "client", "client", *common, "--server", HOSTS["server"] + ":9002",
            "--dealer", HOSTS["dealer"] + ":9001", "--key", self.key("client"),
            "--server-key", self.cert("server"), "--dealer-key",
            self.cert("dealer"))
        result = self.ask(client, REQUEST)
        self.assertEqual(len(result["logits"]), 256)
        self.finish(client)
        return result["seconds"]

    def test_three_machines(self) -> None:
        self.lab()
        self.answer()
        # Nobody else's machine can be one of them without TLS.
        plain = subprocess.run(
            [*self.on("client"), str(BIN / "aero"), "client", "--program",
             str(self.program), "--server", HOSTS["server"] + ":9002",
             "--dealer", HOSTS["dealer"] + ":9001"],
            capture_output=True, text=True, timeout=60)
        self.assert_refused(plain, "refusing address '10.77.0.2'")

    def test_lan(self) -> None:
        self.delayed("delay 0.5ms rate 1gbit", 0.0005)

    def test_wan(self) -> None:
        self.delayed("delay 10ms rate 200mbit", 0.010)

    def delayed(self, netem: str, delay: float) -> None:
        try:
            self.lab(netem)
        except unittest.SkipTest:
            self.stop()
            self.lab()  # skips if it is not netem that is missing
            self.skipTest("the kernel has no tc netem")
        # Each exchange takes at least one way through the network.
        report = run_json("aero", "report", SOFTMAX_ONLY, "--config", CONFIG)
        self.assertGreater(self.answer(),
                           report["critical_path_exchanges"] * delay)


if __name__ == "__main__":
    unittest.main()
