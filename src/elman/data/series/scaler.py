"""The scale of each series, and of its covariates, as training saw them.

Legend: S series, C channels, N rows of all series together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import safetensors.numpy

from elman.data.series.panel import Floats, Panel, gather

Scaling = Literal["standard", "mean", "none"]

# A series that hardly moves, against its own size, is not blown up to the size of one that does.
_FLAT = 1e-8


@dataclass(frozen=True, eq=False)
class Scaler:
    """Location and scale: what a network sees is (value - location) / scale.

    Attributes:
        kind: "standard" takes the mean and the standard deviation of a series, "mean" keeps zero
            where it is and divides by the mean of the absolute values (DeepAR's scale, Salinas et
            al. 2017, section 3.3), "none" leaves the values as they are.
        location: (S, C).
        scale: (S, C).
        past: (2, columns), location and scale of each past covariate.
        future: (2, columns), of each future covariate.
        static: (2, columns), of each static covariate.
    """

    kind: Scaling
    location: Floats
    scale: Floats
    past: Floats
    future: Floats
    static: Floats

    @classmethod
    def fit(cls, panel: Panel, kind: Scaling) -> Scaler:
        """The scaler of the rows in `panel`; of its future only those that its values have."""
        begins = panel.future_borders[:-1]
        rows = gather(begins, begins + panel.lengths)[0]
        return cls(
            kind,
            *measure(panel, kind),
            _columns(panel.past),
            _columns(panel.future[rows]),
            _columns(panel.static),
        )

    def for_panel(self, panel: Panel, numbers: np.ndarray) -> tuple[Floats, Floats]:
        """Location and scale (S, C) of the series in `panel`.

        `numbers` (S,) says which series of training each is; -1 is one that it did not know, which
        is measured on its own rows.
        """
        location, scale = self.location[numbers], self.scale[numbers]
        new = numbers < 0
        if new.any():
            own = measure(panel.select(np.flatnonzero(new)), self.kind)
            location, scale = location.copy(), scale.copy()
            location[new], scale[new] = own
        return location, scale

    def to_bytes(self) -> bytes:
        names = ("location", "scale", "past", "future", "static")
        return safetensors.numpy.save(
            {name: np.ascontiguousarray(getattr(self, name)) for name in names}
        )

    @classmethod
    def from_bytes(cls, data: bytes, kind: Scaling) -> Scaler:
        """What `to_bytes` gave."""
        return cls(kind, **safetensors.numpy.load(data))


def measure(panel: Panel, kind: Scaling) -> tuple[Floats, Floats]:
    """Location and scale (S, C) of each series, over the rows where something is known."""
    shape = (len(panel), len(panel.targets))
    if kind == "none":
        return np.zeros(shape), np.ones(shape)
    seen = np.isfinite(panel.values)
    values = np.where(seen, panel.values, 0.0)
    count = np.maximum(_sums(panel, seen.astype(float)), 1)
    if kind == "mean":
        location = np.zeros(shape)
        scale = _sums(panel, np.abs(values)) / count
    else:
        location = _sums(panel, values) / count
        centered = np.where(seen, values - np.repeat(location, panel.lengths, axis=0), 0.0)
        scale = np.sqrt(_sums(panel, centered**2) / count)
    flat = scale <= _FLAT * np.abs(location)
    return location, np.where(flat, 1.0, scale)


def _sums(panel: Panel, values: Floats) -> Floats:
    """(S, C): the sum of `values` (N, C) over each series; 0 for one without rows."""
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0, dtype=np.longdouble)])
    return np.asarray(np.diff(sums[panel.borders], axis=0), dtype=float)


def _columns(values: Floats) -> Floats:
    """(2, columns): mean and standard deviation of each column, 1 for one that does not move."""
    if not len(values):
        return np.vstack([np.zeros(values.shape[1]), np.ones(values.shape[1])])
    spread = values.std(axis=0)
    return np.vstack([values.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)])
