"""The gradient by lag over the course of training, as a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np

from elman.plots.style import is_available, new_figure

Curves: TypeAlias = Mapping[str, Mapping[int, Mapping[int, float]]]
"""PLACE/QUANTITY -> step -> lag -> ratio to the gradient at lag 0."""

LOWEST, HIGHEST = 1e-6, 1e2
"""The ends of the color scale."""


def draw_gradients(curves: Curves, path: Path) -> bool:
    """Draw a map for each layer and tensor of its state: steps of training across, lags up.

    Returns:
        Whether it was drawn: not without curves, and not without matplotlib.
    """
    if not curves or not is_available():
        return False
    with new_figure(path, (8, 0.6 + 2.4 * len(curves))) as figure:
        from matplotlib.colors import LogNorm

        grid = figure.subplots(len(curves), squeeze=False)[:, 0]
        for axes, (name, by_step) in zip(grid, curves.items(), strict=True):
            steps = sorted(by_step)
            lags = sorted({lag for measured in by_step.values() for lag in measured})
            ratios = np.array([[by_step[s].get(lag, np.nan) for s in steps] for lag in lags])
            image = axes.pcolormesh(
                _edges(np.array(steps, float)),
                np.arange(len(lags) + 1),
                np.clip(ratios, LOWEST, HIGHEST),
                norm=LogNorm(LOWEST, HIGHEST),
                cmap="RdYlBu_r",
            )
            place, _, quantity = name.rpartition("/")
            axes.grid(visible=False)
            axes.set_title(f"gradient with respect to {quantity}, {place}")
            axes.set_yticks(np.arange(len(lags)) + 0.5, [str(lag) for lag in lags], fontsize=7)
            axes.set_ylabel("lag, steps")
            figure.colorbar(image, ax=axes, label="ratio to lag 0", format="{x:g}")
        grid[-1].set_xlabel("training step")
    return True


def _edges(steps: np.ndarray) -> np.ndarray:
    """The borders between columns, halfway between the steps."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    middle = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middle[0]], middle, [2 * steps[-1] - middle[-1]]])
