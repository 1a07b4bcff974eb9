"""What a model expects of the next steps of many series.

Legend: S rows of a panel (series, or pairs of a series and a forecast origin), L horizon,
C channels, Q levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elman.data.series.panel import Floats

LEVELS = tuple(sorted({0.025, 0.975, *(round(0.05 * step, 2) for step in range(1, 20))}))
"""The quantiles of a forecast: 0.05 to 0.95, and the ends of the 95 % interval."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is expected of the next L steps of each row of a panel.

    Attributes:
        mean: (S, L, C).
        levels: (Q,) ascending, between 0 and 1, those of `LEVELS` among them.
        quantiles: (S, L, C, Q), not crossing.
    """

    mean: Floats
    levels: tuple[float, ...]
    quantiles: Floats

    def after(self, gap: int) -> Forecast:
        """Without the first `gap` steps."""
        return Forecast(self.mean[:, gap:], self.levels, self.quantiles[:, gap:])

    @property
    def horizon(self) -> int:
        return int(self.mean.shape[1])

    def at(self, level: float) -> Floats:
        """(S, L, C) the quantile of a level that is among `levels`."""
        place = int(np.argmin(np.abs(np.asarray(self.levels) - level)))
        assert abs(self.levels[place] - level) < 1e-9, (level, self.levels)
        return self.quantiles[..., place]
