"""The options of a forecaster, and its forecasts as rows.

Legend: C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from elman.data.series.columns import Columns
from elman.data.series.forecasts import Forecast
from elman.data.series.keys import split_keys
from elman.data.series.panel import Panel
from elman.data.tables.asked import TableSettings
from elman.settings import Options, listed

Percents = Annotated[tuple[Annotated[float, Field(gt=0, lt=100)], ...], BeforeValidator(listed)]
"""The shares, in percent, that intervals are to cover."""


class ForecastOptions(TableSettings, Options):
    """Options that a prediction and a session share."""

    horizon: int | None = Field(None, ge=1, description="how many rows ahead; default: as trained")
    levels: Percents = Field(
        (80.0, 95.0),
        description="intervals in percent, each giving two quantiles; the median comes too",
    )
    future: Path | None = Field(
        None, description="a table with the covariates known ahead, for the rows to come"
    )


class ForecastPrediction(ForecastOptions):
    """Options of a prediction."""

    plot: Path | None = Field(
        None, description="draw history, forecast and intervals here (.png or .svg)"
    )
    plot_series: str | None = Field(None, description="which series to draw; default: the first")


class ForecastStreaming(ForecastOptions):
    """Options of a session."""

    alarm: float | None = Field(
        None,
        gt=0,
        lt=100,
        description="flag a value outside of the interval of so many percent that was forecast for"
        " it one row before",
    )
    history: Path | None = Field(
        None, description="a table to go on from, in place of the run's own data"
    )


def quantile_levels(percents: Sequence[float]) -> tuple[float, ...]:
    """The levels that bound central intervals of so many percent, with the median, ascending."""
    sides = {side for percent in percents for side in (50 - percent / 2, 50 + percent / 2)}
    return tuple(sorted(round(side / 100, 9) for side in {50.0, *sides}))


def forecast_records(
    columns: Columns,
    panel: Panel,
    forecast: Forecast,
    levels: Sequence[float],
    more: Callable[[int], dict[str, Any]] = lambda _: {},
    times: Callable[[Panel, Any], list[Any]] | None = None,
) -> Iterator[dict[str, Any]]:
    """A row for each series, channel and step of a forecast that follows `panel`.

    `levels` are the quantiles to write; `more` gives further columns of a channel, before the time.
    `times` says how stamps stand in the rows, by default as `written_times` does.
    The columns of series and times have the names that they have in the table. A column of the
    forecast that has one of those names too gets `forecast_` before its own.
    """
    taken = {*columns.series, *columns.time}
    names = columns.series or (_free("unique_id", taken),)
    time = columns.time or (_free("step", taken),)
    for place in range(len(panel)):
        keys = dict(zip(names, split_keys(panel.ids[place], len(names)), strict=True))
        stamps = (times or written_times)(panel, panel.next_times(place, forecast.horizon))
        for channel, target in enumerate(panel.targets):
            for step, when in enumerate(stamps):
                own: dict[str, Any] = {"target": target} if len(panel.targets) > 1 else {}
                own |= more(channel)
                numbers = {"mean": float(forecast.mean[place, step, channel])}
                for level in levels:
                    numbers[f"q{level:g}"] = float(forecast.at(level)[place, step, channel])
                yield {
                    **keys,
                    **{_free(name, taken): value for name, value in own.items()},
                    **_in_columns(time, when),
                    **{_free(name, taken): value for name, value in numbers.items()},
                }


def _free(name: str, taken: Container[str]) -> str:
    """The name of a column of the forecast that no column of the table has."""
    while name in taken:
        name = f"forecast_{name}"
    return name


def _in_columns(names: Sequence[str], when: Any) -> dict[str, Any]:
    """A time in the columns of times: the date in the first and the time of day in the second."""
    if len(names) == 1:
        return {names[0]: when}
    date, _, clock = str(when).partition(" ")
    return dict(zip(names, (date, clock), strict=True))


def clock_times(panel: Panel, times: Any) -> list[Any]:
    """Stamps as pandas has them: whole numbers, or Timestamps in the time zone of the table."""
    return [int(time) for time in times] if panel.frequency.counted else list(panel.clock(times))


def written_times(panel: Panel, times: Any) -> list[Any]:
    """Stamps as a table shows them: whole numbers, dates, or dates with the time of day."""
    if panel.frequency.counted:
        return [int(time) for time in times]
    clock = panel.clock(times)
    if panel.frequency.intraday:
        return [stamp.isoformat(sep=" ") for stamp in clock]
    return [str(stamp.date()) if stamp == stamp.normalize() else str(stamp) for stamp in clock]
