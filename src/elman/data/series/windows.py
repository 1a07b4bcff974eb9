"""Windows of a panel as batches: what was known at a cut, and what came after it.

Legend: S series, C channels, N rows of all series, T look-back, K rows before it that only lags
reach, H horizon, B batch, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from elman.data.batching import RowBatch
from elman.data.series.panel import Floats, Integers, Panel, borders_of
from elman.data.series.scaler import Scaler
from elman.errors import InputError

Order = Literal["swept", "sampled"]


@dataclass(frozen=True, eq=False)
class WindowBatch(RowBatch):
    """A `Window` of `elman.models.forecaster`: B windows side by side, in the units of the scaler.

    Each channel of a series counts as one of `series`; past covariates are 0 in the last H rows.
    """

    values: Tensor
    observed: Tensor
    features: Tensor
    targets: Tensor
    scored: Tensor
    series: Tensor
    scale: Tensor

    reset: ClassVar[None] = None
    """No state is carried from one batch to the next."""

    @property
    def batch_size(self) -> int:
        return len(self.series)

    @property
    def steps(self) -> int:
        return len(self.features)

    @property
    def units(self) -> int:
        return int(self.scored.sum())

    def select(self, rows: Tensor) -> WindowBatch:
        return self._each(lambda _, part: part.index_select(min(1, part.dim() - 1), rows))

    def split(self, parts: int) -> list[WindowBatch]:
        return self._cut(parts)


@dataclass(frozen=True, eq=False)
class Reach:
    """How far windows reach: T rows back, K before them, H ahead."""

    look_back: int
    before: int
    horizon: int


class Windows:
    """Every window of a panel, made when it is asked for; memory is linear in the rows.

    Args:
        panel: the series.
        scaler: as training measured it.
        numbers: (S,) which series of training each is; -1 for one it did not know.
        reach: the sizes.
    """

    def __init__(self, panel: Panel, scaler: Scaler, numbers: Integers, reach: Reach) -> None:
        self.panel, self.reach, self.numbers = panel, reach, numbers
        self.channels = len(panel.targets)
        self.location, self.scale = scaler.for_panel(panel, numbers)
        spread = np.repeat(self.scale, panel.lengths, axis=0)
        middle = np.repeat(self.location, panel.lengths, axis=0)
        known = np.isfinite(panel.values)
        scaled = np.where(known, (panel.values - middle) / spread, 0.0)
        self._values = scaled.astype(np.float32)
        self._known = known.astype(np.float32)
        self._scored = (known & panel.observed).astype(np.float32)
        self._past = _standard(panel.past, scaler.past)
        self._future = _standard(panel.future, scaler.future)
        self._static = _static(panel, scaler)

    @property
    def features(self) -> int:
        return int(self._past.shape[1] + self._future.shape[1] + self._static.shape[1])

    def at(self, series: Integers, channels: Integers, ends: Integers) -> WindowBatch:
        """The windows that end before row `ends` (B,) of each series (B,), one channel (B,) each.

        Rows before the first of a series and after its last are 0 and not observed.
        """
        reach, panel = self.reach, self.panel
        begin, end = panel.borders[series], panel.borders[series + 1]
        back = reach.before + reach.look_back
        rows = (begin + ends) + np.arange(-back, reach.horizon)[:, None]  # (K + T + H, B)
        inside = (rows >= begin) & (rows < end)
        rows = np.where(inside, rows, 0)
        values = self._values[rows, channels] * inside
        observed = np.concatenate(
            [self._known[rows[:back], channels], self._scored[rows[back:], channels]]
        )
        observed = observed * inside
        values = np.where(observed > 0, values, np.float32(0))
        numbers = self.numbers[series] * self.channels + channels
        return WindowBatch(
            values=torch.from_numpy(values[:back]),
            observed=torch.from_numpy(observed[:back].astype(np.float32)),
            features=torch.from_numpy(self._features(series, ends)),
            targets=torch.from_numpy(values[back:]),
            scored=torch.from_numpy(observed[back:].astype(np.float32)),
            series=torch.from_numpy(np.maximum(numbers, 0)),
            scale=torch.from_numpy(self.scale[series, channels].astype(np.float32)),
        )

    def unscale(self, values: Floats, series: Integers, channels: Integers) -> Floats:
        """Values (B, …) in the data's own units."""
        shape = (-1, *[1] * (values.ndim - 1))
        location, scale = self.location[series, channels], self.scale[series, channels]
        return values * scale.reshape(shape) + location.reshape(shape)

    def _features(self, series: Integers, ends: Integers) -> np.ndarray:
        """(T + H, B, F) of windows that end before `ends`."""
        reach, panel = self.reach, self.panel
        steps = np.arange(-reach.look_back, reach.horizon)[:, None]
        parts = [
            _rows(self._future, panel.future_borders, series, ends + steps),
            _rows(self._past, panel.borders, series, np.where(steps < 0, ends + steps, -1)),
            np.broadcast_to(self._static[series], (len(steps), len(series), self._static.shape[1])),
        ]
        return np.concatenate(parts, axis=-1)


