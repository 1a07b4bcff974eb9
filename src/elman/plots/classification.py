"""Pictures of what a classifier gets wrong: confusion matrix and reliability diagram, as PNG.

They need matplotlib, the extra `plot`. Legend: K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.evaluation.classification import Reliability
from elman.files import atomic_path

MOST_NUMBERS = 16
"""With more classes than this the cells are colors only."""

MOST_NAMES = 40
"""With more classes than this every so many is named."""

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "0.35"


def draw_confusion(matrix: npt.NDArray[Any], names: Sequence[str], path: Path) -> None:
    """Draw (K, K) counts: rows are the true classes, columns what they were called.

    The color is the share of the true class, so that a rare class shows as clearly as another.

    Raises:
        ImportError: matplotlib is not installed.
    """
    count = len(names)
    side = float(np.clip(1.6 + 0.42 * count, 3.6, 12))
    figure = _figure((side + 1.2, side))
    axes = figure.subplots()
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    every = -(-count // MOST_NAMES)
    shown = [_short(name) for name in names][::every]
    upright = max(map(len, shown)) <= 3
    axes.set_xticks(range(0, count, every), shown, rotation=0 if upright else 90)
    axes.set_yticks(range(0, count, every), shown)
    axes.set(xlabel="called", ylabel="is", title="What is called what")
    if count <= MOST_NUMBERS:
        for row in range(count):
            for column in range(count):
                axes.text(
                    column,
                    row,
                    f"{matrix[row, column]:,}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if share[row, column] > 0.5 else GREY,
                )
    figure.colorbar(image, label="share of the true class", fraction=0.046, pad=0.03)
    _save(figure, path)


def draw_reliability(bins: Reliability, path: Path) -> None:
    """Draw how often predictions came true against how sure they were, over how many there are.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = _figure((5.2, 5.4))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    there = bins.count > 0
    middles = (np.arange(len(bins.count)) + 0.5) / len(bins.count)
    width = 1 / len(bins.count)
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as promised")
    right = bins.accuracy[there]
    upper.bar(middles[there], right, width, color=BLUE, edgecolor="white", label="came true")
    mean = "at the mean probability"
    upper.plot(bins.confidence[there], right, "o", color=ORANGE, markersize=4, label=mean)
    upper.set(ylim=(0, 1), ylabel="share that came true")
    upper.set_title(f"Calibration error {bins.error:.3f}")
    upper.legend(loc="upper left", fontsize=8)
    lower.bar(middles, bins.count, width, color=GREY, edgecolor="white")
    lower.set(xlim=(0, 1), xlabel="probability", ylabel="predictions")
    _save(figure, path)


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png")
