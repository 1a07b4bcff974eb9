"""What a classifier gets wrong: confusion matrix and reliability diagram.

Legend: K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.evaluation.classification import Reliability
from elman.plots.style import BLUE, GREY, ORANGE, new_figure

MOST_NUMBERS = 16
"""With more classes than this, cells have no numbers."""

MOST_NAMES = 40
"""With more classes than this, only some are named."""


def draw_confusion(matrix: npt.NDArray[Any], names: Sequence[str], path: Path) -> None:
    """Draw the confusion matrix (K, K) of counts: rows are true labels, columns predicted ones.

    The color is the share of the true class, so that rare classes show as clearly as others.
    """
    count = len(names)
    side = float(np.clip(1.6 + 0.42 * count, 3.6, 12))
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    every = -(-count // MOST_NAMES)
    shown = [_short(name) for name in names][::every]
    with new_figure(path, (side + 1.2, side), shown) as figure:
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axes.grid(visible=False)
        rotation = 0 if max(map(len, shown)) <= 3 else 90
        axes.set_xticks(range(0, count, every), shown, rotation=rotation)
        axes.set_yticks(range(0, count, every), shown)
        axes.set(xlabel="predicted label", ylabel="true label", title="Confusion matrix")
        if count <= MOST_NUMBERS:
            for (row, column), number in np.ndenumerate(matrix):
                color = "white" if share[row, column] > 0.5 else GREY
                axes.text(
                    column, row, f"{number:,}", ha="center", va="center", fontsize=8, color=color
                )
        figure.colorbar(image, label="share of the true label", fraction=0.046, pad=0.03)


def draw_reliability(bins: Reliability, path: Path) -> None:
    """Draw the accuracy of predictions against their probability, above their number."""
    filled = bins.count > 0
    width = 1 / len(bins.count)
    middles = (np.arange(len(bins.count)) + 0.5) * width
    accuracy = bins.accuracy[filled]
    with new_figure(path, (5.2, 5.4)) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
        upper.bar(middles[filled], accuracy, width, color=BLUE, edgecolor="white", label="accuracy")
        mean = "at the mean probability"
        upper.plot(bins.confidence[filled], accuracy, "o", color=ORANGE, markersize=4, label=mean)
        upper.set(ylim=(0, 1), ylabel="accuracy")
        count = int(bins.count.sum())
        upper.set_title(f"ECE {bins.error:.3f}, {len(bins.count)} bins, n = {count:,}")
        upper.legend(loc="upper left")
        lower.bar(middles, bins.count, width, color=GREY, edgecolor="white")
        lower.set(xlim=(0, 1), xlabel="probability", ylabel="predictions")


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"
