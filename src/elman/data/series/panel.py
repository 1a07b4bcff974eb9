"""Many time series as one value: flat arrays with borders, so memory is linear in the rows.

Legend: S series, N rows of all series together, T rows of one series, C channels (targets),
K static, P past and F future covariates, M rows of the future covariates, Q levels, L horizon.

Series s has the rows `borders[s] : borders[s + 1]` of `values`, `observed` and `past`, and the rows
`future_borders[s] : future_borders[s + 1]` of `future`; both begin at `starts[s]`, and the second
may go on beyond the last known value.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError

from elman.data.optional import library
from elman.data.series.frequency import Frequency, Stamps, spoken
from elman.errors import InputError
from elman.files import write_bytes
from elman.parse import parse_json

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Booleans: TypeAlias = npt.NDArray[np.bool_]

Role: TypeAlias = Literal["static", "past", "future"]
Missing: TypeAlias = Literal["refuse", "forward", "interpolate", "zero", "mask"]


@dataclass(frozen=True)
class Covariate:
    """One column that is not forecast.

    Attributes:
        name: of the column in the data, or of the calendar feature.
        role: "static" (one value a series), "past" (known up to now), "future" (known ahead).
        categories: what its codes stand for; empty for a number. A static category is a code,
            to be embedded (-1 is one never seen); a past or future one has a column of 0 and 1 for
            each category, in this order.
    """

    name: str
    role: Role
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns it has in its array."""
        return len(self.categories) if self.categories and self.role != "static" else 1


@dataclass(frozen=True, eq=False)
class Panel:
    """Series on regular time axes, with all that goes with them.

    Attributes:
        frequency: of every series.
        ids: the S names, in order; in a panel of cuts one name stands for several rows.
        targets: the names of the C channels.
        starts: (S,) stamp of each first row: datetime64[ns], or int64 where time is counted in
            steps. In UTC where there is a time zone and the frequency is shorter than a day, the
            time on the wall otherwise.
        borders: (S + 1,) int64, where series begin in the rows.
        values: (N, C), NaN where nothing is known (under `missing="mask"`, or before a channel
            begins).
        observed: (N, C), whether the data had it; what was filled is in `values` all the same,
            but no forecast is scored on it.
        static: (S, K).
        past: (N, columns), no NaN.
        future: (M, columns), no NaN.
        future_borders: (S + 1,) int64; at least as many rows a series as it has values.
        covariates: of all roles, in the order of their columns.
        time_zone: an IANA name, or None.
        missing: how gaps were filled.
    """

    frequency: Frequency
    ids: tuple[str, ...]
    targets: tuple[str, ...]
    starts: Stamps
    borders: Integers
    values: Floats
    observed: Booleans
    static: Floats
    past: Floats
    future: Floats
    future_borders: Integers
    covariates: tuple[Covariate, ...] = ()
    time_zone: str | None = None
    missing: Missing = "refuse"

    def __len__(self) -> int:
        """The number of series, S."""
        return len(self.ids)

    @property
    def lengths(self) -> Integers:
        """(S,) known rows of each series."""
        return np.diff(self.borders)

    @property
    def ahead(self) -> Integers:
        """(S,) rows of future covariates beyond the last value of each series."""
        return np.diff(self.future_borders) - self.lengths

    def of(self, role: Role) -> tuple[Covariate, ...]:
        """The covariates of one role, in the order of their columns."""
        return tuple(item for item in self.covariates if item.role == role)

    def rows(self, series: int) -> slice:
        """Where the rows of a series are in `values`, `observed` and `past`."""
        return slice(int(self.borders[series]), int(self.borders[series + 1]))

    def future_rows(self, series: int) -> slice:
        """Where the rows of a series are in `future`."""
        return slice(int(self.future_borders[series]), int(self.future_borders[series + 1]))

    def times(self, series: int) -> Stamps:
        """(T,) the stamps of a series."""
        return self.frequency.shift(self.starts[series], np.arange(self.lengths[series]))

    def next_times(self, series: int, ahead: int) -> Stamps:
        """(ahead,) the stamps of the rows that follow a series."""
        rows = self.lengths[series] + np.arange(ahead)
        return self.frequency.shift(self.starts[series], rows)

    def when(self, series: int, row: int) -> str:
        """The time of a row of a series, or of one after it, for people."""
        return spoken(self.frequency.shift(self.starts[[series]], np.array([row]))[0])

    def clock(self, times: Stamps) -> Any:
        """A pandas index of stamps as they are to be written: in the time zone; steps stay."""
        if self.frequency.counted:
            return times
        index = library("pandas").DatetimeIndex(times)
        if self.time_zone is None or not self.frequency.intraday:
            return index
        return index.tz_localize("UTC").tz_convert(self.time_zone)

    def wall(self, times: Stamps) -> Stamps:
        """Stamps as the clock on the wall shows them, without their zone."""
        if self.time_zone is None or not self.frequency.intraday:
            return times
        return np.asarray(self.clock(times).tz_localize(None).to_numpy())

    def select(self, series: npt.ArrayLike) -> Panel:
        """The chosen series, in the order given; one may be chosen more than once."""
        chosen = np.asarray(series, dtype=np.int64)
        return self.between(chosen, np.zeros_like(chosen), self.lengths[chosen])

    def head(self, lengths: npt.ArrayLike, context: int | None = None) -> Panel:
        """What was known after the first `lengths` (S,) rows of each series: the panel at a cut.

        Future covariates stay; all else after the cut is gone. Where gaps were interpolated, one
        that the cut falls into is filled forward, since its other side was not known yet. With a
        `context`, only so many rows before the cut are kept.
        """
        ends = np.broadcast_to(np.asarray(lengths, dtype=np.int64), (len(self),))
        return self.cuts(np.arange(len(self)), ends, context)

    def cuts(self, series: npt.ArrayLike, ends: npt.ArrayLike, context: int | None = None) -> Panel:
        """`head` of each pair (R,) of a series and its known rows: cuts are forecast as a batch."""
        chosen = np.asarray(series, dtype=np.int64)
        stops = np.asarray(ends, dtype=np.int64)
        begins = np.zeros_like(stops) if context is None else np.maximum(stops - context, 0)
        panel = self.between(chosen, begins, stops)
        if self.missing == "interpolate":
            self._fill_ends_forward(panel, self.borders[chosen], begins, stops)
        return panel

    def _fill_ends_forward(
        self, panel: Panel, offsets: Integers, begins: Integers, ends: Integers
    ) -> None:
        """Overwrite in `panel` what interpolation put after the last observation before a cut.

        That may be before the rows `begins : ends` that the panel has of a series.
        """
        rows = np.arange(len(self.values))
        for channel in range(len(panel.targets)):
            known = np.maximum.accumulate(np.where(self.observed[:, channel], rows, -1))
            for pair in np.flatnonzero(ends > begins):
                stop = int(offsets[pair] + ends[pair])
                last = int(known[stop - 1])
                if int(offsets[pair]) <= last < stop - 1:
                    count = min(stop - 1 - last, int(ends[pair] - begins[pair]))
                    place = int(panel.borders[pair + 1])
                    panel.values[place - count : place, channel] = self.values[last, channel]

    def between(self, series: Integers, begins: Integers, ends: Integers) -> Panel:
        """Rows `begins : ends` of each chosen series; the future as far as it is known."""
        offset = self.borders[series]
        rows, borders = gather(offset + begins, offset + ends)
        future_rows, future_borders = gather(
            self.future_borders[series] + begins, self.future_borders[series + 1]
        )
        return replace(
            self,
            ids=tuple(self.ids[place] for place in series),
            starts=self.frequency.shift(self.starts[series], begins),
            borders=borders,
            values=self.values[rows],
            observed=self.observed[rows],
            static=self.static[series],
            past=self.past[rows],
            future=self.future[future_rows],
            future_borders=future_borders,
        )


