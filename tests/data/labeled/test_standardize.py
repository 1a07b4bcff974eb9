"""Tests of a standardizer that is fitted row by row."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data.labeled.standardize import RunningStandardizer, Standardizer


def test_row_by_row_is_all_at_once() -> None:
    draw = np.random.default_rng(0)
    rows = [draw.normal(1000, 2, (size, 3)).astype(np.float32) for size in (5, 1, 0, 40)]
    for row in rows:
        row[:, 2] = 7
    running = RunningStandardizer(3)
    for row in rows:
        running.add(row)
    whole, found = Standardizer.fit(np.concatenate(rows)), running.result()
    assert found.mean == pytest.approx(whole.mean, rel=1e-12)
    assert found.deviation == pytest.approx(whole.deviation, rel=1e-9)
    assert found.deviation[2] == 1


def test_invert_undoes_apply() -> None:
    scale = Standardizer((3.0, -1.0), (2.0, 0.5))
    np.testing.assert_allclose(
        scale.invert(np.array([[1, 2], [-1, 0]], np.float32)), [[5, 0], [1, -1]]
    )
