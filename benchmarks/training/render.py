#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes docs/training-results.md and its pictures from what table.py made.

    benchmarks/training/render.py RUNS [--docs FOLDER]

Needs python3-matplotlib.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import ROWS  # noqa: E402

# Jha and Reagen, arXiv 2410.13060: GPT-2 of 12 layers, T=128, CodeParrot. Perplexity,
# and gigabytes of communication on their stack where the table has them.
PAPER = {
    "SM+LN+G": (2.69, 25.32), "SM+LN+R": (2.76, 9.44), "SM+LN": (3.38, None),
    "SM+G": (3.20, None), "SM+R": (2.94, None), "SM": ("NaN", None),
    "SM, weight norm": (3.640, None), "SM, spectral norm": (3.624, None),
    "SM+ScFFN": (3.50, 6.95), "SM+ScFuFFN": (3.48, 6.43),
    "SM+ScFuFFN_i(3)": (3.54, 6.29), "EReg(SM(t)+ScFuFFN)": (3.21, 6.43),
    "EReg(SM(t)+ScFuFFN_i(3))": (3.25, 6.29),
}
# Up to here heads have collapsed, from here on they are overloaded, as parts of the
# largest entropy seen: the paper's quarters.
QUARTERS = ("lowest quarter", "second", "third", "highest quarter")


