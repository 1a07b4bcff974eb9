"""The gradient by lag over the whole of training, as a picture from metrics.jsonl."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

import numpy as np

from elman.files import atomic_path
from elman.training.gradient_watch import PREFIX

Curves: TypeAlias = dict[str, dict[int, dict[int, float]]]
"""PLACE/QUANTITY -> step -> lag -> what is left of the gradient at lag 0."""

LEAST, MOST = 1e-6, 1e2
"""The ends of the color scale."""


def read(metrics: Path) -> Curves:
    """What was measured, from the lines of metrics.jsonl that have any of it."""
    curves: Curves = defaultdict(lambda: defaultdict(dict))
    with metrics.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            for name, value in record.items():
                if name.startswith(f"{PREFIX}/"):
                    which, _, lag = name.removeprefix(f"{PREFIX}/").rpartition("/")
                    left = float("nan") if value is None else value
                    curves[which][record["step"]][int(lag)] = left
    return curves


def draw(metrics: Path, picture: Path) -> bool:
    """Draw a heat map for each place and tensor of its state: steps along x, lags along y.

    Returns:
        Whether it was drawn: nothing was measured, or matplotlib (the extra `plot`) is missing.
    """
    curves = read(metrics) if metrics.exists() else {}
    if not curves:
        return False
    try:
        from matplotlib.colors import LogNorm
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8, 0.6 + 2.4 * len(curves)), layout="constrained")
    grid = figure.subplots(len(curves), squeeze=False)[:, 0]
    for axes, (which, by_step) in zip(grid, curves.items(), strict=True):
        steps = sorted(by_step)
        lags = sorted({lag for measured in by_step.values() for lag in measured})
        left = np.array([[by_step[s].get(lag, np.nan) for s in steps] for lag in lags])
        image = axes.pcolormesh(
            _edges(np.array(steps, float)),
            np.arange(len(lags) + 1),
            np.clip(left, LEAST, MOST),
            norm=LogNorm(LEAST, MOST),
            cmap="RdYlBu_r",
        )
        place, _, quantity = which.rpartition("/")
        axes.set_title(f"gradient by {quantity}, {place}", loc="left", fontsize=9)
        axes.set_yticks(np.arange(len(lags)) + 0.5, [str(lag) for lag in lags], fontsize=7)
        axes.set_ylabel("steps back")
        figure.colorbar(image, ax=axes, label="times that at lag 0")
    grid[-1].set_xlabel("training step")
    with atomic_path(picture) as partial:
        figure.savefig(partial, dpi=120, format="png")
    return True


def _edges(steps: np.ndarray) -> np.ndarray:
    """The borders between columns, half-way between the steps."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    middle = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middle[0]], middle, [2 * steps[-1] - middle[-1]]])
