# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keys and certificates, and which of them a party refuses at its start."""

from __future__ import annotations

import re
import subprocess
import time

from hosts import HostsTest
from support import run


class KeysTest(HostsTest):

    def test_new_and_show(self) -> None:
        done = run("aero", "keys", "new", "me", "--out", self.folder / "keys")
        self.assertEqual(done.returncode, 0, done.stderr)
        private, certificate = (self.folder / "keys" / f"me.{kind}"
                                for kind in ("key", "crt"))
        self.assertEqual(private.stat().st_mode & 0o777, 0o600)
        self.assertIn("BEGIN PRIVATE KEY", private.read_text())
        shown = run("aero", "keys", "show", certificate, private)
        first, second = shown.stdout.splitlines()
        fingerprint = first.split()[0]
        self.assertRegex(fingerprint, "^sha256:[0-9a-f]{64}$")
        self.assertEqual(second.split()[0], fingerprint)
        self.assertIn(fingerprint, done.stdout)
        until = int(re.search(r"valid until (\d{4})-", first).group(1))
        self.assertGreaterEqual(until, time.gmtime().tm_year + 9)
        again = run("aero", "keys", "new", "me", "--out", self.folder / "keys")
        self.assert_error(again, "me.key", "exists already")

    def test_openssl_agrees(self) -> None:
        """The fingerprint is SHA-256 of the public key in DER."""
        shown = run("aero", "keys", "show", self.cert("client")).stdout
        der = subprocess.run(
            f"openssl x509 -in {self.cert('client')} -pubkey -noout | "
            "openssl pkey -pubin -outform DER | openssl dgst -sha256 -r",
            shell=True, capture_output=True, text=True, check=True).stdout
        self.assertEqual(shown.split()[0], "sha256:" + der.split()[0])

    def test_errors(self) -> None:
        self.assert_error(run("aero", "keys", "show", self.folder / "none"),
                          "none", "No such file")
        self.assert_error(run("aero", "keys", "new", "../x"), "cannot name")
        base = ["dealer", "--program", self.program, "--key",
                self.key("dealer")]
        self.assert_error(run("aero", *base), "--server-key is needed")
        self.assert_error(
            run("aero", *base, "--server-key", self.cert("server")),
            "--allow-client is needed")
        self.assert_error(
            run("aero", *base, "--server-key", self.cert("dealer"),
                "--allow-client", self.cert("client")),
            "two roles have the key")
        self.assert_error(
            run("aero", *base, "--server-key", self.cert("client"),
                "--allow-client", self.cert("client")),
            "two roles have the key")
        self.assert_error(
            run("aero", *base, "--server-key", "sha256:12",
                "--allow-client", self.cert("client")),
            "--server-key", "is not a fingerprint")
        self.assert_error(
            run("aero", "dealer", "--program", self.program, "--server-key",
                self.cert("server")), "of no use without")
        open_key = self.folder / "open.key"
        open_key.write_text(self.key("dealer").read_text())
        open_key.chmod(0o644)
        self.assert_error(
            run("aero", "dealer", "--program", self.program, "--key", open_key,
                "--cert", self.cert("dealer"), "--server-key",
                self.cert("server"), "--allow-client", self.cert("client")),
            "open.key", "can be read by others")

    def test_plain_tcp_stays_on_loopback(self) -> None:
        for host in ("0.0.0.0", "10.0.0.1", "::"):
            self.assert_error(
                run("aero", "dealer", "--program", self.program, "--host",
                    host), "refusing address", "--key")