def borders_of(lengths: npt.ArrayLike) -> Integers:
    """(S + 1,) where parts of such lengths begin, one after the other."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def gather(begins: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """The places of many slices one after the other, and the borders between them."""
    lengths = ends - begins
    borders = borders_of(lengths)
    shift = np.repeat(begins - borders[:-1], lengths)
    return np.arange(borders[-1]) + shift, borders


_ARRAYS = {
    **dict.fromkeys(("starts", "borders", "future_borders"), np.dtype(np.int64)),
    **dict.fromkeys(("values", "static", "past", "future"), np.dtype(np.float64)),
    "observed": np.dtype(np.bool_),
}


def panel_to_bytes(panel: Panel) -> bytes:
    """Safetensors of the arrays, with JSON for the names among them."""
    arrays = {name: np.ascontiguousarray(getattr(panel, name)) for name in _ARRAYS}
    arrays["starts"] = arrays["starts"].view(np.int64)
    names = {
        "frequency": panel.frequency.alias,
        "ids": panel.ids,
        "targets": panel.targets,
        "covariates": [asdict(item) for item in panel.covariates],
        "time_zone": panel.time_zone,
        "missing": panel.missing,
    }
    arrays["names"] = np.frombuffer(json.dumps(names).encode(), np.uint8)
    return safetensors.numpy.save(arrays)


def panel_from_bytes(data: bytes, where: str) -> Panel:
    """What `panel_to_bytes` wrote; `where` is what an error calls it."""
    try:
        arrays: dict[str, Any] = safetensors.numpy.load(data)
        names: dict[str, Any] = parse_json(arrays.pop("names").tobytes())
        if any(arrays[name].dtype != dtype for name, dtype in _ARRAYS.items()):
            raise TypeError("numbers of another kind")
        frequency = Frequency.named(names.pop("frequency"))
        if not frequency.counted:
            arrays["starts"] = arrays["starts"].view("datetime64[ns]")
        covariates = tuple(
            Covariate(item["name"], item["role"], tuple(item["categories"]))
            for item in names.pop("covariates")
        )
        ids, targets = tuple(names.pop("ids")), tuple(names.pop("targets"))
        panel = Panel(frequency, ids, targets, covariates=covariates, **names, **arrays)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{where}: cannot be read as time series ({error}); train the run again"
        ) from error
    if not _fits(panel):
        raise InputError(f"{where}: its arrays do not fit together; train the run again")
    return panel


def save_panel(panel: Panel, path: Path) -> None:
    """Write a panel, whole or not at all."""
    write_bytes(path, panel_to_bytes(panel))


def load_panel(path: Path) -> Panel:
    """What `save_panel` wrote."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read as time series ({error.strerror or error}); train the run"
            " again"
        ) from error
    return panel_from_bytes(data, str(path))


def _fits(panel: Panel) -> bool:
    series, rows = len(panel.ids), len(panel.values)

    def good(borders: Any, last: int) -> bool:
        whole = borders.shape == (series + 1,) and borders[0] == 0 and borders[-1] == last
        return bool(whole and (np.diff(borders) >= 0).all())

    return (
        good(panel.borders, rows)
        and good(panel.future_borders, len(panel.future))
        and bool((panel.ahead >= 0).all() or not panel.of("future"))
        and panel.values.shape == panel.observed.shape == (rows, len(panel.targets))
        and panel.starts.shape == (series,)
        and len(panel.static) == series
        and len(panel.past) == rows
    )
