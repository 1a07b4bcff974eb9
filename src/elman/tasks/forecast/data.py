"""A table as the task reads it, how it is split for training, and the network that its rows allow.

Legend: S series, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from elman.data.series.panel import Integers, Panel
from elman.data.series.scaler import Scaler
from elman.data.series.windows import Reach, Windows
from elman.errors import InputError
from elman.evaluation.backtest.conformal import FEWEST, held_out_values
from elman.models.cells import cell_options
from elman.models.forecaster import Form
from elman.models.forecaster_architecture import ForecasterArchitecture
from elman.tasks.forecast.config import ForecastConfig

# A lag is of use where most of the training rows have it.
_LAG_SHARE = 3
# A season longer than this is for lags and the calendar, not for the look-back.
_LONGEST_LOOK_BACK = 512


class Places(NamedTuple):
    """Windows: (R,) each its series, its channel, and how many rows are known."""

    series: Integers
    channels: Integers
    ends: Integers


@dataclass(frozen=True, eq=False)
class TimeSplit:
    """Where the rows of each series are split by time."""

    train: Integers
    """(S,) rows before the validation."""
    valid: Integers
    """(S,) rows before the test."""

    @classmethod
    def of(cls, panel: Panel, config: ForecastConfig) -> TimeSplit:
        """As the settings ask for; a share is at least one horizon where it is not 0."""
        lengths, horizon = panel.lengths, config.horizon
        test = _rows(lengths, config.test_rows, config.test_fraction, horizon)
        valid = _rows(lengths, config.valid_rows, config.valid_fraction, horizon)
        train = lengths - test - valid
        if train.max() <= horizon:
            place = int(lengths.argmax())
            parts = [f"{horizon + 1} rows of training", f"{int(valid[place])} of validation"]
            parts += [f"{int(test[place])} of test"] if test[place] else []
            raise InputError(
                f"series {panel.ids[place]}: has {int(lengths[place]):,} rows, the most there are,"
                f" but --horizon {horizon} needs {' and '.join(parts)}; make --horizon smaller,"
                " keep fewer rows with --valid-rows and --test-rows, or give longer series"
            )
        # A series too short for its own validation is trained on, as far as it goes.
        short = train < 1
        return cls(np.where(short, lengths, train), np.where(short, lengths, lengths - test))

    def places(self, horizon: int, channels: int, most: int) -> Places:
        """At most so many windows, evenly spaced, whose horizon is in the validation rows."""
        counts = np.maximum(self.valid - self.train - horizon + 1, 0)
        series = np.repeat(np.arange(len(counts)), counts)
        offset = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
        ends = self.train[series] + offset
        count = len(ends) * channels
        kept = np.arange(count) if count <= most else np.arange(most) * count // most
        return Places(series[kept // channels], kept % channels, ends[kept // channels])


def check_calibration(panel: Panel, config: ForecastConfig) -> None:
    """See that enough values are held out for --conformal, before anything is trained."""

    def held_out(split: TimeSplit) -> int:
        return held_out_values(panel.head(split.valid), config.horizon, split.train)

    found = held_out(TimeSplit.of(panel, config))
    if found >= FEWEST:
        return
    remedy = "train without it, or on longer series"
    for rows in range(config.horizon, config.horizon + FEWEST):
        try:
            wider = TimeSplit.of(panel, config.model_copy(update={"valid_rows": rows}))
        except InputError:
            break
        if held_out(wider) >= FEWEST:
            remedy = f"keep more rows with --valid-rows {rows}, or train without it"
            break
    raise InputError(
        f"--conformal: the validation rows have {found} values to calibrate intervals on,"
        f" {FEWEST} are needed; {remedy}"
    )


def settle_architecture(
    training: Panel, scaler: Scaler, config: ForecastConfig
) -> ForecasterArchitecture:
    """The network of `config`, with sizes that the data say where the settings leave them open."""
    rows = int(training.lengths.max())
    lags = _lags(training, config, rows)
    segment = config.segment or min(config.horizon, 24)
    if config.look_back and not config.segment:  # the largest that divides what was chosen
        segment = max(size for size in range(1, 49) if config.look_back % size == 0)
    look_back = config.look_back or _look_back(training, config, rows, segment)
    reach = Reach(look_back, 0, config.horizon)
    features = Windows(training.select([0]), scaler, np.arange(1), reach).features
    channels = len(training.targets)
    embedding = config.series_embedding
    if embedding is None:
        embedding = 8 if channels > 1 else 0
    count = len(training) * channels if embedding else 1
    return ForecasterArchitecture(
        model=config.model,
        form=Form(look_back, config.horizon, features, count, lags, embedding),
        segment=segment,
        head=config.head_kind,
        normalization=config.normalization_kind,
        cell=config.cell,
        options=cell_options(config),
        hidden_size=config.hidden_size,
        num_layers=config.num_layers,
        dropout=config.dropout,
    )


def _rows(lengths: Integers, rows: int | None, share: float, horizon: int) -> Integers:
    if rows is not None:
        return np.full_like(lengths, rows)
    if not share:
        return np.zeros_like(lengths)
    share_of: Integers = np.ceil(share * lengths).astype(np.int64)
    return np.maximum(share_of, horizon)


def _lags(training: Panel, config: ForecastConfig, rows: int) -> tuple[int, ...]:
    if config.model == "segments":
        return ()
    first = {1} if config.model == "autoregressive" else set()
    if config.lags is not None:
        return tuple(sorted({*config.lags, *first}))
    usable = {lag for lag in training.frequency.lags if lag * _LAG_SHARE <= rows}
    if config.model == "direct":
        usable -= {1}  # each step of its look-back is read one after the other anyway
    return tuple(sorted(usable | first))


def _look_back(training: Panel, config: ForecastConfig, rows: int, segment: int) -> int:
    seasons = [item for item in training.frequency.seasons if 2 * item <= _LONGEST_LOOK_BACK]
    wanted = max(3 * config.horizon, 2 * max(seasons, default=8))
    wanted = max(1, min(wanted, rows - config.horizon))
    if config.model != "segments":
        return wanted
    return max(segment, wanted // segment * segment)
