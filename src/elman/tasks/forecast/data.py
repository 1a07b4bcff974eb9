"""How a table is cut for training, and the sizes of the network that its rows allow.

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
from elman.models.forecaster import Form
from elman.predictors.forecaster import Shape
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

    def thinned(self, most: int) -> Places:
        """At most so many of them, evenly spaced."""
        count = len(self.series)
        if count <= most:
            return self
        kept = np.arange(most) * count // most
        return Places(*(part[kept] for part in self))


@dataclass(frozen=True, eq=False)
class Splits:
    """Where the rows of each series are cut by time.

    Attributes:
        train: (S,) rows before the validation.
        valid: (S,) rows before the test.
    """

    train: Integers
    valid: Integers

    @classmethod
    def of(cls, panel: Panel, config: ForecastConfig) -> Splits:
        """The cuts that the settings ask for; a share is at least one horizon where it is not 0.

        Raises:
            InputError: no series is long enough.
        """
        lengths, horizon = panel.lengths, config.horizon
        test = _rows(lengths, config.test_rows, config.test_fraction, horizon)
        valid = _rows(lengths, config.valid_rows, config.valid_fraction, horizon)
        longest = int((lengths - test - valid).max(initial=0))
        if longest <= horizon:
            place = int(lengths.argmax()) if len(lengths) else 0
            parts = [f"{horizon + 1} rows of training"]
            parts += [f"{int(valid[place])} of validation"] if len(lengths) else []
            parts += [f"{int(test[place])} of test"] if len(lengths) and test[place] else []
            raise InputError(
                f"series {panel.ids[place] if len(lengths) else '-'}: has"
                f" {int(lengths.max(initial=0)):,} rows, the most there are, but --horizon"
                f" {horizon} needs {' and '.join(parts)}; make --horizon smaller, keep fewer rows"
                " with --valid-rows and --test-rows, or give longer series"
            )
        # A series too short for its own validation is trained on, as far as it goes.
        short = lengths - test - valid < 1
        end = np.where(short, lengths, lengths - test)
        return cls(np.where(short, lengths, lengths - test - valid), end)

    def places(self, horizon: int, channels: int) -> Places:
        """Every window whose horizon lies in the validation rows."""
        counts = np.maximum(self.valid - self.train - horizon + 1, 0)
        series = np.repeat(np.arange(len(counts)), counts)
        offset = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
        ends = self.train[series] + offset
        return Places(
            np.repeat(series, channels),
            np.tile(np.arange(channels), len(series)),
            np.repeat(ends, channels),
        )


def settle_shape(training: Panel, scaler: Scaler, config: ForecastConfig) -> Shape:
    """The sizes of the network, where the settings leave them to the data."""
    rows = int(training.lengths.max())
    lags = _lags(training, config, rows)
    segment = config.segment or _segment(config)
    look_back = config.look_back or _look_back(training, config, rows, segment)
    numbers = np.arange(len(training))
    reach = Reach(look_back, 0, config.horizon)
    features = Windows(training.select([0]), scaler, numbers[:1], reach).features
    channels = len(training.targets)
    embedding = config.series_embedding
    if embedding is None:
        embedding = 8 if channels > 1 else 0
    count = len(training) * channels if embedding else 1
    form = Form(look_back, config.horizon, features, count, lags, embedding)
    return Shape(form, segment, training.ids)


def check_counts(panel: Panel, config: ForecastConfig) -> None:
    """Raise InputError where counts are expected and something else is found."""
    if config.head != "negative-binomial":
        return
    known = np.isfinite(panel.values)
    wrong = known & ((panel.values < 0) | (panel.values != np.round(panel.values)))
    if wrong.any():
        row, channel = (int(place) for place in np.argwhere(wrong)[0])
        series = int(np.searchsorted(panel.borders, row, side="right")) - 1
        raise InputError(
            f"series {panel.ids[series]}: {panel.targets[channel]} is {panel.values[row, channel]}"
            f" in its row {row - int(panel.borders[series]) + 1}, but --head negative-binomial is"
            " for counts (0, 1, 2 …); choose another head"
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


def _segment(config: ForecastConfig) -> int:
    """The largest piece of at most 48 rows that divides a look-back that was chosen."""
    if config.look_back is None:
        return min(config.horizon, 24)
    return max(size for size in range(1, 49) if config.look_back % size == 0)


def _look_back(training: Panel, config: ForecastConfig, rows: int, segment: int) -> int:
    seasons = [item for item in training.frequency.seasons if 2 * item <= _LONGEST_LOOK_BACK]
    wanted = max(3 * config.horizon, 2 * max(seasons, default=8))
    wanted = max(1, min(wanted, rows - config.horizon))
    if config.model != "segments":
        return wanted
    return max(segment, wanted // segment * segment)