class TrainingWindows:
    """An endless, resumable source of training batches.

    "swept" visits every window once an epoch, in an order drawn anew from (seed, epoch); "sampled"
    draws series, channel and place from (seed, step), each series as likely as any other.

    A window has its whole horizon in the panel, and its whole look-back too unless the series is
    shorter than both together.

    Raises:
        InputError: no series has more rows than the horizon.
    """

    def __init__(self, windows: Windows, batch_size: int, seed: int, order: Order) -> None:
        self._windows, self._batch_size = windows, batch_size
        self._seed, self._order = seed, order
        reach, lengths = windows.reach, windows.panel.lengths
        last = lengths - reach.horizon
        self._first = np.minimum(reach.look_back, last)
        counts = np.where(last >= 1, last - self._first + 1, 0)
        self._borders = borders_of(counts)
        self._full = np.flatnonzero(counts)
        self._total = int(self._borders[-1]) * windows.channels
        if not self._total:
            raise InputError(
                f"the longest series has {int(lengths.max(initial=0))} training rows, but a horizon"
                f" of {reach.horizon} needs at least {reach.horizon + 1}; make --horizon smaller or"
                " keep less for validation and test"
            )
        self._step = 0
        self._epoch, self._permutation = -1, np.zeros(0, dtype=np.int64)

    @property
    def steps_per_epoch(self) -> int:
        return max(1, -(-self._total // self._batch_size))

    def __next__(self) -> WindowBatch:
        chosen = self._swept() if self._order == "swept" else self._sampled()
        self._step += 1
        return self._windows.at(*chosen)

    def state_dict(self) -> dict[str, Any]:
        return {"step": self._step}

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        self._step = int(state["step"])

    def _swept(self) -> tuple[Integers, Integers, Integers]:
        epoch, position = divmod(self._step, self.steps_per_epoch)
        if epoch != self._epoch:
            draw = np.random.default_rng((self._seed, epoch))
            self._epoch, self._permutation = epoch, draw.permutation(self._total)
        begin = position * self._batch_size
        flat = self._permutation[begin : begin + self._batch_size]
        place, channels = np.divmod(flat, self._windows.channels)
        series = np.searchsorted(self._borders, place, side="right") - 1
        return series, channels, self._first[series] + place - self._borders[series]

    def _sampled(self) -> tuple[Integers, Integers, Integers]:
        draw, size = np.random.default_rng((self._seed, self._step)), self._batch_size
        series = draw.choice(self._full, size)
        counts = self._borders[series + 1] - self._borders[series]
        ends = self._first[series] + draw.integers(counts)
        return series, draw.integers(self._windows.channels, size=size), ends


def _rows(columns: np.ndarray, borders: Integers, series: Integers, places: Integers) -> np.ndarray:
    """(R, B, columns): the rows `places` (R, B) of each series, 0 outside of it."""
    begin, end = borders[series], borders[series + 1]
    rows = begin + places
    inside = (places >= 0) & (rows < end)
    if not columns.shape[1]:
        return np.zeros((*rows.shape, 0), dtype=np.float32)
    found: np.ndarray = columns[np.where(inside, rows, 0)] * inside[..., None]
    return found.astype(np.float32, copy=False)


def _standard(columns: Floats, measured: Floats) -> np.ndarray:
    """Columns with mean 0 and spread 1 over training."""
    scaled: np.ndarray = ((columns - measured[0]) / measured[1]).astype(np.float32)
    return scaled


def _static(panel: Panel, scaler: Scaler) -> np.ndarray:
    """(S, columns): numbers standardized, a category as one column of 0 and 1 for each it has."""
    parts = [np.zeros((len(panel), 0), dtype=np.float32)]
    for place, covariate in enumerate(panel.of("static")):
        column = panel.static[:, place]
        if covariate.categories:
            codes = np.arange(len(covariate.categories))
            parts.append((column[:, None] == codes).astype(np.float32))
        else:
            parts.append(_standard(column[:, None], scaler.static[:, [place]]))
    return np.concatenate(parts, axis=1)
