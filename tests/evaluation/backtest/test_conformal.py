"""How many held-out errors intervals are calibrated on, and how they are kept."""

import numpy as np
import pytest

from elman.evaluation.backtest import conformal
from elman.evaluation.backtest.conformal import GRID, Conformal, held_out_values
from tests.evaluation.backtest.forecasters import waves

HORIZON = 6


def test_a_series_without_room_does_not_take_origins_from_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conformal, "_CALIBRATED_ON", 4)
    panel = waves(count=2, length=60)
    first = panel.lengths - HORIZON - np.array([3, -1])  # 4 origins, and one row too few for any
    assert held_out_values(panel, HORIZON, first) == 4 * HORIZON
    assert held_out_values(panel, HORIZON, panel.lengths - HORIZON + 1) == 0


def test_kept_as_it_was_and_never_with_values_that_json_does_not_have() -> None:
    made = Conformal((0.1, 0.9), np.array([[-1.0, 1.5]] * HORIZON), (50,) * HORIZON)
    again = Conformal.from_bytes(made.to_bytes())
    assert (again.levels, again.counts) == (made.levels, made.counts)
    np.testing.assert_array_equal(again.shifts, made.shifts)
    assert set(made.levels) < set(GRID)
    broken = Conformal((0.1, 0.9), np.full((HORIZON, 2), np.nan), (50,) * HORIZON)
    with pytest.raises(ValueError, match="JSON"):
        broken.to_bytes()
