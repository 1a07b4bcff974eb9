import pytest

from benchmarks.speed.cells import Cell
from benchmarks.speed.layer_norm import COLUMNS, NATIVE, REFERENCE, WITHOUT, row, timed
from benchmarks.speed.match import Effort
from tests.benchmarks.speed.matches import MACHINE


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_everyone_has_a_turn_in_each_round(mode: str) -> None:
    times = timed(Cell("LSTM", mode, 3, 2, 4, 4), 1, Effort(2, 60.0))  # type: ignore[arg-type]
    assert {who: len(those) for who, those in times.items()} == {
        NATIVE: 2,
        REFERENCE: 2,
        WITHOUT: 2,
    }
    assert all(second > 0 for those in times.values() for second in those)


def test_a_line_is_judged_by_the_ratio_to_the_reference() -> None:
    cell = Cell("RNN", "infer", 9, 2, 5, 5)
    slow = row(cell, 1, {NATIVE: [2.0], REFERENCE: [5.0], WITHOUT: [1.0]}, MACHINE)
    quick = row(cell, 1, {NATIVE: [1.0], REFERENCE: [3.0], WITHOUT: [1.0]}, MACHINE)
    assert dict(zip(COLUMNS, slow, strict=True))["verdict"] == "missed"
    assert slow[-1] == "2.00"
    assert dict(zip(COLUMNS, quick, strict=True))["verdict"] == "met"
