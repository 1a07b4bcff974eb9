"""A live table: a new row in, the updated forecast out, in constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
import torch

from elman.data.given import Frame
from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Floats, Panel, panel_from_bytes, panel_to_bytes
from elman.data.tables.dialect import names_delimiter
from elman.errors import InputError
from elman.layers.state import State
from elman.predictors.forecaster_records import (
    ForecastStreaming,
    forecast_records,
    quantile_levels,
    written_times,
)
from elman.predictors.forecaster_rows import Header, Row, RowReader
from elman.predictors.panel_forecaster import PanelForecaster
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.text_input import LineInput

Rows: TypeAlias = str | bytes | Mapping[str, Any] | Sequence[Mapping[str, Any]] | Frame
"""Text of a table that begins with its header, cut anywhere; or a row, rows, or a frame."""

# A gap longer than this is a mistake in the times rather than rows that are missing.
_LONGEST_GAP = 10_000


@dataclass(frozen=True, eq=False)
class _Live:
    """One series as far as it has come."""

    panel: Panel
    """Its last rows, as many as the network reads again, without the calendar."""
    state: State | None
    """Of a network that carries it from row to row."""
    forecast: Forecast | None = None
    """After the last row, once it is made; a snapshot leaves it out, since the rest tells it."""


@final
class ForecasterSession(Session[Rows, dict[str, Any]]):
    """Rows of a table in; after each row the forecast of the next ones.

    An autoregressive network goes on from its state; the others read their look-back again. Either
    way the forecast is that of a fresh look at the whole history. A row that is left out is
    filled as `--missing` says (`interpolate` can't see the other side and takes the last value).
    InputError for an alarm that a network without intervals can't give.
    """

    kind: ClassVar[str] = "forecaster"

    def __init__(
        self,
        model: Identified,
        forecaster: PanelForecaster,
        columns: Columns,
        history: Panel,
        options: ForecastStreaming,
    ) -> None:
        super().__init__(model)
        self._forecaster, self._columns, self._history = forecaster, columns, history
        self._options = options
        self._horizon = options.horizon or forecaster.model.form.horizon
        self._levels = quantile_levels(options.levels)
        if options.alarm is not None and not forecaster.has_spread:
            raise InputError(
                f"--alarm {options.alarm:g}: this network gives no intervals; train with another"
                " --head or with --conformal"
            )
        self._sides = quantile_levels([options.alarm]) if options.alarm is not None else ()
        self._wanted = tuple(sorted({*self._levels, *self._sides, *LEVELS}))
        self._rows = RowReader(history, columns)
        self.reset()

    def reset(self) -> None:
        self._lines = LineInput()
        self._header: Header | None = None
        self._count = 0
        self._live: dict[str, _Live] = {}

    def _read(self, chunk: Rows) -> Iterator[dict[str, Any]]:
        if isinstance(chunk, str | bytes):
            with closing(self._lines.read(chunk)) as lines:
                for line in lines:
                    yield from self._line(line)
            return
        for found in _rows_of(chunk):
            self._count += 1
            yield from self._row(found, f"row {self._count}")

    def _end(self) -> Iterator[dict[str, Any]]:
        for line in self._lines.end():
            yield from self._line(line)
        self.reset()

    def _another(self) -> ForecasterSession:
        return ForecasterSession(
            self._identified, self._forecaster, self._columns, self._history, self._options
        )

    def _snapshot(self) -> Snapshot:
        states, panels = {}, {}
        for number, live in enumerate(self._live.values()):
            data = bytearray(panel_to_bytes(live.panel))
            panels[str(number)] = torch.frombuffer(data, dtype=torch.uint8)
            if live.state is not None:
                states[str(number)] = live.state.clone()
        values = {
            "lines": self._lines.state,
            "header": self._header and asdict(self._header),
            "rows": self._count,
            "series": list(self._live),
            "history": self._history_hash,
        }
        return Snapshot(self.kind, self._identified.fingerprint, states, panels, values)

    def _restore(self, snapshot: Snapshot) -> None:
        values = snapshot.values
        if values["history"] != self._history_hash:
            raise InputError(
                "the snapshot has another history than this session; give the same --history"
            )
        lines = LineInput()
        lines.state = values["lines"]
        header = values["header"] and Header.restored(**values["header"])
        live = {}
        for number, name in enumerate(values["series"]):
            data = snapshot.tensors[str(number)].numpy().tobytes()
            panel = panel_from_bytes(data, "the snapshot")
            state = self._state(name, panel, snapshot.states.get(str(number)))
            live[name] = _Live(self._known_ahead(name, panel), state)
        self._lines, self._header, self._count = lines, header, int(values["rows"])
        self._live = live

    @cached_property
    def _history_hash(self) -> str:
        """Of the rows that a series begins from; covariates known ahead may be given anew."""
        own = self._history
        digest = hashlib.sha256(repr((own.ids, own.targets, own.frequency)).encode())
        for array in (own.starts, own.borders, own.values, own.past):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _state(self, name: str, panel: Panel, state: State | None) -> State | None:
        """The state that goes with the last rows of a series, once both are sure to fit."""
        own = self._history_of(name)
        kept = ("frequency", "ids", "targets", "covariates", "time_zone", "missing")
        if any(getattr(panel, part) != getattr(own, part) for part in kept):
            raise ValueError(f"the rows of series {name} are not like those of the history")
        if panel.frequency.rows_between(own.starts, panel.starts)[0] < 0 or not len(panel.values):
            raise ValueError(f"the rows of series {name} are before the history")
        template = self._forecaster.initial_state(len(panel.targets))
        if (state is None) != (template is None):
            raise ValueError(f"series {name} is without the state of its network")
        if state is None or template is None:  # both, as was just seen
            return None
        return state.like(template, f"the state of series {name}")

    def _known_ahead(self, name: str, panel: Panel) -> Panel:
        """The panel with what the history of this session knows ahead, if that reaches as far."""
        own = self._history_of(name)
        place = int(panel.frequency.rows_between(own.starts, panel.starts)[0])
        count = len(panel.values)
        future = np.vstack([panel.future[:count], own.future[place + count :]])
        if len(future) < len(panel.future):
            return panel
        return replace(panel, future=future, future_borders=np.array([0, len(future)]))

    def _line(self, line: str) -> Iterator[dict[str, Any]]:
        if not line.strip():
            return
        place = self._lines.place
        if self._header is not None:
            yield from self._row(self._header.row(line, place), place)
            return
        if names_delimiter(line):  # the header shows it as well
            return
        header = Header.of(line, place, self._columns.dialect)
        self._rows.check(header.names, place)
        self._header = header
        if not header.dialect.header:
            yield from self._row(header.row(line, place), place)

    def _row(self, found: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
        row = self._rows.row(found, where, self._last)
        live = self._live.get(row.series) or self._begin(row.series)
        if gap := _missing_before(live.panel, row):
            live = self._advance(live, _filler(live.panel), None, gap)
        before = (live.forecast or self._forecast(live)) if self._sides else None
        values = np.where(np.isnan(row.values), _filler(live.panel), row.values)
        live = self._advance(live, values, row)
        forecast = self._forecast(live)
        self._live[row.series] = replace(live, forecast=forecast)
        cutoff = written_times(live.panel, live.panel.times(0)[-1:])[0]

        def more(channel: int) -> dict[str, Any]:
            """What the row itself was, and whether it was far from what was expected."""
            value = float(row.values[channel])
            if before is None:
                return {"cutoff": cutoff, "last": value}
            low, *_, high = (float(before.at(side)[0, 0, channel]) for side in self._sides)
            # What is missing is far from nothing: every comparison with it is false.
            return {"cutoff": cutoff, "last": value, "alarm": int(value < low or value > high)}

        levels = self._levels if self._forecaster.has_spread else ()
        yield from forecast_records(self._columns, live.panel, forecast, levels, more)

    def _forecast(self, live: _Live) -> Forecast:
        ready = self._forecaster.ready(live.panel, self._horizon)
        return self._forecaster.forecast_after(ready, live.state, self._horizon, self._wanted)

    def _last(self, series: str) -> Any:
        """The time of the last row of a series."""
        live = self._live.get(series)
        return (live.panel if live else self._history_of(series)).times(0)[-1]

    def _history_of(self, series: str) -> Panel:
        return self._history.select([self._history.ids.index(series)])

    def _begin(self, series: str) -> _Live:
        """A series at the end of its history."""
        panel = self._history_of(series)
        ready = self._forecaster.ready(panel, self._horizon)
        state = self._forecaster.state_after(ready, None, self._horizon)
        return _Live(panel.head(panel.lengths, self._forecaster.rows_kept), state)

    def _advance(self, live: _Live, values: Floats, row: Row | None, rows: int = 1) -> _Live:
        """One row on, or so many that are missing, which `row` None stands for."""
        panel = live.panel
        seen = np.zeros(len(values), bool) if row is None else ~np.isnan(row.values)
        past = panel.past[-1:] if row is None else row.past[None]
        past = np.where(np.isnan(past), panel.past[-1:], past)
        count = len(panel.values) + rows
        declared = bool(panel.of("future"))
        panel = replace(
            panel,
            values=np.vstack([panel.values, np.tile(values, (rows, 1))]),
            observed=np.vstack([panel.observed, np.tile(seen, (rows, 1))]),
            past=np.vstack([panel.past, np.tile(past, (rows, 1))]),
            borders=np.array([0, count]),
            future=panel.future if declared else np.zeros((count, 0)),
            future_borders=panel.future_borders if declared else np.array([0, count]),
        )
        kept = panel.head(panel.lengths, self._forecaster.rows_kept)
        if live.state is None:
            return _Live(kept, None)
        ready = self._forecaster.ready(panel if rows > 1 else kept, self._horizon)
        state = self._forecaster.state_after(ready, live.state, self._horizon, rows)
        return _Live(kept, state)


def _rows_of(chunk: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a mapping, of a list of mappings or of a frame."""
    chunk = [chunk] if isinstance(chunk, Mapping) else chunk
    if not isinstance(chunk, Sequence):
        try:
            chunk = library("pyarrow").table(chunk).to_pylist()
        except (TypeError, ValueError) as error:
            raise InputError(
                f"expected text, rows or a frame, got {type(chunk).__name__} ({error})"
            ) from error
    for found in chunk:
        if not isinstance(found, Mapping):
            raise InputError(
                f"expected rows that map a column to a value, got {type(found).__name__}"
            )
        yield found


def _missing_before(panel: Panel, row: Row) -> int:
    """How many rows are missing between the panel's last row and this one."""
    rows = panel.frequency.rows_between(panel.starts[:1], np.array([row.stamp]))
    place, count = int(rows[0]), len(panel.values)
    expected = written_times(panel, panel.next_times(0, 1))[0]
    where = f"{row.where}: series {row.series}"
    if place < count:
        reason = "is off the grid of rows or before the series" if place < 0 else "was there before"
        raise InputError(f"{where}: the time {row.written} {reason}; {expected} is expected next")
    if place - count > _LONGEST_GAP:
        raise InputError(
            f"{where}: {row.written} comes {place - count:,} rows after {expected}, which is"
            f" expected next, and at most {_LONGEST_GAP:,} are filled; correct the time, or begin"
            " after the gap with --history"
        )
    if place > count and panel.missing == "refuse":
        raise InputError(
            f"{where}: {expected} is missing before {row.written}; give it, or train with another"
            " --missing"
        )
    return place - count


def _filler(panel: Panel) -> Floats:
    """What stands where a value is missing."""
    if panel.missing == "mask":
        return np.full(len(panel.targets), np.nan)
    return np.zeros(len(panel.targets)) if panel.missing == "zero" else panel.values[-1]
