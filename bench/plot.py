"""A picture of the ratios: each bar is ours against its baseline, the mark is the target."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

MET, MISSED, OPEN = "#2a7f62", "#c0392b", "#7f8c8d"


def plot(rows: Sequence[dict[str, Any]], file: Path) -> None:
    """One bar for each row that has a ratio, on a logarithmic scale."""
    shown = [row for row in rows if "ratio" in row]
    plt.rcParams["svg.fonttype"] = "none"  # text as text
    figure, axes = plt.subplots(figsize=(11, 0.34 * len(shown) + 1.2))
    colours = [{True: MET, False: MISSED, None: OPEN}[row.get("met")] for row in shown]
    places = range(len(shown))
    axes.barh(list(places), [row["ratio"] for row in shown], color=colours, height=0.6)
    for place, row in zip(places, shown, strict=True):
        if "target" in row:
            axes.plot([float(row["target"].split()[1])], [place], "k|", markersize=14, markeredgewidth=2)
        axes.annotate(f" {row['ratio']:.3g}", (row["ratio"], place), va="center", fontsize=7)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_yticks(list(places), [f"{row['path']}: {row['what']} / {row['against']}" for row in shown], fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("ours / baseline")
    axes.set_title("| is the target: green reached, red missed; grey has none", fontsize=8, loc="right")
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
