"""`elman predict` of a forecast run: the coming rows as a table, and as a picture.

Legend: S series, L horizon, C channels, Q levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from elman.data.series.dataset import with_future
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Panel
from elman.errors import InputError
from elman.models.forecaster import Forecaster
from elman.tasks.task import Given, Options, Record

if TYPE_CHECKING:
    from elman.tasks.forecast.task import ForecastTask


def _percents(value: Any) -> Any:
    """Numbers, or words with numbers between commas."""
    if isinstance(value, (int, float)):
        value = (value,)
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(
        part for item in value for part in (item.split(",") if isinstance(item, str) else (item,))
    )


Percents = Annotated[tuple[Annotated[float, Field(gt=0, lt=100)], ...], BeforeValidator(_percents)]
"""The shares, in percent, that intervals are to cover."""


class ForecastPrediction(Options):
    """What a prediction may be told."""

    horizon: int | None = Field(None, ge=1, description="how many rows ahead; default: as trained")
    levels: Percents = Field(
        (80.0, 95.0),
        description="intervals in percent, each giving two quantiles; the median comes too",
    )
    future: Path | None = Field(
        None, description="a table with the covariates known ahead, for the rows to come"
    )
    plot: Path | None = Field(
        None, description="draw history, forecast and intervals here (.png or .svg)"
    )
    plot_series: str | None = Field(None, description="which series to draw; default: the first")


def prediction_rows(
    task: ForecastTask, model: Forecaster, given: Given, options: ForecastPrediction
) -> Iterator[Record]:
    """A row for each series, channel and step to come.

    Raises:
        InputError: data that don't fit the run, covariates that are missing, a horizon too long.
    """
    if options.plot is not None and options.plot.suffix not in (".png", ".svg"):
        raise InputError(f"--plot {options.plot}: give a name that ends in .png or .svg")
    horizon = options.horizon or task.config.horizon
    panel = history(task, given, options.future)
    shown = _shown(panel, options.plot_series)
    ready = task.ready(panel, horizon)
    levels = quantile_levels(options.levels)
    forecast = forecast_panel(task, model, ready, horizon, levels)
    if options.plot is not None:
        from elman.plots.forecast import draw_fan

        draw_fan(options.plot, panel.select([shown]), _only(forecast, shown))
    return rows_of(task, panel, forecast, levels, has_spread(task, model))


def history(task: ForecastTask, given: Given, future: Path | None = None) -> Panel:
    """The panel to forecast from: the run's own, or the one given, without the calendar."""
    source: Any = given.path
    if source is None and hasattr(given.arriving, "columns"):
        source = given.arriving
    panel = task.panel_as_read if source is None else task.read_as_trained([source])
    return panel if future is None else with_future(panel, future, task.columns)


def quantile_levels(percents: Sequence[float]) -> tuple[float, ...]:
    """The levels that bound central intervals of so many percent, with the median, ascending."""
    sides = {side for percent in percents for side in (50 - percent / 2, 50 + percent / 2)}
    return tuple(sorted(round(side / 100, 9) for side in {50.0, *sides}))


def has_spread(task: ForecastTask, model: Forecaster) -> bool:
    """Whether intervals can be given: by the head, or by the errors on the validation rows."""
    return model.head.has_spread or task.config.conformal


def forecast_panel(
    task: ForecastTask, model: Forecaster, panel: Panel, horizon: int, levels: tuple[float, ...]
) -> Forecast:
    """The forecast at `levels`, made to cover as it says where the run is conformal."""
    wanted = tuple(sorted({*levels, *LEVELS}))
    forecast = task.forecaster(model).forecast(panel, horizon, wanted)
    if task.config.conformal:
        forecast = task.conformal(model, wanted).apply(forecast)
    return forecast


def rows_of(
    task: ForecastTask,
    panel: Panel,
    forecast: Forecast,
    levels: tuple[float, ...],
    spread: bool,
    series: Sequence[int] | None = None,
    more: Callable[[int], dict[str, Any]] = lambda _: {},
) -> Iterator[Record]:
    """A row for each series, channel and step of a forecast that follows `panel`.

    Args:
        task: whose names of columns are used.
        panel: what the forecast follows.
        forecast: of all its series.
        levels: the quantiles to write.
        spread: whether there are quantiles at all.
        series: which series, by their place; default: all.
        more: further columns of a channel, before the time.
    """
    name, time = task.columns.series or "unique_id", task.columns.time
    for place in range(len(panel)) if series is None else series:
        times = written_times(panel, panel.next_times(place, forecast.horizon))
        for channel, target in enumerate(panel.targets):
            for step, when in enumerate(times):
                row: dict[str, Any] = {name: panel.ids[place]}
                if len(panel.targets) > 1:
                    row["target"] = target
                row |= {**more(channel), time: when}
                row["mean"] = float(forecast.mean[place, step, channel])
                for level in levels if spread else ():
                    row[f"q{level:g}"] = float(forecast.at(level)[place, step, channel])
                yield row


def written_times(panel: Panel, times: Any) -> list[Any]:
    """Stamps as a table shows them: whole numbers, dates, or dates with the time of day."""
    if panel.frequency.counted:
        return [int(time) for time in times]
    clock = panel.clock(times)
    if panel.frequency.intraday:
        return [stamp.isoformat(sep=" ") for stamp in clock]
    return [str(stamp.date()) if stamp == stamp.normalize() else str(stamp) for stamp in clock]


def _shown(panel: Panel, name: str | None) -> int:
    if name is None:
        return 0
    if name not in panel.ids:
        raise InputError(f"--plot-series {name}: there is no such series; {panel.ids[0]} is one")
    return panel.ids.index(name)


def _only(forecast: Forecast, series: int) -> Forecast:
    kept = slice(series, series + 1)
    samples = None if forecast.samples is None else forecast.samples[kept]
    return replace(
        forecast, mean=forecast.mean[kept], quantiles=forecast.quantiles[kept], samples=samples
    )
