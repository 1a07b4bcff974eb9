"""A table as the task reads it, how it is cut for training, and the network that its rows allow.

Legend: S series, C channels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from pydantic import TypeAdapter

from elman.data.series.columns import Columns
from elman.data.series.panel import Integers, Panel
from elman.data.series.panel_file import load_panel, save_panel
from elman.data.series.scaler import Scaler
from elman.data.series.windows import Reach, Windows
from elman.errors import InputError
from elman.files import write_json
from elman.models.cells import cell_options
from elman.models.forecaster import Form
from elman.models.forecaster_architecture import ForecasterArchitecture
from elman.tasks.forecast.config import ForecastConfig

# A lag is of use where most of the training rows have it.
_LAG_SHARE = 3
# A season longer than this is for lags and the calendar, not for the look-back.
_LONGEST_LOOK_BACK = 512


@dataclass(frozen=True, eq=False)
class ForecastData:
    """The user's table, once it is read.

    Attributes:
        panel: without the calendar.
        columns: how it was read.
        notes: what there was to say about it.
    """

    panel: Panel
    columns: Columns
    notes: Sequence[str] = ()

    def save(self, folder: Path) -> None:
        save_panel(self.panel, folder / "panel.safetensors")
        content = {"columns": asdict(self.columns), "notes": list(self.notes)}
        write_json(folder / "columns.json", content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote.

        Raises:
            InputError: missing or damaged files.
        """
        path = folder / "columns.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            columns = TypeAdapter(Columns).validate_python(content["columns"])
            notes = [str(note) for note in content["notes"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{path}: cannot be read as the columns of a run ({reason}); train the run again"
            ) from error
        return cls(load_panel(folder / "panel.safetensors"), columns, notes)


class Places(NamedTuple):
    """Windows: (R,) each its series, its channel, and how many rows are known."""

    series: Integers
    channels: Integers
    ends: Integers


@dataclass(frozen=True, eq=False)
class TimeSplit:
    """Where the rows of each series are cut by time.

    Attributes:
        train: (S,) rows before the validation.
        valid: (S,) rows before the test.
    """

    train: Integers
    valid: Integers

    @classmethod
    def of(cls, panel: Panel, config: ForecastConfig) -> TimeSplit:
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

    def places(self, horizon: int, channels: int, most: int) -> Places:
        """At most so many windows, evenly spaced, whose horizon is in the validation rows."""
        counts = np.maximum(self.valid - self.train - horizon + 1, 0)
        series = np.repeat(np.arange(len(counts)), counts)
        offset = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
        ends = self.train[series] + offset
        places = Places(
            np.repeat(series, channels),
            np.tile(np.arange(channels), len(series)),
            np.repeat(ends, channels),
        )
        count = len(places.ends)
        if count <= most:
            return places
        kept = np.arange(most) * count // most
        return Places(*(part[kept] for part in places))


def asked_columns(config: ForecastConfig) -> Columns:
    """What the settings say of the columns of a table."""
    return TypeAdapter(Columns).validate_python(config.model_dump())


def settle_architecture(
    training: Panel, scaler: Scaler, config: ForecastConfig
) -> ForecasterArchitecture:
    """The network of `config`, with sizes that the data say where the settings leave them open."""
    rows = int(training.lengths.max())
    lags = _lags(training, config, rows)
    segment = config.segment or _segment(config)
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