def load(runs: Path) -> dict[str, list[dict[str, Any]]]:
    """Results by row, in the order of the table, with the history of each run."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(runs.glob("*/result.json")):
        result = json.loads(path.read_text())
        history = path.parent / "run" / "metrics.jsonl"
        result["history"] = [
            json.loads(line) for line in history.read_text().splitlines()
        ] if history.exists() else []
        found[result["row"]].append(result)
    if not found:
        sys.exit(f"error: {runs} holds no results of table.py")
    return {row.name: sorted(found[row.name], key=lambda r: r["seed"])
            for row in ROWS if row.name in found}


def trained(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for result in results if "diverged" not in result]


def spread(values: list[float], digits: int) -> str:
    """A mean, and the standard deviation if there are several seeds."""
    mean = statistics.mean(values)
    text = f"{mean:.{digits}f}" if mean < 1000 else f"{mean:.1e}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.{digits}f}"
    return text


def perplexity(result: dict[str, Any]) -> float:
    return result["metrics"]["eval_perplexity"]


def megabytes(costs: dict[str, Any]) -> float:
    """Of one private answer, online and offline."""
    return (costs["online"] + costs["offline"]) / 1e6


def heads(result: dict[str, Any]) -> list[list[float]]:
    """Entropies of the trained network by layer."""
    return [layer["heads"] for layer in result["metrics"]["entropies"]]


def shares(result: dict[str, Any], largest: float) -> list[float]:
    """The share of heads in each quarter of the largest entropy."""
    counts = [0] * 4
    for layer in heads(result):
        for entropy in layer:
            counts[min(3, int(4 * entropy / largest))] += 1
    return [count / sum(counts) for count in counts]


#===------------------------------------------------------------------------===#
# The page
#===------------------------------------------------------------------------===#

def operations(result: dict[str, Any]) -> str:
    names = {"softmax": "SM", "layer_norm": "LN", "gelu": "G", "relu": "R"}
    return ", ".join(
        f"{names.get(kind['kind'], kind['kind'])} "
        f"{kind['maps']}x{'x'.join(map(str, kind['shape']))}"
        for kind in result["nonlinear"])


def table(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = [
        "| network | seeds | perplexity a byte | paper's | nonlinear operations | FFN, "
        "attention FLOPs | predicted MB, exchanges | measured MB, exchanges | seconds "
        "an answer | paper's GB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, results in rows.items():
        good = trained(results)
        paper = PAPER.get(name, ("", None))
        cells = [name, str(len(results))]
        if not good:
            steps = ", ".join(r["diverged"].split("step ")[1].split(":")[0]
                              for r in results)
            cells += [f"diverged at step {steps}", str(paper[0])] + [""] * 6
        else:
            first, diverged = good[0], len(results) - len(good)
            text = spread([perplexity(r) for r in good], 3)
            text += f" ({diverged} diverged)" if diverged else ""
            predicted, measured = first["predicted"], first["measured"]

            def cost(values: dict[str, Any]) -> str:
                return f"{megabytes(values):.2f}, {values['exchanges']}"

            cells += [
                text, str(paper[0]), operations(first),
                f"{first['ffn_flops'] / 1e6:.1f} M, "
                f"{first['attention_flops'] / 1e6:.1f} M",
                cost(predicted), cost(measured),
                # Seeds run beside each other and beside other work.
                f"{min(r['measured']['seconds'] for r in good):.3f}",
                "" if paper[1] is None else f"{paper[1]:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def entropy_table(rows: dict[str, list[dict[str, Any]]], largest: float) -> list[str]:
    lines = ["| network | " + " | ".join(QUARTERS) + " |", "|---|---|---|---|---|"]
    for name, results in rows.items():
        if good := trained(results):
            means = [statistics.mean(values) for values in
                     zip(*(shares(result, largest) for result in good))]
            lines.append(f"| {name} | " +
                         " | ".join(f"{100 * mean:.0f} %" for mean in means) + " |")
    return lines


#===------------------------------------------------------------------------===#
# Pictures
#===------------------------------------------------------------------------===#

class Pictures:
    """Writes small PNG files; all in one style."""

    def __init__(self, folder: Path) -> None:
        try:
            import matplotlib
        except ImportError:
            sys.exit("error: needs matplotlib: apt install python3-matplotlib")
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        plt.rcParams.update({"font.size": 8, "axes.spines.top": False,
                             "axes.spines.right": False, "savefig.dpi": 110})
        self.plt, self.folder = plt, folder

    def save(self, figure: Any, name: str) -> None:
        figure.savefig(self.folder / f"training-{name}.png", bbox_inches="tight",
                       metadata={"Software": None})
        self.plt.close(figure)

    def grid(self, rows: dict[str, Any], height: float,
             draw: Callable[[Any, str, dict[str, Any]], Any], share: bool) -> Any:
        """One small picture for each row that was trained, of its first seed."""
        shown = {name: trained(results)[0] for name, results in rows.items()
                 if trained(results)}
        columns = 4
        lines = math.ceil(len(shown) / columns)
        figure, axes = self.plt.subplots(lines, columns, squeeze=False,
                                         figsize=(9, height * lines), sharex=share,
                                         sharey=share, layout="constrained")
        drawn = None
        for axis, (name, result) in zip(axes.flat, shown.items()):
            drawn = draw(axis, name, result)
            axis.set_title(name, fontsize=8)
        for axis in list(axes.flat)[len(shown):]:
            axis.axis("off")
        return figure, axes, drawn

    def heat(self, rows: dict[str, Any], largest: float) -> None:
        def draw(axis: Any, name: str, result: dict[str, Any]) -> Any:
            image = axis.imshow(heads(result), vmin=0, vmax=largest, cmap="viridis",
                                aspect="auto")
            axis.set_xticks([])
            axis.set_yticks(range(len(heads(result))))
            return image

        figure, axes, image = self.grid(rows, 1.6, draw, share=False)
        figure.colorbar(image, ax=axes, label="entropy, nats", shrink=0.6)
        figure.supxlabel("head")
        figure.supylabel("layer")
        self.save(figure, "entropy-heads")

    def over_training(self, rows: dict[str, Any], largest: float) -> None:
        def draw(axis: Any, name: str, result: dict[str, Any]) -> None:
            lines = [line for line in result["history"] if line.get("entropies")]
            if not lines:
                return
            for layer in range(len(lines[0]["entropies"])):
                def mean(line: dict[str, Any]) -> float:
                    held = line["entropies"][layer]
                    held = held["heads"] if isinstance(held, dict) else held
                    return statistics.mean(held)
                axis.plot([line["step"] for line in lines],
                          [mean(line) for line in lines], linewidth=1,
                          label=f"layer {layer}",
                          color=self.plt.cm.plasma(layer / len(lines[0]["entropies"])))
            axis.set_ylim(0, largest)

        figure, axes, _ = self.grid(rows, 1.7, draw, share=True)
        if axes.flat[0].lines:
            axes.flat[0].legend(fontsize=6, ncol=2)
        figure.supxlabel("step")
        figure.supylabel("mean entropy of heads, nats")
        self.save(figure, "entropy-training")

    def quarters(self, rows: dict[str, Any], largest: float) -> None:
        shown = {name: trained(results) for name, results in rows.items()
                 if trained(results)}
        figure, axis = self.plt.subplots(figsize=(7, 0.3 * len(shown) + 1))
        left = [0.0] * len(shown)
        for quarter, label in enumerate(QUARTERS):
            widths = [100 * statistics.mean(shares(r, largest)[quarter] for r in good)
                      for good in shown.values()]
            axis.barh(list(shown), widths, left=left, label=label,
                      color=self.plt.cm.coolwarm(quarter / 3))
            left = [a + b for a, b in zip(left, widths)]
        axis.invert_yaxis()
        axis.set_xlabel("heads by entropy, %")
        axis.legend(fontsize=7, ncol=4, loc="lower center", bbox_to_anchor=(0.4, 1))
        self.save(figure, "entropy-quarters")

    def pareto(self, rows: dict[str, Any]) -> None:
        figure, axis = self.plt.subplots(figsize=(7, 4))
        labels: list[tuple[str, float, float]] = []
        for name, results in rows.items():
            for i, result in enumerate(trained(results)):
                x = megabytes(result["measured"])
                axis.plot(x, perplexity(result), "o", markersize=4,
                          color="tab:red" if "EReg" in name else "tab:blue")
                if i == 0:
                    labels.append((name, x, perplexity(result)))
        axis.set_xlabel("megabytes of a private answer, online and offline, measured")
        axis.set_ylabel("perplexity a byte")
        # A label that would lie on another one goes below it.
        figure.canvas.draw()  # where points are is known after it
        taken: list[tuple[float, float]] = []
        for name, x, y in sorted(labels, key=lambda label: -label[2]):
            across, up = axis.transData.transform((x, y)) * 72 / figure.dpi
            place = up + 2
            while any(abs(place - other) < 7 and abs(across - beside) < 90
                      for beside, other in taken):
                place -= 1
            taken.append((across, place))
            axis.annotate(name, (x, y), fontsize=6, xytext=(4, place - up),
                          textcoords="offset points")
        self.save(figure, "pareto")

    def thresholds(self, rows: dict[str, Any]) -> None:
        figure, axis = self.plt.subplots(figsize=(6, 2.6))
        drawn = False
        for name, results in rows.items():
            for result in trained(results)[:1]:
                values = [(scalar["layer"], value)
                          for scalar in result["metrics"]["scalars"]
                          if scalar["role"] == "entropy_thresholds" and "EReg" in name
                          for value in scalar["value"]]
                if values:
                    drawn = True
                    axis.plot(*zip(*values), "o", markersize=3, label=name)
        if not drawn:
            return self.plt.close(figure)
        axis.axhline(0.5, color="grey", linewidth=0.5)
        axis.set_xlabel("layer")
        axis.set_ylabel("threshold, of log T")
        axis.legend(fontsize=7)
        self.save(figure, "thresholds")


PAGE = """# The paper's table in miniature

<!-- The tables between the markers are written by benchmarks/training/render.py. -->
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    rows = load(arguments.runs)
    good = [r for results in rows.values() for r in trained(results)]
    largest = good[0]["metrics"]["largest_entropy"]
    # The paper's quarters are of the largest entropy that was observed.
    observed = max(e for result in good for layer in heads(result) for e in layer)

    page = arguments.docs / "training-results.md"
    text = page.read_text() if page.exists() else PAGE
    for name, lines in (("results", table(rows)),
                        ("entropies", entropy_table(rows, observed))):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        block = begin + "\n" + "\n".join(lines) + "\n\n" + end
        if begin in text:
            before, rest = text.split(begin, 1)
            text = before + block + rest.split(end, 1)[1]
        else:
            text += "\n" + block + "\n"
    page.write_text(text)

    pictures = Pictures(arguments.docs / "images")
    pictures.heat(rows, largest)
    pictures.over_training(rows, largest)
    pictures.quarters(rows, observed)
    pictures.pareto(rows)
    pictures.thresholds(rows)


if __name__ == "__main__":
    main()
