"""Rows are values: taken, told apart by identity, and named by their place."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from elman.data.labeled.rows import Origin, Texts


def origin() -> Origin:
    return Origin((Path("a.csv"), Path("b.csv")), np.array([0, 1, 1]), np.array([2, 0, 7]))


def test_the_place_of_a_row() -> None:
    made = origin()
    assert [made.where(row) for row in range(3)] == ["a.csv:2", "b.csv", "b.csv:7"]
    taken = Texts(("x", "y", "z"), made).take(np.array([2, 0]))
    assert (taken.texts, taken.origin.where(0)) == (("z", "x"), "b.csv:7")


def test_rows_with_arrays_are_told_apart_by_identity_and_never_changed() -> None:
    made = origin()
    assert made == made
    assert made != origin()
    assert len({made, origin()}) == 2
    with pytest.raises(FrozenInstanceError):
        made.line = np.zeros(3)  # type: ignore[misc]
