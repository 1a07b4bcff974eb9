"""The fan chart: history, forecast and prediction intervals.

Legend: S series, T rows of one series, L horizon, C channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.forecasts import Forecast
from elman.data.series.panel import Floats, Panel
from elman.plots.style import INK, RED, check_figure, new_figure

MEDIAN = "#003f66"
SHADES = ((95, "#d9eaf4"), (80, "#aed2e8"), (50, "#7db7da"))
"""Intervals in per cent, the widest first, and their colors."""


def draw_fan(
    path: Path,
    panel: Panel,
    forecast: Forecast,
    *,
    most: int = 12,
    history: int | None = None,
    actual: Floats | None = None,
) -> int:
    """Draw the history, the median and intervals of 50, 80 and 95 % of each series and channel.

    Args:
        path: its suffix tells the format.
        panel: the history.
        forecast: the next L steps of each series.
        most: the largest number of panels.
        history: rows of the history to show; by default four horizons, at least 40.
        actual: (S, L, C) true values, if known.

    Returns:
        The number of series and channels that were left out.

    Raises:
        InputError: an unknown suffix, or matplotlib is missing.
    """
    check_figure(path)
    pairs = [(s, c) for s in range(len(panel)) for c in range(len(panel.targets))]
    shown = pairs[:most]
    columns = 1 if len(shown) == 1 else 2 if len(shown) <= 8 else 3
    rows = -(-len(shown) // columns)
    size = (9.0, 3.9) if columns == 1 else (5.6 * columns, 2.5 * rows + 0.5)
    past = history or max(4 * forecast.horizon, 40)
    with new_figure(path, size) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (series, channel) in zip(grid.flat, shown, strict=False):
            truth = None if actual is None else actual[series, :, channel]
            _fan(axes, panel, forecast, series, channel, past, truth)
        for axes in list(grid.flat)[len(shown) :]:
            axes.set_axis_off()
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper right", ncols=len(labels), handlelength=1.4,
            columnspacing=1.2,
        )  # fmt: skip
    return len(pairs) - len(shown)


def _fan(
    axes: Any,
    panel: Panel,
    forecast: Forecast,
    series: int,
    channel: int,
    history: int,
    actual: Floats | None,
) -> None:
    times = _wall(panel, panel.times(series)[-history:])
    ahead = _wall(panel, panel.next_times(series, forecast.horizon))
    rows = panel.rows(series)
    values = panel.values[rows, channel][-history:]
    axes.plot(times, values, color=INK, linewidth=1.1, label="history")
    known = np.flatnonzero(~np.isnan(values))
    start = [] if not len(known) else [known[-1]]
    joined = np.concatenate([times[start], ahead])  # the fan starts at the last known value

    def line(numbers: Floats) -> Floats:
        return np.concatenate([values[start], numbers])

    for percent, shade in SHADES:
        if forecast.levels:
            low, high = (forecast.at(0.5 + sign * percent / 200) for sign in (-1, 1))
            axes.fill_between(
                joined,
                line(low[series, :, channel]),
                line(high[series, :, channel]),
                color=shade,
                linewidth=0,
                label=f"{percent} %",
            )
    middle = forecast.at(0.5) if forecast.levels else forecast.mean
    axes.plot(
        joined, line(middle[series, :, channel]), color=MEDIAN, linewidth=1.5, label="forecast"
    )
    if actual is not None:
        axes.plot(ahead, actual, color=RED, linewidth=1.1, label="actual")
    if len(known):
        axes.axvline(times[known[-1]], color="0.6", linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_title(_title(panel, series, channel))
    if not panel.frequency.counted:
        dates = library("matplotlib.dates", extra="plot")
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.margins(x=0.01)


def _title(panel: Panel, series: int, channel: int) -> str:
    name, target = panel.ids[series], panel.targets[channel]
    if len(panel.targets) == 1:
        return target if len(panel) == 1 else name
    return target if len(panel) == 1 else f"{name}, {target}"


def _wall(panel: Panel, times: Any) -> Any:
    """Time stamps in local time, without their zone."""
    if panel.time_zone is None or not panel.frequency.intraday:
        return times
    return panel.clock(times).tz_localize(None).to_numpy()
