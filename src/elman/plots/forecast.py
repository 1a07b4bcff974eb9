"""The fan chart: what was, what is expected, and how sure that is.

Legend: S series, T rows of one series, L horizon, C channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.forecasts import Forecast
from elman.data.series.panel import Floats, Panel
from elman.errors import InputError
from elman.files import atomic_path

INK, FAN, MIDDLE = "#2b2f36", "#0072B2", "#003f66"
SHADES = ((95, "#d9eaf4"), (80, "#aed2e8"), (50, "#7db7da"))
"""Intervals in per cent, the widest first, and their colors."""

SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(path: Path) -> None:
    """Refuse a picture that can't be drawn before any work is done.

    Raises:
        InputError: a suffix that is none of `SUFFIXES`, or matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a picture's name ends in {', '.join(SUFFIXES)}; rename it")
    library("matplotlib", extra="plot")


def draw_fan(
    path: Path,
    panel: Panel,
    forecast: Forecast,
    *,
    most: int = 12,
    history: int | None = None,
    actual: Floats | None = None,
) -> int:
    """Draw a panel for each series and channel: history, median, intervals of 50, 80 and 95 %.

    Args:
        path: its suffix says what kind of picture.
        panel: the history that was forecast from.
        forecast: the next L steps of each series.
        most: panels at most; the first series are drawn.
        history: rows of the past to show; by default four horizons, at least 40.
        actual: (S, L, C) what came, where it is known.

    Returns:
        How many of the series and channels were left out.

    Raises:
        InputError: another suffix, or matplotlib is missing.
    """
    check_picture(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    pairs = [(s, c) for s in range(len(panel)) for c in range(len(panel.targets))]
    shown = pairs[:most]
    columns = 1 if len(shown) == 1 else 2 if len(shown) <= 8 else 3
    rows = -(-len(shown) // columns)
    size = (9.0, 3.9) if columns == 1 else (5.6 * columns, 2.5 * rows + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    past = history or max(4 * forecast.horizon, 40)
    for axes, (series, channel) in zip(grid.flat, shown, strict=False):
        came = None if actual is None else actual[series, :, channel]
        _fan(axes, panel, forecast, series, channel, past, came)
    for axes in list(grid.flat)[len(shown) :]:
        axes.set_axis_off()
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper right",
        ncols=len(labels),
        frameon=False,
        fontsize=8.5,
        handlelength=1.4,
        columnspacing=1.2,
    )
    FigureCanvasAgg(figure)
    with atomic_path(path) as partial:
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150)
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
    joined = np.concatenate([times[start], ahead])  # the fan opens at the last known value

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
        joined, line(middle[series, :, channel]), color=MIDDLE, linewidth=1.5, label="forecast"
    )
    if actual is not None:
        axes.plot(ahead, actual, color="#D55E00", linewidth=1.1, label="what came")
    if len(known):
        axes.axvline(times[known[-1]], color="0.6", linewidth=0.8, linestyle=(0, (2, 2)))
    dress(axes, _title(panel, series, channel))
    if not panel.frequency.counted:
        dates = library("matplotlib.dates", extra="plot")
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.margins(x=0.01)


def dress(axes: Any, title: str) -> None:
    """No frame, a light grid behind the lines."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("0.7")
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8, colors="0.35")


def _title(panel: Panel, series: int, channel: int) -> str:
    name, target = panel.ids[series], panel.targets[channel]
    if len(panel.targets) == 1:
        return target if len(panel) == 1 else name
    return target if len(panel) == 1 else f"{name}, {target}"


def _wall(panel: Panel, times: Any) -> Any:
    """Stamps as the clock on the wall shows them, as numpy's."""
    if panel.time_zone is None or not panel.frequency.intraday:
        return times
    return panel.clock(times).tz_localize(None).to_numpy()
