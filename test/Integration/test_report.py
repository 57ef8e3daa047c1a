# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero report: tables, JSON, the page, profiles of networks, and errors."""

from __future__ import annotations

import html.parser
import json
import unittest
import xml.etree.ElementTree as ElementTree

import onnx

from support import BASELINE, CONFIG, SOFTMAX_ONLY, ToolTest, run, run_json

PROFILE = {"name": "office", "bits_per_second": 5e8,
           "round_trip_seconds": 0.004}
HOSTILE = ["</title></svg><script>alert(1)</script>", "\"' onload='x' <&>",
           "]]> --> \x01\x1b[31m", "\u202eevil\u2066", "javascript:alert(1)"]
VOID = {"meta"}


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and keeps what is in them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


class TableTest(ToolTest):

    def test_groups_and_networks(self) -> None:
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG)
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in ("client to server", "layer 0", "max_row", "total",
                     "lan online", "wan offline", "exchanges in a row",
                     "100 Mbit/s, 80 ms round trip", "once a session"):
            self.assertIn(text, done.stdout)

    def test_nodes(self) -> None:
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--nodes", "--network", "lan")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/h.0/attn/", done.stdout)
        self.assertNotIn("layer 0", done.stdout)
        self.assertNotIn("wan", done.stdout)

    def test_comparison(self) -> None:
        done = run("aero", "report", BASELINE, "--config", "as-is",
                   "--compare", CONFIG, "--network", "wan")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"A: as-is\nB: {CONFIG}\n", done.stdout)
        (normalize, *_) = [line.split() for line in done.stdout.splitlines()
                           if line.startswith("normalize")]
        # Only the first has it, so that there is no ratio.
        self.assertEqual(normalize[3], "-")


class JsonTest(ToolTest):

    def test_groups_add_up(self) -> None:
        report = run_json("aero", "report", BASELINE, "--config", "as-is")
        for groups in ("nodes", "layers", "kinds", "instructions"):
            for key in ("online_bytes", "offline_bytes", "setup_bytes",
                        "multiply_adds", "exchanges"):
                self.assertEqual(sum(group[key] for group in report[groups]),
                                 report["total"][key], (groups, key))
            for network in ("loopback", "lan", "wan"):
                self.assertAlmostEqual(
                    sum(group["seconds"][network]["online"]
                        for group in report[groups]),
                    report["total"]["seconds"][network]["online"])

    def test_comparison(self) -> None:
        both = run_json("aero", "report", BASELINE, "--config", "as-is",
                        "--compare", CONFIG)
        alone = run_json("aero", "report", BASELINE, "--config", CONFIG)
        self.assertEqual(both["compare"]["total"], alone["total"])
        self.assertEqual(both["compare"]["config"], CONFIG)
        self.assertAlmostEqual(
            both["ratio"]["online_bytes"],
            both["total"]["online_bytes"] / alone["total"]["online_bytes"])
        self.assertAlmostEqual(
            both["ratio"]["seconds"]["wan"]["online"],
            both["total"]["seconds"]["wan"]["online"] /
            alone["total"]["seconds"]["wan"]["online"])
        self.assertGreater(both["ratio"]["critical_path_exchanges"], 1)


class ProfileTest(ToolTest):

    def profile(self, value: object) -> object:
        path = self.folder / "profile.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def report(self, *arguments: object) -> dict:
        return run_json("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                        *arguments)

    def test_file(self) -> None:
        report = self.report("--network", self.profile(PROFILE), "--network",
                             "wan")
        self.assertEqual([one["name"] for one in report["networks"]],
                         ["office", "wan"])
        office, wan = report["networks"]
        self.assertEqual(office["bits_per_second"], 5e8)
        self.assertLess(office["online_seconds"], wan["online_seconds"])

    def test_compute(self) -> None:
        slow = {**PROFILE, "compute": {"speed": 1e-3}}
        fast = self.report("--network", self.profile(PROFILE))
        slow = self.report("--network", self.profile(slow))
        self.assertGreater(slow["networks"][0]["online_seconds"],
                           2 * fast["networks"][0]["online_seconds"])
        self.assertEqual(slow["total"]["online_bytes"],
                         fast["total"]["online_bytes"])

    def fail(self, value: object, *fragments: str, problems: int = 1) -> None:
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--network", self.profile(value))
        self.assert_error(done, "profile.json", *fragments, problems=problems)
        self.assertEqual(done.stdout, "")

    def test_errors(self) -> None:
        self.fail("{", "not a JSON object")
        self.fail({**PROFILE, "latency": 1}, "unknown key 'latency'",
                  "a profile has name, bits_per_second")
        self.fail({}, "is missing", problems=3)
        self.fail({**PROFILE, "bits_per_second": "fast"},
                  "'bits_per_second' is not a number")
        self.fail('{"name": "a", "name": "b"}', "'name' is given twice")

    def test_options(self) -> None:
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--network", "moon")
        self.assert_error(done, "--network 'moon' is neither loopback, lan or "
                                "wan nor a file")
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--network", self.folder)
        self.assert_error(done, "not a file")
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--network", "lan", "--network",
                   self.profile({**PROFILE, "name": "lan"}))
        self.assert_error(done, "two profiles named 'lan'")


