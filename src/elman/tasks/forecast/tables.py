"""The tables of a backtest: its forecasts, and the scores of each series and of each step.

Legend: S series, R pairs of a series and a forecast origin, L horizon, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.keys import split_keys
from elman.data.series.panel import Floats, Integers, Panel
from elman.evaluation.backtest.backtest import Backtest, Piece
from elman.evaluation.table import Table
from elman.predictors.forecaster_records import written_times


def forecasts_table(found: Backtest, panel: Panel, columns: Columns) -> Table:
    """A row for each series, channel, forecast origin and step, with the actual value.

    `forecast_origin` is the time of the last row that was known. The forecasts are those of the
    network: its mean, and its quantiles where it has intervals.
    """
    return Table(lambda: (_forecasts(found, piece, panel, columns) for piece in found.pieces()))


def per_series_table(found: Backtest, columns: Columns) -> Table:
    """A row for each series, channel and model, the network first; a column for each metric."""
    return Table(lambda: iter([_per_series(found, columns)]))


def by_step_table(found: Backtest) -> Table:
    """A row for each model and step of the horizon; a column for each metric."""
    return Table(lambda: map(partial(_by_step, found), (found.model, *found.baselines)))


def _by_step(found: Backtest, model: str) -> Any:
    scores = {metric: steps for metric, (_, steps) in found.tally.scores(model).items()}
    steps = np.arange(1, found.horizon + 1)
    return library("pandas").DataFrame({"model": model, "step": steps, **scores})


def _forecasts(found: Backtest, piece: Piece, panel: Panel, columns: Columns) -> Any:
    pairs, horizon, channels = piece.actual.shape
    forecast = piece.forecast.after(found.gap)
    pair, step, channel = (
        grid.reshape(-1) for grid in np.indices((pairs, horizon, channels), dtype=np.int64)
    )
    order = np.lexsort((step, channel, pair))
    pair, step, channel = pair[order], step[order], channel[order]
    series = piece.series[pair]

    def values(of: Floats) -> Floats:
        return np.asarray(of[pair, step, channel])

    times = _times(panel, series, piece.ends[pair] + found.gap + step)
    cells = _keys(columns, panel.ids, series)
    if channels > 1:
        cells.append(("target", np.array(panel.targets, dtype=object)[channel]))
    cells.append(("forecast_origin", _times(panel, series, piece.ends[pair] - 1)))
    if len(columns.time) < 2:
        cells.append((columns.time[0] if columns.time else "time", times))
    else:  # the date and the time of day
        split = library("pandas").Series(times, dtype=object).str.partition(" ")
        cells += [(name, split[2 * place]) for place, name in enumerate(columns.time)]
    cells += [
        ("step", found.gap + step + 1),
        ("actual", values(piece.actual)),
        ("mean", values(forecast.mean)),
    ]
    if found.tally.levels:
        cells += [(f"q{level:g}", values(forecast.at(level))) for level in forecast.levels]
    return _frame(cells)


def _per_series(found: Backtest, columns: Columns) -> Any:
    channels = len(found.targets)
    place = np.arange(found.tally.series)
    parts = []
    for model in (found.model, *found.baselines):
        cells = _keys(columns, found.ids, place // channels)
        if channels > 1:
            cells.append(("target", np.array(found.targets, dtype=object)[place % channels]))
        cells.append(("model", np.full(len(place), model, dtype=object)))
        cells.append(("scored_values", found.tally.counts["series"]["values"].astype(np.int64)))
        cells += list(found.tally.scores_by("series", model).items())
        parts.append(_frame(cells))
    return library("pandas").concat(parts, ignore_index=True)


def _keys(columns: Columns, ids: Sequence[str], series: Integers) -> list[tuple[str, Any]]:
    """The columns that name the series of each row."""
    names = columns.series or ("unique_id",)
    keys = [split_keys(name, len(names)) for name in ids]
    return [
        (name, np.array([key[number] for key in keys], dtype=object)[series])
        for number, name in enumerate(names)
    ]


def _times(panel: Panel, series: Integers, rows: Integers) -> Any:
    """The times of rows of series, as a table has them."""
    stamps = panel.frequency.shift(panel.starts[series], rows)
    once, places = np.unique(stamps, return_inverse=True)
    return np.array(written_times(panel, once), dtype=object)[places]


def _frame(cells: list[tuple[str, Any]]) -> Any:
    """A frame of columns, whose names are told apart from those of the data before them."""
    named: dict[str, Any] = {}
    for name, column in cells:
        while name in named:
            name = f"{name}_"
        named[name] = column
    return library("pandas").DataFrame(named)
