#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reproduces the counts of the AERO paper: nonlinear operations and FLOPs.

For each of the paper's four networks an ONNX file of its shape is written (its
weights are holes of a file, see ../import/make_large.py; the vocabulary is small,
since the columns leave embedding and vocabulary projection out). Each of the 24
rows is the report of ``aero inspect --config`` on that file, beside the printed
figures of tables.json.

    benchmarks/paper/tables.py [--json]

The exit code is 1 if a figure differs from the printed one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build"))

sys.path.insert(0, str(HERE.parent / "import"))

from make_large import write  # noqa: E402

VOCABULARY = 64


def printed_rows() -> list[dict]:
    """The rows of the paper."""
    return json.loads((HERE / "tables.json").read_text())["rows"]


def configuration(name: str) -> str:
    """The network of a row; EReg(...) says how it was trained."""
    return name[len("EReg("):-1] if name.startswith("EReg(") else name


def inspect(model: Path, config: str) -> dict:
    """What ``aero inspect`` says of a network."""
    done = subprocess.run([BUILD / "bin" / "aero", "inspect", model, "--config",
                           config, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{config}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measured_row(report: dict) -> dict:
    """The paper's columns of a report: block norms only, giga-FLOPs."""
    row = {"softmax": None, "layer_norm": None, "activation": None}
    for use in report["nonlinear"]:
        if use["place"] != "block":
            continue
        map_count = [use["maps"], *use["shape"]]
        if use["kind"] in row:
            row[use["kind"]] = map_count
        else:
            row["activation"] = [use["kind"], *map_count]
    paper = report["products"]["paper"]
    row["ffn_gflops"] = round(paper["ffn_flops"] / 1e9, 3)
    row["attn_gflops"] = round(paper["attention_flops_3t2d"] / 1e9, 3)
    return row


def as_printed(number: float) -> float:
    """One decimal, rounded as the paper rounds.

    It rounds twice: 12 x 2 x 512 x 768^2 is 7.248 G, printed as 7.3.
    """
    twice = Decimal(number).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return float(twice.quantize(Decimal("0.1"), ROUND_HALF_UP))


def differences(printed: dict, measured: dict) -> list[str]:
    """The columns in which a row is not what the paper prints."""
    found = [name for name in ("softmax", "layer_norm", "activation")
             if printed[name] != measured[name]]
    found += [name for name in ("ffn_gflops", "attn_gflops")
              if printed[name] != as_printed(measured[name])]
    return found


def rows(folder: Path) -> list[dict]:
    """All rows: printed, measured, and what differs."""
    models: dict[tuple, Path] = {}
    result = []
    for printed in printed_rows():
        shape = tuple(printed[name] for name in "LHdT")
        if shape not in models:
            path = folder / ("x".join(map(str, shape)) + ".onnx")
            write(path, shape[0], shape[1], shape[2], shape[3], VOCABULARY)
            models[shape] = path
        report = inspect(models[shape], configuration(printed["config"]))
        measured = measured_row(report)
        result.append({"config": printed["config"], "L": printed["L"],
                       "T": printed["T"], "printed": printed,
                       "measured": measured,
                       "differs": differences(printed, measured)})
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aero-paper-") as folder:
        result = rows(Path(folder))
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print(f"{'L':>3} {'T':>4}  {'configuration':<26} {'softmax':>12} "
              f"{'layer_norm':>11} {'activation':>17} {'FFN':>7} {'attention':>9}")
        for row in result:
            cells = ["x".join(map(str, row["measured"][name] or ["-"]))
                     for name in ("softmax", "layer_norm", "activation")]
            mark = "  differs: " + ", ".join(row["differs"]) if row["differs"] else ""
            print(f"{row['L']:>3} {row['T']:>4}  {row['config']:<26} "
                  f"{cells[0]:>12} {cells[1]:>11} {cells[2]:>17} "
                  f"{row['measured']['ffn_gflops']:>7.2f} "
                  f"{row['measured']['attn_gflops']:>9.2f}{mark}")
    wrong = sum(bool(row["differs"]) for row in result)
    print(f"{len(result) - wrong} of {len(result)} rows are as printed",
          file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