class HtmlTest(ToolTest):

    def write(self, model: object, *arguments: object) -> str:
        path = self.folder / "report.html"
        done = run("aero", "report", model, *arguments, "--html", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path.read_text(encoding="utf-8")

    def test_page(self) -> None:
        text = self.write(BASELINE, "--config", "as-is", "--compare", CONFIG)
        page = Page(text)
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        for tag, attributes in page.tags:
            self.assertNotIn(tag, ("script", "link", "img", "iframe"))
            for name in attributes:
                self.assertNotIn(name, ("src", "href"))
                self.assertFalse(name.startswith("on"))
        headings = "".join(page.texts["th"])
        for name in ("as-is", CONFIG, "ratio"):
            self.assertIn(name, headings)
        tags = [tag for tag, _ in page.tags]
        # What a reader without eyes needs, and the dark screen.
        self.assertIn(("html", {"lang": "en"}), page.tags)
        self.assertIn("caption", tags)
        (svg,) = [attributes for tag, attributes in page.tags if tag == "svg"]
        self.assertEqual(svg["role"], "img")
        ids = {attributes.get("id") for _, attributes in page.tags}
        self.assertLessEqual(set(svg["aria-labelledby"].split()), ids)
        self.assertIn("prefers-color-scheme: dark", text)

    def test_chart_stands_alone(self) -> None:
        text = self.write(SOFTMAX_ONLY, "--config", CONFIG)
        begin, end = text.index("<svg"), text.index("</svg>") + len("</svg>")
        svg = ElementTree.fromstring(text[begin:end])
        self.assertEqual(svg.tag, "{http://www.w3.org/2000/svg}svg")
        bars = svg.findall("{http://www.w3.org/2000/svg}rect")
        self.assertGreater(len(bars), 30)
        for bar in bars:
            self.assertTrue(bar[0].text)
            self.assertLess(float(bar.get("x")) + float(bar.get("width")),
                            float(svg.get("width")))

    def test_hostile_names(self) -> None:
        model = onnx.load(SOFTMAX_ONLY)
        for node, name in zip(model.graph.node, HOSTILE * 40):
            node.name = f"{name} {node.name}"
        path = self.folder / "<b>evil&.onnx"
        onnx.save(model, path)
        text = self.write(path, "--config", CONFIG)
        page = Page(text)
        self.assertNotIn("script", [tag for tag, _ in page.tags])
        self.assertFalse([name for _, attributes in page.tags
                          for name in attributes if name.startswith("on")])
        names = "".join(page.texts["bdi"])
        self.assertIn("<script>alert(1)</script>", names)
        self.assertIn("<b>evil&.onnx", names)
        self.assertFalse(set(map(chr, range(32))) - {"\n"} & set(text))
        report = run_json("aero", "report", path, "--config", CONFIG)
        self.assertTrue(any(HOSTILE[0] in node["name"]
                            for node in report["nodes"]))

    def test_names_that_are_no_text(self) -> None:
        model = onnx.load(SOFTMAX_ONLY)
        for node in model.graph.node:
            node.name = "QQQ" + node.name
        path = self.folder / "bytes.onnx"
        path.write_bytes(model.SerializeToString().replace(b"QQQ",
                                                           b"\xff\xc0q"))
        self.assertIn("\ufffd", self.write(path, "--config", CONFIG))
        report = run_json("aero", "report", path, "--config", CONFIG)
        self.assertIn("\ufffd", report["nodes"][3]["name"])

    def test_nothing_half_written(self) -> None:
        page = self.folder / "none" / "report.html"
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--html", page)
        self.assert_error(done, "cannot write", "report.html")
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--html", self.folder)
        self.assert_error(done, "it is a folder")
        page = self.folder / "report.html"
        page.write_text("before")
        done = run("aero", "report", SOFTMAX_ONLY, "--config", CONFIG,
                   "--compare", "SM+Nonsense", "--html", page)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(page.read_text(), "before")
        self.assertEqual([path.name for path in self.folder.iterdir()],
                         ["report.html"])


if __name__ == "__main__":
    unittest.main()
