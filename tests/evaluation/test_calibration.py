from __future__ import annotations

import numpy as np
import pytest

from elman.evaluation.calibration import calibration_of

RANDOM = np.random.default_rng(0)


@pytest.mark.fault(42)
@pytest.mark.parametrize("count", [50, 500])
def test_perfect_probabilities_are_not_called_off(count: int) -> None:
    found = []
    for _ in range(20):
        confidence = RANDOM.uniform(0.5, 1, count)
        right = RANDOM.random(count) < confidence
        found.append(calibration_of(confidence, right, np.arange(count)))
    assert sum(each.is_off for each in found) <= 4
    assert np.mean([each.error for each in found]) == pytest.approx(
        np.mean([each.expected for each in found]), rel=0.15
    )
    assert all(each.is_off == (each.low > 0) for each in found)


def test_the_interval_holds_the_true_error() -> None:
    confidence = RANDOM.uniform(0.6, 1, 4000)
    right = RANDOM.random(4000) < confidence - 0.1
    found = calibration_of(confidence, right, np.arange(4000))
    assert found.is_off
    assert found.low < 0.1 < found.high
    assert found.high - found.low < 0.05
    assert found.count == 4000


def test_steps_of_one_row_are_drawn_together() -> None:
    confidence = np.full(1000, 0.7)
    row = np.repeat(np.arange(20), 50)
    right = (np.arange(20) % 2 == 0)[row]
    together = calibration_of(confidence, right, row)
    apart = calibration_of(confidence, right, np.arange(1000))
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_nothing_has_no_error() -> None:
    found = calibration_of(np.zeros(0), np.zeros(0, bool), np.zeros(0, int))
    assert (found.error, found.low, found.high, found.is_off) == (0, 0, 0, False)


def test_of_nothing_there_is_no_error() -> None:
    found = calibration_of(np.zeros(0), np.zeros(0, bool), np.zeros(0, np.int64))
    assert (found.error, found.low, found.high, found.count) == (0.0, 0.0, 0.0, 0)
    assert not found.is_off
