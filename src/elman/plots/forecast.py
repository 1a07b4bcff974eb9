"""The fan chart: history, forecast and prediction intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.forecasts import Forecast
from elman.data.series.panel import Floats, Panel
from elman.plots.style import INK, check_figure, new_figure

MEDIAN = "#003f66"
SHADES = ((95, "#d9eaf4"), (80, "#aed2e8"), (50, "#7db7da"))
"""Intervals in per cent, the widest first, and their colors."""


def draw_fan(
    path: Path, panel: Panel, forecast: Forecast, series: int, *, intervals: bool = True
) -> None:
    """Draw the last rows of one series, the median of what follows, and its intervals if any.

    A series of several channels has a panel for each of the first 12. InputError for an unknown
    suffix, or without matplotlib.
    """
    check_figure(path)
    count = min(len(panel.targets), 12)
    columns = 1 if count == 1 else 2 if count <= 8 else 3
    rows = -(-count // columns)
    size = (9.0, 3.9) if columns == 1 else (5.6 * columns, 2.5 * rows + 0.5)
    with new_figure(path, size) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for channel, axes in enumerate(grid.flat):
            if channel < count:
                _fan(axes, panel, forecast, series, channel, SHADES if intervals else ())
            else:
                axes.set_axis_off()
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper right", ncols=len(labels), handlelength=1.4,
            columnspacing=1.2,
        )  # fmt: skip


def _fan(
    axes: Any,
    panel: Panel,
    forecast: Forecast,
    series: int,
    channel: int,
    shades: Sequence[tuple[int, str]],
) -> None:
    history = max(4 * forecast.horizon, 40)
    times = panel.wall(panel.times(series)[-history:])
    ahead = panel.wall(panel.next_times(series, forecast.horizon))
    values = panel.values[panel.rows(series), channel][-history:]
    axes.plot(times, values, color=INK, linewidth=1.1, label="history")
    known = np.flatnonzero(~np.isnan(values))
    start = [] if not len(known) else [known[-1]]
    joined = np.concatenate([times[start], ahead])  # the fan starts at the last known value

    def line(level: float) -> Floats:
        return np.concatenate([values[start], forecast.at(level)[series, :, channel]])

    for percent, shade in shades:
        low, high = (line(0.5 + sign * percent / 200) for sign in (-1, 1))
        axes.fill_between(joined, low, high, color=shade, linewidth=0, label=f"{percent} %")
    axes.plot(joined, line(0.5), color=MEDIAN, linewidth=1.5, label="forecast")
    if len(known):
        axes.axvline(times[known[-1]], color="0.6", linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_title(panel.targets[channel])
    if not panel.frequency.counted:
        dates = library("matplotlib.dates", extra="plot")
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.margins(x=0.01)
